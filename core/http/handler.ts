/** One request from the socket to its answer: caller, target, route, body, dispatch. Knows no HTTP library. */
import { ProblemError, type DevDetails, type ProblemCode } from "../../sdk/errors.ts";
import type { Hooks } from "../../sdk/plugin.ts";
import { problemResponse, toProblemError } from "../errors.ts";
import { createCallerLookup } from "./address.ts";
import { GuardedBody, receiveBody } from "./body.ts";
import type { Dispatcher, PluginRoute, RequestPlugins, ScriptRoute } from "./dispatch.ts";
import { asPage, wantsPage } from "./error-page.ts";
import { PluginEvent } from "./event.ts";
import { Exchange, type Connection } from "./exchange.ts";
import { HOW_TO_UPGRADE } from "./handshake.ts";
import type { RouteMatch, RouteTable } from "./router.ts";
import { createTargetReader } from "./target.ts";
import { settleUpgrade } from "./upgrade.ts";

export interface HandlerOptions {
  /** Another list is another value: it is looked at for each request. */
  readonly trustedProxies: readonly string[];
  /** How long a client may take to send a body. */
  readonly requestTimeoutMs: number;
  /** `limits.requestBytes` of the route's script. */
  readonly requestBytes: (route: ScriptRoute) => number;
  /** Shows problems as pages to browsers. */
  readonly dev: boolean;
  /** The snapshot of this moment; asked once per request. */
  readonly routes: () => RouteTable<ScriptRoute | PluginRoute>;
  /** Scripts whose routes are not known yet. */
  readonly unbuilt: () => number;
  /** The generation of this moment; asked once per request. */
  readonly plugins: () => RequestPlugins;
  readonly dispatcher: Dispatcher;
  /** The script may stay silent for longer than a connection may be idle. */
  readonly outlasts: (route: ScriptRoute) => boolean;
  /** A plugin's route or the dispatcher threw; the caller got an opaque 500 with this id. */
  /** Answers what of it may be shown with `--dev`. */
  readonly onFailure: (error: unknown, id: string) => DevDetails | undefined;
}

type Answer = Response | Promise<Response>;
type Found = RouteMatch<ScriptRoute | PluginRoute> | Refusal;

export type Handler = (request: Request, connection: Connection) => Answer;

// An id goes into headers and log lines: no spaces, nothing unprintable.
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** After an answer that came before the request did, the rest of it would be taken for the next request. */
const CLOSE = { connection: "close" };

