/** The composition root: every part of the engine is made here, once, from explicit tokens. */
import { container, instanceCachingFactory, type DependencyContainer, type InjectionToken } from "tsyringe";
import { join } from "node:path";
import type { Config } from "./config/index.ts";
import type { RouteEntry } from "./http/router.ts";
import type { Log } from "./log.ts";
import type { ScriptLogs } from "./log/script-logs.ts";
import { createBuilder, type Builder } from "./script/build.ts";
import { Isolates, type IsolatesOptions } from "./script/isolates.ts";
import type { ScriptEvent } from "./script/entry.ts";
import { Registry } from "./script/registry.ts";
import type { AnyRoute } from "./script/version.ts";
import type { Spawner } from "./script/spawner.ts";
import { createTrash, type Trash } from "./script/trash.ts";
import { createKv } from "./service/kv.ts";
import type { Service } from "./service/service.ts";
import { isolateDeps, isolateEvents } from "./wiring.ts";

function token<T>(name: string): InjectionToken<T> {
  return Symbol(name);
}

export const CONFIG = token<Config>("config");
export const LOG = token<Log>("log");
export const SPAWNER = token<Spawner>("spawner");
export const SERVICES = token<ReadonlyMap<string, Service>>("services");
export const ISOLATES = token<Isolates>("isolates");
export const BUILDER = token<Builder>("builder");
export const TRASH = token<Trash>("trash");
export const REGISTRY = token<Registry>("registry");

export interface Given {
  readonly config: Config;
  readonly log: Log;
  readonly scriptLogs: Pick<ScriptLogs, "release">;
  readonly version: string;
  readonly spawner: Spawner;
  readonly openVessel: IsolatesOptions["openVessel"];
  readonly engineRoutes: readonly RouteEntry<AnyRoute>[];
  readonly onScript: (event: ScriptEvent) => void;
}

/** One container per engine; nothing in it is global. */
export function compose(given: Given): DependencyContainer {
  const { config, log, version, spawner } = given;
  const dataDir = join(config.dir, "data");
  const root = container.createChildContainer();
  const single = <T>(key: InjectionToken<T>, make: (from: DependencyContainer) => T): void => {
    root.register(key, { useFactory: instanceCachingFactory(make) });
  };
  root.register(CONFIG, { useValue: config });
  root.register(LOG, { useValue: log });
  root.register(SPAWNER, { useValue: spawner });
  single(SERVICES, () => {
    const kv = createKv({
      dataDir,
      onError: (error, script) => log.error("kv failed", { script, error: String(error) }),
    });
    return new Map<string, Service>([[kv.name, kv]]);
  });
  single(
    ISOLATES,
    (from) =>
      new Isolates({
        config: config.isolates,
        openVessel: given.openVessel,
        deps: isolateDeps(config, log, from.resolve(SERVICES), given.onScript),
        events: isolateEvents(log),
      }),
  );
  single(BUILDER, (from) =>
    createBuilder({
      spawner,
      cacheDir: join(dataDir, "cache"),
      engineVersion: version,
      services: methodsOf(from.resolve(SERVICES)),
      timeoutMs: config.limits.loadMs,
    }),
  );
  single(TRASH, (from) =>
    createTrash({
      dataDir,
      release(script) {
        from.resolve(BUILDER).forget(script);
        given.scriptLogs.release(script);
        for (const service of from.resolve(SERVICES).values()) service.close?.(script);
      },
      onMoved: (script, path) =>
        // Not as `script`: its log has gone with it, and would begin again with this line.
        path !== null && log.info("data of a removed script moved to the trash", { removed: script, path }),
      onError: (path, error) =>
        log.warn("data of a removed script could not be moved or deleted", { path, error: String(error) }),
    }),
  );
  single(
    REGISTRY,
    (from) =>
      new Registry({
        config,
        scriptsDir: join(config.dir, "scripts"),
        builder: from.resolve(BUILDER),
        isolates: from.resolve(ISOLATES),
        services: methodsOf(from.resolve(SERVICES)),
        engineRoutes: given.engineRoutes,
        onEvent: given.onScript,
        onNames: (names) => from.resolve(TRASH).seen(names),
        onUnwatched: (error) => log.warn("saved scripts may go unnoticed until the next start", { error }),
      }),
  );
  return root;
}

function methodsOf(services: ReadonlyMap<string, Service>): { [name: string]: readonly string[] } {
  return Object.fromEntries([...services].map(([name, service]) => [name, Object.keys(service.methods)]));
}
