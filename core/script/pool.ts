/** The isolates of one version of one script: which one gets an invocation, when another is started, what a kill means. */
import { CANCEL_CLIENT, CANCEL_DEADLINE, WORD_CURRENT } from "../isolate/frames.ts";
import { ProblemError, type LimitUse, type ProblemCode } from "../../sdk/errors.ts";
import { maySendAgain, renew, type Flight } from "./flight.ts";
import type { Isolate, IsolateScript, Kill, KillCause } from "./isolate.ts";
import type { ReadFailure } from "./answer.ts";

/** What a pool needs of the house. */
export interface PoolHost {
  /** A warmed isolate without a script; rejects when none can be started. Waits for a place under isolates.max. */
  acquire(pool: ScriptPool): Promise<Isolate>;
  readonly perScript: number;
  problem(flight: Flight, error: ProblemError): Response;
  onKill(pool: ScriptPool, kill: Kill, flights: number): void;
  onPause(pool: ScriptPool, ms: number): void;
  onLoadFailure(pool: ScriptPool, failure: ReadFailure | string): void;
}

/** Three kills in this time pause a script. */
const KILL_WINDOW_MS = 60_000;
const KILLS_TO_PAUSE = 3;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 512_000;
/** After so long without a kill the next pause is short again. */
const CLEAN_MS = 600_000;
const LIMIT_OF: { readonly [cause in KillCause]?: "uninterruptedMs" | "cpuMs" | "memoryBytes" } = {
  uninterrupted_exceeded: "uninterruptedMs",
  cpu_exceeded: "cpuMs",
  memory_exceeded: "memoryBytes",
};

export class ScriptPool {
  readonly script: Omit<IsolateScript, "message"> & { readonly message: () => Promise<IsolateScript["message"]> };
  readonly isolates: Isolate[] = [];
  readonly waiting: Flight[] = [];
  retired = false;
  readonly #host: PoolHost;
  #starting = 0;
  #kills: number[] = [];
  #pauseMs = 0;
  #pausedUntil = 0;

  constructor(script: ScriptPool["script"], host: PoolHost) {
    this.script = script;
    this.#host = host;
  }

  get size(): number {
    return this.isolates.length + this.#starting;
  }

  /** Milliseconds until the script is tried again; 0 when it runs. */
  get pausedMs(): number {
    return Math.max(0, this.#pausedUntil - performance.now());
  }

  submit(flight: Flight): void {
    if (this.#pausedUntil > 0 && this.pausedMs > 0) {
      const seconds = Math.ceil(this.pausedMs / 1000);
      this.refuse(flight, new ProblemError("script_paused", `The script "${this.script.name}" was killed too often and rests for ${seconds} s.`, { retryAfterSeconds: seconds }));
      return;
    }
    const isolate = this.#roomiest();
    if (isolate) isolate.send(flight);
    else this.#wait(flight);
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
    const most = this.script.limits.concurrency * this.#host.perScript;
    if (this.waiting.length >= most) {
      const limit: LimitUse = { name: "concurrency", value: this.script.limits.concurrency, used: most, key: "limits.concurrency" };
      this.refuse(flight, new ProblemError("overloaded", `${most} requests already wait for the script "${this.script.name}".`, { retryAfterSeconds: 1, limit }));
      return;
    }
    this.waiting.push(flight);
    if (this.#starting === 0) this.grow();
  }

  /** Starts one more isolate, if the script may have one more. */
  grow(): void {
    if (this.size >= this.#host.perScript) return;
    this.#starting++;
    void this.#start();
  }

  async #start(): Promise<void> {
    let isolate: Isolate;
    try {
      isolate = await this.#host.acquire(this);
    } catch (error) {
      this.#starting--;
      this.#failWaiting(new ProblemError("internal", "No isolate could be started for the script.", { cause: error }));
      this.#host.onLoadFailure(this, error instanceof Error ? error.message : "no isolate could be started");
      return;
    }
    this.#starting--;
    this.isolates.push(isolate);
    let failure: ReadFailure | string | null;
    try {
      const message = await this.script.message();
      failure = await this.#load(isolate, () => isolate.load({ ...this.script, message }));
    } catch (error) {
      failure = error instanceof Error ? error.message : "the bundle could not be read";
    }
    if (failure === null) this.pump();
    else this.#loadFailed(isolate, failure);
  }

  async #load(isolate: Isolate, load: () => Promise<ReadFailure | string | null>): Promise<ReadFailure | string | null> {
    const { loadMs } = this.script.limits;
    const timer = setTimeout(() => {
      isolate.kill({ cause: "load", detail: `the script did not load within limits.loadMs (${loadMs} ms)`, used: loadMs });
    }, loadMs);
    try {
      return await load();
    } finally {
      clearTimeout(timer);
    }
  }

  #loadFailed(isolate: Isolate, failure: ReadFailure | string): void {
    this.#host.onLoadFailure(this, failure);
    const code: ProblemCode = failure === "load_not_deterministic" ? failure : "script_failed";
    this.#failWaiting(new ProblemError(code, `The script "${this.script.name}" did not load. The log says why.`));
    isolate.kill({ cause: "load", detail: "the script did not load" });
  }

