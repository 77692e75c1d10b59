/** One isolate, seen from the engine: its frames, its flights, its end. The other side is hostile (SANDBOX.md, I10). */
import { createHash } from "node:crypto";
import * as F from "../isolate/frames.ts";
import { FrameReader, FrameWriter, ProtocolError, type Frame } from "../isolate/wire.ts";
import type { LoadMessage } from "../isolate/runtime.ts";
import type { Limits } from "../config/index.ts";
import { ProblemError } from "../../sdk/errors.ts";
import { BadAnswer, failureProblem, makeResponse, readFailure, type ReadFailure } from "./answer.ts";
import { CallDesk, type CallDeps } from "./calls.ts";
import { giveBody, takenBody } from "./body.ts";
import { makeAnswerStream, type Flight } from "./flight.ts";
import type { Vessel } from "./vessel.ts";

export type IsolateState = "starting" | "spare" | "loading" | "ready" | "draining" | "dead";

/** Why an isolate was killed. */
export type KillCause =
  | "uninterrupted_exceeded"
  | "cpu_exceeded"
  | "memory_exceeded"
  | "output_exceeded"
  | "protocol"
  | "crashed"
  | "load"
  | "retired";

export interface Kill {
  readonly cause: KillCause;
  readonly detail: string;
  /** What was used when a limit was passed, in the limit's unit. */
  readonly used?: number;
}

export interface IsolateScript {
  readonly name: string;
  readonly limits: Limits;
  readonly hosts: readonly string[];
  readonly message: LoadMessage;
  readonly registrationsHash: string;
  readonly fresh: boolean;
}

export interface IsolateDeps extends CallDeps {
  /** The isolate died; its unfinished flights are in `isolate.flights`. */
  onDeath(isolate: Isolate, kill: Kill): void;
  /** A flight is over: a place is free. */
  onFree(isolate: Isolate): void;
  /** A script's failure, for the log and the problem. */
  onFailure(flight: Flight, failure: ReadFailure, problem: ProblemError | null): void;
  /** How a problem becomes a response. */
  problem(flight: Flight, error: ProblemError): Response;
  httpFailure(flight: Flight, failure: ReadFailure): Response;
  log(script: string, level: number, message: string, data: unknown, invocation: string | null): void;
}

const MAX_LOG_TEXT = 128 * 1024;
const LINGERS = 0x10000;

export class Isolate {
  state: IsolateState = "starting";
  script: IsolateScript | null = null;
  readonly flights = new Map<number, Flight>();
  readonly ready: Promise<void>;
  /** Flights whose answer is a stream. */
  streams = 0;
  lastUsed = performance.now();
  killed: Kill | null = null;
  /** It has served, or could have. */
  wasReady = false;
  readonly vessel: Vessel;
  readonly #deps: IsolateDeps;
  readonly #writer: FrameWriter;
  readonly #reader = new FrameReader(F.MAX_FRAME_BYTES);
  readonly #desk: CallDesk;
  #nextLocal = 0;
  #isReady: () => void = () => {};
  #loaded: ((failure: ReadFailure | string | null) => void) | null = null;

  constructor(vessel: Vessel, deps: IsolateDeps) {
    this.vessel = vessel;
    this.#deps = deps;
    this.#writer = new FrameWriter((bytes) => vessel.send(bytes));
    this.#desk = new CallDesk(deps, this.#writer, (detail) => this.kill({ cause: "protocol", detail }));
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    vessel.receive({
      data: (bytes) => this.#receive(bytes),
      drain: () => this.#writer.drain(),
      gone: (why) => this.#gone(why),
    });
  }

  /** Loads a script. Answers null, or why it did not load. */
  load(script: IsolateScript): Promise<ReadFailure | string | null> {
    this.script = script;
    this.state = "loading";
    return new Promise((resolve) => {
      this.#loaded = resolve;
      this.#writer.write(F.LOAD, 0, 0, JSON.stringify(script.message));
    });
  }

