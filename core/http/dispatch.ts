/** The seam between the HTTP server and the isolates: what the server hands over, and what it gets back. */
import type { RouteEvent, RouteInfo } from "../../sdk/plugin.ts";
import type { Chains } from "../plugin/hook.ts";
import type { BuiltWebRegistration } from "../script/types.ts";

/** The value in the route table. */
export interface ScriptRoute {
  readonly script: string;
  readonly registration: BuiltWebRegistration;
}

/** A route that a plugin answers, in the engine's own process. */
export interface PluginRoute {
  readonly info: RouteInfo;
  /** The script that registered it at a point. */
  readonly script?: string;
  readonly handle: (event: RouteEvent) => Response | PromiseLike<Response>;
}

/** What plugins do to requests: the generation that serves. */
export interface RequestPlugins {
  readonly chains: Pick<Chains, "match" | "request" | "invoke">;
  /** A request begins. */
  enter(): void;
  /** Its answer is ready. */
  leave(): void;
  /** Aborts when they are about to be undone. */
  readonly ended: AbortSignal;
}

/** One HTTP request on its way into a script. */
export interface Invocation {
  /** UUIDv7; the `x-request-id` of the answer. */
  readonly id: string;
  readonly route: ScriptRoute;
  /** As received: `GET`. A HEAD that a GET route answers arrives as `HEAD`. */
  readonly method: string;
  /** Absolute URL as the client sees it. */
  readonly url: string;
  /** Decoded; null-prototype. */
  readonly params: Readonly<Record<string, string>>;
  /** Web-standard, only read. */
  readonly headers: Headers;
  readonly ip: string;
  /** The body as it arrives, already capped at `limits.requestBytes` (the stream errors with a `ProblemError`); null without one. */
  readonly body: ReadableStream<Uint8Array> | Uint8Array | null;
  /** Aborts when the client leaves or the engine ends. */
  readonly signal: AbortSignal;
  /** What plugins tell each other about the request. */
  readonly state: Map<string, unknown>;
}

/** Runs a script's handler under its limits. Never rejects: every failure is a problem response (RFC 9457). */
export interface Dispatcher {
  dispatch(invocation: Invocation): Promise<Response> | Response;
}
