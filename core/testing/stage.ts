/** An engine without a port: one script at a time, in the jail and under its limits, with data that nobody keeps. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProblemError } from "../../sdk/errors.ts";
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import { limitsFor, LiveConfig, scriptConfig, type Config, type LoadedConfig } from "../config/index.ts";
import { BUILDER, compose, ISOLATES, PLUGINS, POINTS, SEAT } from "../container.ts";
import { isolateMode, startPlugins } from "../engine.ts";
import { routeInfo } from "../http/event.ts";
import { createHandler } from "../http/handler.ts";
import { ownCommand } from "../isolate/jail/probe.ts";
import { RUNNER, type StepResult } from "../isolate/testing/seam.ts";
import type { Limits } from "../config/index.ts";
import type { Log } from "../log.ts";
import { createSecrets } from "../log/secrets.ts";
import { hookedDispatcher } from "../plugin/invoke.ts";
import { settingsOf } from "../plugin/settings.ts";
import { newEntry, type ScriptEvent } from "../script/entry.ts";
import type { PooledRoute } from "../pool/isolates.ts";
import { killProblem } from "../pool/kill.ts";
import { Serving } from "../script/serving.ts";
import type { ScriptSource } from "../script/source.ts";
import { startSpawner } from "../process/spawner.ts";
import { threadVessel } from "../pool/thread-vessel.ts";
import type { BuildProblem, BuildResult, BuiltPointRegistration, Json, ScriptBundle } from "../script/types.ts";
import { isPoint } from "../script/types.ts";
import type { Version } from "../script/version.ts";
import { processVessel, type Vessel } from "../pool/vessel.ts";
import { installClock } from "./clock.ts";
import { ScriptData } from "./data.ts";
import { runnerPlugin } from "./plugin.ts";
import { answerOf, requestOf } from "./wire.ts";

export interface StageOptions {
  readonly loaded: LoadedConfig;
  readonly version: string;
  readonly builtIns: readonly BuiltInPlugin[];
  /** Services fetch nothing; scripts are refused by their own realm. */
  readonly offline: boolean;
  /** What the engine itself would log as an error, while a step ran. */
  readonly onError: (message: string) => void;
  readonly onThrown: (event: Extract<ScriptEvent, { kind: "threw" }>) => void;
  /** Before those that waited for the isolate are told. */
  readonly onKill: (problem: ProblemError) => void;
  /** What scripts log. */
  readonly onLog?: (line: { readonly level: string; readonly message: string; readonly data?: unknown }) => void;
}

/** One script, loaded. */
export interface Actor {
  /** In the order of registration. */
  readonly steps: readonly BuiltPointRegistration[];
  /** Of points of other plugins: what has a name and a handler. */
  readonly handlers: readonly BuiltPointRegistration[];
  readonly limits: Limits;
  readonly data: ScriptData;
  /** What a handler answers. @throws ProblemError, as the point's plugin would get it. */
  invoke(handler: BuiltPointRegistration, payload: Json | undefined): Promise<Json | undefined>;
  /** @throws ProblemError when the step passed a limit, or its isolate ended. */
  call(step: BuiltPointRegistration, payload: Json | undefined, wallMs: number): Promise<StepResult>;
  /** The next call finds an isolate that has run nothing yet. */
  renew(): void;
  leave(): void;
}

export interface Stage {
  /** What stands for the project's `data/`. */
  readonly dataDir: string;
  /** With a door for the runner, and with test files: paths relative to the folder of scripts. */
  build(source: ScriptSource, tests: readonly string[]): Promise<BuildResult>;
  /** Answers what is wrong when the script cannot be taken into service. */
  enter(source: ScriptSource, bundle: ScriptBundle): Actor | readonly BuildProblem[];
  /** To the script that is on the stage, as any caller's. */
  request(request: Request): Promise<Response>;
  dispose(): Promise<void>;
}

const ORIGIN = "http://localhost";

