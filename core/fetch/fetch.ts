/** The guarded `fetch` of scripts, engine side: every hop checked, pinned, counted, timed and capped. */
import type { IncomingMessage } from "node:http";
import { ProblemError } from "../../sdk/errors.ts";
import { codingsOf, receiveBody, tooLarge, type OutboundBody } from "./body.ts";
import { NetworkError, networkError } from "./error.ts";
import { exchange, type Answer } from "./exchange.ts";
import { checkHeaders, forOtherOrigin, incoming, withoutBody, type HeaderList } from "./headers.ts";
import { HookedRequest, type FetchHook } from "./hook.ts";
import { parseUrl, resolveTarget, systemResolve, type FetchPolicy, type Resolve, type Target } from "./target.ts";

export { NetworkError } from "./error.ts";
export { parseHostPattern } from "./address.ts";
export type { FetchHook } from "./hook.ts";
export type { FetchPolicy, Resolve } from "./target.ts";

/** A request as an isolate sends it: hostile, so every part is checked here. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  readonly redirect: "follow" | "error" | "manual";
  readonly body: OutboundBody;
}

export interface OutboundResponse {
  readonly status: number;
  readonly statusText: string;
  /** Of the last hop, without a fragment. */
  readonly url: string;
  readonly redirected: boolean;
  /** Name in lower case, value, name, value. */
  readonly headers: readonly string[];
  /** Decoded; errors with `response_too_large`, `deadline_exceeded`, the signal's reason or a `NetworkError`. */
  readonly body: ReadableStream<Uint8Array> | null;
}

export interface FetchContext {
  readonly policy: FetchPolicy;
  /** `scripts.<name>.hosts`: when there are any, only these may be reached. */
  readonly hosts: readonly string[];
  /** Aborts with the invocation; the body, too. */
  readonly signal: AbortSignal;
  /** Of a body, both as it arrives and decoded. */
  readonly maxResponseBytes: number;
  /** Up to the head of the last answer, all hops together; then for each silence within the body. */
  readonly timeoutMs: number;
  /** Before each redirect is followed; refuses it by throwing. */
  readonly onRedirect?: () => void;
  /** Plugins, before each hop is sent; what they throw refuses it. */
  readonly hook?: FetchHook | undefined;
  /** Instead of the system's resolver. */
  readonly resolve?: Resolve;
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca?: string;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const WITHOUT_BODY = new Set([204, 205, 304]);
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;
/** https://fetch.spec.whatwg.org/#forbidden-method: tunnels, and echoes of credentials. */
const FORBIDDEN_METHODS = new Set(["CONNECT", "TRACE", "TRACK"]);
const NORMALISED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);

/** What the next hop sends. */
interface Hop {
  readonly url: URL;
  readonly method: string;
  readonly headers: HeaderList;
  readonly body: OutboundBody;
}

/**
 * Sends a script's request. Rejects with a `ProblemError` (`bad_request`, `fetch_blocked`, `deadline_exceeded`,
 * `response_too_large`), with the signal's reason when that aborts, else with a `NetworkError`.
 */
export async function guardedFetch(request: OutboundRequest, context: FetchContext): Promise<OutboundResponse> {
  // One signal for both ends of patience; only the invocation's own outlives the answer's head.
  const patience = new AbortController();
  const expire = () =>
    patience.abort(new ProblemError("deadline_exceeded", `fetch: no answer within ${context.timeoutMs} ms`));
  const abort = () => patience.abort(context.signal.reason);
  const timer = setTimeout(expire, context.timeoutMs);
  context.signal.addEventListener("abort", abort);
  try {
    context.signal.throwIfAborted();
    return await follow(firstHop(request), request.redirect, context, patience.signal);
  } catch (error) {
    void dropBody(request.body);
    throw error;
  } finally {
    clearTimeout(timer);
    context.signal.removeEventListener("abort", abort);
  }
}

function firstHop(request: OutboundRequest): Hop {
  const upper = request.method.toUpperCase();
  const method = NORMALISED.has(upper) ? upper : request.method;
  if (!METHOD.test(method) || FORBIDDEN_METHODS.has(upper)) {
    throw new ProblemError("bad_request", "fetch: the method is not allowed");
  }
  if (request.body !== null && (method === "GET" || method === "HEAD")) {
    throw new ProblemError("bad_request", `fetch: a ${method} request has no body`);
  }
  return { url: parseUrl(request.url), method, headers: checkHeaders(request.headers), body: request.body };
}

