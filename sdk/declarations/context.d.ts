/** What every handler gets: the context, and the types of its parts. */
import type { Html } from "./jsx-runtime.js";
import type { Simplify } from "./schema.js";
import type { Services } from "./services.js";
type Segment<Part extends string> = Part extends `:${infer Name}?`
  ? {
      readonly [K in Name]?: string;
    }
  : Part extends `:${infer Name}`
    ? {
        readonly [K in Name]: string;
      }
    : Part extends "*"
      ? {
          readonly "*": string;
        }
      : {};
type Segments<Path extends string> = Path extends `${infer Part}/${infer Rest}`
  ? Segment<Part> & Segments<Rest>
  : Segment<Path>;
/** The parameters that a path names: `/notes/:id` has `id`, `/:a?` may have `a`, the tail of `/files/*` is `"*"`. */
export type PathParams<Path extends string> = string extends Path
  ? {
      readonly [name: string]: string | undefined;
    }
  : Simplify<Segments<Path>>;
/** A repeated key of a query is an array. Null-prototype. */
export type QueryRecord = {
  readonly [name: string]: string | readonly string[] | undefined;
};
/** A caller who is known. */
export interface User {
  readonly id: string;
}
export interface Log {
  debug(message: unknown, data?: unknown): void;
  info(message: unknown, data?: unknown): void;
  warn(message: unknown, data?: unknown): void;
  error(message: unknown, data?: unknown): void;
}
export interface CookieOptions {
  /** Default `/`. */
  readonly path?: string;
  readonly domain?: string;
  /** Seconds. */
  readonly maxAge?: number;
  readonly expires?: Date;
  /** Default true. */
  readonly httpOnly?: boolean;
  /** Default false; true with `sameSite: "None"`. */
  readonly secure?: boolean;
  /** Default `Lax`. */
  readonly sameSite?: "Strict" | "Lax" | "None";
}
export interface Cookies {
  /** A cookie of the request. */
  get(name: string): string | undefined;
  /** Sets a cookie with the answer. Throws a TypeError for a name or attribute that no header can carry. */
  set(name: string, value: string, options?: CookieOptions): void;
  delete(name: string, options?: Pick<CookieOptions, "path" | "domain">): void;
}
/** HTML of a template in the script's `templates/`, escaped but for what is HTML already. */
export type Render = (
  name: string,
  data?: {
    readonly [name: string]: unknown;
  },
) => Html;
/** What every handler gets, of whatever kind. Each field is made when it is first asked for. */
export interface Invocation extends Services {
  /** The invocation's id (UUIDv7), and the `id` of every log line; of a request also the answer's `x-request-id`. */
  readonly id: string;
  /** `http`, or the name of the point that calls: `messages`. */
  readonly kind: string;
  readonly script: {
    readonly name: string;
    readonly version: string;
  };
  /** Null: nobody is known yet. */
  readonly user: User | null;
  /** Aborts at the deadline, or when the client leaves. */
  readonly signal: AbortSignal;
  /** For this invocation alone. */
  readonly state: {
    [name: string]: unknown;
  };
  readonly log: Log;
  /** `scripts.<name>.config` of the engine's configuration. */
  readonly config: Config;
  readonly render: Render;
  /** Keeps the invocation alive until the promise settles, after the answer was sent. */
  waitUntil(promise: PromiseLike<unknown>): void;
}
/** What a web handler gets. */
export interface Context<Params = PathParams<string>, Query = QueryRecord, Body = unknown> extends Invocation {
  readonly kind: "http";
  /** The web-standard request. Its body is the stream when neither a schema nor its content type had it read. */
  readonly request: Request;
  readonly method: string;
  readonly path: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly query: Query;
  readonly params: Params;
  /** Validated where `body` is declared; else parsed by content type (JSON, form, text); else undefined. */
  readonly body: Body;
  /** Text fields of a form. */
  readonly form: {
    readonly [name: string]: string | readonly string[] | undefined;
  };
  /** Files of a `multipart/form-data` form. */
  readonly files: {
    readonly [name: string]: File | readonly File[] | undefined;
  };
  readonly cookies: Cookies;
  /** The client's address, after `server.trustedProxies`. */
  readonly ip: string;
}
/** What a handler gets that a plugin calls: for a message, a job, a tool. */
export interface PointContext<Payload = unknown, Args = unknown> extends Invocation {
  /** What was sent. Checked where the registration has a schema for it. */
  readonly payload: Payload;
  readonly args: Args;
}
/** Configuration of one script: plain data, frozen. */
export type Config = {
  readonly [name: string]: unknown;
};
export {};
