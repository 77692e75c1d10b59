/** Starts the engine and ends it: lock, children, scripts, server, in that order and back. */
import { join } from "node:path";
import { mkdirSync } from "node:fs";
import type { BuiltInPlugin, EndpointInfo, PluginInfo, RedactionCapability } from "../sdk/plugin.ts";
import type { Config, LiveConfig } from "./config/index.ts";
import { BUILDER, compose, ENGINE, ISOLATES, PLUGINS, REGISTRY, SEAT, TRASH } from "./container.ts";
import { StartError } from "./errors.ts";
import { routeInfo } from "./http/event.ts";
import { IDLE_SECONDS, startServer, type HttpServer } from "./http/server.ts";
import type { JailReport } from "./isolate/jail/lockdown.ts";
import { ownCommand } from "./isolate/jail/probe.ts";
import { lockDataDir } from "./lock.ts";
import type { Log } from "./log.ts";
import { problemsOf, type PluginEvent, type PluginHost, type PluginSettings } from "./plugin/host.ts";
import { devDetails, type PluginPlace } from "./plugin/problem.ts";
import { hookedDispatcher } from "./plugin/invoke.ts";
import type { PluginSeat } from "./plugin/seat.ts";
import type { ScriptLogs } from "./log/script-logs.ts";
import type { Isolates, PooledRoute } from "./pool/isolates.ts";
import type { ScriptEvent, ScriptStatus } from "./script/entry.ts";
import type { Registry } from "./script/registry.ts";
import { startSpawner } from "./process/spawner.ts";
import { TypingsWriter } from "./script/typings-writer.ts";
import { checkIsolation } from "./pool/check-isolation.ts";
import { processVessel, type Vessel } from "./pool/vessel.ts";
import { threadVessel } from "./pool/thread-vessel.ts";

export interface EngineOptions {
  readonly config: LiveConfig;
  readonly pluginSettings: PluginSettings;
  readonly version: string;
  readonly log: Log;
  readonly scriptLogs: Pick<ScriptLogs, "release">;
  /** Of this log. */
  readonly redaction: RedactionCapability;
  /** The plugins of the binary. */
  readonly builtIns: readonly BuiltInPlugin[];
  readonly onScript: (event: ScriptEvent) => void;
  readonly onPlugin: (event: PluginEvent) => void;
}

export interface Engine {
  readonly url: string;
  readonly mode: "process" | "thread";
  readonly jail: JailReport;
  scripts(): readonly ScriptStatus[];
  plugins(): readonly PluginInfo[];
  endpoints(): readonly EndpointInfo[];
  /** Where in the files of a plugin an error arose; nothing for any other. */
  placeOf(error: unknown): PluginPlace;
  /** Scripts whose first build still goes on. */
  unbuilt(): number;
  /** Settles when there are none. Never rejects. */
  readonly built: Promise<unknown>;
  /** Takes over another config, of the keys that may change in a running engine; all of it, or nothing and false. */
  reconfigure(config: Config, settings: PluginSettings): Promise<boolean>;
  /** Finishes what is under way, up to `server.shutdownTimeoutMs`. */
  stop(): Promise<void>;
}

/** Builds that take longer go on while the engine already serves. */
const START_PATIENCE_MS = 3000;

/** `auto`: a process wherever one can be had. */
export function isolateMode(config: Config): "process" | "thread" {
  if (config.isolates.mode !== "auto") return config.isolates.mode as "process" | "thread";
  return process.platform === "win32" ? "thread" : "process";
}

/** @throws StartError with a sentence for the operator. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const undo: Undo = [];
  try {
    return await start(options, undo);
  } catch (error) {
    await unwind(undo, options.log);
    throw error;
  }
}

/** How to end what was begun, in the order of its beginning. */
type Undo = (() => void | Promise<void>)[];

/** Each step is taken, whatever becomes of the others: the lock must not stay because a child did not end. */
async function unwind(undo: Undo, log: Log): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    try {
      await step();
    } catch (error) {
      log.error("a part of the engine did not end well", { error });
    }
  }
}

