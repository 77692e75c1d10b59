/** One isolate, seen from the engine: its frames, its flights, its end. The other side is hostile (docs/sandbox.md, I10). */
import * as F from "../isolate/frames.ts";
import { FrameReader, FrameWriter, ProtocolError, type Frame } from "../isolate/wire.ts";
import { RingReader, RingWriter } from "../isolate/ring.ts";
import type { LoadMessage } from "../isolate/runtime.ts";
import type { Limits } from "../config/index.ts";
import { readFailure, type ReadFailure } from "./answer.ts";
import { BodyFeed } from "./body.ts";
import { CallDesk, type CallDeps } from "./calls.ts";
import type { Flight } from "./flight.ts";
import { headOf } from "./head.ts";
import { parseHostile } from "./hostile-json.ts";
import type { Kill } from "./kill.ts";
import { brokenOff, Replies, type ReplyDeps } from "./replies.ts";
import { ScriptLog, type ScriptLogDeps } from "./script-log.ts";
import type { Vessel } from "./vessel.ts";

export type IsolateState = "starting" | "spare" | "loading" | "ready" | "draining" | "dead";

export interface IsolateScript {
  readonly name: string;
  readonly limits: Limits;
  readonly hosts: readonly string[];
  readonly message: LoadMessage;
  readonly registrationsHash: string;
  /** A realm of its own for each invocation. */
  readonly fresh: boolean;
}

/** Null, or why a script did not load. */
export type LoadFailure = ReadFailure | string | null;

export interface IsolateDeps extends CallDeps, ReplyDeps, ScriptLogDeps {
  /** The isolate died; its unfinished flights are in `isolate.flights`. */
  onDeath(isolate: Isolate, kill: Kill): void;
  /** A flight is over: a place is free. */
  onFree(isolate: Isolate): void;
  /** Taking a message failed in the engine's own code. The isolate is killed all the same. */
  onFault(isolate: Isolate, error: unknown): void;
}

/** What the isolate has not read yet. Past the first no more invocations are sent, past the second it is killed. */
const FULL_BYTES = 8 * 1024 * 1024;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** Messages that nobody waits for, in a second: some are late, as many as these are an attack. */
const MAX_STRAYS = 10_000;
/** Invocations that were given up, remembered for what they log when they learn of it. */
const MAX_LATE = 32;
const STRAYS_MS = 1_000;

export class Isolate {
  state: IsolateState = "starting";
  script: IsolateScript | null = null;
  readonly flights = new Map<number, Flight>();
  /** Settles when it can take a script, or is dead. */
  readonly ready: Promise<void>;
  lastUsed = performance.now();
  #rested = false;
  killed: Kill | null = null;
  readonly vessel: Vessel;
  readonly #deps: IsolateDeps;
  readonly #writer: FrameWriter;
  readonly #ring: RingWriter | null;
  readonly #reader: FrameReader;
  readonly #desk: CallDesk;
  readonly #replies: Replies;
  readonly #log: ScriptLog;
  readonly #isReady: () => void;
  /** It has not read enough of what it was sent to be sent more. */
  #full = false;
  #nextLocal = 0;
  /** The last that were given up: what they still say is theirs. */
  readonly #late = new Map<number, Flight>();
  #loaded: ((failure: LoadFailure) => void) | null = null;
  #strays = 0;
  #straysSince = performance.now();

