/**
 * What scripts import from `@aiwebengine/sdk`. Declarations only: inside an engine the realm provides the values, and
 * nowhere else do they exist. The engine writes this file beside the scripts as `.aiwebengine/sdk.d.ts`.
 */
import type { Config, Context, Log, PathParams, QueryRecord, Render } from "./context.ts";
import type { Checked, Infer, InferInput, JsonForm, Simplify } from "./schema.ts";
import type { JSX } from "./jsx-runtime.ts";

export type { Child, Html } from "./jsx-runtime.ts";
export type { Checked, Infer, InferInput, Json, JsonForm } from "./schema.ts";
export * from "./context.ts";
export * from "./limits.ts";
export * from "./services.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS";
/** `ANY` is every method. */
export type RouteMethod = Method | "ANY";
export type RoutePattern = `${RouteMethod} /${string}`;

type Awaitable<T> = T | PromiseLike<T>;

/** Stands for "no schema was given". */
declare const unset: unique symbol;
type Unset = typeof unset;

type MethodOf<Pattern extends string> = Pattern extends `${infer M} ${string}` ? M : never;
type PathOf<Pattern extends string> = Pattern extends `${string} ${infer P}` ? P : never;

/** An answer with a status of its own; every other object is sent as JSON. */
export interface Envelope<Body = unknown> {
  readonly status: number;
  readonly body?: Body;
  readonly headers?: { readonly [name: string]: string };
  readonly contentType?: string;
}

/** A Response that remembers the type of its JSON. */
export interface JsonResponse<T> extends Response {
  readonly "~json"?: T;
}

/** What a caller reads from a handler's value. An object with a key beside an envelope's is no envelope. */
export type OutputOf<Value> =
  Value extends JsonResponse<infer T>
    ? JsonForm<T>
    : Value extends Uint8Array
      ? Blob
      : Value extends undefined | void
        ? undefined
        : Value extends AsyncIterable<unknown>
          ? string
          : [Value, keyof Value] extends [Envelope<infer Body>, keyof Envelope]
            ? JsonForm<Body>
            : JsonForm<Value>;

/** Options of a web handler: schemas as arktype definitions, and words for the documentation. */
export interface WebOptions<
  Params = unknown,
  Query = unknown,
  RequestHeaders = unknown,
  Body = unknown,
  Answer = unknown,
> {
  /** Schema of the path's parameters; text becomes numbers where the schema wants them. */
  readonly params?: Checked<Params>;
  /** Schema of the query; the same holds. */
  readonly query?: Checked<Query>;
  /** Schema of request headers, by lower-case name. */
  readonly headers?: Checked<RequestHeaders>;
  /** Schema of the body; what does not fit is answered 422 before the handler runs. */
  readonly body?: Checked<Body>;
  /** Schema of the answer; checked under `--dev`. */
  readonly response?: Checked<Answer>;
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly deprecated?: boolean;
}

type Given<Definition, Otherwise> = [Definition] extends [Unset] ? Otherwise : Readonly<Infer<Definition>>;
type BodyOf<Definition> = [Definition] extends [Unset] ? unknown : Infer<Definition>;
type ContextOf<Path extends string, Params, Query, Body> = Context<
  Given<Params, PathParams<Path>>,
  Given<Query, QueryRecord>,
  BodyOf<Body>
>;

type Wanted<Answer> = [Answer] extends [Unset]
  ? unknown
  : Awaitable<InferInput<Answer> | JsonResponse<InferInput<Answer>> | Response | Envelope<InferInput<Answer>>>;

/** Input of a route as its caller writes it; only what the route declares. */
type InputOf<Path extends string, Params, Query, RequestHeaders, Body> = Simplify<
  ([Params] extends [Unset]
    ? [keyof PathParams<Path>] extends [never]
      ? {}
      : { params: PathParams<Path> }
    : { params: InferInput<Params> }) &
    ([Query] extends [Unset] ? {} : { query: InferInput<Query> }) &
    ([RequestHeaders] extends [Unset] ? {} : { headers: InferInput<RequestHeaders> }) &
    ([Body] extends [Unset] ? {} : { body: InferInput<Body> })
>;

/** A registered route. Export it, and a typed client knows what it takes and gives. */
export interface Registration<RouteMethod extends string, Path extends string, In = unknown, Out = unknown> {
  readonly kind: "http";
  readonly method: RouteMethod;
  readonly path: Path;
  /** Types only; no such value exists. */
  readonly "~in"?: In;
  readonly "~out"?: Out;
}

/**
 * Registers an HTTP route: at top level, or in an exported `init()`.
 *
 * ```ts
 * export const addNote = registerWebHandler("POST /notes/:id", { body: { text: "string <= 280" } },
 *   ({ params, body }) => ({ id: params.id, text: body.text }));
 * ```
 * An object is sent as JSON, a string as text, JSX as HTML, a Response as it is, `undefined` as 204.
 * Throws `bad_registration` for a pattern or an option that does not exist.
 */
export declare function registerWebHandler<const Pattern extends RoutePattern, Result>(
  pattern: Pattern,
  handler: ((context: ContextOf<PathOf<Pattern>, Unset, Unset, Unset>) => Result) | string,
): Registration<
  MethodOf<Pattern>,
  PathOf<Pattern>,
  InputOf<PathOf<Pattern>, Unset, Unset, Unset, Unset>,
  OutputOf<Awaited<Result>>
