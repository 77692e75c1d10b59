/** The engine and its commands inside the test's own process, from source, so that coverage sees what they run. */
import "reflect-metadata";
import { resolve } from "node:path";
import { COMMANDS } from "../../core/cli/commands.ts";
import { configInput } from "../../core/cli/config-input.ts";
import { PLAIN } from "../../core/cli/paint.ts";
import { parseArguments } from "../../core/cli/parse.ts";
import { consoleOver } from "../../core/cli/console.ts";
import { startServing } from "../../core/cli/serving.ts";
import { start } from "../../core/cli/start.ts";
import { configFiles, configStates, LiveConfig, readConfig } from "../../core/config/index.ts";
import { resolveFormat } from "../../core/log.ts";
import type { Sink } from "../../core/log/sink.ts";
import pkg from "../../package.json" with { type: "json" };
import { BUILT_INS } from "../../plugins/index.ts";
import type { LogLines } from "./log-lines.ts";

const MAIN = resolve(import.meta.dir, "../../core/main.ts");

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process has one folder, one environment and one output: one command after the other. */
let turn: Promise<unknown> = Promise.resolve();

export function runInProcess(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  const ran = turn.then(() => run(args, cwd, env));
  turn = ran.catch(() => {});
  return ran;
}

/** As a process of its own would see it; everything is put back. */
async function run(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Promise<Ran> {
  const said = { stdout: "", stderr: "" };
  const before = { cwd: process.cwd(), env: { ...process.env }, main: Bun.main };
  const writers = { stdout: process.stdout.write, stderr: process.stderr.write };
  const into = (name: "stdout" | "stderr") =>
    ((text: string | Uint8Array) => {
      said[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      return true;
    }) as typeof process.stdout.write;
  // Children are started by the name of the main file.
  Object.assign(Bun, { main: MAIN });
  replaceEnv(env);
  process.chdir(cwd);
  process.stdout.write = into("stdout");
  process.stderr.write = into("stderr");
  try {
    const code = await start(args, () => Promise.resolve(BUILT_INS));
    return { code, ...said };
  } finally {
    process.stdout.write = writers.stdout;
    process.stderr.write = writers.stderr;
    process.chdir(before.cwd);
    replaceEnv(before.env);
    Object.assign(Bun, { main: before.main });
  }
}

function replaceEnv(env: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  Object.assign(process.env, env);
}

export interface Served {
  readonly url: string;
  stop(): Promise<void>;
}

/** An engine of this process, set up as `serve` does it; what it prints goes to `lines`. */
export async function serveInProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  lines: LogLines,
): Promise<Served> {
  const before = { env: { ...process.env }, main: Bun.main };
  Object.assign(Bun, { main: MAIN });
  replaceEnv(env);
  const printed = new TransformStream<Uint8Array, Uint8Array>();
  const writer = printed.writable.getWriter();
  const read = lines.read(printed.readable);
  const end = async (): Promise<void> => {
    replaceEnv(before.env);
    await writer.close();
    await read;
  };
  try {
    const serving = await serve(args, (text) => void writer.write(Buffer.from(text)));
    return {
      url: serving.url,
      async stop() {
        await serving.stop();
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  } finally {
    Object.assign(Bun, { main: before.main });
  }
}

async function serve(args: readonly string[], write: (text: string) => void): Promise<Served> {
  const parsed = parseArguments(args, COMMANDS);
  if (parsed.kind !== "run") throw new Error(`These arguments do not serve: ${args.join(" ")}`);
  const input = configInput(parsed.flags);
  const since = configStates(configFiles(input.dir, input.file));
  const loaded = readConfig(input);
  const config = new LiveConfig(loaded.config);
  // log.format needs a restart: what it is now, it stays.
  const format = resolveFormat(config.current.log.format, false, config.current.dev);
  const sink: Sink = { write, flushSync() {}, drain: () => Promise.resolve(), dropped: 0 };
  const out = consoleOver(sink, config, format, PLAIN);
  const serving = await startServing({ input, since, loaded, config, out, builtIns: BUILT_INS, version: pkg.version });
  await serving.engine.built;
  serving.follow(0);
  return {
    url: serving.engine.url,
    async stop() {
      await serving.stop();
      out.log.flush();
      await out.scriptLogs.flush();
    },
  };
}