  /** How many more invocations it takes now. */
  get room(): number {
    const script = this.script;
    if (this.state !== "ready" || !script) return 0;
    return (script.fresh ? 1 : script.limits.concurrency) - this.flights.size;
  }

  send(flight: Flight): void {
    const { invocation } = flight;
    const local = this.#nextLocal >= 0x7fff_fff0 ? (this.#nextLocal = 1) : ++this.#nextLocal;
    flight.local = local;
    flight.attempts++;
    flight.sentAt = performance.now();
    this.lastUsed = flight.sentAt;
    this.flights.set(local, flight);
    const { body } = invocation;
    const kind = body === null ? F.BODY_NONE : body instanceof Uint8Array ? F.BODY_WHOLE : F.BODY_STREAM;
    this.#writer.write(
      F.INVOKE,
      local,
      invocation.route.registration.id * 4 + kind,
      headOf(flight),
      body instanceof Uint8Array ? body : undefined,
    );
    if (kind === F.BODY_STREAM) giveBody(flight, local, this.#writer);
  }

  /** Takes an invocation back: the client left, or its deadline passed. */
  cancel(flight: Flight, reason: number): void {
    flight.cancelled = true;
    this.#desk.endOf(flight);
    this.#writer.write(F.CANCEL, flight.local, reason, "");
  }

  /** Sent to user code by now? The page is written by the isolate: a lie only costs its own script. */
  entered(flight: Flight): boolean {
    const newest = this.vessel.words?.[F.WORD_ENTERED] ?? 0x7fff_ffff;
    return ((newest - flight.local) | 0) >= 0;
  }

  kill(kill: Kill): void {
    if (this.state === "dead") return;
    this.killed ??= kill;
    this.vessel.kill();
    this.#gone(kill.detail);
  }

