/** A server with a dispatcher that tells what it was given: for tests of the server alone. */
import type { Dispatcher, Invocation, PluginRoute, RequestPlugins, ScriptRoute } from "../../../core/http/dispatch.ts";
import { compileRoutes, type RouteEntry } from "../../../core/http/router.ts";
import type { RequestLine } from "../../../sdk/plugin.ts";
import { startServer, type HttpServer, type HttpServerOptions } from "../../../core/http/server.ts";

export interface TestServer extends AsyncDisposable {
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  readonly log: RequestLine[];
  readonly failures: unknown[];
  /** Settles with the next line of the access log. */
  nextLine(): Promise<RequestLine>;
}

/** What the dispatcher of `echo` answers. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly params: Record<string, string>;
  readonly ip: string;
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

export const echo: Dispatcher = {
  async dispatch(invocation) {
    const body = await readAll(invocation.body);
    const { method, url, params, ip, id } = invocation;
    const seen: Seen = {
      method,
      url,
      params: { ...params },
      ip,
      id,
      headers: Object.fromEntries(invocation.headers),
      body,
    };
    return Response.json(seen);
  },
};

async function readAll(body: Invocation["body"]): Promise<string | null> {
  if (body === null) return null;
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  return await Bun.readableStreamToText(body);
}

export function scriptRoute(method: string, path: string, script = "test"): RouteEntry<ScriptRoute> {
  const fn = "registerWebHandler" as const;
  const registration = { id: 0, fn, method, path, options: {}, definitions: {}, schemas: {} };
  return { method, path, owner: script, value: { script, registration } };
}

/** A generation without hooks. */
export const NO_PLUGINS: RequestPlugins = {
  chains: { match: null, request: null, invoke: null },
  enter() {},
  leave() {},
  ended: new AbortController().signal,
};

/** With a hook around all others that tells of each answer, as the plugin `access-log` does. */
function logged(inner: RequestPlugins, tell: (line: RequestLine) => void): RequestPlugins {
  const { match, request, invoke } = inner.chains;
  return {
    enter: () => inner.enter(),
    leave: () => inner.leave(),
    ended: inner.ended,
    chains: {
      match,
      invoke,
      async request(event, core) {
        const since = performance.now();
        const answer = await (request === null ? core() : request(event, core));
        const { id, method, path, ip, script, route, clientRequestId } = event;
        const ms = performance.now() - since;
        tell({ id, method, path, status: answer.status, ms, ip, script, route: route?.path, clientRequestId });
        return answer;
      },
    },
  };
}

const DEFAULT_ROUTES = [
  scriptRoute("GET", "/"),
  scriptRoute("GET", "/hello"),
  scriptRoute("POST", "/echo"),
  scriptRoute("ANY", "/any/:a/*"),
];

export function serveTest(
  options: Partial<HttpServerOptions> & {
    readonly dispatch?: (invocation: Invocation) => Response | Promise<Response>;
    readonly entries?: readonly RouteEntry<ScriptRoute | PluginRoute>[];
  } = {},
): TestServer {
  const { dispatch, entries = DEFAULT_ROUTES, plugins = () => NO_PLUGINS, ...rest } = options;
  const log: RequestLine[] = [];
  const failures: unknown[] = [];
  const waiting: ((line: RequestLine) => void)[] = [];
  const tell = (line: RequestLine): void => {
    log.push(line);
    for (const resolve of waiting.splice(0)) resolve(line);
  };
  const table = compileRoutes(entries);
  const server = startServer({
    host: "127.0.0.1",
    port: 0,
    maxHeaderBytes: 16_384,
    sockets: { maxMessageBytes: 1024, maxQueueBytes: 65_536, idleSeconds: 60 },
    requestTimeoutMs: 5_000,
    trustedProxies: [],
    requestBytes: () => 100_000,
    outlasts: () => false,
    dev: false,
    routes: () => table,
    unbuilt: () => 0,
    dispatcher: dispatch ? { dispatch } : echo,
    onFailure: (error) => void failures.push(error),
    ...rest,
    plugins: () => logged(plugins(), tell),
  });
  return {
    server,
    port: server.port,
    url: server.url,
    log,
    failures,
    nextLine: () => new Promise((resolve) => waiting.push(resolve)),
    [Symbol.asyncDispose]: () => server.stop(0),
  };
}