async function follow(
  first: Hop,
  mode: OutboundRequest["redirect"],
  context: FetchContext,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const hooked = context.hook && new HookedRequest(context.hook);
  let hop = first;
  for (let hops = 0; ; hops++) {
    const target = await settleTarget(hop.url, context, signal);
    const sent = hooked ? await unlessAborted(hooked.apply(hop, hops), signal) : hop;
    const answer = await exchange(
      { ...target, url: sent.url },
      { ...hop, headers: sent.headers, signal, ca: context.ca },
    );
    try {
      const location = answer.message.headers.location;
      const status = answer.message.statusCode ?? 0;
      if (mode === "manual" || location === undefined || !REDIRECTS.has(status)) {
        const response = respond(answer, target, hop.method, hops > 0, context);
        return hooked ? concealed(response, hooked) : response;
      }
      if (mode === "error") throw new NetworkError(`${target.host}: redirected, which the request forbids`);
      if (hops === MAX_REDIRECTS) throw new NetworkError(`${target.host}: more than ${MAX_REDIRECTS} redirects`);
      context.onRedirect?.();
      const next = redirected(hop, status, location);
      answer.release();
      hop = next;
    } catch (error) {
      answer.release();
      throw error;
    }
  }
}

/** Checks and resolves, but no longer than there is patience. */
async function settleTarget(url: URL, context: FetchContext, signal: AbortSignal): Promise<Target> {
  try {
    signal.throwIfAborted();
    const target = resolveTarget(url, context.policy, context.hosts, context.resolve ?? systemResolve);
    return await unlessAborted(target, signal);
  } catch (error) {
    if (error instanceof ProblemError || signal.aborted) throw error;
    throw networkError(url.host, error);
  }
}

/** Waits for what cannot be cancelled, and leaves it alone when there is no more patience. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const gone = Promise.withResolvers<never>();
  const abort = () => gone.reject(signal.reason);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, gone.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** A server that repeats what a plugin put in must not thereby show it to the script. */
function concealed(response: OutboundResponse, hooked: HookedRequest): OutboundResponse {
  return {
    ...response,
    statusText: hooked.conceal(response.statusText),
    url: hooked.conceal(response.url),
    headers: response.headers.map((text, i) => (i % 2 === 0 ? text : hooked.conceal(text))),
  };
}

/** The next hop by the standard's rules, https://fetch.spec.whatwg.org/#http-redirect-fetch, and stricter on secrets. */
function redirected(hop: Hop, status: number, location: string): Hop {
  const url = parseUrl(location, hop.url);
  const toGet =
    (status === 303 && hop.method !== "HEAD" && hop.method !== "GET") ||
    ((status === 301 || status === 302) && hop.method === "POST");
  if (!toGet && hop.body instanceof ReadableStream) {
    throw new NetworkError(`${hop.url.host}: redirected with ${status}, and a streamed body cannot be sent twice`);
  }
  if (toGet) void dropBody(hop.body);
  const described = toGet ? withoutBody(hop.headers) : hop.headers;
  return {
    url,
    method: toGet ? "GET" : hop.method,
    headers: url.origin === hop.url.origin ? described : forOtherOrigin(described),
    body: toGet ? null : hop.body,
  };
}

function respond(
  { message, release }: Answer,
  target: Target,
  method: string,
  wasRedirected: boolean,
  context: FetchContext,
): OutboundResponse {
  const status = message.statusCode ?? 0;
  if (status < 200 || status > 599) throw new NetworkError(`${target.host}: answered with status ${status}`);
  const bodiless = method === "HEAD" || WITHOUT_BODY.has(status);
  const codings = bodiless ? [] : codingsOf(message);
  if (bodiless) release();
  else checkLength(message, codings, context.maxResponseBytes);
  const url = new URL(target.url);
  url.hash = "";
  return {
    status,
    statusText: /^[\t\x20-\x7e]*$/.test(message.statusMessage ?? "") ? (message.statusMessage ?? "") : "",
    url: url.href,
    redirected: wasRedirected,
    headers: incoming(message.rawHeaders, codings.length > 0),
    body: bodiless
      ? null
      : receiveBody(message, {
          host: target.host,
          codings,
          maxBytes: context.maxResponseBytes,
          idleMs: context.timeoutMs,
          signal: context.signal,
          release,
        }),
  };
}

/** An answer that announces more than it may have is refused before any of it is read. */
function checkLength(message: IncomingMessage, codings: readonly string[], maxBytes: number): void {
  const length = Number(message.headers["content-length"] ?? 0);
  if (codings.length === 0 && length > maxBytes) throw tooLarge(maxBytes, length);
}

/** Tells the script's stream that nobody will read it; one that is being read is told by its reader. */
async function dropBody(body: OutboundBody): Promise<void> {
  if (body instanceof ReadableStream && !body.locked) await body.cancel().catch(() => undefined);
}
