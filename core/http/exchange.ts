/** One request under way: what the dispatcher is given of it, and what the access log says about it. */
import type { Invocation, ScriptRoute } from "./dispatch.ts";

/** One line of the access log. */
export interface AccessRecord {
  readonly id: string;
  /** When the request came, in milliseconds since 1970. */
  readonly at: number;
  readonly method: string;
  /** As received, without the query: that may hold secrets. */
  readonly path: string;
  readonly status: number;
  /** Until the head of the answer was ready; a streamed body goes on after it. */
  readonly ms: number;
  /** Of the answer's body, where its length was declared. */
  readonly bytes: number | null;
  readonly script: string | null;
  /** The pattern: `/notes/:id`. */
  readonly route: string | null;
  readonly ip: string;
  /** The `x-request-id` of a caller that is no trusted proxy. */
  readonly clientRequestId?: string;
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/** The invocation itself, so that a request makes one object; `headers` and `signal` cost nothing until asked for. */
export class Exchange implements Invocation {
  id = "";
  /** Set before the exchange is dispatched; never read by the dispatcher of an engine route. */
  route!: ScriptRoute;
  url = "";
  path = "";
  params = NO_PARAMS;
  ip = "";
  body: Invocation["body"] = null;
  clientRequestId: string | undefined = undefined;
  readonly method: string;
  readonly #request: Request;

  constructor(request: Request) {
    this.#request = request;
    this.method = request.method;
  }

  get headers(): Headers {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }
}

/** @param at and @param since are the start: wall clock and `performance.now()`. */
export function accessRecord(exchange: Exchange, response: Response, at: number, since: number): AccessRecord {
  const route: ScriptRoute | undefined = exchange.route;
  const length = response.headers.get("content-length");
  return {
    id: exchange.id,
    at,
    method: exchange.method,
    path: exchange.path,
    status: response.status,
    ms: performance.now() - since,
    bytes: length === null ? null : Number(length),
    script: route?.script ?? null,
    route: route?.registration.path ?? null,
    ip: exchange.ip,
    ...(exchange.clientRequestId !== undefined && { clientRequestId: exchange.clientRequestId }),
  };
}
