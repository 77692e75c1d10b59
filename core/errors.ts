/** Failures of the engine itself: why it cannot start, and what a caller is told of an error. */
import { problemBody, ProblemError, type DevDetails } from "../sdk/errors.ts";

/** The engine cannot start, or cannot do what the command line asks. `message` is ready to print, without a stack. */
export class StartError extends Error {
  override readonly name: string = "StartError";
  /** 1: it failed; 2: wrong usage or config. */
  readonly exitCode: 1 | 2;

  constructor(message: string, options: { readonly exitCode?: 1 | 2; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A problem as it is; anything else becomes `internal`, whose `detail` says nothing of the cause. */
export function toProblemError(error: unknown, dev?: DevDetails): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError("internal", "The engine failed to answer; the log has the cause under this id.", {
    cause: error,
    dev,
  });
}

/** The answer for a failure: `application/problem+json`, never cached, with `Retry-After` where waiting helps. */
export function problemResponse(error: unknown, id: string, dev: boolean): Response {
  const problem = toProblemError(error);
  const headers = new Headers({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-request-id": id,
  });
  // RFC 9110: whole seconds.
  if (problem.retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(Math.max(1, Math.ceil(problem.retryAfterSeconds))));
  }
  return new Response(JSON.stringify(problemBody(problem, id, dev)), { status: problem.status, headers });
}
