/** Runs a script's top level and `init` once, and reports what it registered. */
import { LOADED } from "../frames.ts";
import { describe, ScriptError, useSourceMap, type Failure } from "./errors.ts";
import { useRunners } from "./dispatch.ts";
import { emit } from "./host.ts";
import { apply, hasOwn, jsonParse, jsonStringify, keysOf, onSettled, PromiseCtor } from "./primordials.ts";
import {
  closeRegistrations,
  labelOf,
  openRegistrations,
  registered,
  registerFetchForm,
  type Entry,
  type Handler,
} from "./register.ts";
import { makeDataRunner, makeRunner, type DataRunner, type Runner } from "./runner.ts";
import { useMeta, type ScriptMeta } from "./script.ts";
import { installPlugins } from "./sdk.ts";
import { installTestRealm } from "./testing.ts";
import { limitTimers } from "./timers.ts";

/**
 * The answer to LOAD. `registrations` is the JSON text of `Registration[]`: the same bundle must give the same text in
 * every realm.
 */
export type RealmReport =
  { readonly ok: true; readonly registrations: string } | { readonly ok: false; readonly failure: Failure };

function report(result: RealmReport): void {
  emit(LOADED, 0, 0, jsonStringify(result));
}

function fail(error: unknown): void {
  closeRegistrations();
  report({ ok: false, failure: describe(error) });
}

type Names = { readonly [name: string]: unknown };

function lookUp(names: Names, name: string): unknown {
  return hasOwn(names, name) ? names[name] : undefined;
}

function resolveHandler(data: Entry["data"], handler: Entry["handler"], meta: ScriptMeta, names: Names): Handler {
  const found = typeof handler === "string" ? lookUp(names, handler) : handler;
  if (typeof found === "function") return found as Handler;
  const where = meta.form === "module" ? "exports no function" : "has no top-level function";
  throw new ScriptError(
    "bad_registration",
    `${labelOf(data)} names the handler "${handler as string}", but the script ${where} of that name.`,
  );
}

/** Null where there are none. */
function resolveOptions({ data, inOptions }: Entry, meta: ScriptMeta, names: Names): DataRunner["inOptions"] {
  const keys = keysOf(inOptions ?? {});
  if (keys.length === 0) return null;
  const found: Record<string, Handler> = {};
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    found[key] = resolveHandler(data, inOptions?.[key] as Handler | string, meta, names);
  }
  return found;
}

function finish(meta: ScriptMeta, names: Names): void {
  const fallback = lookUp(names, "default") as { fetch?: unknown } | undefined;
  if (typeof fallback === "object" && fallback !== null && typeof fallback.fetch === "function") {
    const { fetch } = fallback;
    registerFetchForm(meta.name, (...args) => apply(fetch, fallback, args));
  }
  closeRegistrations();
  const entries = registered();
  const runners: (Runner | null)[] = [];
  const middleware: Handler[] = [];
  const data: unknown[] = [];
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as Entry;
    data[i] = entry.data;
    runners[i] = null;
    const inOptions = resolveOptions(entry, meta, names);
    if (entry.handler === null && inOptions === null) continue;
    const handler = entry.handler === null ? null : resolveHandler(entry.data, entry.handler, meta, names);
    const schemas = meta.schemas?.[`${i}`] ?? {};
    if (entry.data.fn === "registerMiddleware") middleware[middleware.length] = handler as Handler;
    else if ("point" in entry.data) runners[i] = makeDataRunner(handler, inOptions, schemas);
    else runners[i] = makeRunner(entry.data, handler as Handler, schemas, meta.dev);
  }
  useRunners(runners, middleware);
  limitTimers(meta.limits["timers"] ?? 0);
  report({ ok: true, registrations: jsonStringify(data) });
}

/** LOAD: `code` is the compiled function around the script; it was made by the host and is only called here. */
export function load(code: unknown, metaText: string): void {
  try {
    const meta = jsonParse(metaText) as ScriptMeta;
    useMeta(meta);
    useSourceMap(meta.map, meta.name);
    installPlugins(meta);
    openRegistrations();
    if (typeof code !== "function") throw new SyntaxError("The bundle is not a function body.");
    const module = { exports: {} as Names };
    let names: Names = {};
    if (meta.testing) installTestRealm(meta.name, () => names);
    const expose = (exposed: Names): void => {
      names = exposed;
    };
    apply(code, undefined, [module.exports, module, expose]);
    if (meta.form === "module") names = module.exports;
    const init = lookUp(names, "init");
    if (typeof init !== "function") return finish(meta, names);
    const value: unknown = apply(init, undefined, []);
    const finished = (): void => {
      try {
        finish(meta, names);
      } catch (error) {
        fail(error);
      }
    };
    onSettled(new PromiseCtor((resolve) => resolve(value)), finished, fail);
  } catch (error) {
    fail(error);
  }
}
