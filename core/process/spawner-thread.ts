/** The engine's side of a thread that has restricted itself and starts children, which inherit that. */
import type { PathRule } from "../isolate/jail/landlock.ts";
import { isEmbedded } from "../isolate/jail/startup-paths.ts";
import type { SpawnerReply, SpawnerRequest } from "../isolate/spawner-worker.ts";
import type { ChildEnds, Exit, StartedChild } from "../isolate/jail/start-child.ts";

export type ChildStarter = (command: readonly string[], ends: ChildEnds) => Promise<StartedChild>;

export interface SpawnerThread {
  readonly start: ChildStarter;
  /** Children die with their thread (PDEATHSIG), so they are ended before. */
  stop(): void;
}

interface Waiting {
  started(child: StartedChild): void;
  failed(error: Error): void;
  exited(exit: Exit): void;
}

/** In a binary the worker lies beside the main file: `bun build --compile core/main.ts core/isolate/spawner-worker.ts`. */
function workerUrl(): URL {
  return new URL(
    isEmbedded(import.meta.url) ? "./isolate/spawner-worker.js" : "../isolate/spawner-worker.ts",
    import.meta.url,
  );
}

/** `rules`: all that the children, and the thread itself, may still reach in the file system. */
export async function startSpawnerThread(rules: readonly PathRule[]): Promise<SpawnerThread> {
  const worker = new Worker(workerUrl().href);
  const send = (request: SpawnerRequest): void => worker.postMessage(request);
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let gone: Error | null = null;

  await new Promise<void>((resolve, reject) => {
    const end = (reason: string): void => {
      gone ??= new Error(`the thread that starts children has ended: ${reason}`);
      reject(gone);
      for (const entry of waiting.values()) {
        entry.failed(gone);
        entry.exited({ code: null, signal: "SIGKILL" }); // they die with their thread (PDEATHSIG)
      }
      waiting.clear();
    };
    worker.onerror = (event) => end(event.message);
    worker.addEventListener("close", () => end("it was stopped"));
    worker.onmessage = ({ data }: MessageEvent<SpawnerReply>) => {
      if (data.type === "restricted") return resolve();
      const entry = waiting.get(data.id);
      if (entry === undefined) return;
      if (data.type === "started") return entry.started(handle(data.id, data.pid, entry, send));
      waiting.delete(data.id);
      if (data.type === "failed") return entry.failed(new Error(data.reason));
      entry.exited(data.exit);
    };
    send({ type: "restrict", rules });
  });

  const start: ChildStarter = (command, ends) =>
    new Promise((started, failed) => {
      if (gone !== null) return failed(gone);
      const id = nextId++;
      waiting.set(id, { started, failed, exited: () => {} });
      send({ type: "start", id, command, ends });
    });

  return { start, stop: () => worker.terminate() };
}

/** Stands in for a child that the thread holds. */
function handle(id: number, pid: number, entry: Waiting, send: (request: SpawnerRequest) => void): StartedChild {
  const exited = new Promise<Exit>((resolve) => {
    entry.exited = resolve;
  });
  return { pid, exited, kill: () => send({ type: "kill", id }) };
}
