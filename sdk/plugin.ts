/**
 * What plugins import from `@aiwebengine/sdk/plugin`. A plugin is one default export of one file:
 *
 * ```ts
 * import { definePlugin } from "@aiwebengine/sdk/plugin";
 *
 * export default definePlugin({
 *   name: "teapot",
 *   version: "1.0.0",
 *   config: { strength: "number.integer > 0 = 3" },
 *   setup({ config, route }) {
 *     route("GET /tea", () => new Response(`strength ${config.strength}`, { status: 418 }));
 *   },
 * });
 * ```
 */
import type { LogsCapability } from "./logs.ts";
import type { Checked, Infer, Json } from "./schema.ts";
import type { UpgradeOptions } from "./socket.ts";

/** A fault that a script (from a service, a point) or a client (from a route, a hook) may read; any other is `internal`. */
export { problemBody, PROBLEMS, ProblemError } from "./errors.ts";
export type { ProblemCode, ProblemSpec } from "./errors.ts";
export type { Checked, Infer, Json } from "./schema.ts";
/** For plugins that carry messages of scripts to clients. */
export { fits, readCriteria, readFilter } from "./criteria.ts";
export type { Criteria, Filter } from "./criteria.ts";
export type { LogLevel, LogLine, LogPage, LogQuery, LogsCapability } from "./logs.ts";
export type { Socket, SocketHandlers, UpgradeOptions } from "./socket.ts";

type Awaitable<T> = T | PromiseLike<T>;

/** What ends a contribution when its plugin goes. */
export type Dispose = () => Awaitable<void>;

/** Fields of a structured log line. */
export interface LogFields {
  readonly [name: string]: unknown;
}

