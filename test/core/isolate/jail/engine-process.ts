/** Runs the small engine of `engine.ts` and reads its one line of facts. */
import { join } from "node:path";
import type { JailReport } from "../../../../core/isolate/jail/lockdown.ts";

export interface Facts {
  readonly pids: readonly number[];
  readonly report: JailReport | null;
  readonly builderReport: JailReport | null;
  readonly calls: Readonly<Record<string, string>>;
  /** Of a child that only the spawner's thread holds. */
  readonly unfiltered: Readonly<Record<string, string>>;
  readonly visible: Readonly<Record<string, boolean>>;
  readonly mayRestore: boolean;
  readonly idle: boolean;
}

export interface EngineProcess {
  readonly process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly facts: Facts;
}

export async function runEngine(args: readonly string[], wrapper: readonly string[] = []): Promise<EngineProcess> {
  const engine = Bun.spawn([...wrapper, process.execPath, join(import.meta.dir, "engine.ts"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "" },
  });
  let text = "";
  for await (const chunk of engine.stdout) {
    text += new TextDecoder().decode(chunk);
    if (text.includes("\n")) return { process: engine, facts: JSON.parse(text) as Facts };
  }
  throw new Error(`the engine of the test ended: ${await new Response(engine.stderr).text()}`);
}
