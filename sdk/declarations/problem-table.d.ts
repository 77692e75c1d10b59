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
export declare const PROBLEMS: {
  readonly bad_request: {
    readonly status: 400;
    readonly title: "Bad request";
    readonly meaning: "The request could not be read: broken syntax, encoding or framing.";
    readonly fix: "Correct the request as `detail` says; sending the same bytes again gives the same answer.";
  };
  readonly unauthenticated: {
    readonly status: 401;
    readonly title: "Not signed in";
    readonly meaning: "The route needs a caller who is known, and the request does not say who calls.";
    readonly fix: "Sign in, or send valid credentials.";
  };
  readonly forbidden: {
    readonly status: 403;
    readonly title: "Not allowed";
    readonly meaning: "The caller is known and may not do this.";
    readonly fix: "Ask for the role or permission that `detail` names.";
  };
  readonly not_found: {
    readonly status: 404;
    readonly title: "Not found";
    readonly meaning: "No route matches the path, or what the path names does not exist.";
    readonly fix: "Check the path; the engine prints every script with its routes when it starts.";
  };
  readonly method_not_allowed: {
    readonly status: 405;
    readonly title: "Method not allowed";
    readonly meaning: "The path exists and does not take this method.";
    readonly fix: "Use one of the methods in the `Allow` header.";
  };
  readonly not_acceptable: {
    readonly status: 406;
    readonly title: "Not acceptable";
    readonly meaning: "The path exists, and cannot answer in any form that the request's `Accept` header takes.";
    readonly fix: "Ask for the media type that `detail` names.";
  };
  readonly request_timeout: {
    readonly status: 408;
    readonly title: "Request too slow";
    readonly meaning: "The request did not arrive in full within the time allowed.";
    readonly fix: "Send faster, or raise `server.requestTimeoutMs`.";
  };
  readonly conflict: {
    readonly status: 409;
    readonly title: "Conflict";
    readonly meaning: "The request contradicts the present state of what it names.";
    readonly fix: "Read the present state and send the request again.";
  };
  readonly body_too_large: {
    readonly status: 413;
    readonly title: "Body too large";
    readonly meaning: "The request body is larger than the script accepts.";
    readonly fix: "Send less, or raise `limits.requestBytes` for the script.";
  };
  readonly invalid_input: {
    readonly status: 422;
    readonly title: "Invalid input";
    readonly meaning: "The request was understood and does not fit the route's schema; `errors` lists every field.";
    readonly fix: "Correct the fields in `errors`.";
  };
  readonly upgrade_required: {
    readonly status: 426;
    readonly title: "Upgrade required";
    readonly meaning: "The path speaks WebSocket, and the request does not ask for it as RFC 6455 says.";
    readonly fix: "Connect with a WebSocket client; behind a proxy, let it pass on `Upgrade` and `Connection`.";
  };
  readonly too_many_requests: {
    readonly status: 429;
    readonly title: "Too many requests";
    readonly meaning: "The caller sent more requests than it may in this time.";
    readonly fix: "Wait as long as `Retry-After` says.";
  };
  readonly header_too_large: {
    readonly status: 431;
    readonly title: "Header too large";
    readonly meaning: "The request line and headers are larger than the engine accepts.";
    readonly fix: "Send fewer or shorter headers, or raise `server.maxHeaderBytes`.";
  };
  readonly script_failed: {
    readonly status: 500;
    readonly title: "The script failed";
    readonly meaning: "The script threw an error that it did not handle, or it cannot be loaded.";
    readonly fix: "Look for the answer's `id` in the log: the error stands there with file and line.";
  };
  readonly output_exceeded: {
    readonly status: 500;
    readonly title: "Too much output";
    readonly meaning: "The invocation wrote more log lines or bytes than it may.";
    readonly fix: "Log less, or raise `limits.logLines` or `limits.logBytes` for the script.";
  };
  readonly subrequests_exceeded: {
    readonly status: 500;
    readonly title: "Too many outgoing requests";
    readonly meaning: "The invocation made more outgoing requests than it may.";
    readonly fix: "Make fewer, or raise `limits.subrequests` for the script.";
  };
  readonly not_in_invocation: {
    readonly status: 500;
    readonly title: "Not in an invocation";
    readonly meaning: "The script used a service, `fetch` or the context while it loads, or after its handler was done.";
    readonly fix: "Move the call into a handler; wrap work that outlives the answer in `waitUntil`.";
  };
  readonly invocation_ended: {
    readonly status: 500;
    readonly title: "The invocation has ended";
    readonly meaning: "The script called out after its invocation was over, by deadline, cancellation or answer.";
    readonly fix: "Watch `signal`, and wrap work that outlives the answer in `waitUntil`.";
  };
  readonly load_not_deterministic: {
    readonly status: 500;
    readonly title: "The script loads differently each time";
    readonly meaning: "An isolate that loaded the script made other registrations than the build did.";
    readonly fix: "Make registrations depend on the code and `config` only: not on time, randomness or module state.";
  };
  readonly internal: {
    readonly status: 500;
    readonly title: "Internal error";
    readonly meaning: "The engine itself failed; nothing of the cause is shown to callers.";
    readonly fix: "Look for the answer's `id` in the log, and report it.";
  };
  readonly fetch_blocked: {
    readonly status: 502;
    readonly title: "Outgoing request refused";
    readonly meaning: "The script tried to reach an address that scripts may not reach: private, loopback, link-local or denied.";
    readonly fix: "Allow the host with `fetch.allowHosts`, or use a public address.";
  };
  readonly response_too_large: {
    readonly status: 502;
    readonly title: "Answer too large";
    readonly meaning: "The script's answer is larger than it may be.";
    readonly fix: "Answer with less, or raise `limits.responseBytes` for the script.";
  };
  readonly cpu_exceeded: {
    readonly status: 503;
    readonly title: "Too much CPU time";
    readonly meaning: "The script used more CPU time for one invocation than it may; its isolate was replaced.";
    readonly fix: "Do less work in one invocation, or raise `limits.cpuMs` for the script.";
  };
  readonly memory_exceeded: {
    readonly status: 503;
    readonly title: "Too much memory";
    readonly meaning: "The script's isolate used more memory than it may and was replaced.";
    readonly fix: "Hold less at once (stream large bodies), or raise `limits.memoryBytes` for the script.";
  };
  readonly overloaded: {
    readonly status: 503;
    readonly title: "Overloaded";
    readonly meaning: "More is waiting than the script or the engine takes on at once.";
    readonly fix: "Try again after `Retry-After`; `limit` names the key where there is one.";
  };
  readonly script_paused: {
    readonly status: 503;
    readonly title: "The script is paused";
    readonly meaning: "The script's isolate was killed three times within a minute, so it rests for a growing while.";
    readonly fix: "Mend the script (a new version ends the pause), or wait as long as `Retry-After` says.";
  };
  readonly isolate_restarted: {
    readonly status: 503;
    readonly title: "The isolate was restarted";
    readonly meaning: "Another invocation of the same script had its isolate killed, and this one could not safely be sent again.";
    readonly fix: "Check whether the action took place, then send the request again.";
  };
  readonly not_ready: {
    readonly status: 503;
    readonly title: "Not ready";
    readonly meaning: "The engine is starting or shutting down and takes no requests now.";
    readonly fix: "Try again after `Retry-After`.";
  };
  readonly deadline_exceeded: {
    readonly status: 504;
    readonly title: "Deadline exceeded";
    readonly meaning: "The script did not finish within its wall-clock time.";
    readonly fix: "Make it faster, move the work out of the request, or raise `limits.wallMs` (loading: `limits.loadMs`).";
  };
  readonly uninterrupted_exceeded: {
    readonly status: 504;
    readonly title: "The script did not yield";
    readonly meaning: "The script ran without a pause for longer than it may, so its isolate was killed.";
    readonly fix: "Look for an endless loop or a slow regular expression, or raise `limits.uninterruptedMs` for the script.";
  };
  readonly point_missing: {
    readonly status: 422;
    readonly title: "Registration without its plugin";
    readonly meaning: "The script calls a registration function whose plugin is not there.";
    readonly fix: "Add the plugin that `detail` names, or remove the call.";
  };
  readonly route_taken: {
    readonly status: 409;
    readonly title: "Route taken";
    readonly meaning: "Another script already serves this method and path; `detail` names it.";
    readonly fix: "Change one of the two paths.";
  };
  readonly bad_registration: {
    readonly status: 422;
    readonly title: "Bad registration";
    readonly meaning: "A registration has an unknown option, a wrong path or method, a broken schema, or no handler.";
    readonly fix: "Correct the registration as `detail` says.";
  };
  readonly import_refused: {
    readonly status: 422;
    readonly title: "Import refused";
    readonly meaning: "The script imports something that cannot work in a realm or lies outside its folder.";
    readonly fix: "Use what `detail` proposes instead.";
  };
};
export type ProblemCode = keyof typeof PROBLEMS;