/** @throws StartError when a plugin does not load. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { version, builtIns, onError } = options;
  const config = configForTests(options.loaded.config);
  const live = new LiveConfig(config);
  const dataDir = mkdtempSync(join(tmpdir(), "aiwebengine-test-"));
  const removeData = (): void => rmSync(dataDir, { recursive: true, force: true });
  // Also where the process is asked to end before its work is done.
  process.once("exit", removeData);
  const clock = installClock();
  const spawner = await startSpawner({ command: ownCommand(), jail: true });
  const plugins = [
    ...builtIns,
    runnerPlugin({
      request: async (wire, signal) => answerOf(await request(requestOf(wire, ORIGIN, signal))),
      setClock: (epochMs) => clock.set(epochMs),
      offline: options.offline,
    }),
  ];
  const mode = isolateMode(config);
  const settings = settingsOf(options.loaded, plugins);
  const root = compose({
    config: live,
    dataDir,
    log: quietLog(options),
    scriptLogs: { release() {} },
    redaction: createSecrets(),
    version,
    spawner,
    openVessel: (): Promise<Vessel> =>
      mode === "thread" ? threadVessel() : spawner.spawn("isolate", []).then(processVessel),
    builtIns: plugins,
    pluginSettings: { ...settings, enabled: (name) => name === RUNNER || settings.enabled(name) },
    facts: {
      version,
      dev: config.dev,
      mode,
      ready: () => true,
      jail: () => ({ held: [], lacking: [] }),
      paused: () => [],
      scripts: () => [],
      routes: () => {
        const own = [...entries.values()].flatMap((entry) => entry.serving?.routes ?? []);
        return [...seat.routes, ...own].map(({ value }) => routeInfo(value));
      },
      plugins: () => host.plugins,
    },
    onScript(event) {
      if (event.kind === "threw") options.onThrown(event);
    },
    onPlugin() {},
    onKill(script, kill) {
      // What did not load is told in better words to those that wait.
      const untold = kill.cause !== "retired" && (kill.cause !== "load" || kill.limit);
      if (untold) options.onKill(killProblem(script, kill, true));
    },
  });
  const seat = root.resolve(SEAT);
  const isolates = root.resolve(ISOLATES);
  const host = root.resolve(PLUGINS);
  const dispose = async (): Promise<void> => {
    await isolates.dispose();
    await root.resolve(BUILDER).dispose();
    await host.dispose();
    await spawner.dispose();
    clock.restore();
    process.off("exit", removeData);
    removeData();
  };
  isolates.warm();
  try {
    await startPlugins(host);
  } catch (error) {
    await dispose();
    throw error;
  }
  const entries = new Map<string, ReturnType<typeof newEntry>>();
  const serving = new Serving(entries, {
    config,
    isolates,
    pluginRoutes: () => seat.routes,
    takePoints: (versions) => root.resolve(POINTS).take(seat.points, versions),
    answerPoint: (...call) => root.resolve(POINTS).answer(seat.points, ...call),
    onEvent() {},
  });
  serving.starting = false;
  const handle = createHandler({
    trustedProxies: [],
    requestTimeoutMs: config.server.requestTimeoutMs,
    requestBytes: (route) => (route as PooledRoute).pool.script.limits.requestBytes,
    dev: config.dev,
    routes: () => serving.routes,
    unbuilt: () => 0,
    plugins: () => seat.generation,
    dispatcher: hookedDispatcher(isolates, () => seat.generation.chains.invoke),
    outlasts: () => false,
    onFailure: (error) => void onError(String(error)),
  });
  const connection = {
    origin: ORIGIN,
    peer: () => "127.0.0.1",
    hold() {},
    maxMessageBytes: config.server.sockets.maxMessageBytes,
    upgrade() {
      throw new ProblemError("bad_request", "A test asks without a connection: it cannot become a WebSocket.");
    },
  };
  const request = async (given: Request): Promise<Response> => handle(given, connection);

  const enter: Stage["enter"] = (source, bundle) => {
    const { name } = source;
    const entry = newEntry(source);
    entries.set(name, entry);
    serving.adopt(entry, bundle, 0);
    if (entry.serving === null) {
      entries.delete(name);
      return entry.problems;
    }
    const release = (): void => {
      for (const service of seat.services.values()) service.close?.(name);
    };
    const points = bundle.registrations.filter(isPoint);
    return {
      steps: points.filter(({ point }) => point === RUNNER),
      handlers: points.filter(({ point, callable, name: own }) => point !== RUNNER && callable && own !== undefined),
      limits: limitsFor(config, name),
      data: new ScriptData(dataDir, name, release),
      invoke: (handler, payload) =>
        isolates.call((entry.serving as Version).pool, handler, payload === undefined ? {} : { payload }),
      async call(step, payload, wallMs) {
        const { pool } = entry.serving as Version;
        return (await isolates.call(pool, step, { payload: payload ?? null, wallMs })) as unknown as StepResult;
      },
      renew: () => serving.adopt(entry, bundle, 0),
      leave() {
        serving.remove(entry);
        release();
      },
    };
  };

  return {
    dataDir,
    build({ name, entry, root: folder, dir }, tests) {
      const own = { config: scriptConfig(config, name).config as Json, limits: limitsFor(config, name) };
      return root.resolve(BUILDER).build({ name, entry, root: folder, scriptsDir: dir, ...own, tests });
    },
    enter,
    request,
    dispose,
  };
}

/**
 * One isolate that stays: a case and the requests that it makes meet in it. A case holds a place of its own, so there is
 * one more.
 */
function configForTests(config: Config): Config {
  const oneMore = (limits: { readonly concurrency?: number | undefined }) =>
    limits.concurrency === undefined ? {} : { concurrency: limits.concurrency + 1 };
  const scripts = Object.entries(config.scripts).map(([name, own]) => {
    const changed = { ...own, isolation: "shared" as const, limits: { ...own.limits, ...oneMore(own.limits) } };
    return [name, changed] as const;
  });
  return {
    ...config,
    limits: { ...config.limits, ...oneMore(config.limits) },
    scripts: Object.fromEntries(scripts),
    isolates: { ...config.isolates, perScript: 1, spare: 1 },
  };
}

/** What scripts throw comes as an event; what a test logs is for its `logs()`. */
function quietLog({ onError, onLog }: StageOptions): Log {
  const log: Log = {
    debug() {},
    info() {},
    warn() {},
    error: (message, { error, ...fields } = {}) =>
      onError(`${message}: ${error === undefined ? JSON.stringify(fields) : String(error)}`),
    at: (level, message, { source, data } = {}) => {
      if (source === "script") onLog?.({ level, message, ...(data !== undefined && { data }) });
    },
    print() {},
    child: () => log,
    access() {},
    flush() {},
  };
  return log;
}