  constructor(vessel: Vessel, deps: IsolateDeps) {
    this.vessel = vessel;
    this.#deps = deps;
    const { bodies } = vessel;
    this.#ring = bodies && new RingWriter(bodies.toIsolate);
    this.#writer = new FrameWriter(
      (bytes) => vessel.send(bytes),
      () => this.#flushed(),
      this.#ring,
    );
    this.#reader = new FrameReader(F.MAX_FRAME_BYTES, undefined, bodies && new RingReader(bodies.fromIsolate));
    this.#replies = new Replies(deps, {
      credit: (flight, bytes) => this.#writer.write(F.CREDIT, flight.local, bytes, ""),
      cancel: (flight) => this.cancel(flight, F.CANCEL_CLIENT),
      finish: (flight) => this.#finish(flight),
      stray: this.#stray,
    });
    this.#desk = new CallDesk(deps, this.#writer, (error) => this.#broke(error), this.#stray);
    this.#log = new ScriptLog(deps, (flight, problem) => this.#end(flight, problem), this.#stray);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#isReady = resolve;
    vessel.receive({
      data: (bytes) => this.#receive(bytes),
      drain: () => this.#drained(),
      gone: (why) => this.#gone({ cause: "crashed", detail: why }),
    });
  }

  /** Loads a script. */
  load(script: IsolateScript): Promise<LoadFailure> {
    this.script = script;
    return this.#load(F.LOAD, JSON.stringify(script.message));
  }

  /** Loads its script once more, into a realm of its own. */
  reset(): Promise<LoadFailure> {
    return this.#load(F.RESET, "");
  }

  #load(type: number, text: string): Promise<LoadFailure> {
    if (this.state === "dead") return Promise.resolve(this.killed?.detail ?? "the isolate ended");
    this.state = "loading";
    return new Promise((resolve) => {
      this.#loaded = resolve;
      this.#writer.write(type, 0, 0, text);
    });
  }

  /** How many more invocations it takes now. Open streams are counted by limits.streams alone. */
  get room(): number {
    const { script } = this;
    if (this.state !== "ready" || !script || this.#full) return 0;
    if (script.fresh) return 1 - this.flights.size;
    return script.limits.concurrency - this.flights.size + this.#replies.streams;
  }

  send(flight: Flight): void {
    const { invocation } = flight;
    const head = invocation.method === null ? invocation.head : headOf(invocation);
    const local = this.#nextLocal >= 0x7fff_fff0 ? (this.#nextLocal = 1) : ++this.#nextLocal;
    flight.local = local;
    flight.attempts++;
    flight.sentAt = performance.now();
    this.lastUsed = flight.sentAt;
    this.#rested = false;
    const { body, route } = invocation;
    const whole = body instanceof Uint8Array ? body : undefined;
    const kind =
      invocation.method === null ? F.BODY_DATA : body === null ? F.BODY_NONE : whole ? F.BODY_WHOLE : F.BODY_STREAM;
    this.flights.set(local, flight);
    this.#writer.write(F.INVOKE, local, route.registration.id * 4 + kind, head, whole, true);
    if (this.#writer.waiting > FULL_BYTES) this.#full = true;
    if (kind === F.BODY_STREAM) {
      flight.feed ??= new BodyFeed(body as ReadableStream<Uint8Array>);
      flight.feed.open(this.#writer, local);
    }
  }

  /** Takes an invocation back: the client left, or its deadline passed. Whatever still comes for it is dropped. */
  cancel(flight: Flight, reason: number): void {
    this.#writer.write(F.CANCEL, flight.local, reason, "");
    if (flight.stream && !flight.closing) return this.#close(flight);
    this.#late.set(flight.local, flight);
    for (const local of this.#late.keys()) if (this.#late.size > MAX_LATE) this.#late.delete(local);
    this.#finish(flight);
  }

  /** What answered with a stream may have a `finally` to run: it has the time of a request for that, and may call services. */
  #close(flight: Flight): void {
    flight.closing = true;
    flight.done = false;
    flight.deadline = performance.now() + (this.script?.limits.wallMs ?? 0);
    this.#replies.drop(flight, brokenOff(flight));
    flight.feed?.stop();
    if (flight.calls > 0) this.#desk.endOf(flight);
  }

  /** Ends an invocation with a problem: its answer where there is none yet, else in the log only. */
  #end(flight: Flight, problem: Parameters<Replies["refuse"]>[1]): void {
    if (flight.answered) this.#replies.cut(flight, problem);
    else this.#replies.refuse(flight, problem);
  }

  /** The answer's stream is silent for too long, or broken. */
  cut(flight: Flight, problem: Parameters<Replies["cut"]>[1]): void {
    this.#replies.cut(flight, problem);
  }

  /** Sent to user code by now? The page is written by the isolate: a lie only costs its own script. */
  entered(flight: Flight): boolean {
    const newest = this.vessel.words?.[F.WORD_ENTERED] ?? 0x7fff_ffff;
    return ((newest - flight.local) | 0) >= 0;
  }

  /** Gives memory back, once per idle spell; a burst leaves a third of a warm isolate as garbage. */
  rest(): void {
    if (this.#rested || this.flights.size > 0) return;
    this.#rested = true;
    // Nothing is on its way in either direction: what the isolate sends now, nobody waits for.
    if (this.#ring?.isEmpty === true) this.vessel.bodies?.release();
    this.#writer.write(F.REST, 0, 0, "");
  }

  kill(kill: Kill): void {
    this.#gone(kill);
  }

  #gone(kill: Kill): void {
    if (this.state === "dead") return;
    this.state = "dead";
    this.killed = kill;
    this.vessel.kill();
    this.#writer.close();
    this.#desk.close();
    this.#loaded?.(kill.detail);
    this.#loaded = null;
    this.#isReady();
    this.#deps.onDeath(this, kill);
  }

  /** The end of a turn: what could not be sent waits in the engine's memory. */
  #flushed(): void {
    if (this.#full) this.#ease();
    if (this.#writer.waiting <= MOST_WAITING_BYTES) return;
    this.kill({ cause: "protocol", detail: "the isolate does not read what it is sent" });
  }

  #drained(): void {
    this.#writer.drain();
    if (this.#full) this.#ease();
  }

  #ease(): void {
    if (this.#writer.waiting > FULL_BYTES) return;
    this.#full = false;
    if (this.state === "ready") this.#deps.onFree(this);
  }

  #receive(bytes: Buffer): void {
    try {
      this.#reader.push(bytes, this.#take);
    } catch (error) {
      this.#broke(error);
    }
  }

  /** What it sent could not be taken: it is hostile or broken, and a fault of the engine must not be tried again. */
  #broke(error: unknown): void {
    const expected = error instanceof ProtocolError || error instanceof SyntaxError;
    if (!expected) this.#deps.onFault(this, error);
    const what = expected ? error.message : "an unexpected message";
    this.kill({ cause: "protocol", detail: `the isolate broke the protocol: ${what}` });
  }

  readonly #stray = (): void => {
    const now = performance.now();
    if (now - this.#straysSince > STRAYS_MS) {
      this.#straysSince = now;
      this.#strays = 0;
    }
    if (++this.#strays > MAX_STRAYS) throw new ProtocolError("a flood of messages that nobody waits for");
  };

  readonly #take = (frame: Frame): void => {
    const { state, script } = this;
    if (state === "dead") return;
    if (frame.type === F.READY) return this.#readyFrame();
    if (frame.type < F.READY || frame.type > F.DONE) throw new ProtocolError(`a frame of unknown type ${frame.type}`);
    if (!script) throw new ProtocolError(`a frame of type ${frame.type} before any script`);
    if (frame.type === F.LOADED) return this.#loadedFrame(frame, script);
    if (frame.type === F.LOG) {
      const flight = this.flights.get(frame.id);
      return this.#log.take(frame, flight, script, flight ?? this.#late.get(frame.id));
    }
    if (frame.type === F.CALL || frame.type === F.FETCH)
      return this.#desk.open(frame, this.flights.get(frame.a), script);
    if (frame.type >= F.FETCH_CHUNK && frame.type <= F.CALL_CANCEL) return this.#desk.more(frame);
    const flight = this.flights.get(frame.id);
    if (!flight) return this.#stray();
    switch (frame.type) {
      case F.RESULT:
        return this.#replies.result(frame, flight, script.limits);
      case F.RESULT_HEAD:
        this.#replies.head(frame, flight, script.limits);
        // An open stream takes no place of those that wait.
        if (flight.stream && this.room > 0) this.#deps.onFree(this);
        return undefined;
      case F.CHUNK:
        return this.#replies.chunk(frame, flight, script.limits);
      case F.END:
        return this.#replies.end(frame, flight);
      case F.FAILURE:
        return this.#replies.failure(frame, flight);
      case F.BODY_TAKEN:
        return flight.feed ? flight.feed.taken(frame.a) : this.#stray();
      default: // DONE
        return flight.answered ? this.#finish(flight) : this.#stray();
    }
  };

  #readyFrame(): void {
    if (this.state !== "starting") throw new ProtocolError("a second READY");
    this.state = "spare";
    this.#isReady();
  }

  #loadedFrame(frame: Frame, script: IsolateScript): void {
    const done = this.#loaded;
    if (!done || this.state !== "loading") throw new ProtocolError("LOADED without LOAD");
    const raw = parseHostile(frame.text);
    if (typeof raw !== "object" || raw === null) throw new ProtocolError("a report that is none");
    const report = raw as { readonly ok?: unknown; readonly registrations?: unknown; readonly failure?: unknown };
    this.#loaded = null;
    if (report.ok !== true || typeof report.registrations !== "string") {
      return done(readFailure(JSON.stringify(report.failure ?? {})));
    }
    const hash = new Bun.CryptoHasher("sha256").update(report.registrations).digest("hex");
    if (hash !== script.registrationsHash) return done("load_not_deterministic");
    this.state = "ready";
    done(null);
  }

  #finish(flight: Flight): void {
    if (!this.flights.delete(flight.local)) return;
    flight.done = true;
    if (flight.stream) this.#replies.drop(flight, brokenOff(flight));
    flight.feed?.stop();
    if (flight.calls > 0 || flight.ended !== null) this.#desk.endOf(flight);
    this.#deps.onFree(this);
  }
}
