/** What `setup(ctx)` is given: each verb leaves something in the generation, and its undoing with the plugin. */
import type {
  CommandSpec,
  Dispose,
  EndpointSpec,
  HealthResult,
  HookName,
  Hooks,
  Json,
  PluginContext,
  PluginLog,
  PointSpec,
  RouteEvent,
  ServiceSpec,
} from "../../sdk/plugin.ts";
import { suggest } from "../config/suggest.ts";
import type { Hooked } from "./hook.ts";
import type { Keeper } from "./keep.ts";
import { wantArguments, wantIdentifier, wantScriptName } from "./script-names.ts";

type Awaitable<T> = T | PromiseLike<T>;

export interface PluginRoute {
  readonly plugin: string;
  readonly method: string;
  readonly path: string;
  readonly options: { readonly [key: string]: Json };
  readonly handler: (event: RouteEvent) => Awaitable<Response>;
}

export interface Owned<Spec> {
  readonly plugin: string;
  readonly name: string;
  readonly spec: Spec;
}

/** Everything that the plugins of one generation gave. */
export class Contributions {
  readonly hooks: { readonly [Name in HookName]: Hooked<Hooks[Name]>[] } = {
    match: [],
    request: [],
    invoke: [],
    fetch: [],
  };
  readonly routes: PluginRoute[] = [];
  readonly services = new Map<string, Owned<ServiceSpec>>();
  readonly points = new Map<string, Owned<PointSpec>>();
  readonly commands: Owned<CommandSpec>[] = [];
  readonly health = new Map<string, Owned<() => Awaitable<HealthResult>>>();
  readonly endpoints: Owned<EndpointSpec>[] = [];
  readonly visits: { readonly plugin: string; readonly capability: string; visit(value: unknown): Dispose | void }[] =
    [];
}

/** Values by capability: a container of its own per generation. */
export interface Scope {
  has(capability: string): boolean;
  get(capability: string): unknown;
  set(capability: string, value: unknown): void;
}

export interface ContextParts {
  readonly plugin: {
    readonly name: string;
    readonly requires: readonly string[];
    readonly provides: readonly string[];
  };
  readonly config: unknown;
  readonly log: PluginLog;
  readonly paths: PluginContext["paths"];
  readonly into: Contributions;
  readonly scope: Scope;
  readonly keeper: Keeper;
  /** The plugin's own; run in reverse. */
  readonly undo: Dispose[];
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];
const HOOKS: readonly HookName[] = ["match", "request", "invoke", "fetch"];

