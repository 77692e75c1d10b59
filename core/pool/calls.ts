/** What invocations ask of the engine: service calls and outgoing requests. Everything here came from a hostile side. */
import * as F from "../isolate/frames.ts";
import { ProtocolError, type Frame, type FrameWriter } from "../isolate/wire.ts";
import { ProblemError, type ProblemCode } from "../../sdk/errors.ts";
import type { LimitName } from "../config/limits.ts";
import type { FetchHook, FetchPolicy } from "../fetch/fetch.ts";
import type { Service } from "../plugin/service.ts";
import { Download, readRequest, Upload } from "./call-bodies.ts";
import type { Flight } from "./flight.ts";
import type { IsolateScript } from "./isolate.ts";
import { parseHostile, TooDeep } from "./hostile-json.ts";
import { limitUse } from "./limit-use.ts";
import type { Json } from "../script/types.ts";

export interface CallDeps {
  /** Of the plugins that serve now. */
  readonly services: () => ReadonlyMap<string, Service>;
  /** Asked each time: the config may change. */
  readonly fetchPolicy: () => FetchPolicy;
  /** The plugins' hooks of outgoing requests; null where there are none. */
  readonly fetchHook: () => FetchHook["run"] | null;
  /** A service failed for a reason that is no fault of the script. */
  onServiceError(script: string, what: string, error: unknown, invocation: string): void;
  /** What became of an outgoing request, as soon as that is known. */
  onFetch(flight: Flight, outgoing: Outgoing): void;
}

/** For the log. */
export interface Outgoing {
  readonly method: string;
  /** As the script gave it: it may be no URL, and hold secrets. */
  readonly url: string;
  /** Until the answer's head, or the refusal. */
  readonly ms: number;
  /** The answer's, or why there is none. */
  readonly outcome: number | ProblemError | Error;
}

interface Open {
  readonly flight: Flight;
  readonly abort: AbortController;
  /** The body of an outgoing request, if it comes in pieces. */
  upload: Upload | null;
  /** The body of its answer. */
  download: Download | null;
}

const METHOD_NAME = /^[a-zA-Z][a-zA-Z0-9]{0,40}$/;
/** More than any method has parameters; each becomes one on the engine's stack. */
const MAX_ARGUMENTS = 16;

export class CallDesk {
  readonly #open = new Map<number, Open>();
  readonly #deps: CallDeps;
  readonly #writer: FrameWriter;
  /** Ends the isolate: what it sent is not the protocol. */
  readonly #broken: (error: unknown) => void;
  /** A message that nobody waits for. */
  readonly #stray: () => void;

  constructor(deps: CallDeps, writer: FrameWriter, broken: (error: unknown) => void, stray: () => void) {
    this.#deps = deps;
    this.#writer = writer;
    this.#broken = broken;
    this.#stray = stray;
  }

