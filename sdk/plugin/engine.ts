/** The capabilities that the engine itself gives to plugins. */
import type { Dispose } from "./dispose.ts";
import type { RouteInfo } from "./events.ts";

export interface HealthResult {
  /** Whether requests should be sent here. */
  readonly ok: boolean;
  /** It serves, and something that it should have is missing: told, and no reason to send requests elsewhere. */
  readonly degraded?: boolean;
  /** One sentence for the operator; nothing secret: anyone may read it. */
  readonly detail?: string;
}

/** An endpoint with something behind it. */
export interface EndpointInfo {
  readonly title: string;
  readonly path: string;
  readonly summary: string;
  /** The plugin. */
  readonly owner: string;
}

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