/** Lines carry the plugin's name. */
export interface PluginLog {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

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
  readonly options: { readonly [key: string]: Json };
  /** JSON Schema 2020-12 of `params`, `query`, `headers`, `body` and `response`, of those that a script gave. */
  readonly schemas: { readonly [part: string]: { readonly [key: string]: Json } };
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

/** Who calls a service. */
export interface ServiceCall {
  /** The invocation's id (UUIDv7). */
  readonly invocation: string;
  readonly script: string;
  readonly user: Json;
  /** Aborts when the call is over before it was answered: its invocation ended, or the isolate did. */
  readonly signal: AbortSignal;
  /** Aborts when the invocation ends, also after this call was answered: for what is held open between calls. */
  readonly ended: AbortSignal;
  /**
   * Sends a request as the script would: under its `hosts` and limits, through the `fetch` hooks, never to an address that
   * the script may not reach. It counts in `limits.subrequests`, and ends with the invocation. Rejects with a
   * `ProblemError` (`fetch_blocked`, `subrequests_exceeded`, `response_too_large`, …), and as the script's own `fetch` does
   * where the network fails; what the service lets through, the script sees.
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
}

/** Async functions for scripts, as `context[name]` and as an export of the SDK. */
export interface ServiceSpec {
  /** Arguments come from a hostile script: data of any shape. Throw a `ProblemError` for what the script should read. */
  readonly methods: {
    readonly [method: string]: (call: ServiceCall, ...args: Json[]) => Promise<Json | undefined | void>;
  };
  /**
   * TypeScript declarations for script authors, of an `interface` whose name is the service's with a capital
   * (`interface Teapot { boil(): Promise<number> }` for `teapot`).
   */
  readonly types: string;
  /** Methods that scripts also have under a name of their own: `{ sendMessage: "send" }`. */
  readonly functions?: { readonly [fn: string]: string };
  /**
   * Methods that answer with an object: `{ open: ["read", "close"] }`. The method gives its key (JSON), and the script gets
   * an object with these methods, which are called with the key before the script's own arguments. The script may have
   * made the key up. They are no methods of the service itself. An object with `close` can stand in `await using`.
   */
  readonly objects?: { readonly [method: string]: readonly string[] };
  /** Methods that change something: an invocation that called one is not sent again after its isolate was lost. */
  readonly mutates?: readonly string[];
  /** Lets go of what is held of a script: it was removed, and its data is about to be moved away. */
  release?(script: string): void;
}

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

export interface CommandFlag {
  readonly type: "text" | "switch";
  readonly summary: string;
}

/** A command of the command line, beside the engine's own. */
export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  readonly usage?: string;
  readonly examples?: readonly string[];
  readonly flags?: { readonly [name: string]: CommandFlag };
  /**
   * The project's scripts are built before it runs, as `check` does, and none is served: the capability `engine` then
   * tells their routes and problems, and the plugin's points have been given their registrations.
   */
  readonly scripts?: boolean;
  /** Answers the exit code: 0 done, 1 what was asked for failed, 2 wrong usage. */
  run(args: {
    readonly words: readonly string[];
    readonly flags: { readonly [name: string]: string | boolean | undefined };
    /** The process's standard input, as it comes. */
    readonly stdin: ReadableStream<Uint8Array>;
    stdout(text: string): void;
    stderr(text: string): void;
  }): Awaitable<number>;
}

export interface HealthResult {
  /** Whether requests should be sent here. */
  readonly ok: boolean;
  /** It serves, and something that it should have is missing: told, and no reason to send requests elsewhere. */
  readonly degraded?: boolean;
  /** One sentence for the operator; nothing secret: anyone may read it. */
  readonly detail?: string;
}

/** An address of the plugin that speaks a protocol of its own: people, programs and agents are told of it. */
export interface EndpointSpec {
  /** Of the protocol, or of what is there: `GraphQL`. */
  readonly title: string;
  /** `/graphql` */
  readonly path: string;
  /** One sentence: what is there, and how one asks. */
  readonly summary: string;
  /** Whether there is something behind it now; without it there always is. */
  open?(): boolean;
}

/** An endpoint with something behind it. */
export interface EndpointInfo {
  readonly title: string;
  readonly path: string;
  readonly summary: string;
  /** The plugin. */
  readonly owner: string;
}

/** What `setup` gets. Everything that is done through it is undone, in reverse, when the plugin goes. */
export interface PluginContext<Config = unknown> {
  readonly name: string;
  /** `plugins.<name>` of the config, checked, with defaults. */
  readonly config: Config;
  readonly log: PluginLog;
  /** Absolute. `data` is the engine's data folder; what belongs to a script lies under `scripts/<name>/` of it. */
  readonly paths: { readonly project: string; readonly data: string };
  hook<Name extends HookName>(name: Name, handler: Hooks[Name]): void;
  /** `"GET /path/:param"`. Clashes are refused and name the holder. */
  route(pattern: string, handler: (event: RouteEvent) => Awaitable<Response>): void;
  route(
    pattern: string,
    options: { readonly [key: string]: Json },
    handler: (event: RouteEvent) => Awaitable<Response>,
  ): void;
  /** Gives other plugins a value, under a capability that the manifest's `provides` names. */
  provide<Name extends string>(capability: Name, value: Capability<Name>): void;
  /** The value of a capability that the manifest's `requires` names. */
  use<Name extends string>(capability: Name): Capability<Name>;
  /** Calls `visit` with the capability's value if some plugin of this generation provides it, in whatever order. */
  whenProvided<Name extends string>(capability: Name, visit: (value: Capability<Name>) => Dispose | void): void;
  service(name: string, spec: ServiceSpec): void;
  point(name: string, spec: PointSpec): void;
  /** A value that outlives generations (a pool, a socket, counters): made at the first, disposed after the last that keeps it. */
  keep<T>(key: string, make: () => T, dispose?: (value: T) => Awaitable<void>): T;
  /** Runs when the plugin goes; the last deferred first. */
  defer(dispose: Dispose): void;
  command(spec: CommandSpec): void;
  /** A check of `/health/ready`. */
  health(name: string, check: () => Awaitable<HealthResult>): void;
  /** Names an address of the plugin in the banner, the documentation of the API and `/llms.txt`. Its routes it adds itself. */
  endpoint(spec: EndpointSpec): void;
}

/** Values of capabilities by name. A plugin that provides one declares it: `declare module … { interface Capabilities { … } }`. */
export interface Capabilities {
  engine: EngineCapability;
  redaction: RedactionCapability;
  "request-log": RequestLogCapability;
  logs: LogsCapability;
}

export type Capability<Name extends string> = Name extends keyof Capabilities ? Capabilities[Name] : unknown;

/** Keeps values out of every log of the engine; the capability `redaction`. */
export interface RedactionCapability {
  /** Hides a value from now on; the answer lets it be seen again. */
  add(value: string): Dispose;
}

/** One answered request, as the log tells it. */
export interface RequestLine {
  readonly id: string;
  readonly method: string;
  /** As received, without the query: that may hold secrets. */
  readonly path: string;
  readonly status: number;
  /** Milliseconds; two decimals are kept. */
  readonly ms: number;
  readonly ip: string;
  /** The script that answered, when one did. */
  readonly script?: string | undefined;
  /** The pattern of the route: `/notes/:id`. */
  readonly route?: string | undefined;
  /** The `x-request-id` of a caller that is no trusted proxy. */
  readonly clientRequestId?: string | undefined;
}

/** Writes the line of a request, in the log's own form, and into the log of its script; the capability `request-log`. */
export interface RequestLogCapability {
  write(line: RequestLine): void;
}

export interface ScriptInfo {
  readonly name: string;
  /** Absolute path of its entry file. */
  readonly entry: string;
  /** Absolute path of its own folder; undefined for a script of a single file. */
  readonly folder: string | undefined;
  readonly routes: number;
  /** Why its newest version does not serve. */
  readonly problem: string | undefined;
}

export interface PluginInfo {
  readonly name: string;
  readonly version: string;
  /** `built-in`, or the file relative to the project folder. */
  readonly origin: string;
  readonly requires: readonly string[];
  readonly provides: readonly string[];
}

/** What the engine tells about itself; the capability `engine`. */
export interface EngineCapability {
  readonly version: string;
  readonly dev: boolean;
  readonly mode: "process" | "thread";
  /** False while it starts and while it stops. */
  readonly ready: boolean;
  /** What the jail of isolates holds and lacks on this machine. */
  readonly jail: { readonly held: readonly string[]; readonly lacking: readonly string[] };
  /** Scripts that rest after too many kills. */
  readonly paused: readonly string[];
  scripts(): readonly ScriptInfo[];
  plugins(): readonly PluginInfo[];
  routes(): readonly RouteInfo[];
  /** Addresses that speak protocols of their own, those with something behind them. */
  endpoints(): readonly EndpointInfo[];
  /** Runs the health checks of all plugins. */
  checks(): Promise<{ readonly [name: string]: HealthResult }>;
  /** Called after each change of the scripts or plugins that serve, and when the engine begins to serve or to stop (`ready`). */
  onChange(listener: () => void): Dispose;
}

/** The manifest and `setup`. */
export interface PluginDefinition<Config extends object = object> {
  /** `[a-z][a-z0-9-]*`; also its key in the config and its file's name. */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** Range of engine versions that it works with: `">=0.2"`. */
  readonly engine?: string;
  /** Capabilities without which it cannot work. */
  readonly requires?: readonly string[];
  /** Capabilities that it gives. Its name is always one. */
  readonly provides?: readonly string[];
  /** Plugins or capabilities that it wants to come before: its hooks are around theirs. Ignored when absent; `"*"` is all others. */
  readonly before?: readonly string[];
  /** Plugins or capabilities that it wants to come after. */
  readonly after?: readonly string[];
  /** Schema of its config: an arktype definition of an object, with defaults. */
  readonly config?: Config;
  /** Wires the plugin. Has 10 s. */
  setup(context: PluginContext<Config extends object ? Infer<Config> : unknown>): Awaitable<void>;
}

/** A plugin whose config type is forgotten. */
export type AnyPlugin = Omit<PluginDefinition, "setup"> & { setup(context: PluginContext<never>): Awaitable<void> };

/** Says what a plugin is; gives the same object back, typed. */
export function definePlugin<const Config extends object = {}>(
  plugin: Omit<PluginDefinition<Config>, "config"> & { readonly config?: Checked<Config> },
): AnyPlugin {
  return plugin as unknown as AnyPlugin;
}

/** One plugin of the binary; `plugins/index.ts` lists them. */
export interface BuiltInPlugin {
  readonly name: string;
  readonly version: string;
  readonly requires: readonly string[];
  readonly provides: readonly string[];
  /** JSON Schema of its config, compiled when the engine is built. */
  readonly schema: { readonly [key: string]: Json };
  /** Its commands, for help that sets no plugin up. */
  readonly commands?: readonly Omit<CommandSpec, "run">[];
  load(): Promise<{ readonly default: AnyPlugin }>;
}
