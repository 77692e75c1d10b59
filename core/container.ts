/** The composition root: every part of the engine is made here, once, from explicit tokens. */
import { container, instanceCachingFactory, type DependencyContainer, type InjectionToken } from "tsyringe";
import { join } from "node:path";
import type { BuiltInPlugin, RedactionCapability, RequestLogCapability } from "../sdk/plugin.ts";
import type { LiveConfig } from "./config/index.ts";
import { problemResponse, toProblemError } from "./errors.ts";
import { ownCommand } from "./isolate/jail/probe.ts";
import type { Log } from "./log.ts";
import { logsOf } from "./log/follow.ts";
import type { ScriptLogs } from "./log/script-logs.ts";
import { PluginBundles } from "./plugin/bundle.ts";
import type { Scope } from "./plugin/context.ts";
import { EngineView, type EngineFacts } from "./plugin/engine-capability.ts";
import { PluginHost, type PluginEvent, type PluginSettings } from "./plugin/host.ts";
import { Keeper } from "./plugin/keep.ts";
import { hookedCall } from "./plugin/invoke.ts";
import { PointDesk } from "./plugin/points.ts";
import { devDetails, PluginFailure } from "./plugin/problem.ts";
import { PluginSeat } from "./plugin/seat.ts";
import { createBuilder, type Builder } from "./script/build.ts";
import { Isolates, type IsolatesOptions } from "./pool/isolates.ts";
import type { ScriptEvent } from "./script/entry.ts";
import { PointRefusal } from "./script/point-refusal.ts";
import { Registry } from "./script/registry.ts";
import type { Spawner } from "./process/spawner.ts";
import { createTrash, type Trash } from "./script/trash.ts";
import { isolateDeps, isolateEvents } from "./isolate-reports.ts";

function token<T>(name: string): InjectionToken<T> {
  return Symbol(name);
}

export const CONFIG = token<LiveConfig>("config");
export const LOG = token<Log>("log");
export const SPAWNER = token<Spawner>("spawner");
export const SEAT = token<PluginSeat>("seat");
export const ENGINE = token<EngineView>("engine");
export const ISOLATES = token<Isolates>("isolates");
export const BUILDER = token<Builder>("builder");
export const TRASH = token<Trash>("trash");
export const REGISTRY = token<Registry>("registry");
export const POINTS = token<PointDesk>("points");
export const PLUGINS = token<PluginHost>("plugins");

export interface Given {
  readonly config: LiveConfig;
  /** `data/` of the project; a temporary folder where tests run. */
  readonly dataDir: string;
  readonly log: Log;
  readonly scriptLogs: Pick<ScriptLogs, "release">;
  readonly redaction: RedactionCapability;
  readonly version: string;
  readonly spawner: Spawner;
  readonly openVessel: IsolatesOptions["openVessel"];
  readonly builtIns: readonly BuiltInPlugin[];
  readonly pluginSettings: PluginSettings;
  readonly facts: Omit<EngineFacts, "generation">;
  readonly onScript: (event: ScriptEvent) => void;
  readonly onPlugin: (event: PluginEvent) => void;
  /** Instead of a line in the log. */
  readonly onKill?: IsolatesOptions["events"]["onKill"];
}

