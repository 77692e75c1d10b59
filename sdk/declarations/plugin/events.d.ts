/** What plugins are told of requests, calls and outgoing requests, and the hooks around them. */
import type { Json } from "../schema.js";
import type { UpgradeOptions } from "../socket.js";
import type { Awaitable } from "./dispose.js";
/** The route that a request matched. */
export interface RouteInfo {
  /** Upper case; `ANY` is every method. */
  readonly method: string;
  /** The pattern: `/notes/:id`. */
  readonly path: string;
  /** The script or plugin that registered it. */
  readonly owner: string;
  /** The owner is a plugin: a script of its name is somebody else. */
  readonly ofPlugin: boolean;
  /** The options as they were registered, without schemas: `summary`, `description`, `tags`, `deprecated`. */
  readonly options: {
    readonly [key: string]: Json;
  };
  /** JSON Schema 2020-12 of `params`, `query`, `headers`, `body` and `response`, of those that a script gave. */
  readonly schemas: {
    readonly [part: string]: {
      readonly [key: string]: Json;
    };
  };
  /** The media type of its answers, where a point says it. */
  readonly produces?: string;
  /** What a connection becomes, where a point says it. */
  readonly protocol?: "websocket";
}
/** One HTTP request on its way through the `request` hooks. */
export interface RequestEvent {
  /** UUIDv7; the `x-request-id` of the answer. */
  readonly id: string;
  /** As it was received. Who reads its body takes it away from the handler. */
  readonly request: Request;
  readonly method: string;
  /** As received, without the query. */
  readonly path: string;
  readonly url: URL;
  /** The client speaks TLS: to the engine, or to a proxy of `server.trustedProxies`. */
  readonly secure: boolean;
  /** The client's address, after `server.trustedProxies`. */
  readonly ip: string;
  /** The caller's own `x-request-id`, where it is no trusted proxy. */
  readonly clientRequestId: string | undefined;
  /** Undefined when nothing matched. */
  readonly route: RouteInfo | undefined;
  /** The script that answers; undefined for a plugin's route and where nothing matched. */
  readonly script: string | undefined;
  /** For what plugins tell each other about this request. */
  readonly state: Map<string, unknown>;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}
/** A request that a plugin's own route answers. */
export interface RouteEvent extends RequestEvent {
  /** Decoded; null-prototype. */
  readonly params: Readonly<Record<string, string>>;
  /** The client asks for a WebSocket (`Upgrade: websocket`), well or badly. */
  readonly wantsWebSocket: boolean;
  /**
   * Makes the connection a WebSocket (RFC 6455): return what it answers. The hooks around the route see it as an answer
   * of 101 whose headers they may add to; one that answers something else keeps the socket from being opened.
   *
   * @throws ProblemError `upgrade_required` (426) or `bad_request` without a valid handshake, `forbidden` for a page of
   *   another origin; let the client have it
   * @example route("GET /echo", (event) => event.upgrade({ message: (socket, data) => void socket.send(data) }))
   */
  upgrade(options: UpgradeOptions): Response;
  /** Throws what `upgrade()` would, before anyone is asked or called for the client's sake. */
  checkUpgrade(options: Pick<UpgradeOptions, "allowOrigin">): void;
}
/** One call into a script on its way through the `invoke` hooks. */
export interface InvokeEvent {
  /** Of this invocation. A request's is the request's. */
  readonly id: string;
  /** The invocation that caused this one. */
  readonly parentId: string | undefined;
  readonly script: string;
  /** `http`, or the name of the point. */
  readonly kind: string;
  /** The id of the registration: its ordinal in the script's load. */
  readonly registration: number;
  readonly user: Json;
  /** What the handler gets; undefined for `http`, whose request has hooks of its own. */
  readonly input: Json | undefined;
  readonly state: Map<string, unknown>;
  readonly signal: AbortSignal;
}
/** One outgoing request of a script, before each hop of it is sent. What is changed here, the script never sees. */
export interface FetchEvent {
  readonly script: string;
  /** The invocation's id. */
  readonly id: string;
  readonly method: string;
  /** Where this hop goes. A new path or query may be set, a new origin may not. */
  url: URL;
  readonly headers: Headers;
  /** 0 for the request itself, 1 for the first redirect. */
  readonly hop: number;
  /** False after a redirect to another origin, also when a later one comes back. */
  readonly sameOrigin: boolean;
  /** The same for all hops of one request. */
  readonly state: Map<string, unknown>;
  /** Where the answer's headers or URL repeat the value, as it is or percent-encoded, the script sees `shown` instead. */
  conceal(value: string, shown: string): void;
}
export interface Hooks {
  /** Synchronous, before the router: the only place that may change what is matched. */
  match(url: URL, request: Request): URL;
  /** Around every HTTP request, also when nothing matched. */
  request(event: RequestEvent, next: () => Awaitable<Response>): Awaitable<Response>;
  /** Around every call into a script. A request's value is its Response, that of a `RemoteStream` its generator. */
  invoke(event: InvokeEvent, next: () => Promise<unknown>): Promise<unknown>;
  /** Before every outgoing request of a script. Throws to refuse it: with a `ProblemError`, the script sees the sentence. */
  fetch(event: FetchEvent): Awaitable<void>;
}
export type HookName = keyof Hooks;
