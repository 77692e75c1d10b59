/** What invocations ask of the engine: service calls and outgoing requests. Everything here came from a hostile side. */
import * as F from "../isolate/frames.ts";
import { ProtocolError, type Frame, type FrameWriter } from "../isolate/wire.ts";
import { ProblemError, type ProblemCode } from "../../sdk/errors.ts";
import type { LimitName } from "../config/limits.ts";
import { NetworkError } from "../fetch/error.ts";
import type { Service, ServiceCall } from "../plugin/service.ts";
import { Download, readRequest, Upload } from "./call-bodies.ts";
import type { Flight } from "./flight.ts";
import type { IsolateScript } from "./isolate.ts";
import { parseHostile, TooDeep } from "./hostile-json.ts";
import { exceeded, sendOutgoing, serviceFetch, type OutgoingDeps } from "./outgoing.ts";
import type { Json } from "../script/types.ts";

export type { Outgoing } from "./outgoing.ts";

export interface CallDeps extends OutgoingDeps {
  /** Of the plugins that serve now. */
  readonly services: () => ReadonlyMap<string, Service>;
  /** A service failed for a reason that is no fault of the script. */
  onServiceError(script: string, what: string, error: unknown, invocation: string): void;
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
  /** Of which services hold something open. */
  readonly #holding = new Set<Flight>();
  #closed = false;
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
    const { id: invocation } = entry.flight.invocation;
    try {
      const value = await run(new Call(this, this.#deps, entry, script), ...args);
      this.#writer.write(F.CALL_RESULT, id, 0, value === undefined ? "" : JSON.stringify(value));
    } catch (error) {
      const internal = error instanceof ProblemError ? error.code === "internal" : !(error instanceof NetworkError);
      if (internal) this.#deps.onServiceError(script.name, `${name}.${method}`, error, invocation);
      if (error instanceof ProblemError) return this.#refuse(id, error.code, error.detail);
      if (error instanceof NetworkError) return this.#refuse(id, "network", error.message);
      this.#refuse(id, "internal", `${name}.${method}() failed; the engine's log has the reason.`);
    }
  }

  async #fetch(id: number, frame: Frame, entry: Open, script: IsolateScript): Promise<void> {
    const request = readRequest(frame, () => {
      entry.upload = new Upload((bytes) => this.#writer.write(F.CALL_TAKEN, id, bytes, ""));
      return entry.upload.stream;
    });
    try {
      const answer = await sendOutgoing(this.#deps, request, entry.flight, script, entry.abort.signal);
      const { body, ...head } = answer;
      this.#writer.write(F.CALL_RESULT, id, 0, JSON.stringify({ ...head, body: body !== null }));
      if (!body) return;
      entry.download = new Download(id, body, this.#writer);
      await entry.download.run(entry.abort.signal);
    } catch (error) {
      if (error instanceof ProblemError && error.code !== "internal") return this.#refuse(id, error.code, error.detail);
      if (error instanceof NetworkError) return this.#refuse(id, "network", error.message);
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
      case F.FETCH_CHUNK: {
        // Nothing is copied for nobody: in shared memory a long body costs whoever sends it nothing.
        if (!upload?.isOpen) return this.#stray();
        const placed = frame.takePlaced();
        return upload.push(placed ?? frame.body, placed !== null) ? undefined : this.#stray();
      }
      default:
        return upload?.end(frame.a === 0) ? undefined : this.#stray();
    }
  }

  /** The flight is over: nothing of it goes on. */
  endOf(flight: Flight): void {
    const reason = new ProblemError("invocation_ended", "The invocation ended.");
    for (const entry of this.#open.values()) if (entry.flight === flight) entry.abort.abort(reason);
    this.#holding.delete(flight);
    letGo(flight, reason);
  }

  /** Aborts with the flight, for what outlives a call. */
  hold(flight: Flight): AbortSignal {
    if (this.#closed || flight.done) {
      return AbortSignal.abort(new ProblemError("invocation_ended", "The invocation is over."));
    }
    flight.ended ??= new AbortController();
    this.#holding.add(flight);
    return flight.ended.signal;
  }

  close(): void {
    this.#closed = true;
    const reason = new ProblemError("invocation_ended", "The isolate ended.");
    const entries = [...this.#open.values()];
    this.#open.clear();
    for (const entry of entries) entry.abort.abort(reason);
    for (const flight of this.#holding) letGo(flight, reason);
    this.#holding.clear();
  }
}

function letGo(flight: Flight, reason: ProblemError): void {
  flight.ended?.abort(reason);
  flight.ended = null;
}

/** What a service is told of its caller. */
class Call implements ServiceCall {
  readonly #desk: CallDesk;
  readonly #deps: CallDeps;
  readonly #entry: Open;
  readonly #script: IsolateScript;

  constructor(desk: CallDesk, deps: CallDeps, entry: Open, script: IsolateScript) {
    this.#desk = desk;
    this.#deps = deps;
    this.#entry = entry;
    this.#script = script;
  }

  get invocation(): string {
    return this.#entry.flight.invocation.id;
  }
  get script(): string {
    return this.#script.name;
  }
  get user(): Json {
    const { invocation } = this.#entry.flight;
    return invocation.method === null ? invocation.user : null;
  }
  get signal(): AbortSignal {
    return this.#entry.abort.signal;
  }
  get ended(): AbortSignal {
    return this.#desk.hold(this.#entry.flight);
  }
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const { flight } = this.#entry;
    const streams = init?.body instanceof ReadableStream;
    return serviceFetch(this.#deps, new Request(input, init), streams, flight, this.#script, this.ended);
  }
}
