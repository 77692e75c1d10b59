/** Errors with a code of the table, and the RFC 9457 bodies made of them. */
import { PROBLEMS, type ProblemCode } from "./problem-table.ts";
import type { DevDetails, FieldError, LimitUse, Problem } from "./problem.ts";

export { PROBLEMS } from "./problem-table.ts";
export type { ProblemCode, ProblemSpec } from "./problem-table.ts";
export type { DevDetails, FieldError, LimitUse, Problem } from "./problem.ts";

export interface ProblemExtra {
  readonly errors?: readonly FieldError[] | undefined;
  readonly limit?: LimitUse | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly dev?: DevDetails | undefined;
  readonly given?: string | undefined;
  /** For the log; never serialised. */
  readonly cause?: unknown;
}

/**
 * A failure with a code. `detail` is safe to show to any caller: put what is not into `cause` or `dev`.
 *
 * @example throw new ProblemError("conflict", "the note was changed by someone else");
 */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly limit: LimitUse | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly dev: DevDetails | undefined;
  /** The code that a script gave its `HttpError`, where it is none of the table. */
  readonly given: string | undefined;

  constructor(code: ProblemCode, detail: string, extra: ProblemExtra = {}) {
    super(detail, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.code = code;
    this.status = PROBLEMS[code].status;
    this.detail = detail;
    this.errors = extra.errors;
    this.limit = extra.limit;
    this.retryAfterSeconds = extra.retryAfterSeconds;
    this.dev = extra.dev;
    this.given = extra.given;
  }
}

/** The `type` of a problem: a name, not an address, since an engine has no public documentation host of its own. */
export function problemType(code: string): string {
  return `urn:aiwebengine:problem:${code}`;
}

/** True for a code of the table, also when it comes from outside as text. */
export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

/** The RFC 9457 body of an error. `dev` details go in only when `showDev` is set. */
export function problemBody(error: ProblemError, id: string, showDev = false): Problem {
  return {
    type: problemType(error.code),
    title: PROBLEMS[error.code].title,
    status: error.status,
    detail: error.detail,
    code: error.code,
    id,
    ...(error.errors && { errors: error.errors }),
    ...(error.limit && { limit: error.limit }),
    ...(showDev && error.dev && { dev: error.dev }),
  };
}
