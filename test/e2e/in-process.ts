/** The engine and its commands inside the test's own process, from source, so that coverage sees what they run. */
import "reflect-metadata";
import { join, resolve } from "node:path";
import { renderBanner } from "../../core/cli/banner.ts";
import { COMMANDS } from "../../core/cli/commands.ts";
import { followConfig, type ConfigWatcher } from "../../core/cli/config-change.ts";
import { configInput } from "../../core/cli/config-input.ts";
import { PLAIN } from "../../core/cli/paint.ts";
import { parseArguments } from "../../core/cli/parse.ts";
import { tellPlugin } from "../../core/cli/plugin-event.ts";
import { tellEndpoints } from "../../core/cli/endpoint-event.ts";
import { tellScript } from "../../core/cli/script-event.ts";
import type { Console } from "../../core/cli/console.ts";
import { start } from "../../core/cli/start.ts";
import { configFiles, configStates, LiveConfig, readConfig } from "../../core/config/index.ts";
import { startEngine } from "../../core/engine.ts";
import { createLog, resolveFormat, type Log } from "../../core/log.ts";
import { createScriptLogs } from "../../core/log/script-logs.ts";
import { createSecrets } from "../../core/log/secrets.ts";
import type { Sink } from "../../core/log/sink.ts";
import { settingsOf } from "../../core/plugin/settings.ts";
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
  const out = openConsole(config, write);
  const following: { config?: ConfigWatcher; endpoints?: () => void } = {};
  const engine = await startEngine({
    config,
    pluginSettings: settingsOf(loaded, BUILT_INS),
    version: pkg.version,
    log: out.log,
    scriptLogs: out.scriptLogs,
    redaction: out.secrets,
    builtIns: BUILT_INS,
    onScript(event) {
      tellScript(event, out);
      following.endpoints?.();
    },
    onPlugin(event) {
      tellPlugin(event, out);
      if (event.kind !== "changed") return;
      following.config?.retry();
      following.endpoints?.();
    },
  });
  await engine.built;
  const { url, mode, jail } = engine;
  const banner = {
    version: pkg.version,
    url,
    dir: config.current.dir,
    mode,
    jail,
    plugins: engine.plugins(),
    scripts: engine.scripts(),
    endpoints: engine.endpoints(),
    dev: config.current.dev,
    startMs: 0,
  };
  out.log.flush();
  if (out.format === "pretty") write(renderBanner(banner, out.paint));
  else out.log.info("listening", { url });
  following.endpoints = tellEndpoints(engine, out.log);
  following.config = followConfig(input, config, BUILT_INS, engine, out, since);
  return {
    url,
    async stop() {
      following.config?.close();
      await engine.stop();
      out.log.flush();
      await out.scriptLogs.flush();
    },
  };
}

function openConsole(config: LiveConfig, write: (text: string) => void): Console {
  const formatNow = (): "json" | "pretty" => resolveFormat(config.current.log.format, false, config.current.dev);
  const scriptLogs = createScriptLogs({
    dataDir: join(config.current.dir, "data"),
    limits: () => config.current.log,
    onTrouble: (folder, error) => log.warn("log lines of scripts are lost", { folder, error }),
    onRecovered: (lost) => log.info("the logs of scripts are written again", { lost }),
  });
  const secrets = createSecrets();
  const log: Log = createLog({
    get level() {
      return config.current.log.level;
    },
    get format() {
      return formatNow();
    },
    write,
    now: Date.now,
    secrets,
    scripts: scriptLogs,
  });
  const sink = { write, flushSync() {}, drain: () => Promise.resolve() } as unknown as Sink;
  return {
    log,
    secrets,
    sink,
    scriptLogs,
    get format() {
      return formatNow();
    },
    paint: PLAIN,
  };
}