/** @returns the context, and what closes it: verbs are for `setup` only. */
export function makeContext(parts: ContextParts): { readonly context: PluginContext<never>; close(): void } {
  const { plugin, into, scope, keeper, undo } = parts;
  let open = true;
  const during = (verb: string): void => {
    if (!open) throw new Error(`${verb}() was called after setup was over; a plugin is wired in setup only`);
  };
  const once = (held: { readonly plugin: string } | undefined, what: string): void => {
    if (held !== undefined) throw new Error(`${what} is taken by the plugin "${held.plugin}"`);
  };
  const context: PluginContext<never> = {
    name: plugin.name,
    config: parts.config as never,
    log: parts.log,
    paths: parts.paths,
    hook(name, handler) {
      during("hook");
      if (!HOOKS.includes(name)) throw new Error(`there is no hook "${name}"${meant(name, HOOKS)}`);
      wantFunction(handler, `the hook "${name}"`);
      const safe = name === "match" ? wantUrl(handler as Hooks["match"], plugin.name) : handler;
      (into.hooks[name] as Hooked<unknown>[]).push({ plugin: plugin.name, handler: safe });
    },
    route(pattern: string, ...rest: readonly unknown[]) {
      during("route");
      const [options, handler] = typeof rest[0] === "function" ? [{}, rest[0]] : rest;
      wantFunction(handler, `the route "${pattern}"`);
      into.routes.push({
        plugin: plugin.name,
        ...readPattern(pattern),
        options: (options ?? {}) as PluginRoute["options"],
        handler: wantResponse(handler as PluginRoute["handler"], pattern, plugin.name),
      });
    },
    provide(capability, value) {
      during("provide");
      if (capability !== plugin.name && !plugin.provides.includes(capability)) {
        throw new Error(`it provides "${capability}", which its manifest's "provides" does not name`);
      }
      scope.set(capability, value);
    },
    use(capability) {
      during("use");
      if (!plugin.requires.includes(capability)) {
        const near = meant(capability, plugin.requires);
        throw new Error(`it uses "${capability}", which its manifest's "requires" does not name${near}`);
      }
      if (!scope.has(capability)) {
        throw new Error(`"${capability}" was promised by its provider's manifest and not provided in its setup`);
      }
      return scope.get(capability) as never;
    },
    whenProvided(capability, visit) {
      during("whenProvided");
      into.visits.push({ plugin: plugin.name, capability, visit: visit as (value: unknown) => Dispose | void });
    },
    service(name, spec) {
      during("service");
      wantScriptName(name, "service");
      once(into.services.get(name), `the service "${name}"`);
      once(holderOf(name, into), `the function "${name}"`);
      for (const [fn, method] of Object.entries(spec.functions ?? {})) {
        wantScriptName(fn, "function");
        if (!Object.hasOwn(spec.methods, method)) {
          throw new Error(`the function "${fn}" stands for ${name}.${method}(), which there is not`);
        }
        if (Object.hasOwn(spec.objects ?? {}, method)) {
          throw new Error(
            `the function "${fn}" stands for ${name}.${method}(), which gives an object: leave it a method`,
          );
        }
        once(holderOf(fn, into), `the function "${fn}"`);
      }
      for (const [method, inside] of Object.entries(spec.objects ?? {})) {
        const absent = [method, ...inside].find((one) => !Object.hasOwn(spec.methods, one));
        if (absent !== undefined) throw new Error(`"${name}" has objects with ${absent}(), which it does not have`);
        if (inside.includes(method)) throw new Error(`${name}.${method}() cannot be a method of what it gives itself`);
      }
      const absent = spec.mutates?.find((method) => !Object.hasOwn(spec.methods, method));
      if (absent !== undefined) {
        const near = meant(absent, Object.keys(spec.methods));
        throw new Error(`"mutates" of the service "${name}" names ${absent}(), which it does not have${near}`);
      }
      into.services.set(name, { plugin: plugin.name, name, spec });
    },
    point(name, spec) {
      during("point");
      wantIdentifier(name, "point");
      once(into.points.get(name), `the point "${name}"`);
      for (const [fn, one] of Object.entries(spec.functions)) wantArguments(fn, one);
      if (spec.route !== undefined) {
        const { method, handle } = spec.route;
        if (!METHODS.includes(method)) throw new Error(`"${method}" is no method for the paths of the point "${name}"`);
        wantFunction(handle, `the route of the point "${name}"`);
      }
      for (const fn of namesOf(spec)) {
        wantScriptName(fn, "registration function");
        once(holderOf(fn, into) ?? into.services.get(fn), `the registration function "${fn}"`);
      }
      into.points.set(name, { plugin: plugin.name, name, spec });
    },
    keep(key, make, dispose) {
      during("keep");
      const { value, release } = keeper.keep(`${plugin.name}/${key}`, make, dispose);
      undo.push(release);
      return value;
    },
    defer(dispose) {
      during("defer");
      wantFunction(dispose, "defer");
      undo.push(dispose);
    },
    command(spec) {
      during("command");
      once(
        into.commands.find(({ name }) => name === spec.name),
        `the command "${spec.name}"`,
      );
      into.commands.push({ plugin: plugin.name, name: spec.name, spec });
    },
    health(name, check) {
      during("health");
      wantFunction(check, `the health check "${name}"`);
      once(into.health.get(name), `the health check "${name}"`);
      into.health.set(name, { plugin: plugin.name, name, spec: check });
    },
    endpoint(spec) {
      during("endpoint");
      if (!spec.path.startsWith("/"))
        throw new Error(`the endpoint "${spec.title}" needs a path; "${spec.path}" is none`);
      once(
        into.endpoints.find(({ spec: { path } }) => path === spec.path),
        `the endpoint "${spec.path}"`,
      );
      into.endpoints.push({ plugin: plugin.name, name: spec.title, spec });
    },
  };
  return { context, close: () => void (open = false) };
}

/** Every name that a point's functions have in a script. */
export function namesOf(spec: PointSpec): readonly string[] {
  return Object.entries(spec.functions).flatMap(([fn, { aliases = [] }]) => [fn, ...aliases]);
}

/** Who gives scripts a function of this name. */
function holderOf(fn: string, { points, services }: Contributions): { readonly plugin: string } | undefined {
  return (
    [...points.values()].find(({ spec }) => namesOf(spec).includes(fn)) ??
    [...services.values()].find(({ spec }) => Object.hasOwn(spec.functions ?? {}, fn))
  );
}

function meant(word: string, known: readonly string[]): string {
  const near = suggest(word, known);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

function wantFunction(value: unknown, what: string): void {
  if (typeof value !== "function") throw new TypeError(`${what} needs a function; it was given ${typeof value}`);
}

function wantUrl(hook: Hooks["match"], plugin: string): Hooks["match"] {
  return (url, request) => {
    const given: unknown = hook(url, request);
    if (given instanceof URL) return given;
    throw new TypeError(`the match hook of the plugin "${plugin}" gave ${nameOf(given)} instead of a URL`);
  };
}

function wantResponse(handler: PluginRoute["handler"], pattern: string, plugin: string): PluginRoute["handler"] {
  const checked = (given: unknown): Response => {
    if (given instanceof Response) return given;
    throw new TypeError(`the route "${pattern}" of the plugin "${plugin}" gave ${nameOf(given)} instead of a Response`);
  };
  return (event) => {
    const given: unknown = handler(event);
    return given instanceof Promise ? given.then(checked) : checked(given);
  };
}

function nameOf(value: unknown): string {
  return value === null ? "null" : typeof value;
}

function readPattern(pattern: string): { readonly method: string; readonly path: string } {
  const [method = "", path = "", ...more] = pattern.split(" ");
  if (METHODS.includes(method) && path.startsWith("/") && more.length === 0) return { method, path };
  const near = METHODS.includes(method.toUpperCase()) ? "" : meant(method.toUpperCase(), METHODS);
  throw new Error(`"${pattern}" is no route; write a method and a path, such as "GET /tea/:kind"${near}`);
}