async function start(options: EngineOptions, undo: Undo): Promise<Engine> {
  const { config: live, version, log, scriptLogs, onScript } = options;
  const { dir, dev, isolates: isolation } = live.current;
  const mode = isolateMode(live.current);
  const scriptsDir = join(dir, "scripts");
  const dataDir = join(dir, "data");
  const lock = lockDataDir(dataDir);
  undo.push(() => lock.release());
  prepareScripts(scriptsDir);
  const spawner = await startSpawner({ command: ownCommand(), jail: true });
  undo.push(() => spawner.dispose());
  const openVessel = (args: readonly string[] = []): Promise<Vessel> =>
    mode === "thread" ? threadVessel(args) : spawner.spawn("isolate", args).then(processVessel);
  const checked = checkIsolation(mode, isolation.require, () => openVessel(["--self-test"]));
  checked.catch(() => {}); // awaited below; until then a failure is not lost, only early

  let ready = false;
  let jail: JailReport = { held: [], lacking: [] };
  const root = compose({
    config: live,
    dataDir,
    log,
    scriptLogs,
    redaction: options.redaction,
    version,
    spawner,
    openVessel: () => openVessel(),
    builtIns: options.builtIns,
    pluginSettings: options.pluginSettings,
    facts: {
      version,
      dev,
      mode,
      ready: () => ready,
      jail: () => ({ held: jail.held, lacking: jail.lacking.map(({ part }) => part) }),
      paused: () => isolates.paused,
      scripts: () => registry.scripts,
      routes: () => registry.routeList.map(({ value }) => routeInfo(value)),
      plugins: () => plugins.plugins,
    },
    onScript(event) {
      onScript(event);
      if (event.kind !== "threw" && event.kind !== "warning") root.resolve(ENGINE).changed();
    },
    onPlugin(event) {
      options.onPlugin(event);
      if (event.kind !== "changed") return;
      root.resolve(ENGINE).changed();
      typings.soon();
      // Scripts may see other services and points now; those for which nothing changes keep their version.
      registry.reconfigure();
    },
  });
  const seat = root.resolve(SEAT);
  const typings = new TypingsWriter({
    scriptsDir,
    version,
    given: () => seat.types,
    onError: (error) =>
      log.warn("types could not be written beside the scripts: editors will not complete them", {
        error: messageOf(error),
      }),
  });
  const plugins = root.resolve(PLUGINS);
  undo.push(() => plugins.dispose());
  const isolates = root.resolve(ISOLATES);
  undo.push(() => isolates.dispose());
  // Beside the self-test: the first request finds an isolate that is ready.
  isolates.warm();
  await startPlugins(plugins);
  undo.push(() => root.resolve(BUILDER).dispose());
  const registry = root.resolve(REGISTRY);
  undo.push(() => root.resolve(TRASH).close());
  undo.push(() => registry.close());
  registry.watch();
  plugins.watch((error) => log.warn("dropped plugins may go unnoticed until the next start", { error }));
  [jail] = await Promise.all([checked, loadScripts(registry, scriptsDir)]);
  const server = listen(options, registry, isolates, seat);
  lock.announce(server.url);
  undo.push(() => typings.close());
  typings.soon();
  ready = true;
  root.resolve(ENGINE).changed();
  const stop = async (): Promise<void> => {
    ready = false;
    // Who holds answers open for ever ends them now, or the server would wait for them in vain.
    root.resolve(ENGINE).changed();
    await server.stop(live.current.server.shutdownTimeoutMs);
    await unwind(undo, log);
  };
  const reconfigure = async (config: Config, settings: PluginSettings): Promise<boolean> => {
    // First what may be refused.
    if (!(await plugins.reload(settings))) return false;
    live.replace(config);
    isolates.warm();
    registry.reconfigure();
    return true;
  };
  return {
    url: server.url,
    mode,
    jail,
    scripts: () => registry.status,
    plugins: () => plugins.plugins,
    endpoints: () => plugins.current.endpoints(),
    placeOf: (error) => seat.generation.placeOf(error),
    unbuilt: () => registry.unbuilt,
    built: registry.built,
    reconfigure,
    stop,
  };
}

/** @throws StartError that tells of each plugin at fault. */
export async function startPlugins(plugins: PluginHost): Promise<void> {
  try {
    await plugins.start();
  } catch (error) {
    const told = problemsOf(error).map(({ file, line, message, frame, hint }) => {
      const place = file === undefined ? "" : `${file}${line === undefined ? "" : `:${line}`}: `;
      return [`${place}${message}`, frame, hint].filter((part) => part !== undefined && part !== "").join("\n");
    });
    throw new StartError(told.join("\n"), { exitCode: 2, cause: error });
  }
}

function listen(
  { config: live, log }: EngineOptions,
  registry: Registry,
  isolates: Isolates,
  seat: PluginSeat,
): HttpServer {
  const { server, dev } = live.current;
  const { cert, key } = server.tls;
  return startServer({
    host: server.host,
    port: server.port,
    maxHeaderBytes: server.maxHeaderBytes,
    get requestTimeoutMs() {
      return live.current.server.requestTimeoutMs;
    },
    get trustedProxies() {
      return live.current.server.trustedProxies;
    },
    sockets: server.sockets,
    ...(cert && key ? { tls: { cert, key } } : {}),
    outlasts: (route) => {
      const { wallMs, streamIdleMs } = (route as PooledRoute).pool.script.limits;
      return wallMs >= IDLE_SECONDS * 1000 || streamIdleMs >= IDLE_SECONDS * 1000;
    },
    requestBytes: (route) => (route as PooledRoute).pool.script.limits.requestBytes,
    dev,
    routes: () => registry.routes,
    unbuilt: () => registry.unbuilt,
    plugins: () => seat.generation,
    dispatcher: hookedDispatcher(isolates, () => seat.generation.chains.invoke),
    onFailure(error, id) {
      const place = seat.generation.placeOf(error);
      log.error("request failed", { id, error, ...place });
      return devDetails(place, error);
    },
  });
}

function prepareScripts(scriptsDir: string): void {
  try {
    mkdirSync(scriptsDir, { recursive: true });
  } catch (error) {
    const isFile = (error as NodeJS.ErrnoException).code === "EEXIST";
    const why = isFile ? "it is a file; move it away" : messageOf(error);
    throw new StartError(`The folder for scripts, ${scriptsDir}, cannot be made: ${why}.`, { cause: error });
  }
}

async function loadScripts(registry: Registry, scriptsDir: string): Promise<void> {
  try {
    await registry.start(START_PATIENCE_MS);
  } catch (error) {
    throw new StartError(`The folder for scripts, ${scriptsDir}, cannot be read: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
