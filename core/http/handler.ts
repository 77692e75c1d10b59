/** One request from the socket to its answer: caller, target, route, body, dispatch, log. Knows no HTTP library. */
import { ProblemError, type ProblemCode } from "../../sdk/errors.ts";
import { problemResponse } from "../errors.ts";
import { createCallerLookup } from "./address.ts";
import { GuardedBody, receiveBody } from "./body.ts";
import type { Dispatcher, ScriptRoute } from "./dispatch.ts";
import { asPage, wantsPage } from "./error-page.ts";
import { accessRecord, Exchange, type AccessRecord, type Connection } from "./exchange.ts";
import type { RouteTable } from "./router.ts";
import { createTargetReader } from "./target.ts";

/** A route that the engine answers itself. */
export interface EngineRoute {
  readonly handle: (
    request: Request,
    event: { readonly id: string; readonly ip: string; readonly params: Readonly<Record<string, string>> },
  ) => Response | Promise<Response>;
}

export interface HandlerOptions {
  readonly trustedProxies: readonly string[];
  /** How long a client may take to send a body. */
  readonly requestTimeoutMs: number;
  /** `limits.requestBytes` of the route's script. */
  readonly requestBytes: (route: ScriptRoute) => number;
  /** Shows problems as pages to browsers. */
  readonly dev: boolean;
  /** The snapshot of this moment; asked once per request. */
  readonly routes: () => RouteTable<ScriptRoute | EngineRoute>;
  readonly dispatcher: Dispatcher;
  /** The script may stay silent for longer than a connection may be idle. */
  readonly outlasts: (route: ScriptRoute) => boolean;
  readonly onRequestLog?: ((line: AccessRecord) => void) | undefined;
  /** An engine route or the dispatcher threw; the caller got an opaque 500 with this id. */
  readonly onFailure: (error: unknown, id: string) => void;
}

export type Handler = (request: Request, connection: Connection) => Response | Promise<Response>;

// An id goes into headers and log lines: no spaces, nothing unprintable.
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** After an answer that came before the request did, the rest of it would be taken for the next request. */
const CLOSE = { connection: "close" };

export function createHandler(options: HandlerOptions): Handler {
  const { dispatcher, onRequestLog, dev } = options;
  const lookUpCaller = options.trustedProxies.length === 0 ? null : createCallerLookup(options.trustedProxies);
  const readTarget = createTargetReader();

  function answer(exchange: Exchange, request: Request, origin: string): Response | Promise<Response> {
    const { headers } = request;
    const caller = lookUpCaller?.(exchange.ip, headers);
    if (caller) exchange.ip = caller.ip;
    const claimed = readRequestId(headers);
    exchange.id = (caller?.trusted && claimed) || Bun.randomUUIDv7();
    if (!caller?.trusted) exchange.clientRequestId = claimed;
    const target = readTarget(request.url, headers.get("host"), origin);
    if (target === null) {
      return refuse(exchange, "bad_request", "The request target or the Host header is malformed.", CLOSE);
    }
    exchange.path = target.path;
    exchange.url = caller?.proto ? caller.proto + target.url.slice(target.url.indexOf(":")) : target.url;
    return route(exchange, request);
  }

  function route(exchange: Exchange, request: Request): Response | Promise<Response> {
    const { method, path } = exchange;
    let match;
    try {
      match = options.routes().find(method, path);
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      return refuse(exchange, "bad_request", "The path is not well percent-encoded UTF-8.");
    }
    if (match === null) return refuse(exchange, "not_found", `No route matches ${method} ${path}.`);
    if ("allow" in match) {
      const allow = match.allow.join(", ");
      if (method === "OPTIONS") {
        return new Response(null, { status: 204, headers: { allow, "x-request-id": exchange.id } });
      }
      return refuse(exchange, "method_not_allowed", `${path} does not take ${method}; it takes ${allow}.`, { allow });
    }
    const { value } = match;
    exchange.params = match.params;
    if ("handle" in value) return value.handle(request, exchange);
    exchange.route = value;
    if (options.outlasts(value)) exchange.hold();
    return method === "GET" || method === "HEAD" ? dispatcher.dispatch(exchange) : withBody(exchange, request);
  }

  function withBody(exchange: Exchange, request: Request): Response | Promise<Response> {
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

  function refuse(exchange: Exchange, code: ProblemCode, detail: string, headers?: Record<string, string>): Response {
    return refuseWith(exchange, new ProblemError(code, detail), headers);
  }

  function refuseWith(exchange: Exchange, error: unknown, headers: Record<string, string> = {}): Response {
    const response = problemResponse(error, exchange.id, dev);
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  }

  function failed(exchange: Exchange, error: unknown): Response {
    if (!(error instanceof ProblemError)) options.onFailure(error, exchange.id);
    return refuseWith(exchange, error, CLOSE);
  }

  function finish(exchange: Exchange, response: Response, at: number, since: number): Response | Promise<Response> {
    if (dev && wantsPage(exchange.headers.get("accept"))) {
      return asPage(response).then((page) => {
        onRequestLog?.(accessRecord(exchange, page, at, since));
        return page;
      });
    }
    onRequestLog?.(accessRecord(exchange, response, at, since));
    return response;
  }

  return (request, connection) => {
    const at = Date.now();
    const since = performance.now();
    const exchange = new Exchange(request, connection);
    let given: Response | Promise<Response>;
    try {
      given = answer(exchange, request, connection.origin);
    } catch (error) {
      given = failed(exchange, error);
    }
    if (given instanceof Response) return finish(exchange, given, at, since);
    return given.then(
      (response) => finish(exchange, response, at, since),
      (error: unknown) => finish(exchange, failed(exchange, error), at, since),
    );
  };
}

function readRequestId(headers: Headers): string | undefined {
  const claimed = headers.get("x-request-id");
  return claimed !== null && REQUEST_ID.test(claimed) ? claimed : undefined;
}
