/** What a built script is, as data: the shapes that the builder gives back and the registry holds. */
import type { PointFunction, PointRoute } from "../../sdk/plugin.ts";

/** JSON data: the only thing that crosses from a script to the engine. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** JSON Schema 2020-12, compiled from an arktype definition by the builder. */
export type JsonSchema = { readonly [key: string]: Json };

/** The parts of an HTTP exchange that a script may give a schema for. */
export const SCHEMA_PARTS = ["params", "query", "headers", "body", "response"] as const;
export type SchemaPart = (typeof SCHEMA_PARTS)[number];
export type Schemas = { readonly [part in SchemaPart]?: JsonSchema };

/** What every registration has; `id` is its ordinal in the load, and names the handler. */
interface Registered {
  readonly id: number;
  /** The canonical function name. */
  readonly fn: string;
  /** The options as the script wrote them, without the schemas; plain data. */
  readonly options: { readonly [key: string]: Json };
  /** The exported or top-level name of the handler where it has one. */
  readonly handler?: string;
}

/** An HTTP route. */
export interface WebRegistration extends Registered {
  /** `default.fetch` is the fetch form. */
  readonly fn: "registerWebHandler" | "default.fetch";
  /** Upper case; `ANY` is every method. */
  readonly method: string;
  /** `/notes/:id`, `/files/*`, `/a/:b?`; the fetch form has `/<script>/*` until config mounts it elsewhere. */
  readonly path: string;
  /** Schema definitions as the script wrote them (arktype, plain data). The builder turns them into `schemas`. */
  readonly definitions: { readonly [part in SchemaPart]?: Json };
}

/** Runs around the script's own web handlers. */
export interface MiddlewareRegistration extends Registered {
  readonly fn: "registerMiddleware";
  readonly definitions: { readonly [option: string]: never };
}

/** What a script offers at a point of a plugin. */
export interface PointRegistration extends Registered {
  readonly point: string;
  readonly name?: string;
  readonly path?: string;
  readonly data?: Json;
  /** By option; the point says which options are definitions. */
  readonly definitions: { readonly [option: string]: Json };
  /** Whether there is a handler to call. */
  readonly callable: boolean;
  /** Options that hold a function, in the point's order. Absent where there are none. */
  readonly handlers?: readonly string[];
}

/** One registration of a script. */
export type Registration = WebRegistration | MiddlewareRegistration | PointRegistration;

/** With its schemas compiled. */
export interface BuiltWebRegistration extends WebRegistration {
  readonly schemas: Schemas;
}
export interface BuiltMiddlewareRegistration extends MiddlewareRegistration {
  readonly schemas: { readonly [option: string]: never };
}
export interface BuiltPointRegistration extends PointRegistration {
  readonly schemas: { readonly [option: string]: JsonSchema };
}
export type BuiltRegistration = BuiltWebRegistration | BuiltMiddlewareRegistration | BuiltPointRegistration;

export function isWeb<R extends Registration>(registration: R): registration is Extract<R, WebRegistration> {
  return registration.fn === "registerWebHandler" || registration.fn === "default.fetch";
}

export function isPoint<R extends Registration>(registration: R): registration is Extract<R, PointRegistration> {
  return "point" in registration;
}

/** How logs and problems name a registration: `GET /notes`, `registerMessageHandler "orders"`. */
export function labelOf(registration: Registration): string {
  if (isWeb(registration)) return `${registration.method} ${registration.path}`;
  if (!isPoint(registration)) return registration.fn;
  const { fn, name, path } = registration;
  return name !== undefined ? `${fn} "${name}"` : path !== undefined ? `${fn} ${path}` : fn;
}

/** One function that a plugin gives to scripts, most often to register at its point. */
export interface PointEntry {
  /** The point's name: also its plugin's, for who reads it. */
  readonly point: string;
  /** The function's own name; another one where this entry is an alias. */
  readonly canonical: string;
  readonly args: PointFunction["args"];
  /** An arktype definition of the options; other keys are refused. */
  readonly options?: { readonly [key: string]: string };
  /** Options that are themselves schemas. */
  readonly definitions?: readonly string[];
  /** Options that are functions. */
  readonly handlers?: readonly string[];
  /** Of the route that a registered path is, where it is one. */
  readonly route?: Pick<PointRoute, "method" | "produces" | "protocol">;
  /** The function registers nothing: it is a service's method under a name of its own (`sendMessage`). */
  readonly calls?: { readonly service: string; readonly method: string };
}

/** The points of the plugins that serve, by function name, as builders and realms need them. */
export type PointTable = { readonly [fn: string]: PointEntry };

/** What plugins give to scripts, as data: all of it goes into the hash of a build. */
export interface Offer {
  /** Services by name, with their methods. */
  readonly services: { readonly [name: string]: readonly string[] };
  readonly points: PointTable;
  /** By service: methods that answer with an object, with the methods that it has. */
  readonly objects?: { readonly [service: string]: { readonly [method: string]: readonly string[] } };
}

export const NO_OFFER: Offer = { services: {}, points: {} };

/** A fault in a script that its author can mend. */
export interface BuildProblem {
  /** A problem code of `sdk/errors.ts`: `import_refused`, `bad_registration`, `script_failed`, … */
  readonly code: string;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** Relative to the folder of scripts, for example `hello.ts` or `shop/index.ts`. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** The lines around the fault, ready to print. */
  readonly frame?: string;
  /** One sentence: what to do next. */
  readonly hint?: string;
}

/** What an isolate needs to run a script, and the router to find it. Kept in `data/cache/<hash>/`. */
export interface ScriptBundle {
  readonly name: string;
  /** Hash over all that the result depends on; the folder's name in `data/cache`. */
  readonly hash: string;
  /** `module`: only exports resolve by name; `classic`: names resolve on the realm's global. */
  readonly form: "module" | "classic";
  /** The code and its map, from the cache: read at each isolate start, so that a cold script costs only its routes. */
  readonly readCode: () => Promise<ScriptCode>;
  /** What it was built with, and is loaded with: its realms must register the same. */
  readonly offer: Offer;
  readonly registrations: readonly BuiltRegistration[];
  /** Hash of the registrations as the realm reported them; every isolate must report the same. */
  readonly registrationsHash: string;
  /** It was built with its tests: loaded so, its realm has a host for them. */
  readonly testing?: boolean;
  /** Every file that went in, absolute: what to watch. */
  readonly inputs: readonly string[];
}

/** What a realm evaluates. Its line 1 is line 1 of the map: whoever wraps the code adds no line before it. */
export interface ScriptCode {
  /** The body of a function `(exports, module, expose) => {…}`, which the realm makes strict for a module. */
  readonly code: string;
  /** Source map, version 3, as JSON text; empty when there is none. Decoded in the isolate only. */
  readonly map: string;
}

export type BuildResult =
  | { readonly ok: true; readonly bundle: ScriptBundle; readonly warnings: readonly BuildProblem[] }
  | { readonly ok: false; readonly problems: readonly BuildProblem[] };