  #failWaiting(problem: ProblemError): void {
    for (const flight of this.waiting.splice(0)) this.refuse(flight, problem);
  }

  /** Gives waiting invocations to isolates with room. */
  pump(): void {
    while (this.waiting.length > 0) {
      const isolate = this.#roomiest();
      if (!isolate) break;
      isolate.send(this.waiting.shift() as Flight);
    }
    if (this.waiting.length > 0 && this.#starting === 0 && this.isolates.every((isolate) => isolate.state !== "loading")) this.grow();
  }

  /** A place became free in `isolate`. */
  freed(isolate: Isolate): void {
    if (isolate.script?.fresh && isolate.state === "ready" && isolate.flights.size === 0) {
      void this.#load(isolate, () => isolate.reset()).then((failure) => (failure === null ? this.pump() : this.#loadFailed(isolate, failure)));
    } else if ((isolate.state === "draining" || this.retired) && isolate.flights.size === 0) {
      isolate.kill({ cause: "retired", detail: "drained" });
    } else if (this.waiting.length > 0) this.pump();
  }

  /** No new version of this pool's script will come here: finish what is under way, then go. */
  retire(): void {
    this.retired = true;
    for (const isolate of [...this.isolates]) {
      if (isolate.flights.size === 0 && this.waiting.length === 0) isolate.kill({ cause: "retired", detail: "replaced" });
    }
  }

  /** Takes no more invocations; another isolate takes its place. */
  drain(isolate: Isolate): void {
    if (isolate.state !== "ready") return;
    isolate.state = "draining";
    if (isolate.flights.size === 0) isolate.kill({ cause: "retired", detail: "drained" });
  }

  refuse(flight: Flight, problem: ProblemError): void {
    if (flight.answered) return;
    flight.answered = true;
    flight.done = true;
    flight.stopBody?.();
    flight.resolve(this.#host.problem(flight, problem));
  }

  /** The wall deadline of an invocation passed; its isolate lives on. */
  expire(flight: Flight, isolate: Isolate | null): void {
    const { wallMs } = this.script.limits;
    const problem = new ProblemError("deadline_exceeded", `The script did not answer within ${wallMs} ms.`, {
      limit: { name: "wallMs", value: wallMs, used: wallMs, key: "limits.wallMs" },
    });
    if (isolate) {
      const answered = flight.answered;
      isolate.cancel(flight, CANCEL_DEADLINE);
      this.refuse(flight, problem);
      if (!answered) isolate.drop(flight);
      return;
    }
    const at = this.waiting.indexOf(flight);
    if (at >= 0) this.waiting.splice(at, 1);
    this.refuse(flight, problem);
  }

  /** The client left. */
  leave(flight: Flight): void {
    const at = this.waiting.indexOf(flight);
    if (at >= 0) {
      this.waiting.splice(at, 1);
      flight.done = true;
      flight.answered = true;
      flight.resolve(new Response(null, { status: 499 }));
      return;
    }
    const isolate = this.isolates.find((one) => one.flights.get(flight.local) === flight);
    if (isolate) isolate.cancel(flight, CANCEL_CLIENT);
    flight.answered = true;
    flight.resolve(new Response(null, { status: 499 }));
  }

  /** `isolate` is dead: decide for each of its flights (SANDBOX.md, "Watchdog"). */
  died(isolate: Isolate, kill: Kill): void {
    const at = this.isolates.indexOf(isolate);
    if (at >= 0) this.isolates.splice(at, 1);
    const flights = [...isolate.flights.values()];
    isolate.flights.clear();
    if (kill.cause !== "retired") {
      this.#countKill();
      this.#host.onKill(this, kill, flights.length);
    }
    const culprit = findCulprit(isolate, flights);
    const again: Flight[] = [];
    for (const flight of flights) {
      flight.stopBody?.();
      flight.stream?.fail(new Error("the isolate was killed"));
      flight.stream = null;
      if (flight.answered) continue;
      if (flight !== culprit && flight.attempts < 3 && !flight.bodyGiven && (!isolate.entered(flight) || maySendAgain(flight))) again.push(flight);
      else this.refuse(flight, this.#killProblem(kill, culprit === null || flight === culprit));
    }
    for (const flight of again) this.submit(renew(flight));
    // One that died while it loaded has its own end: its waiting invocations are answered there.
    if (this.waiting.length > 0 && isolate.wasReady) this.pump();
  }

  #killProblem(kill: Kill, guilty: boolean): ProblemError {
    const limitName = LIMIT_OF[kill.cause];
    if (!guilty) {
      return new ProblemError("isolate_restarted", "Another invocation of the script had its isolate killed.", { retryAfterSeconds: 1 });
    }
    if (!limitName) {
      const what = kill.cause === "load" ? "The script did not load." : "The script's isolate ended unexpectedly.";
      return new ProblemError("isolate_restarted", what, { retryAfterSeconds: 1 });
    }
    const value = this.script.limits[limitName];
    const limit: LimitUse = { name: limitName, value, ...(kill.used === undefined ? {} : { used: Math.round(kill.used) }), key: `limits.${limitName}` };
    return new ProblemError(kill.cause as ProblemCode, `The script passed limits.${limitName} (${value}) and its isolate was killed.`, { limit, retryAfterSeconds: 1 });
  }

  #countKill(): void {
    const now = performance.now();
    const lastKill = this.#kills.at(-1) ?? 0;
    if (now - lastKill > CLEAN_MS) this.#pauseMs = 0;
    this.#kills = [...this.#kills.filter((at) => now - at < KILL_WINDOW_MS), now];
    if (this.#kills.length < KILLS_TO_PAUSE) return;
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs === 0 ? FIRST_PAUSE_MS : this.#pauseMs * 2);
    this.#pausedUntil = now + this.#pauseMs;
    this.#kills = [];
    this.#host.onPause(this, this.#pauseMs);
  }
}

/** Null when it cannot be told. The page is the isolate's own word: a lie only harms its own script's callers. */
function findCulprit(isolate: Isolate, flights: readonly Flight[]): Flight | null {
  const entered = flights.filter((flight) => isolate.entered(flight) && !flight.done);
  if (entered.length === 1) return entered[0] as Flight;
  const current = isolate.vessel.words?.[WORD_CURRENT] ?? 0;
  return entered.find((flight) => flight.local === current) ?? null;
}
