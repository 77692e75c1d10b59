/** The isolates of one version of one script: which one gets an invocation, when another is started, what a kill means. */
import { CANCEL_CLIENT, CANCEL_DEADLINE } from "../isolate/frames.ts";
import { ProblemError, type ProblemCode } from "../../sdk/errors.ts";
import { answerProblem, maySendAgain, renew, type Flight } from "./flight.ts";
import type { Isolate, IsolateDeps, IsolateScript, LoadFailure } from "./isolate.ts";
import { findCulprit, killProblem, type Kill } from "./kill.ts";
import { limitUse } from "./limit-use.ts";
import { Pauses } from "./pauses.ts";

/** What a pool needs of the house. */
export interface PoolHost {
  /** A warmed isolate without a script; rejects when none can be started. Waits for a place under isolates.max. */
  acquire(pool: ScriptPool): Promise<Isolate>;
  /** What was acquired serves, or is gone: now the next spare may start, and takes no time from the call that waited. */
  warm(): void;
  readonly perScript: number;
  /** Milliseconds. */
  now(): number;
  readonly replies: Pick<IsolateDeps, "problem" | "onBroken">;
  onKill(pool: ScriptPool, kill: Kill, flights: number): void;
  onPause(pool: ScriptPool, ms: number): void;
  onLoadFailure(pool: ScriptPool, failure: NonNullable<LoadFailure>): void;
}

/** How often a start is tried again when the isolate's process ended by itself meanwhile. */
const MOST_CRASHES = 2;

export class ScriptPool {
  readonly script: Omit<IsolateScript, "message"> & {
    readonly message: () => Promise<IsolateScript["message"]>;
    /** The files that went into the build, absolute. */
    readonly sources: readonly string[];
  };
  readonly isolates: Isolate[] = [];
  readonly waiting: Flight[] = [];
  retired = false;
  readonly #host: PoolHost;
  readonly pauses: Pauses;
  /** Isolates asked for, and not yet handed over. */
  #acquiring = 0;
  /** Isolates asked for, and not yet ready. */
  #starting = 0;
  /** Starts in a row that ended by themselves. */
  #crashes = 0;

  constructor(script: ScriptPool["script"], host: PoolHost) {
    this.script = script;
    this.#host = host;
    this.pauses = new Pauses(() => host.now());
  }

  get size(): number {
    return this.isolates.length + this.#acquiring;
  }

  /** One of these invocations holds a place, and there is none for another: not now, and not by another isolate. */
  isBlockedBy(ids: ReadonlySet<string>): boolean {
    if (ids.size === 0 || this.#starting > 0 || this.size < this.#host.perScript || this.#roomiest()) return false;
    return this.isolates.some((isolate) => {
      for (const flight of isolate.flights.values()) if (ids.has(flight.invocation.id)) return true;
      return false;
    });
  }

  submit(flight: Flight): void {
    if (this.pauses.until > 0 && this.pauses.leftMs > 0) return this.refuse(flight, this.#pausedProblem());
    const isolate = this.#roomiest();
    if (isolate) this.#give(flight, isolate);
    else this.#wait(flight);
  }

  #give(flight: Flight, isolate: Isolate): void {
    try {
      isolate.send(flight);
    } catch (cause) {
      this.refuse(flight, new ProblemError("internal", "The request could not be handed to the script.", { cause }));
    }
  }

  #pausedProblem(): ProblemError {
    const retryAfterSeconds = Math.ceil(this.pauses.leftMs / 1000);
    const detail = `The script "${this.script.name}" was killed too often and rests for ${retryAfterSeconds} s.`;
    return new ProblemError("script_paused", detail, { retryAfterSeconds });
  }

