/** Points: kinds of registrations that plugins own. */
import type { Json } from "../schema.ts";
import type { Awaitable } from "./dispose.ts";
import type { RouteEvent } from "./events.ts";

/** What an argument of a registration function is: in its order. */
export type PointArgument = "name" | "path" | "options" | "handler" | "data";

export interface PointFunction {
  /** `["name", "options", "handler"]`; an argument that ends in `?` may be absent, as options may: `"options?"`. */
  readonly args: readonly (PointArgument | `${PointArgument}?`)[];
  readonly aliases?: readonly string[];
}

/** One registration of a script at a point. */
export interface PointRegistration {
  readonly script: string;
  /** Its ordinal in the script's load. */
  readonly id: number;
  /** The canonical function name. */
  readonly fn: string;
  readonly name?: string;
  readonly path?: string;
  readonly options: { readonly [key: string]: Json };
  readonly data?: Json;
  /** JSON Schema of the options that `definitions` names. */
  readonly schemas: { readonly [option: string]: { readonly [key: string]: Json } };
  /** Calls the handler, in the script's isolate and under its limits. Absent when the function takes none. */
  readonly invoke?: Remote;
  /** The same for callers that take many values: what an async generator of the script yields. There when `invoke` is. */
  readonly stream?: RemoteStream;
  /** Calls the functions that the options hold, by option; only those that are there. Absent where the point names none. */
  readonly handlers?: { readonly [option: string]: Remote };
}

export interface RemoteInput {
  /** UUIDv7 of the invocation, for who tells it to a caller; a new one where it is not given. */
  readonly id?: string;
  /** `context.payload`. Checked against the schema of the option `input` (or `arguments`, or `args`), where the registration has one. */
  readonly payload?: Json;
  /** `context.args`; the same holds. */
  readonly args?: Json;
  readonly user?: Json;
  /** The request that causes this call: the handler's context has all of it but a body. */
  readonly request?: RouteEvent;
  /** Of a function that the options hold: its input is checked as the handler's is, and its answer against `output`. */
  readonly check?: "payload" | "args";
  /** The invocation that causes this one. */
  readonly parentId?: string;
  readonly signal?: AbortSignal;
}

/**
 * Rejects with a `ProblemError` whose `code` is a problem code: `invalid_input`, `deadline_exceeded`, `script_failed`, …
 * What the handler gives back is checked against the schema of the option `output`, where the registration has one.
 * An `HttpError` of the handler keeps its status.
 */
export type Remote = (input: RemoteInput) => Promise<Json | undefined>;

/** Values of a handler. */
export interface RemoteValues extends AsyncGenerator<Json, void, void> {
  /** The handler gave no generator: its answer is the only value, or none where it gave nothing. */
  readonly single?: true;
}

/**
 * Settles when the handler has answered: an async generator of the script runs on, value by value, no further ahead than
 * 1 MiB; each is checked against `output`. Another answer is the only value, nothing is none: `single` tells. Rejects, and so does
 * `next()` later, as `Remote` does. `return()` and the input's signal end the generator in the script: its `finally` runs.
 * Whoever neither reads nor returns it is cut off after `limits.streamIdleMs`, as is a script that yields nothing so long.
 */
export type RemoteStream = (input: RemoteInput) => Promise<RemoteValues>;

/** How a plugin answers the paths that scripts register at its point. */
export interface PointRoute {
  /** Upper case; `ANY` is every method. HEAD comes with GET. */
  readonly method: string;
  /** The media type of its answers, for documentation. */
  readonly produces?: string;
  /** What a connection becomes by `upgrade()`, for documentation. */
  readonly protocol?: "websocket";
  /** `event.script` is the one that registered the path. */
  handle(event: RouteEvent, registration: PointRegistration): Awaitable<Response>;
}

/** A kind of registration. Data only: no code of the plugin enters a script's realm. */
export interface PointSpec {
  /** The functions that scripts see. */
  readonly functions: { readonly [fn: string]: PointFunction };
  /** Options that a registration may have, as an arktype definition; another is refused with a suggestion. */
  readonly options?: { readonly [key: string]: string };
  /** Options that are themselves schemas (arktype definitions), compiled when the script is built: `["input"]`. */
  readonly definitions?: readonly string[];
  /** Options that are functions of the script, or names of one: `["authorize"]` becomes `registration.handlers.authorize`. */
  readonly handlers?: readonly string[];
  /** Makes a route of the script of each registration that has a `path`; clashes are refused as for any other. */
  readonly route?: PointRoute;
  /** TypeScript declarations of the functions, for script authors. */
  readonly types: string;
  /** Throws a `ProblemError` that tells the author what is wrong; `all` are those that serve, of every script. */
  validate?(registration: PointRegistration, all: readonly PointRegistration[]): void;
  /** Takes over the registrations that serve from now on. All or nothing: what it throws keeps the previous ones. */
  change(next: readonly PointRegistration[], previous: readonly PointRegistration[]): void;
}