  #refuse(id: number, code: string, message: string): void {
    this.#writer.write(F.CALL_RESULT, id, 1, JSON.stringify({ code, message }));
  }

  /** CALL or FETCH. */
  open(frame: Frame, flight: Flight | undefined, script: IsolateScript): void {
    const { id } = frame;
    if (this.#open.has(id)) throw new ProtocolError("a call id that is in use");
    if (!flight) {
      this.#stray();
      return this.#refuse(id, "invocation_ended", "The invocation is over.");
    }
    const isFetch = frame.type === F.FETCH;
    if (flight.calls >= script.limits.pendingCalls)
      return this.#exceed(id, flight, script, "pendingCalls", "overloaded");
    if (isFetch && flight.subrequests >= script.limits.subrequests) {
      return this.#exceed(id, flight, script, "subrequests", "subrequests_exceeded");
    }
    const entry: Open = { flight, abort: new AbortController(), upload: null, download: null };
    this.#open.set(id, entry);
    flight.calls++;
    const work = isFetch ? this.#fetch(id, frame, entry, script) : this.#service(id, frame, entry, script);
    const close = (): void => {
      // After the isolate's end the flight may be under way in another one, with a count of its own.
      if (this.#open.get(id) !== entry) return;
      this.#open.delete(id);
      flight.calls--;
    };
    work.then(close, (error: unknown) => {
      close();
      if (error instanceof ProtocolError || error instanceof SyntaxError) return this.#broken(error);
      this.#deps.onServiceError(script.name, isFetch ? "fetch" : "a service call", error, flight.invocation.id);
      this.#refuse(id, "internal", "The call failed; the engine's log has the reason.");
    });
  }

  /** Refuses a call over a limit; the refusal is kept for the caller's problem. */
  #exceed(id: number, flight: Flight, script: IsolateScript, name: LimitName, code: ProblemCode): void {
    this.#stray();
    flight.refusal = exceeded(script, name, code);
    this.#refuse(id, code, flight.refusal.detail);
  }

  async #service(id: number, frame: Frame, entry: Open, script: IsolateScript): Promise<void> {
    let call: unknown;
    try {
      call = parseHostile(frame.text);
    } catch (error) {
      if (!(error instanceof TooDeep)) throw error;
      return this.#refuse(id, "bad_request", `What the call was given holds ${error.message}.`);
    }
    if (!Array.isArray(call) || typeof call[0] !== "string" || typeof call[1] !== "string" || !Array.isArray(call[2])) {
      throw new ProtocolError("a call that is none");
    }
    const [name, method, args] = call as [string, string, Json[]];
    const service = this.#deps.services().get(name);
    const known = service !== undefined && METHOD_NAME.test(method) && Object.hasOwn(service.methods, method);
    const run = known ? service.methods[method] : undefined;
    if (!service || !run) {
      const what = `There is no ${name.slice(0, 40)}.${method.slice(0, 40)}()`;
      return this.#refuse(id, "bad_request", service ? `${what}.` : `${what}: no plugin gives that service now.`);
    }
    if (args.length > MAX_ARGUMENTS) {
      return this.#refuse(id, "bad_request", `${name}.${method}() was given ${args.length} arguments.`);
    }
    if (service.mutates.includes(method)) entry.flight.mutated = true;
    const { id: invocation, method: requested } = entry.flight.invocation;
    const user = requested === null ? entry.flight.invocation.user : null;
    try {
      const value = await run({ invocation, script: script.name, user, signal: entry.abort.signal }, ...args);
      this.#writer.write(F.CALL_RESULT, id, 0, value === undefined ? "" : JSON.stringify(value));
    } catch (error) {
      const internal = !(error instanceof ProblemError) || error.code === "internal";
      if (internal) this.#deps.onServiceError(script.name, `${name}.${method}`, error, invocation);
      if (error instanceof ProblemError) return this.#refuse(id, error.code, error.detail);
      this.#refuse(id, "internal", `${name}.${method}() failed; the engine's log has the reason.`);
    }
  }

  async #fetch(id: number, frame: Frame, entry: Open, script: IsolateScript): Promise<void> {
    const request = readRequest(frame, () => {
      entry.upload = new Upload((bytes) => this.#writer.write(F.CALL_TAKEN, id, bytes, ""));
      return entry.upload.stream;
    });
    const { flight } = entry;
    const { limits } = script;
    flight.subrequests++;
    // Safe methods leave nothing behind that a second try would do twice.
    if (request.method !== "GET" && request.method !== "HEAD") flight.mutated = true;
    // Loaded when the first script asks: an engine that fetches nothing holds no HTTP client.
    const { guardedFetch, NetworkError } = await import("../fetch/fetch.ts");
    const run = this.#deps.fetchHook();
    const since = performance.now();
    const tell = (outcome: Outgoing["outcome"]): void => {
      const { method, url } = request;
      this.#deps.onFetch(flight, { method, url, ms: performance.now() - since, outcome });
    };
    try {
      const answer = await guardedFetch(request, {
        policy: this.#deps.fetchPolicy(),
        hosts: script.hosts,
        hook: run === null ? undefined : { script: script.name, id: flight.invocation.id, run },
        signal: entry.abort.signal,
        maxResponseBytes: limits.responseBytes,
        timeoutMs: limits.wallMs,
        onRedirect() {
          if (flight.subrequests >= limits.subrequests) throw exceeded(script, "subrequests", "subrequests_exceeded");
          flight.subrequests++;
        },
      });
      tell(answer.status);
      const { body, ...head } = answer;
      this.#writer.write(F.CALL_RESULT, id, 0, JSON.stringify({ ...head, body: body !== null }));
      if (!body) return;
      entry.download = new Download(id, body, this.#writer);
      await entry.download.run(entry.abort.signal);
    } catch (error) {
      if (error instanceof ProblemError && error.code !== "internal") {
        tell(error);
        if (error.limit) flight.refusal = error;
        return this.#refuse(id, error.code, error.detail);
      }
      if (error instanceof NetworkError) {
        tell(error);
        return this.#refuse(id, "network", error.message);
      }
      throw error;
    }
  }

  /** FETCH_CHUNK, FETCH_END, CALL_CREDIT, CALL_CANCEL. Late ones are normal: the call may have ended meanwhile. */
  more(frame: Frame): void {
    const entry = this.#open.get(frame.id);
    if (!entry || entry.abort.signal.aborted) return this.#stray();
    const { download, upload } = entry;
    switch (frame.type) {
      case F.CALL_CANCEL:
        return entry.abort.abort(new ProblemError("invocation_ended", "The script gave the request up."));
      case F.CALL_CREDIT:
        return download ? download.taken(frame.a) : this.#stray();
      case F.FETCH_CHUNK:
        return upload?.push(frame.body) ? undefined : this.#stray();
      default:
        return upload?.end(frame.a === 0) ? undefined : this.#stray();
    }
  }

  /** The flight is over: nothing of it goes on. */
  endOf(flight: Flight): void {
    const reason = new ProblemError("invocation_ended", "The invocation ended.");
    for (const entry of this.#open.values()) if (entry.flight === flight) entry.abort.abort(reason);
  }

  close(): void {
    const reason = new ProblemError("invocation_ended", "The isolate ended.");
    const entries = [...this.#open.values()];
    this.#open.clear();
    for (const entry of entries) entry.abort.abort(reason);
  }
}

function exceeded({ limits }: IsolateScript, name: LimitName, code: ProblemCode): ProblemError {
  const what = name === "subrequests" ? "outgoing requests were made" : "calls are under way";
  const detail = `${limits[name]} ${what} in this invocation; limits.${name} allows no more.`;
  const limit = limitUse(limits, name, limits[name] + 1);
  return new ProblemError(code, detail, { limit, ...(code === "overloaded" ? { retryAfterSeconds: 1 } : {}) });
}
