/** Outgoing requests of an invocation, whoever asks for them: the script by `fetch`, or a service that it called. */
import { ProblemError, type ProblemCode } from "../../sdk/errors.ts";
import type { LimitName } from "../config/limits.ts";
import { NetworkError } from "../fetch/error.ts";
import type { FetchHook, FetchPolicy, OutboundRequest, OutboundResponse } from "../fetch/fetch.ts";
import type { Flight } from "./flight.ts";
import type { IsolateScript } from "./isolate.ts";
import { limitUse } from "./limit-use.ts";

export interface OutgoingDeps {
  /** Asked each time: the config may change. */
  readonly fetchPolicy: () => FetchPolicy;
  /** The plugins' hooks of outgoing requests; null where there are none. */
  readonly fetchHook: () => FetchHook["run"] | null;
  /** What became of an outgoing request, as soon as that is known. */
  onFetch(flight: Flight, outgoing: Outgoing): void;
}

/** For the log. */
export interface Outgoing {
  readonly method: string;
  /** As the script gave it: it may be no URL, and hold secrets. */
  readonly url: string;
  /** Until the answer's head, or the refusal. */
  readonly ms: number;
  /** The answer's, or why there is none. */
  readonly outcome: number | ProblemError | Error;
}

/** @throws ProblemError, NetworkError: whoever asked is told; anything else is a fault of the engine or a plugin */
export async function sendOutgoing(
  deps: OutgoingDeps,
  request: OutboundRequest,
  flight: Flight,
  script: IsolateScript,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  const { limits } = script;
  flight.subrequests++;
  // Safe methods leave nothing behind that a second try would do twice.
  if (request.method !== "GET" && request.method !== "HEAD") flight.mutated = true;
  // Loaded when the first script asks: an engine that fetches nothing holds no HTTP client.
  const { guardedFetch } = await import("../fetch/fetch.ts");
  const run = deps.fetchHook();
  const since = performance.now();
  const tell = (outcome: Outgoing["outcome"]): void => {
    const { method, url } = request;
    deps.onFetch(flight, { method, url, ms: performance.now() - since, outcome });
  };
  try {
    const answer = await guardedFetch(request, {
      policy: deps.fetchPolicy(),
      hosts: script.hosts,
      hook: run === null ? undefined : { script: script.name, id: flight.invocation.id, run },
      signal,
      maxResponseBytes: limits.responseBytes,
      timeoutMs: limits.wallMs,
      onRedirect() {
        if (flight.subrequests >= limits.subrequests) throw exceeded(script, "subrequests", "subrequests_exceeded");
        flight.subrequests++;
      },
    });
    tell(answer.status);
    return answer;
  } catch (error) {
    if (error instanceof ProblemError && error.code !== "internal") {
      tell(error);
      if (error.limit) flight.refusal = error;
    } else if (error instanceof NetworkError) tell(error);
    throw error;
  }
}

/**
 * The same for a service: what the script could fetch, with what it has left, for as long as its invocation lasts.
 *
 * @param streams the body goes out as it comes; else it is read first, and can be sent again where a redirect asks for it
 */
export async function serviceFetch(
  deps: OutgoingDeps,
  request: Request,
  streams: boolean,
  flight: Flight,
  script: IsolateScript,
  ended: AbortSignal,
): Promise<Response> {
  ended.throwIfAborted();
  if (flight.subrequests >= script.limits.subrequests) {
    flight.refusal = exceeded(script, "subrequests", "subrequests_exceeded");
    throw flight.refusal;
  }
  const { method, url, redirect } = request;
  const headers = [...request.headers].flat();
  const body = request.body === null || streams ? request.body : await request.bytes();
  const outbound = { method, url, headers, redirect, body };
  const answer = await sendOutgoing(deps, outbound, flight, script, AbortSignal.any([request.signal, ended]));
  const made = new Headers();
  for (let i = 0; i + 1 < answer.headers.length; i += 2)
    made.append(answer.headers[i] ?? "", answer.headers[i + 1] ?? "");
  const { status, statusText } = answer;
  const response = new Response(answer.body, { status, statusText, headers: made });
  return Object.defineProperties(response, {
    url: { value: answer.url },
    redirected: { value: answer.redirected },
  });
}

export function exceeded({ limits }: Pick<IsolateScript, "limits">, name: LimitName, code: ProblemCode): ProblemError {
  const what = name === "subrequests" ? "outgoing requests were made" : "calls are under way";
  const detail = `${limits[name]} ${what} in this invocation; limits.${name} allows no more.`;
  const limit = limitUse(limits, name, limits[name] + 1);
  return new ProblemError(code, detail, { limit, ...(code === "overloaded" ? { retryAfterSeconds: 1 } : {}) });
}
