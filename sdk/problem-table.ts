/** Everything that can go wrong, in one table: the codes, their HTTP statuses, and what to do. */

/** One row of the table. `docs/problems.md` is generated from it. */
export interface ProblemSpec {
  /** The HTTP status where the problem becomes an answer. */
  readonly status: number;
  /** The same for every occurrence: RFC 9457 `title`. */
  readonly title: string;
  /** One sentence: what happened. */
  readonly meaning: string;
  /** One sentence: what to do next. */
  readonly fix: string;
}

/** Codes are stable: clients may key on them. Sentences may change. */
export const PROBLEMS = {
  bad_request: {
    status: 400,
    title: "Bad request",
    meaning: "The request could not be read: broken syntax, encoding or framing.",
    fix: "Correct the request as `detail` says; sending the same bytes again gives the same answer.",
  },
  unauthenticated: {
    status: 401,
    title: "Not signed in",
    meaning: "The route needs a caller who is known, and the request does not say who calls.",
    fix: "Sign in, or send valid credentials.",
  },
  forbidden: {
    status: 403,
    title: "Not allowed",
    meaning: "The caller is known and may not do this.",
    fix: "Ask for the role or permission that `detail` names.",
  },
  not_found: {
    status: 404,
    title: "Not found",
    meaning: "No route matches the path, or what the path names does not exist.",
    fix: "Check the path; the engine prints every script with its routes when it starts.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    meaning: "The path exists and does not take this method.",
    fix: "Use one of the methods in the `Allow` header.",
  },
  not_acceptable: {
    status: 406,
    title: "Not acceptable",
    meaning: "The path exists, and cannot answer in any form that the request's `Accept` header takes.",
    fix: "Ask for the media type that `detail` names.",
  },
  request_timeout: {
    status: 408,
    title: "Request too slow",
    meaning: "The request did not arrive in full within the time allowed.",
    fix: "Send faster, or raise `server.requestTimeoutMs`.",
  },
  conflict: {
    status: 409,
    title: "Conflict",
    meaning: "The request contradicts the present state of what it names.",
    fix: "Read the present state and send the request again.",
  },
  body_too_large: {
    status: 413,
    title: "Body too large",
    meaning: "The request body is larger than the script accepts.",
    fix: "Send less, or raise `limits.requestBytes` for the script.",
  },
  invalid_input: {
    status: 422,
    title: "Invalid input",
    meaning: "The request was understood and does not fit the route's schema; `errors` lists every field.",
    fix: "Correct the fields in `errors`.",
  },
  upgrade_required: {
    status: 426,
    title: "Upgrade required",
    meaning: "The path speaks WebSocket, and the request does not ask for it as RFC 6455 says.",
    fix: "Connect with a WebSocket client; behind a proxy, let it pass on `Upgrade` and `Connection`.",
  },
  too_many_requests: {
    status: 429,
    title: "Too many requests",
    meaning: "The caller sent more requests than it may in this time.",
    fix: "Wait as long as `Retry-After` says.",
  },
  header_too_large: {
    status: 431,
    title: "Header too large",
    meaning: "The request line and headers are larger than the engine accepts.",
    fix: "Send fewer or shorter headers, or raise `server.maxHeaderBytes`.",
  },
  script_failed: {
    status: 500,
    title: "The script failed",
    meaning: "The script threw an error that it did not handle, or it cannot be loaded.",
    fix: "Look for the answer's `id` in the log: the error stands there with file and line.",
  },
  output_exceeded: {
    status: 500,
    title: "Too much output",
    meaning: "The invocation wrote more log lines or bytes than it may.",
    fix: "Log less, or raise `limits.logLines` or `limits.logBytes` for the script.",
  },
  subrequests_exceeded: {
    status: 500,
    title: "Too many outgoing requests",
    meaning: "The invocation made more outgoing requests than it may.",
    fix: "Make fewer, or raise `limits.subrequests` for the script.",
  },
  not_in_invocation: {
    status: 500,
    title: "Not in an invocation",
    meaning: "The script used a service, `fetch` or the context while it loads, or after its handler was done.",
    fix: "Move the call into a handler; wrap work that outlives the answer in `waitUntil`.",
  },
  invocation_ended: {
    status: 500,
    title: "The invocation has ended",
    meaning: "The script called out after its invocation was over, by deadline, cancellation or answer.",
    fix: "Watch `signal`, and wrap work that outlives the answer in `waitUntil`.",
  },
  load_not_deterministic: {
    status: 500,
    title: "The script loads differently each time",
    meaning: "An isolate that loaded the script made other registrations than the build did.",
    fix: "Make registrations depend on the code and `config` only: not on time, randomness or module state.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    meaning: "The engine itself failed; nothing of the cause is shown to callers.",
    fix: "Look for the answer's `id` in the log, and report it.",
  },
  fetch_blocked: {
    status: 502,
    title: "Outgoing request refused",
    meaning:
      "The script tried to reach an address that scripts may not reach: private, loopback, link-local or denied.",
    fix: "Allow the host with `fetch.allowHosts`, or use a public address.",
  },
  response_too_large: {
    status: 502,
    title: "Answer too large",
    meaning: "The script's answer is larger than it may be.",
    fix: "Answer with less, or raise `limits.responseBytes` for the script.",
  },
  cpu_exceeded: {
    status: 503,
    title: "Too much CPU time",
    meaning: "The script used more CPU time for one invocation than it may; its isolate was replaced.",
    fix: "Do less work in one invocation, or raise `limits.cpuMs` for the script.",
  },
  memory_exceeded: {
    status: 503,
    title: "Too much memory",
    meaning: "The script's isolate used more memory than it may and was replaced.",
    fix: "Hold less at once (stream large bodies), or raise `limits.memoryBytes` for the script.",
  },
  overloaded: {
    status: 503,
    title: "Overloaded",
    meaning: "More is waiting than the script or the engine takes on at once.",
    fix: "Try again after `Retry-After`; `limit` names the key where there is one.",
  },
  script_paused: {
    status: 503,
    title: "The script is paused",
    meaning: "The script's isolate was killed three times within a minute, so it rests for a growing while.",
    fix: "Mend the script (a new version ends the pause), or wait as long as `Retry-After` says.",
  },
  isolate_restarted: {
    status: 503,
    title: "The isolate was restarted",
    meaning:
      "Another invocation of the same script had its isolate killed, and this one could not safely be sent again.",
    fix: "Check whether the action took place, then send the request again.",
  },
  not_ready: {
    status: 503,
    title: "Not ready",
    meaning: "The engine is starting or shutting down and takes no requests now.",
    fix: "Try again after `Retry-After`.",
  },
  deadline_exceeded: {
    status: 504,
    title: "Deadline exceeded",
    meaning: "The script did not finish within its wall-clock time.",
    fix: "Make it faster, move the work out of the request, or raise `limits.wallMs` (loading: `limits.loadMs`).",
  },
  uninterrupted_exceeded: {
    status: 504,
    title: "The script did not yield",
    meaning: "The script ran without a pause for longer than it may, so its isolate was killed.",
    fix: "Look for an endless loop or a slow regular expression, or raise `limits.uninterruptedMs` for the script.",
  },
  point_missing: {
    status: 422,
    title: "Registration without its plugin",
    meaning: "The script calls a registration function whose plugin is not there.",
    fix: "Add the plugin that `detail` names, or remove the call.",
  },
  route_taken: {
    status: 409,
    title: "Route taken",
    meaning: "Another script already serves this method and path; `detail` names it.",
    fix: "Change one of the two paths.",
  },
  bad_registration: {
    status: 422,
    title: "Bad registration",
    meaning: "A registration has an unknown option, a wrong path or method, a broken schema, or no handler.",
    fix: "Correct the registration as `detail` says.",
  },
  import_refused: {
    status: 422,
    title: "Import refused",
    meaning: "The script imports something that cannot work in a realm or lies outside its folder.",
    fix: "Use what `detail` proposes instead.",
  },
} as const satisfies Readonly<Record<string, ProblemSpec>>;

export type ProblemCode = keyof typeof PROBLEMS;
