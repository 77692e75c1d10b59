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
import type { LogsCapability } from "./logs.js";
import type { Awaitable, Dispose } from "./plugin/dispose.js";
import type { EngineCapability, HealthResult, RedactionCapability, RequestLogCapability } from "./plugin/engine.js";
import type { HookName, Hooks, RouteEvent } from "./plugin/events.js";
import type { PointSpec } from "./plugin/point.js";
import type { ServiceSpec } from "./plugin/service.js";
import type { Checked, Infer, Json } from "./schema.js";
/** A fault that a script (from a service, a point) or a client (from a route, a hook) may read; any other is `internal`. */
export { problemBody, PROBLEMS, ProblemError } from "./errors.js";
export type { ProblemCode, ProblemSpec } from "./errors.js";
export type { Checked, Infer, Json } from "./schema.js";
/** For plugins that carry messages of scripts to clients. */
export { fits, readCriteria, readFilter } from "./criteria.js";
export type { Criteria, Filter } from "./criteria.js";
export type { LogLevel, LogLine, LogPage, LogQuery, LogsCapability } from "./logs.js";
export type { Dispose } from "./plugin/dispose.js";
export type * from "./plugin/engine.js";
export type * from "./plugin/events.js";
export type * from "./plugin/point.js";
export type * from "./plugin/service.js";
export type { Socket, SocketHandlers, UpgradeOptions } from "./socket.js";
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
  readonly flags?: {
    readonly [name: string]: CommandFlag;
  };
  /**
   * The project's scripts are built before it runs, as `check` does, and none is served: the capability `engine` then
   * tells their routes and problems, and the plugin's points have been given their registrations.
   */
  readonly scripts?: boolean;
  /** Answers the exit code: 0 done, 1 what was asked for failed, 2 wrong usage. */
  run(args: {
    readonly words: readonly string[];
    readonly flags: {
      readonly [name: string]: string | boolean | undefined;
    };
    /** The process's standard input, as it comes. */
    readonly stdin: ReadableStream<Uint8Array>;
    stdout(text: string): void;
    stderr(text: string): void;
  }): Awaitable<number>;
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
/** What `setup` gets. Everything that is done through it is undone, in reverse, when the plugin goes. */
export interface PluginContext<Config = unknown> {
  readonly name: string;
  /** `plugins.<name>` of the config, checked, with defaults. */
  readonly config: Config;
  readonly log: PluginLog;
  /** Absolute. `data` is the engine's data folder; what belongs to a script lies under `scripts/<name>/` of it. */
  readonly paths: {
    readonly project: string;
    readonly data: string;
  };
  hook<Name extends HookName>(name: Name, handler: Hooks[Name]): void;
  /** `"GET /path/:param"`. Clashes are refused and name the holder. */
  route(pattern: string, handler: (event: RouteEvent) => Awaitable<Response>): void;
  route(
    pattern: string,
    options: {
      readonly [key: string]: Json;
    },
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
export type AnyPlugin = Omit<PluginDefinition, "setup"> & {
  setup(context: PluginContext<never>): Awaitable<void>;
};
/** Says what a plugin is; gives the same object back, typed. */
export declare function definePlugin<const Config extends object = {}>(
  plugin: Omit<PluginDefinition<Config>, "config"> & {
    readonly config?: Checked<Config>;
  },
): AnyPlugin;
/** One plugin of the binary; `plugins/index.ts` lists them. */
export interface BuiltInPlugin {
  readonly name: string;
  readonly version: string;
  readonly requires: readonly string[];
  readonly provides: readonly string[];
  /** JSON Schema of its config, compiled when the engine is built. */
  readonly schema: {
    readonly [key: string]: Json;
  };
  /** Its commands, for help that sets no plugin up. */
  readonly commands?: readonly Omit<CommandSpec, "run">[];
  load(): Promise<{
    readonly default: AnyPlugin;
  }>;
}