export function createHandler(options: HandlerOptions): Handler {
  const { dispatcher, dev } = options;
  let proxies: readonly string[] | null = null;
  let lookUpCaller: ReturnType<typeof createCallerLookup> | null = null;
  const readTarget = createTargetReader();

  function answer(exchange: Exchange, request: Request, origin: string, plugins: RequestPlugins): Answer {
    const { headers } = request;
    if (proxies !== options.trustedProxies) {
      proxies = options.trustedProxies;
      lookUpCaller = proxies.length === 0 ? null : createCallerLookup(proxies);
    }
    const caller = lookUpCaller?.(exchange.ip, headers);
    if (caller) exchange.ip = caller.ip;
    const claimed = readRequestId(headers);
    exchange.id = (caller?.trusted && claimed) || Bun.randomUUIDv7();
    if (!caller?.trusted) exchange.clientRequestId = claimed;
    const target = readTarget(request.url, headers.get("host"), origin);
    const { match, request: chain, invoke } = plugins.chains;
    let found: Found;
    if (target === null) {
      exchange.url = `${origin}/`;
      found = new Refusal("bad_request", "The request target or the Host header is malformed.", CLOSE);
    } else {
      exchange.path = target.path;
      exchange.url = caller?.proto ? caller.proto + target.url.slice(target.url.indexOf(":")) : target.url;
      found = match === null ? find(exchange) : findRewritten(exchange, request, match);
    }
    if (chain === null) return run(exchange, request, found);
    const event = new PluginEvent(exchange, request, found instanceof Refusal ? null : found.value);
    return chain(event, () => guarded(exchange, request, found, event, invoke !== null)) as Answer;
  }

  /** A hook that fails is an answer like any other: those around see it. */
  function findRewritten(exchange: Exchange, request: Request, match: Hooks["match"]): Found {
    try {
      rewrite(exchange, match(new URL(exchange.url), request));
    } catch (error) {
      return new Fault(error);
    }
    return find(exchange);
  }

  /** Finds the route, and notes what of it the exchange needs. */
  function find(exchange: Exchange): Found {
    const { method, path } = exchange;
    let match;
    try {
      match = options.routes().find(method, path);
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      return new Refusal("bad_request", "The path is not well percent-encoded UTF-8.");
    }
    if (match === null) return unmatched(method, path, options.unbuilt());
    if ("allow" in match) {
      const allow = match.allow.join(", ");
      return new Refusal("method_not_allowed", `${path} does not take ${method}; it takes ${allow}.`, { allow });
    }
    exchange.params = match.params;
    if (!("handle" in match.value)) exchange.route = match.value;
    return match;
  }

  /** What is inside all hooks: they see an answer, whatever happens. */
  function guarded(exchange: Exchange, request: Request, found: Found, event: PluginEvent, hooked: boolean): Answer {
    try {
      const given = run(exchange, request, found, event);
      // Without hooks around it the dispatcher never rejects: its promise is handed on as it is, which most requests are answered with.
      if (given instanceof Response || (exchange.dispatched && !hooked)) return given;
      return given.catch((error: unknown) => failed(exchange, error));
    } catch (error) {
      return failed(exchange, error);
    }
  }

  function run(exchange: Exchange, request: Request, found: Found, event?: PluginEvent): Answer {
    const { method } = exchange;
    if (found instanceof Fault) throw found.error;
    if (found instanceof Refusal) {
      const { allow } = found.headers;
      if (method === "OPTIONS" && allow !== undefined) return new Response(null, { status: 204, headers: { allow } });
      return refuse(exchange, found.code, found.detail, found.headers);
    }
    const { value } = found;
    if ("handle" in value) return value.handle(event ?? new PluginEvent(exchange, request, value)) as Answer;
    if (options.outlasts(value)) exchange.hold();
    if (method !== "GET" && method !== "HEAD") return withBody(exchange, request);
    exchange.dispatched = true;
    return dispatcher.dispatch(exchange);
  }

  function withBody(exchange: Exchange, request: Request): Answer {
    const limits = { bytes: options.requestBytes(exchange.route), timeoutMs: options.requestTimeoutMs };
    const body = receiveBody(request, limits);
    if (body === null) return dispatcher.dispatch(exchange);
    if (body instanceof GuardedBody) return withStream(exchange, body);
    return body.then((bytes) => {
      exchange.body = bytes;
      return dispatcher.dispatch(exchange);
    });
  }

  async function withStream(exchange: Exchange, body: GuardedBody): Promise<Response> {
    exchange.body = body.stream;
    const fault = body.fault.then((error) => refuseWith(exchange, error, CLOSE));
    const response = await Promise.race([fault, dispatcher.dispatch(exchange)]);
    // Else all of it would have to come in before the next request could.
    if (!body.touched) response.headers.set("connection", "close");
    return response;
  }

  function refuse(
    exchange: Exchange,
    code: ProblemCode,
    detail: string,
    headers?: { readonly [name: string]: string },
  ): Response {
    return refuseWith(exchange, new ProblemError(code, detail), headers);
  }

  function refuseWith(exchange: Exchange, error: unknown, headers: { readonly [name: string]: string } = {}): Response {
    const response = problemResponse(error, exchange.id, dev);
    const more = error instanceof ProblemError && error.code === "upgrade_required" ? HOW_TO_UPGRADE : {};
    for (const [name, value] of [...Object.entries(more), ...Object.entries(headers)])
      response.headers.append(name, value);
    return response;
  }

  function failed(exchange: Exchange, error: unknown): Response {
    if (error instanceof ProblemError) return refuseWith(exchange, error, CLOSE);
    return refuseWith(exchange, toProblemError(error, options.onFailure(error, exchange.id)), CLOSE);
  }

  /** A WebSocket from here on, where the hooks left it at that. */
  function upgraded(
    exchange: Exchange,
    request: Request,
    connection: Connection,
    plugins: RequestPlugins,
    given: Response,
  ): Response {
    try {
      settleUpgrade(exchange, request, connection, plugins, given, (error) => options.onFailure(error, exchange.id));
      return given;
    } catch (error) {
      return failed(exchange, error);
    }
  }

  return (request, connection) => {
    const exchange = new Exchange(request, connection);
    const plugins = options.plugins();
    plugins.enter();
    const end = (given: Response): Answer => {
      let response = labelled(given, exchange.id);
      if (exchange.upgrade !== null) response = upgraded(exchange, request, connection, plugins, response);
      plugins.leave();
      return dev && wantsPage(exchange.headers.get("accept")) ? asPage(response) : response;
    };
    let given: Answer;
    try {
      given = answer(exchange, request, connection.origin, plugins);
    } catch (error) {
      given = failed(exchange, error);
    }
    if (given instanceof Response) return end(given);
    return given.then(end, (error: unknown) => end(failed(exchange, error)));
  };
}

/** No route, and what to answer instead. */
class Refusal {
  constructor(
    readonly code: ProblemCode,
    readonly detail: string,
    readonly headers: { readonly [name: string]: string } = {},
  ) {}
}

/** Whoever asks while the engine starts is not told that there is nothing. */
function unmatched(method: string, path: string, unbuilt: number): Refusal {
  if (unbuilt === 0) return new Refusal("not_found", `No route matches ${method} ${path}.`);
  const detail = `No route matches ${method} ${path} yet: scripts are still being built (${unbuilt}).`;
  return new Refusal("not_ready", detail, { "retry-after": "1" });
}

/** A `match` hook threw. */
class Fault extends Refusal {
  constructor(readonly error: unknown) {
    super("internal", "A plugin failed before the route was looked for.");
  }
}

/** A `match` hook gave another URL. */
function rewrite(exchange: Exchange, url: URL): void {
  exchange.url = url.href;
  exchange.path = url.pathname;
}

/** With the request's id, whatever the script or a hook said of it. */
function labelled(response: Response, id: string): Response {
  try {
    response.headers.set("x-request-id", id);
    return response;
  } catch {
    // Of an answer that was fetched, or made by Response.redirect(), the headers cannot be set.
    const copy = new Response(response.body, response);
    copy.headers.set("x-request-id", id);
    return copy;
  }
}

function readRequestId(headers: Headers): string | undefined {
  const claimed = headers.get("x-request-id");
  return claimed !== null && REQUEST_ID.test(claimed) ? claimed : undefined;
}