>;
export declare function registerWebHandler<
  const Pattern extends RoutePattern,
  Result extends Wanted<Answer>,
  const Params = Unset,
  const Query = Unset,
  const RequestHeaders = Unset,
  const Body = Unset,
  const Answer = Unset,
>(
  pattern: Pattern,
  options: WebOptions<Params, Query, RequestHeaders, Body, Answer>,
  handler: ((context: ContextOf<PathOf<Pattern>, Params, Query, Body>) => Result) | string,
): Registration<
  MethodOf<Pattern>,
  PathOf<Pattern>,
  InputOf<PathOf<Pattern>, Params, Query, RequestHeaders, Body>,
  OutputOf<Awaited<Result>>
>;
/** The older form: the method comes last, and is GET without one. */
export declare function registerWebHandler<
  const Path extends `/${string}`,
  Result,
  const M extends RouteMethod = "GET",
>(
  path: Path,
  handler: ((context: ContextOf<Path, Unset, Unset, Unset>) => Result) | string,
  method?: M,
): Registration<M, Path, InputOf<Path, Unset, Unset, Unset, Unset>, OutputOf<Awaited<Result>>>;
/** The method stands in the options, and is GET without one. */
export declare function registerWebHandler<
  const Path extends `/${string}`,
  Result extends Wanted<Answer>,
  const M extends RouteMethod = "GET",
  const Params = Unset,
  const Query = Unset,
  const RequestHeaders = Unset,
  const Body = Unset,
  const Answer = Unset,
>(
  path: Path,
  options: WebOptions<Params, Query, RequestHeaders, Body, Answer> & { readonly method?: M },
  handler: ((context: ContextOf<Path, Params, Query, Body>) => Result) | string,
): Registration<M, Path, InputOf<Path, Params, Query, RequestHeaders, Body>, OutputOf<Awaited<Result>>>;

/** The first name of `registerWebHandler`; the same function. */
export declare const register: typeof registerWebHandler;

/**
 * Runs around this script's own web handlers, in the order of registration: the first is the outermost.
 *
 * ```ts
 * registerMiddleware(async ({ headers }, next) => {
 *   if (headers.get("x-key") !== "k") throw new HttpError(401, "A key is needed.");
 *   const answer = await next();
 *   answer.headers.set("cache-control", "no-store");
 * });
 * ```
 * `next()` gives the answer of what is inside, or rejects with what was thrown there; it is called at most once. Giving back
 * nothing passes that answer on; what else is given back is the answer.
 */
export declare function registerMiddleware(
  handler: ((context: Context, next: () => Promise<Response>) => unknown) | string,
): void;

export interface FieldError {
  /** `/body/text` */
  readonly path: string;
  readonly message: string;
  readonly expected?: string;
}

export interface HttpErrorOptions {
  /** A stable name for callers: `note_taken`. */
  readonly code?: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: { readonly [name: string]: string };
  /** For the log; never sent. */
  readonly cause?: unknown;
}

/** Ends an invocation with a status and a sentence that the caller may read: `throw new HttpError(404, "No such note.")`. */
export declare class HttpError extends Error {
  /** @param status a whole number from 400 to 599; anything else is a RangeError. */
  constructor(status: number, message?: string, options?: HttpErrorOptions);
  readonly status: number;
  readonly code: string | undefined;
}

interface AnswerInit {
  readonly status?: number;
  readonly headers?: HeadersInit;
}

/** An answer of JSON, with a status or headers of its own. */
export declare function json<T>(value: T, init?: AnswerInit): JsonResponse<T>;
/** An answer of plain text. */
export declare function text(body: string, init?: AnswerInit): JsonResponse<string>;
/** An answer of HTML, not escaped: give it JSX, or text that no stranger had a hand in. */
export declare function html(body: string | JSX.Element, init?: AnswerInit): JsonResponse<string>;
/** Sends the client elsewhere; 302 unless told otherwise. */
export declare function redirect(url: string | URL, status?: 301 | 302 | 303 | 307 | 308): Response;

/** Lines for the engine's log, with the id of the invocation that wrote them. */
export declare const log: Log;
/** `scripts.<name>.config` of the engine's configuration; can be read while the script loads. */
export declare const config: Config;
/**
 * Renders a template of the script: `render("notes/list", { notes })` is `templates/notes/list.eta`, with the data as `it`.
 * Throws a TypeError that lists the templates when there is none of that name. Syntax: https://eta.js.org
 */
export declare const render: Render;
/** Keeps the current invocation alive until the promise settles. */
export declare function waitUntil(promise: PromiseLike<unknown>): void;

/** `export default { fetch }`: the form of Workers, Deno and Bun; mounted at `/<script>/*`. */
export interface FetchHandler {
  fetch(request: Request, env: Config, context: FetchContext): Awaitable<unknown>;
}

export interface FetchContext {
  waitUntil(promise: PromiseLike<unknown>): void;
  /** Does nothing: there is no origin server behind the script. */
  passThroughOnException(): void;
}
