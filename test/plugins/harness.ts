/** Serves requests through built-in plugins alone: real host, real schemas, no socket and no scripts. */
import { type } from "arktype";
import { join, resolve } from "node:path";
import type {
  AnyPlugin,
  EngineCapability,
  Json,
  RequestEvent,
  RouteEvent,
  RouteInfo,
  ScriptInfo,
  ServiceCall,
} from "../../sdk/plugin.ts";
import { openProject, type Project } from "../core/plugin/project.ts";

export interface Served extends Project {
  /** Through the request hooks, to `answer` unless a plugin answers. */
  ask(path: string, init?: AskInit): Promise<Response>;
  /** The scripts are now these folders below `scripts/`. */
  scripts(names: readonly string[]): void;
  /** As the script does. */
  call(script: string, service: string, method: string, ...args: readonly unknown[]): Promise<unknown>;
}

export interface AskInit extends RequestInit {
  /** Default `http://localhost`. */
  readonly origin?: string;
  readonly route?: RouteInfo;
}

export interface ServeOptions {
  /** By plugin. */
  readonly config?: { readonly [plugin: string]: object };
  /** What stands behind the plugins: a script's answer. Default: a problem of 404. */
  readonly answer?: (event: RequestEvent) => Response | Promise<Response>;
  readonly files?: { readonly [file: string]: string };
  readonly scripts?: readonly string[];
  /** More capabilities of the engine, and more of the capability `engine`. */
  readonly given?: { readonly [capability: string]: object };
}

export async function serve(plugins: readonly AnyPlugin[], options: ServeOptions = {}): Promise<Served> {
  const { config = {}, answer = notFound, given = {} } = options;
  let names = options.scripts ?? [];
  const listeners = new Set<() => void>();
  const own: Partial<EngineCapability> = {
    scripts: () => names.map((name) => scriptInfo(project.dir, name)),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  // What is a getter stays one: it tells the state of the moment.
  const engine = Object.defineProperties(own, Object.getOwnPropertyDescriptors(given["engine"] ?? {}));
  const project = openProject({
    ...(options.files ? { files: options.files } : {}),
    builtIns: plugins.map((plugin) => ({
      name: plugin.name,
      version: plugin.version,
      requires: plugin.requires ?? [],
      provides: plugin.provides ?? [],
      schema: {},
      load: async () => ({ default: plugin }),
    })),
    settings: {
      enabled: () => true,
      optional: () => false,
      check: () => Object.fromEntries(plugins.map((one) => [one.name, checked(one, config[one.name] ?? {})])),
    },
    given: { redaction: { add: () => () => {} }, ...given, engine },
    onHookFailure: (plugin, error) => new Response(`${plugin}: ${String(error)}`, { status: 500 }),
  });
  await project.host.start().catch(async (error: unknown) => {
    await project.close().catch(() => {});
    throw error;
  });
  return {
    ...project,
    async ask(path, init = {}) {
      const event = requestEvent(path, init);
      const { request } = project.host.current.chains;
      return request === null ? answer(event) : request(event, () => answer(event));
    },
    async call(script, service, method, ...args) {
      const run = project.host.current.contributions.services.get(service)?.spec.methods[method];
      if (run === undefined) throw new Error(`there is no ${service}.${method}()`);
      return run(serviceCall(script), ...(args as Json[]));
    },
    scripts(next) {
      names = next;
      for (const listener of listeners) listener();
    },
  };
}

/** What a service is told of its caller. */
export function serviceCall(script: string, given: Partial<ServiceCall> = {}): ServiceCall {
  const signal = AbortSignal.timeout(5000);
  const fetch = async (): Promise<never> => {
    throw new Error("this call has no network");
  };
  return { invocation: "i1", script, user: null, signal, ended: signal, fetch, ...given };
}

function checked(plugin: AnyPlugin, given: object): unknown {
  const value: unknown = type((plugin.config ?? {}) as never)(given);
  if (value instanceof type.errors) throw new Error(value.summary);
  return value;
}

function scriptInfo(dir: string, name: string): ScriptInfo {
  const folder = resolve(dir, "scripts", name);
  return { name, entry: join(folder, "index.ts"), folder, routes: 0, problem: undefined };
}

function notFound(): Response {
  return Response.json({ code: "not_found" }, { status: 404 });
}

/** The path goes in as it is: a URL parser would take `..` out of it. */
export function requestEvent(
  target: string,
  { origin = "http://localhost", route, ...init }: AskInit = {},
): Omit<RouteEvent, "params"> {
  const request = new Request(origin + target, init);
  return {
    id: "019a0000-0000-7000-8000-000000000000",
    request,
    method: request.method,
    path: target.split("?", 1)[0] ?? "",
    url: new URL(request.url),
    secure: origin.startsWith("https:"),
    ip: "127.0.0.1",
    clientRequestId: undefined,
    route,
    script: route?.owner,
    state: new Map(),
    signal: request.signal,
    wantsWebSocket: false,
    checkUpgrade() {},
    upgrade() {
      throw new Error("there is no connection");
    },
  };
}
