/** The error of a typed client. */
import type { FieldError, LimitUse } from "../problem.js";
export interface ApiErrorFields {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly id?: string | undefined;
  readonly errors?: readonly FieldError[] | undefined;
  readonly limit?: LimitUse | undefined;
  readonly body: unknown;
  readonly headers: Headers;
}
/**
 * An answer that is a failure.
 *
 * @example catch (error) { if (error instanceof ApiError && error.code === "invalid_input") show(error.errors); }
 */
export declare class ApiError extends Error {
  readonly name = "ApiError";
  readonly status: number;
  /** A problem code (`invalid_input`), the script's own, or `http_404` where the answer was no problem document. */
  readonly code: string;
  /** One sentence. */
  readonly detail: string;
  /** The invocation's id, by which the engine's log is searched. */
  readonly id: string | undefined;
  /** Each field that does not fit the route's schema. */
  readonly errors: readonly FieldError[] | undefined;
  /** The limit that was passed. */
  readonly limit: LimitUse | undefined;
  /** The answer's body, read: the whole problem, or what else came. */
  readonly body: unknown;
  /** Of the answer: `retry-after`, … */
  readonly headers: Headers;
  constructor(route: string, fields: ApiErrorFields);
}
