/** What `doctor` sees of a project folder: config, plugins, port, data, scripts. It changes nothing there. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { readConfig, type Config, type LoadedConfig } from "../config/index.ts";
import { checkPlugins } from "../config/plugins.ts";
import { StartError } from "../errors.ts";
import { portHolder } from "../http/port-holder.ts";
import { problemsOf } from "../plugin/host.ts";
import { listPlugins } from "../plugin/offline.ts";
import { settingsOf } from "../plugin/settings.ts";
import { discoverScripts } from "../script/source.ts";
import type { Call } from "./command.ts";
import { configInput } from "./config-input.ts";
import { knownPlugins } from "./config.ts";

export interface Finding {
  readonly what: "config" | "plugins" | "port" | "data" | "scripts";
  /** With an error no engine starts here; with a warning it may not. */
  readonly state: "ok" | "warning" | "error";
  readonly message: string;
  /** What to do next. */
  readonly hint?: string;
}

export async function inspectProject(call: Pick<Call, "flags" | "builtIns" | "version">): Promise<readonly Finding[]> {
  let loaded: LoadedConfig;
  try {
    loaded = readConfig(configInput(call.flags));
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return [{ what: "config", state: "error", message: error.message }];
  }
  const { config } = loaded;
  const engine = runningEngine(config.dir);
  return [
    await configFinding(loaded, call),
    await pluginsFinding(loaded, call),
    portFinding(config, engine),
    dataFinding(config.dir, engine),
    await scriptsFinding(config.dir),
  ];
}

async function configFinding(loaded: LoadedConfig, { builtIns }: Pick<Call, "builtIns">): Promise<Finding> {
  const { dir, file, profile } = loaded.config;
  try {
    checkPlugins(loaded, await knownPlugins(dir, builtIns));
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { what: "config", state: "error", message: error.message };
  }
  const read = file === undefined ? "no config file: the defaults" : relative(dir, file);
  return { what: "config", state: "ok", message: profile === undefined ? read : `${read}, profile ${profile}` };
}

async function pluginsFinding(
  loaded: LoadedConfig,
  { builtIns: load, version }: Pick<Call, "builtIns" | "version">,
): Promise<Finding> {
  const builtIns = await load();
  const project = { dir: loaded.config.dir, builtIns, settings: settingsOf(loaded, builtIns), engineVersion: version };
  const plugins = await listPlugins(project).catch((error: unknown) => problemsOf(error));
  const problems = plugins.flatMap((one) => ("problems" in one ? one.problems : [one]));
  if (problems.length > 0) {
    const message = problems.map((problem) => problem.message).join(" ");
    return { what: "plugins", state: "error", message, hint: "See: aiwebengine plugins" };
  }
  const on = plugins.filter((one) => "enabled" in one && one.enabled);
  const dropped = on.filter((one) => "origin" in one && one.origin !== "built-in").length;
  return { what: "plugins", state: "ok", message: `${on.length - dropped} built in, ${dropped} of the project` };
}

interface RunningEngine {
  readonly pid: number;
  readonly url: string;
}

/** The engine that says it serves this folder; it may have been killed since. */
function runningEngine(dir: string): RunningEngine | undefined {
  try {
    const { pid, url } = JSON.parse(readFileSync(join(dir, "data/run/engine.json"), "utf8")) as Partial<RunningEngine>;
    if (!Number.isSafeInteger(pid) || typeof url !== "string" || !URL.canParse(url)) return undefined;
    process.kill(pid as number, 0);
    return { pid: pid as number, url };
  } catch {
    return undefined; // none runs, or another user's, of which nothing can be said
  }
}

function portFinding({ server: { host, port } }: Config, engine: RunningEngine | undefined): Finding {
  const where = `${host}:${port}`;
  if (engine !== undefined && Number(new URL(engine.url).port) === port)
    return { what: "port", state: "ok", message: `${where} is this folder's own engine (process ${engine.pid})` };
  try {
    Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
    return { what: "port", state: "ok", message: port === 0 ? `${host}, any that is free` : `${where} is free` };
  } catch (error) {
    const holder = portHolder(port);
    const why = holder === null ? (error instanceof Error ? error.message : String(error)) : `${holder} listens there`;
    return {
      what: "port",
      state: "warning",
      message: `${where} cannot be had: ${why}`,
      hint: "Choose another with --port or server.port, or end what holds it.",
    };
  }
}

function dataFinding(dir: string, engine: RunningEngine | undefined): Finding {
  const data = join(dir, "data");
  const there = existsSync(data);
  try {
    accessSync(there ? data : dirname(data), constants.W_OK);
  } catch {
    return {
      what: "data",
      state: "warning",
      message: `${data} cannot be written by this user`,
      hint: "Give this user the folder, or choose another with --dir.",
    };
  }
  const { builds, bytes } = cacheSize(join(data, "cache"));
  const held = engine === undefined ? "" : `, held by the engine at ${engine.url} (process ${engine.pid})`;
  const cache = `${builds} cached ${builds === 1 ? "build" : "builds"}, ${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  return { what: "data", state: "ok", message: there ? `${cache}${held}` : "not made yet" };
}

function cacheSize(folder: string): { readonly builds: number; readonly bytes: number } {
  if (!existsSync(folder)) return { builds: 0, bytes: 0 };
  let bytes = 0;
  for (const path of readdirSync(folder, { recursive: true }) as string[]) {
    // Builds come and go under a running engine.
    bytes += statSync(join(folder, path), { throwIfNoEntry: false })?.size ?? 0;
  }
  return { builds: readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name)).length, bytes };
}

async function scriptsFinding(dir: string): Promise<Finding> {
  const { scripts, problems } = await discoverScripts(join(dir, "scripts"));
  const message = `${scripts.length} in ${join(dir, "scripts")}`;
  if (problems.length === 0) return { what: "scripts", state: "ok", message };
  return {
    what: "scripts",
    state: "warning",
    message: problems.map((one) => one.message).join("; "),
    hint: "See: aiwebengine check",
  };
}