/** One container per engine; nothing in it is global. */
export function compose(given: Given): DependencyContainer {
  const { config, dataDir, log, version, spawner } = given;
  const { dir, dev } = config.current;
  const root = container.createChildContainer();
  const single = <T>(key: InjectionToken<T>, make: (from: DependencyContainer) => T): void => {
    root.register(key, { useFactory: instanceCachingFactory(make) });
  };
  root.register(CONFIG, { useValue: config });
  root.register(LOG, { useValue: log });
  root.register(SPAWNER, { useValue: spawner });
  single(SEAT, () => new PluginSeat());
  single(ENGINE, (from) => new EngineView({ ...given.facts, generation: () => from.resolve(SEAT).generation }));
  single(PLUGINS, (from) => {
    const seat = from.resolve(SEAT);
    const logs = logsOf(dataDir);
    const requestLog: RequestLogCapability = { write: (line) => log.access(line) };
    const newScope = (): Scope => {
      // A container of its own per generation: what a plugin provides ends with it.
      const scope = root.createChildContainer();
      scope.register("engine", { useValue: from.resolve(ENGINE) });
      scope.register("redaction", { useValue: given.redaction });
      scope.register("request-log", { useValue: requestLog });
      scope.register("logs", { useValue: logs });
      return {
        has: (capability) => scope.isRegistered(capability),
        get: (capability) => scope.resolve(capability),
        set: (capability, value) => void scope.register(capability, { useValue: value }),
      };
    };
    return new PluginHost({
      builtIns: given.builtIns,
      bundles: new PluginBundles(ownCommand(), dir),
      engineVersion: version,
      settings: given.pluginSettings,
      newScope,
      given: ["engine", "redaction", "request-log", "logs"],
      keeper: new Keeper(),
      paths: { project: dir, data: dataDir },
      logFor: (plugin) => log.child({ plugin }),
      onHookFailure(plugin, error, { id }) {
        const place = seat.generation.placeOf(error);
        log.error("a plugin's hook failed", { id, plugin, error, ...place });
        return problemResponse(toProblemError(error, devDetails(place, error)), id, dev);
      },
      adopt: (next) => seat.take(next, () => settle(from.resolve(REGISTRY))),
      onEvent: given.onPlugin,
      get drainMs() {
        return config.current.server.shutdownTimeoutMs;
      },
    });
  });
  single(
    ISOLATES,
    (from) =>
      new Isolates({
        config: () => config.current.isolates,
        openVessel: given.openVessel,
        deps: isolateDeps(
          config,
          log,
          {
            services: () => from.resolve(SEAT).services,
            chains: () => from.resolve(SEAT).generation.chains,
            placeOf: (error) => from.resolve(SEAT).generation.placeOf(error),
          },
          given.onScript,
        ),
        events: { ...isolateEvents(log), ...(given.onKill && { onKill: given.onKill }) },
      }),
  );
  single(BUILDER, (from) =>
    createBuilder({
      spawner,
      cacheDir: join(dataDir, "cache"),
      engineVersion: version,
      offer: () => from.resolve(SEAT).offer,
      timeoutMs: config.current.limits.loadMs,
    }),
  );
  single(TRASH, (from) =>
    createTrash({
      dataDir,
      release(script) {
        from.resolve(BUILDER).forget(script);
        given.scriptLogs.release(script);
        for (const service of from.resolve(SEAT).services.values()) service.close?.(script);
      },
      onMoved: (script, path) =>
        // Not as `script`: its log has gone with it, and would begin again with this line.
        path !== null && log.info("data of a removed script moved to the trash", { removed: script, path }),
      onError: (path, error) =>
        log.warn("data of a removed script could not be moved or deleted", { path, error: String(error) }),
    }),
  );
  single(
    POINTS,
    (from) =>
      new PointDesk({
        offer: () => from.resolve(SEAT).offer,
        call: hookedCall(from.resolve(ISOLATES), () => from.resolve(SEAT).generation.chains.invoke),
        onFailure: ({ plugin, name }, error) => log.error("a plugin's point failed", { plugin, point: name, error }),
      }),
  );
  single(
    REGISTRY,
    (from) =>
      new Registry({
        get config() {
          return config.current;
        },
        scriptsDir: join(dir, "scripts"),
        builder: from.resolve(BUILDER),
        isolates: from.resolve(ISOLATES),
        pluginRoutes: () => from.resolve(SEAT).routes,
        takePoints: (versions) => from.resolve(POINTS).take(from.resolve(SEAT).points, versions),
        answerPoint: (...call) => from.resolve(POINTS).answer(from.resolve(SEAT).points, ...call),
        onEvent: given.onScript,
        onNames: (names) => from.resolve(TRASH).seen(names),
        onUnwatched: (error) => log.warn("saved scripts may go unnoticed until the next start", { error }),
      }),
  );
  return root;
}

/** @throws PluginFailure when a script is in the way of what plugins want. */
function settle(registry: Registry): void {
  const obstacle = registry.replan();
  if (obstacle === null) return;
  if (obstacle instanceof PointRefusal) {
    const { plugin, owner, problem } = obstacle;
    const message = `The plugin "${plugin}" does not take what the script "${owner}" registers: ${problem.message}`;
    throw new PluginFailure([{ plugin, message }]);
  }
  const { holder, owner, ownerIsPlugin, wanted, message } = obstacle;
  if (ownerIsPlugin) throw new PluginFailure([{ plugin: owner, message: `T${message.slice(1)}.` }]);
  throw new PluginFailure([
    {
      plugin: holder,
      message: `The plugin "${holder}" cannot have its routes: the script "${owner}" holds ${wanted}.`,
      hint: "Change the path of one of the two.",
    },
  ]);
}
