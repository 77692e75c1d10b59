/** From an isolate's frames to a Response: everything that came from there is checked here. */
import { HEADERS_HTML, HEADERS_JSON, HEADERS_NONE, HEADERS_TEXT } from "../isolate/frames.ts";
import { parseHostile } from "./hostile-json.ts";
import { isProblemCode, ProblemError, PROBLEMS, type FieldError, type ProblemCode } from "../../sdk/errors.ts";

/** Decided by the engine and the connection, never by a script. RFC 9110, section 7.6.1. */
const NOT_FOR_SCRIPTS = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
  "trailer",
  "te",
  "date",
  "x-request-id",
]);
const MAX_HEADERS = 200;
const NO_BODY = new Set([204, 205, 304]);

export class BadAnswer extends Error {}

const USUAL: { readonly [kind: string]: string | undefined } = {
  [HEADERS_TEXT]: "text/plain;charset=utf-8",
  [HEADERS_JSON]: "application/json",
  [HEADERS_HTML]: "text/html;charset=utf-8",
};

export type AnswerBody = string | Uint8Array | ReadableStream<Uint8Array> | null;

/** Statuses whose answers have no body. https://fetch.spec.whatwg.org/#null-body-status */
export function bodiless(status: number): boolean {
  return NO_BODY.has(status);
}

type HeaderInit = { [name: string]: string } | [string, string][];

function readHeaders(text: string): HeaderInit {
  const usual = USUAL[text];
  if (usual !== undefined) return { "content-type": usual };
  if (text === HEADERS_NONE) return {};
  let list: unknown;
  try {
    list = parseHostile(text);
  } catch {
    throw new BadAnswer("its headers are no list");
  }
  if (!Array.isArray(list) || list.length % 2 !== 0 || list.length > MAX_HEADERS * 2) {
    throw new BadAnswer(`an answer may have up to ${MAX_HEADERS} headers`);
  }
  const pairs: [string, string][] = [];
  for (let i = 0; i < list.length; i += 2) {
    const name: unknown = list[i];
    const value: unknown = list[i + 1];
    if (typeof name !== "string" || typeof value !== "string")
      throw new BadAnswer("a header's name and value are strings");
    if (!NOT_FOR_SCRIPTS.has(name.toLowerCase())) pairs.push([name, value]);
  }
  return pairs;
}

/** @throws BadAnswer when status or headers cannot be sent (CR, LF, NUL, a bad name). */
export function makeResponse(status: number, headersText: string, body: AnswerBody): Response {
  if (status < 200 || status > 599)
    throw new BadAnswer(`${status} is not a status that a script can answer with; use 200 to 599`);
  const usual = status === 200 ? USUAL[headersText] : undefined;
  // Most answers, and a tenth of their time: headers that are set cost less than headers that a constructor reads.
  if (usual !== undefined) {
    const response = new Response(body as BodyInit);
    response.headers.set("content-type", usual);
    return response;
  }
  const headers = readHeaders(headersText);
  try {
    return new Response(NO_BODY.has(status) ? null : (body as BodyInit | null), { status, headers });
  } catch (error) {
    throw new BadAnswer(error instanceof Error ? error.message : "the headers cannot be sent");
  }
}

/** What the isolate says went wrong (core/isolate/realm/errors.ts, `Failure`), read with suspicion. */
export interface ReadFailure {
  readonly kind: string;
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly status?: number;
  readonly code?: string;
  readonly errors?: readonly FieldError[];
  readonly headers?: { readonly [name: string]: string };
}

function text(value: unknown, most: number): string {
  return typeof value === "string" ? value.slice(0, most) : "";
}

function fieldErrors(value: unknown): readonly FieldError[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.slice(0, 100).map((item: unknown) => {
    const field = (typeof item === "object" && item !== null ? item : {}) as { [key: string]: unknown };
    return {
      path: text(field["path"], 300),
      message: text(field["message"], 500),
      expected: text(field["expected"], 300),
    };
  });
}

function plainHeaders(value: unknown): { [name: string]: string } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const out: { [name: string]: string } = {};
  for (const [name, item] of Object.entries(value).slice(0, MAX_HEADERS)) {
    if (typeof item === "string" && !NOT_FOR_SCRIPTS.has(name.toLowerCase()) && name.toLowerCase() !== "content-type")
      out[name] = item;
  }
  return out;
}

export function readFailure(json: string): ReadFailure {
  let raw: { [key: string]: unknown } = {};
  try {
    const parsed = parseHostile(json);
    if (typeof parsed === "object" && parsed !== null) raw = parsed as { [key: string]: unknown };
  } catch {
    raw = { message: "the isolate sent a failure that is not JSON" };
  }
  const { status, code } = raw;
  const errors = fieldErrors(raw["errors"]);
  const headers = plainHeaders(raw["headers"]);
  return {
    kind: text(raw["kind"], 20),
    name: text(raw["name"], 100),
    message: text(raw["message"], 4000),
    stack: text(raw["stack"], 8000),
    ...(typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599 ? { status } : {}),
    ...(typeof code === "string" ? { code: code.slice(0, 100) } : {}),
    ...(errors ? { errors } : {}),
    ...(headers ? { headers } : {}),
  };
}

/** Codes of the engine that a script may let through to its caller as they are. */
const PASSED_ON: ReadonlySet<string> = new Set<ProblemCode>([
  "body_too_large",
  "request_timeout",
  "overloaded",
  "subrequests_exceeded",
  "output_exceeded",
  "fetch_blocked",
  "response_too_large",
  "not_in_invocation",
  "invocation_ended",
]);

/** Position of the first frame of a stack that the realm wrote: ` at name (file:line:column)`. */
export function firstFrame(stack: string): { file: string; line: number; column: number } | undefined {
  const match = /\(([^()\n]{1,300}):(\d{1,7}):(\d{1,7})\)/.exec(stack);
  return match ? { file: match[1] as string, line: Number(match[2]), column: Number(match[3]) } : undefined;
}

/**
 * The problem that a failure of a script is to its caller. Its own errors stay opaque: the log has them. `refusal` is
 * the engine's own last refusal of a call: the script may have let it through.
 */
export function failureProblem(failure: ReadFailure, refusal: ProblemError | null): ProblemError {
  const dev = { ...firstFrame(failure.stack), stack: failure.stack || `${failure.name}: ${failure.message}` };
  const cause = failure;
  if (failure.kind === "input") {
    return new ProblemError("invalid_input", failure.message, { errors: failure.errors, cause });
  }
  if (
    failure.kind === "engine" &&
    failure.code !== undefined &&
    PASSED_ON.has(failure.code) &&
    isProblemCode(failure.code)
  ) {
    const detail = PROBLEMS[failure.code].status < 500 ? failure.message : PROBLEMS[failure.code].meaning;
    const { limit, retryAfterSeconds } = refusal?.code === failure.code ? refusal : {};
    return new ProblemError(failure.code, detail, { dev, cause, limit, retryAfterSeconds });
  }
  return new ProblemError("script_failed", "The script failed. The log has the details under this id.", { dev, cause });
}
