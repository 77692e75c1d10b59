/** Errors with a code of the table, and the RFC 9457 bodies made of them. */
import { type ProblemCode } from "./problem-table.js";
import type { DevDetails, FieldError, LimitUse, Problem } from "./problem.js";
export { PROBLEMS } from "./problem-table.js";
export type { ProblemCode, ProblemSpec } from "./problem-table.js";
export type { DevDetails, FieldError, LimitUse, Problem } from "./problem.js";
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
export declare class ProblemError extends Error {
  readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly limit: LimitUse | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly dev: DevDetails | undefined;
  /** The code that a script gave its `HttpError`, where it is none of the table. */
  readonly given: string | undefined;
  constructor(code: ProblemCode, detail: string, extra?: ProblemExtra);
}
/** The `type` of a problem: a name, not an address, since an engine has no public documentation host of its own. */
export declare function problemType(code: string): string;
/** True for a code of the table, also when it comes from outside as text. */
export declare function isProblemCode(code: string): code is ProblemCode;
/** The RFC 9457 body of an error. `dev` details go in only when `showDev` is set. */
export declare function problemBody(error: ProblemError, id: string, showDev?: boolean): Problem;
