/** What a caller gets where a script threw an `HttpError`. */
import { isProblemCode, PROBLEMS, problemType } from "../sdk/errors.ts";
import type { ReadFailure } from "./pool/answer.ts";
import { codeOfStatus } from "./pool/data-call.ts";
import type { Flight } from "./pool/flight.ts";

/** Its status and its sentence, as a problem of RFC 9457. */
export function httpFailure(flight: Flight, failure: ReadFailure): Response {
  const status = failure.status ?? 500;
  const code = failure.code ?? codeOfStatus(status);
  const { id } = flight.invocation;
  // RFC 9457: one type, one title; a status that the code does not have has a name of its own.
  const listed = isProblemCode(code) && PROBLEMS[code].status === status;
  const title = listed ? PROBLEMS[code].title : statusTitle(status);
  const body = {
    type: problemType(code),
    title,
    status,
    detail: failure.message || title,
    code,
    id,
    ...(failure.errors ? { errors: failure.errors } : {}),
  };
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
  for (const [name, value] of Object.entries(failure.headers ?? {})) {
    try {
      headers.set(name, value);
    } catch {
      continue; // a header of the script that HTTP does not allow is left out; the problem itself must arrive
    }
  }
  return new Response(JSON.stringify(body), { status, headers });
}

function statusTitle(status: number): string {
  return STATUS_TITLES[status] ?? (status < 500 ? "Request refused" : "Request failed");
}

const STATUS_TITLES: { readonly [status: number]: string } = {
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  418: "I'm a teapot",
  422: "Unprocessable Content",
  423: "Locked",
  428: "Precondition Required",
  429: "Too Many Requests",
  451: "Unavailable For Legal Reasons",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
