/** One version of a script in service: its bundle, the pool of its isolates, and its routes. */
import type { RouteEvent, RouteInfo } from "../../sdk/plugin.ts";
import { limitsFor, scriptConfig, type Config } from "../config/index.ts";
import { checkPattern, type RouteEntry } from "../http/router.ts";
import type { PluginRoute } from "../http/dispatch.ts";
import type { ScriptMeta } from "../isolate/realm/script.ts";
import type { Isolates, PooledRoute } from "../pool/isolates.ts";
import type { ScriptPool } from "../pool/pool.ts";
import {
  isPoint,
  isWeb,
  type BuildProblem,
  type Json,
  type ScriptBundle,
  type ScriptCode,
  type WebRegistration,
} from "./types.ts";

export type AnyRoute = PooledRoute | PluginRoute;

export interface Version {
  readonly bundle: ScriptBundle;
  readonly pool: ScriptPool;
  readonly routes: readonly RouteEntry<AnyRoute>[];
  /** How many there are in all: routes, tools, fields, handlers of messages. */
  readonly registrations: number;
  /** What config said of the script: another text is another version. */
  readonly settings: string;
  /** Another version takes over: what is under way is finished, then the isolates end. */
  retire(): void;
}

export interface VersionOptions {
  readonly config: Config;
  readonly isolates: Isolates;
  /** Has a request answered by the plugin whose point the path was registered at. */
  readonly answerPoint: (version: Version, registration: number, event: RouteEvent) => Response | PromiseLike<Response>;
}

/** Starts nothing: the first call does. */
export function openVersion(bundle: ScriptBundle, options: VersionOptions): Version {
  let held: Promise<ScriptCode> | null = null;
  const pool = openPool(bundle, () => held ?? bundle.readCode(), options);
  const version: Version = {
    bundle,
    pool,
    routes: [
      ...routesOf(bundle, pool, options.config),
      ...pointRoutesOf(bundle).map(({ id, ...info }): RouteEntry<AnyRoute> => {
        const handle = (event: RouteEvent) => options.answerPoint(version, id, event);
        return { ...info, value: { info, script: bundle.name, handle } };
      }),
    ],
    registrations: bundle.registrations.filter((one) => isWeb(one) || isPoint(one)).length,
    settings: settingsText(bundle.name, options.config),
    retire() {
      // An isolate that is about to start for calls that wait would find its build deleted after a few more saves.
      if (pool.size > 0) held = bundle.readCode();
      held?.catch(() => {}); // told when an isolate wants it, if one does
      options.isolates.retire(pool);
    },
  };
  return version;
}

export function settingsText(script: string, config: Config): string {
  return JSON.stringify([scriptConfig(config, script), limitsFor(config, script)]);
}

function openPool(
  bundle: ScriptBundle,
  readCode: ScriptBundle["readCode"],
  { config, isolates }: VersionOptions,
): ScriptPool {
  const { name, hash, form, offer, registrations, registrationsHash, testing } = bundle;
  const { hosts, isolation, config: own } = scriptConfig(config, name);
  const limits = limitsFor(config, name);
  return isolates.open({
    name,
    limits,
    hosts,
    registrationsHash,
    fresh: isolation === "invocation",
    sources: bundle.inputs,
    message: async () => {
      const { code, map } = await readCode();
      const withSchemas = registrations.filter(({ schemas }) => Object.keys(schemas).length > 0);
      const schemas = Object.fromEntries(withSchemas.map((one) => [one.id, one.schemas]));
      const meta: ScriptMeta = {
        name,
        version: hash,
        form,
        map,
        config: own as Json,
        schemas,
        ...offer,
        limits,
        dev: config.dev,
        ...(testing && { testing }),
      };
      return { name, form, code, meta: JSON.stringify(meta) };
    },
  });
}

function routesOf(bundle: ScriptBundle, pool: ScriptPool, config: Config): RouteEntry<AnyRoute>[] {
  const script = bundle.name;
  return bundle.registrations.filter(isWeb).map((registration) => {
    const address = addressOf(registration, script, config);
    const value: PooledRoute = { script, registration: { ...registration, ...address }, pool };
    return { ...address, value, owner: script };
  });
}

/** Paths that the script registers at points which make routes of them. */
export function pointRoutesOf({ name, offer, registrations }: ScriptBundle): (RouteInfo & { readonly id: number })[] {
  return registrations.filter(isPoint).flatMap(({ id, fn, path, options, schemas }) => {
    const route = offer.points[fn]?.route;
    if (path === undefined || route === undefined) return [];
    return [{ id, ...route, path, owner: name, ofPlugin: false, options, schemas }];
  });
}

/** Where a registration answers: the fetch form wherever config mounts it. */
export function addressOf({ fn, method, path }: WebRegistration, script: string, config: Config) {
  if (fn !== "default.fetch") return { method, path };
  const { mount = `/${script}` } = scriptConfig(config, script);
  return { method: "ANY", path: `${mount.replace(/\/+$/, "")}/*` };
}

/** The first path that the router does not take. */
export function malformedRoute({ routes }: Version): BuildProblem | null {
  for (const { path } of routes) {
    const why = checkPattern(path);
    if (why === null) continue;
    return { code: "bad_registration", message: `T${why.slice(1)}.`, hint: "Correct the path of the registration." };
  }
  return null;
}