  #roomiest(): Isolate | null {
    const { isolates } = this;
    if (isolates.length === 1) return (isolates[0] as Isolate).room > 0 ? (isolates[0] as Isolate) : null;
    let best: Isolate | null = null;
    for (const isolate of isolates) {
      if (isolate.room > 0 && (!best || isolate.flights.size < best.flights.size)) best = isolate;
    }
    return best;
  }

  #wait(flight: Flight): void {
    const { name, limits } = this.script;
    const most = limits.concurrency * this.#host.perScript;
    if (this.waiting.length >= most) {
      const detail = `${most} requests already wait for the script "${name}".`;
      const limit = limitUse(limits, "concurrency", limits.concurrency + 1);
      return this.refuse(flight, new ProblemError("overloaded", detail, { retryAfterSeconds: 1, limit }));
    }
    this.waiting.push(flight);
    this.grow();
  }

  /** Starts one more isolate, if the script may have one more and none is on its way. */
  grow(): void {
    if (this.#starting > 0 || this.size >= this.#host.perScript || (this.retired && this.size > 0)) return;
    this.#starting++;
    this.#acquiring++;
    void this.#start();
  }

  /** Never rejects: whatever fails is an answer to those who wait. */
  async #start(): Promise<void> {
    let isolate: Isolate;
    try {
      isolate = await this.#host.acquire(this);
    } catch (error) {
      this.#starting--;
      this.#acquiring--;
      this.#failWaiting(new ProblemError("internal", "No isolate could be started for the script.", { cause: error }));
      return this.#host.onLoadFailure(this, error instanceof Error ? error.message : "no isolate could be started");
    }
    this.#acquiring--;
    this.isolates.push(isolate);
    if (this.retired && this.waiting.length === 0) {
      this.#starting--;
      this.#host.warm();
      return this.#letGo(isolate, "replaced");
    }
    let failure: LoadFailure;
    try {
      const message = await this.script.message();
      failure = await this.#load(isolate, () => isolate.load({ ...this.script, message }));
    } catch (error) {
      failure = error instanceof Error ? error.message : "the bundle could not be read";
    }
    this.#starting--;
    this.#host.warm();
    if (failure === null) this.#loaded(isolate);
    else this.#loadFailed(isolate, failure);
  }

  async #load(isolate: Isolate, load: () => Promise<LoadFailure>): Promise<LoadFailure> {
    const { limits } = this.script;
    const { loadMs } = limits;
    const timer = setTimeout(() => {
      const detail = `the script did not load within limits.loadMs (${loadMs} ms)`;
      isolate.kill({ cause: "load", detail, limit: limitUse(limits, "loadMs", loadMs) });
    }, loadMs);
    try {
      return await load();
    } finally {
      clearTimeout(timer);
    }
  }

  #loaded(isolate: Isolate): void {
    this.#crashes = 0;
    if (this.retired && this.waiting.length === 0 && isolate.flights.size === 0) this.#letGo(isolate, "replaced");
    else this.pump();
  }

  #loadFailed(isolate: Isolate, failure: NonNullable<LoadFailure>): void {
    const kill = isolate.killed;
    if (kill?.cause === "retired" || (kill?.cause === "crashed" && this.#crashes++ < MOST_CRASHES)) return this.pump();
    this.#host.onLoadFailure(this, failure);
    const code: ProblemCode = failure === "load_not_deterministic" ? failure : "script_failed";
    const detail = `The script "${this.script.name}" did not load. The log says why.`;
    this.#failWaiting(kill?.limit ? killProblem(this.script.name, kill, true) : new ProblemError(code, detail));
    isolate.kill({ cause: "load", detail: "the script did not load" });
  }

  #failWaiting(problem: ProblemError): void {
    for (const flight of this.waiting.splice(0)) this.refuse(flight, problem);
  }

  /** Gives waiting invocations to isolates with room. */
  pump(): void {
    while (this.waiting.length > 0) {
      const isolate = this.#roomiest();
      if (!isolate) return this.grow();
      this.#give(this.waiting.shift() as Flight, isolate);
    }
  }

  /** A place became free in `isolate`. */
  freed(isolate: Isolate): void {
    if (isolate.flights.size > 0) {
      if (this.waiting.length > 0) this.pump();
    } else if (isolate.state === "draining" || (this.retired && this.waiting.length === 0)) {
      this.#letGo(isolate, "drained");
    } else if (isolate.script?.fresh && isolate.state === "ready") {
      void this.#load(isolate, () => isolate.reset()).then((failure) => {
        if (failure === null) this.#loaded(isolate);
        else this.#loadFailed(isolate, failure);
      });
    } else if (this.waiting.length > 0) this.pump();
  }

  #letGo(isolate: Isolate, detail: string): void {
    isolate.kill({ cause: "retired", detail });
  }

  /** No new version of this pool's script will come here: finish what is under way, then go. */
  retire(): void {
    this.retired = true;
    if (this.waiting.length > 0) return;
    for (const isolate of [...this.isolates]) if (isolate.flights.size === 0) this.#letGo(isolate, "replaced");
  }

  /** Takes no more invocations; another isolate takes its place. */
  drain(isolate: Isolate): void {
    if (isolate.state !== "ready") return;
    isolate.state = "draining";
    if (isolate.flights.size === 0) this.#letGo(isolate, "drained");
  }

  refuse(flight: Flight, problem: ProblemError): void {
    if (flight.answered) return;
    flight.answered = true;
    flight.done = true;
    flight.feed?.stop();
    answerProblem(flight, problem, (one, error) => this.#host.replies.problem(one, error));
  }

  /** The wall deadline of an invocation passed; its isolate lives on. */
  expire(flight: Flight, isolate: Isolate | null): void {
    const { wallMs } = this.script.limits;
    const limit = limitUse(this.script.limits, "wallMs", wallMs);
    this.refuse(
      flight,
      new ProblemError("deadline_exceeded", `The script did not answer within ${wallMs} ms.`, { limit }),
    );
    if (isolate) isolate.cancel(flight, CANCEL_DEADLINE);
    else this.#unqueue(flight);
  }

  /** The client left. After a whole answer that is what clients do, and `waitUntil` goes on. */
  leave(flight: Flight): void {
    if (flight.answered && !flight.stream) return;
    const isolate = this.#unqueue(flight)
      ? undefined
      : this.isolates.find((one) => one.flights.get(flight.local) === flight);
    flight.answered = true;
    flight.done = true;
    flight.feed?.stop();
    if (flight.data) {
      const problem = new ProblemError("invocation_ended", "The caller gave the call up.");
      flight.stream?.fail(problem);
      flight.data.reject(problem);
    } else flight.resolve(new Response(null, { status: 499 }));
    isolate?.cancel(flight, CANCEL_CLIENT);
  }

  #unqueue(flight: Flight): boolean {
    const at = this.waiting.indexOf(flight);
    if (at >= 0) this.waiting.splice(at, 1);
    return at >= 0;
  }

  /** `isolate` is dead: decide for each of its flights (docs/sandbox.md, "Watchdog"). */
  died(isolate: Isolate, kill: Kill): void {
    const at = this.isolates.indexOf(isolate);
    if (at >= 0) this.isolates.splice(at, 1);
    const flights = [...isolate.flights.values()];
    isolate.flights.clear();
    const culprit = findCulprit(isolate, kill, flights);
    if (kill.cause !== "retired") {
      this.#host.onKill(this, culprit === null ? kill : { ...kill, culprit }, flights.length);
      const pauseMs = this.pauses.count();
      if (pauseMs > 0) this.#host.onPause(this, pauseMs);
    }
    for (const flight of flights) {
      const problem = killProblem(this.script.name, kill, culprit === null || flight === culprit);
      // The head of an answer is sent: its client learns only that it broke off, and the log of its id why.
      if (flight.stream) this.#host.replies.onBroken(flight, problem);
      flight.stream?.fail(flight.data ? problem : new Error("the script's isolate ended"));
      if (flight !== culprit && maySendAgain(flight, isolate.entered(flight))) {
        flight.feed?.detach();
        this.submit(renew(flight));
        continue;
      }
      flight.feed?.stop();
      flight.done = true;
      this.refuse(flight, problem);
    }
    if (this.pauses.leftMs > 0) this.#failWaiting(this.#pausedProblem());
    else this.pump();
  }

  /** The engine stops: nobody is sent anywhere again. */
  abandon(): void {
    const problem = new ProblemError("not_ready", "The engine is shutting down.", { retryAfterSeconds: 5 });
    this.#failWaiting(problem);
    for (const isolate of this.isolates.splice(0)) {
      for (const flight of isolate.flights.values()) {
        flight.stream?.fail(flight.data ? problem : new Error("the engine is shutting down"));
        flight.feed?.stop();
        this.refuse(flight, problem);
      }
      isolate.flights.clear();
      this.#letGo(isolate, "the engine stops");
    }
  }
}