  #gone(why: string): void {
    if (this.state === "dead") return;
    const starting = this.state === "starting";
    this.state = "dead";
    this.vessel.kill();
    this.#writer.close();
    this.#desk.close();
    const kill: Kill = this.killed ?? { cause: "crashed", detail: why };
    this.killed = kill;
    this.#loaded?.(kill.detail);
    this.#loaded = null;
    if (starting) this.#isReady();
    this.#deps.onDeath(this, kill);
  }

  #receive(bytes: Buffer): void {
    try {
      this.#reader.push(bytes, this.#take);
    } catch (error) {
      const what = error instanceof ProtocolError || error instanceof SyntaxError ? error.message : "an unexpected message";
      this.kill({ cause: "protocol", detail: `the isolate broke the protocol: ${what}` });
      if (!(error instanceof ProtocolError) && !(error instanceof SyntaxError)) throw error;
    }
  }

  readonly #take = (frame: Frame): void => {
    if (this.state === "dead") return;
    switch (frame.type) {
      case F.RESULT:
        return this.#result(frame);
      case F.CALL:
      case F.FETCH:
        return this.#call(frame);
      case F.RESULT_HEAD:
        return this.#resultHead(frame);
      case F.CHUNK:
        return this.#chunk(frame);
      case F.END:
        return this.#end(frame);
      case F.FAILURE:
        return this.#failure(frame);
      case F.LOG:
        return this.#log(frame);
      case F.BODY_TAKEN: {
        const flight = this.flights.get(frame.id);
        if (flight) takenBody(flight, frame.a);
        return;
      }
      case F.FETCH_CHUNK:
      case F.FETCH_END:
      case F.CALL_CREDIT:
      case F.CALL_CANCEL:
        return this.#desk.more(frame);
      case F.DONE: {
        const flight = this.flights.get(frame.id);
        if (flight?.answered) this.#finish(flight);
        return;
      }
      case F.READY:
        if (this.state !== "starting") throw new ProtocolError("a second READY");
        this.state = "spare";
        return this.#isReady();
      case F.LOADED:
        return this.#loadedFrame(frame);
      default:
        throw new ProtocolError(`a frame of unknown type ${frame.type}`);
    }
  };

  #loadedFrame(frame: Frame): void {
    const done = this.#loaded;
    const script = this.script;
    if (!done || !script || this.state !== "loading") throw new ProtocolError("LOADED without LOAD");
    this.#loaded = null;
    const report = JSON.parse(frame.text) as { ok?: unknown; registrations?: unknown; failure?: unknown };
    if (report.ok !== true || typeof report.registrations !== "string") {
      done(readFailure(JSON.stringify(report.failure ?? {})));
      return;
    }
    const hash = createHash("sha256").update(report.registrations).digest("hex");
    if (hash !== script.registrationsHash) {
      done("load_not_deterministic");
      return;
    }
    this.state = "ready";
    this.wasReady = true;
    done(null);
  }

  #result(frame: Frame): void {
    const flight = this.flights.get(frame.id);
    if (!flight) return;
    const lingers = frame.a >= LINGERS;
    const status = lingers ? frame.a - LINGERS : frame.a;
    if (!flight.answered) {
      const body = frame.body.length === 0 ? null : frame.flags & F.FLAG_TEXT ? frame.body.utf8Slice(0, frame.body.length) : new Uint8Array(frame.body);
      this.#respond(flight, status, frame.text, body, frame.body.length);
    }
    if (!lingers) this.#finish(flight);
  }

  #respond(flight: Flight, status: number, headers: string, body: string | Uint8Array | ReadableStream<Uint8Array> | null, length: number): void {
    const limit = this.script?.limits.responseBytes ?? 0;
    if (length > limit) {
      this.#refuseAnswer(flight, new ProblemError("response_too_large", `The answer has ${length} bytes.`, { limit: { name: "responseBytes", value: limit, used: length, key: "limits.responseBytes" } }));
      return;
    }
    flight.answered = true;
    try {
      flight.resolve(makeResponse(status, headers, flight.invocation.id, body ?? ""));
    } catch (error) {
      if (!(error instanceof BadAnswer) && !(error instanceof SyntaxError)) throw error;
      flight.answered = false;
      const failure: ReadFailure = { kind: "thrown", name: "TypeError", message: `The answer cannot be sent: ${error.message}`, stack: "" };
      this.#deps.onFailure(flight, failure, null);
      this.#refuseAnswer(flight, failureProblem(failure));
    }
  }

  #refuseAnswer(flight: Flight, problem: ProblemError): void {
    flight.answered = true;
    flight.stream?.fail(problem);
    flight.resolve(this.#deps.problem(flight, problem));
    this.cancel(flight, F.CANCEL_CLIENT);
  }

  #resultHead(frame: Frame): void {
    const flight = this.flights.get(frame.id);
    const script = this.script;
    if (!flight || flight.answered || !script) return;
    const [headers = "", declared] = frame.text.split("\n");
    const length = declared === undefined ? 0 : Number(declared);
    if (declared === undefined && this.streams >= script.limits.streams) {
      this.#refuseAnswer(flight, new ProblemError("overloaded", `The script has ${this.streams} open streams.`, { retryAfterSeconds: 5, limit: { name: "streams", value: script.limits.streams, used: this.streams, key: "limits.streams" } }));
      return;
    }
    const { stream, readable } = makeAnswerStream(
      (bytes) => this.#writer.write(F.CREDIT, flight.local, bytes, ""),
      () => {
        if (this.flights.has(flight.local)) this.cancel(flight, F.CANCEL_CLIENT);
      },
    );
    flight.stream = stream;
    this.streams++;
    this.#respond(flight, frame.a, headers, readable, length);
  }

  #chunk(frame: Frame): void {
    const stream = this.flights.get(frame.id)?.stream;
    if (!stream) return;
    // A well-behaved isolate waits for credit; one that does not is holding our memory.
    if (stream.held > 4 * F.WINDOW_BYTES + F.MAX_FRAME_BYTES) throw new ProtocolError("chunks without credit");
    if (frame.body.length > 0) stream.push(new Uint8Array(frame.body));
  }

  #end(frame: Frame): void {
    const flight = this.flights.get(frame.id);
    if (!flight?.stream) return;
    if (frame.a === 0) flight.stream.close();
    else flight.stream.fail(new Error("the script's stream broke off"));
    flight.stream = null;
    this.streams--;
  }

  #failure(frame: Frame): void {
    const flight = this.flights.get(frame.id);
    if (!flight) return;
    const failure = readFailure(frame.text);
    const expected = failure.kind === "http" || failure.kind === "input";
    const problem = failure.kind === "http" ? null : failureProblem(failure);
    if (!expected || flight.stream) this.#deps.onFailure(flight, failure, problem);
    if (!flight.answered) {
      flight.answered = true;
      flight.resolve(problem ? this.#deps.problem(flight, problem) : this.#deps.httpFailure(flight, failure));
    }
    if (frame.a < LINGERS) this.#finish(flight);
  }

  #call(frame: Frame): void {
    const flight = this.flights.get(frame.a);
    const script = this.script;
    if (!flight || !script) return this.#desk.refuse(frame.id, "invocation_ended", "The invocation is over.");
    this.#desk.open(frame, flight, script);
  }

  #log(frame: Frame): void {
    const script = this.script;
    if (!script || frame.text.length > MAX_LOG_TEXT) return;
    const line: unknown = JSON.parse(frame.text);
    if (!Array.isArray(line) || typeof line[0] !== "string") throw new ProtocolError("a log line that is none");
    const flight = this.flights.get(frame.id);
    if (flight && !this.#countLog(flight, script, frame.text.length)) return;
    const level = frame.a < F.LEVELS.length ? frame.a : 1;
    this.#deps.log(script.name, level, line[0], line[1], flight?.invocation.id ?? null);
  }

  /** False once the invocation has logged its share; it ends then (limits.logLines, limits.logBytes). */
  #countLog(flight: Flight, script: IsolateScript, bytes: number): boolean {
    const { logLines, logBytes } = script.limits;
    flight.logLines++;
    flight.logBytes += bytes;
    if (flight.logLines <= logLines && flight.logBytes <= logBytes) return true;
    if (flight.cancelled) return false;
    const lines = flight.logLines > logLines;
    const limit = lines ? { name: "logLines", value: logLines, used: flight.logLines, key: "limits.logLines" } : { name: "logBytes", value: logBytes, used: flight.logBytes, key: "limits.logBytes" };
    const problem = new ProblemError("output_exceeded", `The invocation logged more than limits.${limit.name} allows.`, { limit });
    this.#deps.log(script.name, 2, `${problem.detail} (${limit.value}); it was ended`, undefined, flight.invocation.id);
    if (flight.answered) this.cancel(flight, F.CANCEL_DEADLINE);
    else this.#refuseAnswer(flight, problem);
    return false;
  }

  #finish(flight: Flight): void {
    if (!this.flights.delete(flight.local)) return;
    flight.done = true;
    if (flight.stream) {
      flight.stream.close();
      flight.stream = null;
      this.streams--;
    }
    flight.stopBody?.();
    this.#desk.endOf(flight);
    this.#deps.onFree(this);
  }

  /** The engine gave up on this flight; whatever still comes for it is dropped. */
  drop(flight: Flight): void {
    this.#finish(flight);
  }

  /** A fresh realm for the next invocation (`isolation = "invocation"`). */
  reset(): Promise<ReadFailure | string | null> {
    this.state = "loading";
    return new Promise((resolve) => {
      this.#loaded = resolve;
      this.#writer.write(F.RESET, 0, 0, "");
    });
  }
}

/** Lines, in the order of core/isolate/realm/context.ts. None of them can hold a line break. */
function headOf(flight: Flight): string {
  const { invocation } = flight;
  const names = Object.keys(invocation.params);
  let params = "";
  if (names.length > 0) {
    const flat: string[] = [];
    for (const name of names) flat.push(name, invocation.params[name] as string);
    params = JSON.stringify(flat);
  }
  const headers = JSON.stringify((invocation.headers as unknown as { toJSON(): unknown }).toJSON());
  return `${invocation.method}\n${invocation.url}\n${invocation.ip}\n${invocation.id}\n${params}\n${headers}`;
}

