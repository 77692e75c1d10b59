/** From anything that was thrown inside the engine to the answer a caller gets: nothing internal goes out. */
import { problemBody, ProblemError } from "../sdk/errors.ts";

/** A problem as it is; anything else becomes `internal`, whose `detail` says nothing of the cause. */
export function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  return new ProblemError("internal", "The engine failed to answer; the log has the cause under this id.", {
    cause: error,
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
