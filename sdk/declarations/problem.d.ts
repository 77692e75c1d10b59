/** The RFC 9457 body of an answer that is a failure. */
/** The limit that was passed. `key` is the config key that changes it. */
export interface LimitUse {
  readonly name: string;
  readonly value: number;
  readonly used?: number;
  readonly key: string;
}
/** One field that does not fit its schema. `path` is a JSON pointer that starts with the part: `/body/text`. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
  readonly expected: string;
}
/** Where in a script an error arose. Only ever shown with `--dev`. */
export interface DevDetails {
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** The lines around the fault, ready to print. */
  readonly frame?: string;
  readonly stack?: string;
}
/** The body of every answer that is a failure: `application/problem+json`. https://www.rfc-editor.org/rfc/rfc9457 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** A code of the table (sdk/problem-table.ts), or the one that a script gave its `HttpError`. */
  readonly code: string;
  /** The invocation's id: the `x-request-id` of the answer and the `id` of every log line it caused. */
  readonly id: string;
  readonly errors?: readonly FieldError[];
  readonly limit?: LimitUse;
  readonly dev?: DevDetails;
}
