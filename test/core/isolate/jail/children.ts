/** Starts test children through the real spawner and talks to them in lines. */
import { join } from "node:path";
import { startSpawner, type Child, type ChildKind, type Spawner } from "../../../../core/process/spawner.ts";

export const COMMAND: readonly string[] = [process.execPath, join(import.meta.dir, "jailed-child.ts")];

export interface Talk {
  readonly child: Child;
  /** Sends the name of an act, and gives back its result. Rejects when the child ends instead. */
  ask<Answer>(act: string): Promise<Answer>;
  close(): void;
}

export async function talkTo(child: Child): Promise<Talk> {
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  const lines: string[] = [];
  let ended: Error | null = null;
  let pending = "";
  const next = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const line = lines.shift();
      if (line !== undefined) resolve(line);
      else if (ended !== null) reject(ended);
      else waiting.push({ resolve, reject });
    });
  const socket = await Bun.connect({
    fd: child.fd,
    socket: {
      data(_socket: unknown, chunk: Buffer) {
        pending += chunk.toString();
        const whole = pending.split("\n");
        pending = whole.pop() ?? "";
        for (const line of whole) {
          const first = waiting.shift();
          if (first === undefined) lines.push(line);
          else first.resolve(line);
        }
      },
      async close() {
        const exit = await child.exited;
        ended = new Error(`the child ended: ${JSON.stringify(exit)} ${child.stderr()}`);
        for (const { reject } of waiting.splice(0)) reject(ended);
      },
    },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  await next();
  return {
    child,
    close: () => socket.end(),
    async ask<Answer>(act: string): Promise<Answer> {
      socket.write(`${act}\n`);
      return JSON.parse(await next()) as Answer;
    },
  };
}

export async function withSpawner<Result>(jail: boolean, use: (spawner: Spawner) => Promise<Result>): Promise<Result> {
  const spawner = await startSpawner({ command: COMMAND, jail });
  try {
    return await use(spawner);
  } finally {
    await spawner.dispose();
  }
}

export async function withChild<Result>(
  options: { readonly kind?: ChildKind; readonly args?: readonly string[]; readonly jail?: boolean },
  use: (talk: Talk) => Promise<Result>,
): Promise<Result> {
  return withSpawner(options.jail ?? true, async (spawner) =>
    use(await talkTo(await spawner.spawn(options.kind ?? "isolate", options.args ?? []))),
  );
}
