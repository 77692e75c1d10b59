/** All isolates of the engine: warmed spares, the ceiling, who has to go, and where invocations enter. */
import { ProblemError } from "../../sdk/errors.ts";
import type { Config } from "../config/index.ts";
import type { Dispatcher, Invocation, ScriptRoute } from "../http/dispatch.ts";
import { CallChains, newDataInvocation, refuseWaitingForSelf, type CallInput, type CallValue } from "./data-call.ts";
import { makeFlight, type Flight } from "./flight.ts";
import { Isolate, type IsolateDeps, type LoadFailure } from "./isolate.ts";
import type { Kill } from "./kill.ts";
import { Places } from "./places.ts";
import { ScriptPool, type PoolHost } from "./pool.ts";
import type { Vessel } from "./vessel.ts";
import type { BuiltPointRegistration, Json } from "../script/types.ts";
import { Watchdog } from "./watchdog.ts";

/** A route whose pool is known; the registry makes no other kind. */
export interface PooledRoute extends ScriptRoute {
  readonly pool: ScriptPool;
}

export interface IsolatesOptions {
  /** Asked each time: the config may change. */
  readonly config: () => Pick<Config["isolates"], "max" | "perScript" | "spare" | "idleMs">;
  /** Starts what the next isolate lives in. */
  readonly openVessel: () => Promise<Vessel>;
  readonly deps: Omit<IsolateDeps, "onDeath" | "onFree" | "onFault">;
  readonly events: {
    onKill(script: string, kill: Kill, flights: number): void;
    onPause(script: string, ms: number): void;
    onLoadFailure(script: string, failure: NonNullable<LoadFailure>): void;
    onSpareFailure(error: unknown): void;
    /** The engine's own code failed while it served or watched a script. */
    onFault(script: string, error: unknown): void;
  };
  /** An isolate that stays silent so long after its start is given up. */
  readonly startMs?: number;
  /** The clock of pauses, in milliseconds. */
  readonly now?: () => number;
}

type OneValue = CallInput & { readonly stream?: never };

/** Who calls with data waits for data. */
const NO_RESPONSE = (): void => {};
const START_MS = 10_000;
const SWEEP_MS = 1_000;
/**
 * So long after a limit killed an isolate, no spare is started: who has isolates killed one after the other waits for each
 * new process, and does not have two under way at once.
 */
const CALM_MS = 1_000;
/** Scripts with a kill in the last minute start so far apart, all of them together: many cost the others no more than one. */
const APART_MS = 500;
/** No script waits longer for its turn, however many are before it: its callers have deadlines. */
const LONGEST_TURN_MS = 2_000;
/** Idle for so long, an isolate (and the engine itself) collects its garbage. */
const REST_MS = 2_000;

export class Isolates implements Dispatcher, PoolHost {
  readonly #options: IsolatesOptions;
  readonly #pools = new Set<ScriptPool>();
  readonly #owners = new Map<Isolate, ScriptPool>();
  readonly #spares: Promise<Isolate>[] = [];
  readonly #places: Places;
  readonly #watchdog: Watchdog;
  readonly #chains = new CallChains();
  readonly #sweep: ReturnType<typeof setInterval>;
  /** When an isolate was last wanted. */
  #lastWanted = performance.now();
  #calmAt = 0;
  /** When a script with a recent kill may start. */
  #nextStart = 0;
  #rested = false;
  #asleep = false;
  #stopping = false;

  constructor(options: IsolatesOptions) {
    this.#options = options;
    this.#places = new Places(() => options.config().max, this.#owners);
    this.#watchdog = new Watchdog({
      owners: this.#owners,
      pools: this.#pools,
      onFault: (pool, error) => options.events.onFault(pool.script.name, error),
    });
    this.#sweep = setInterval(() => this.#letGo(), Math.min(SWEEP_MS, options.config().idleMs));
  }

  get perScript(): number {
    return this.#options.config().perScript;
  }

  now(): number {
    return this.#options.now?.() ?? performance.now();
  }

  /** Live isolates that hold a script. */
  get live(): number {
    return this.#places.taken;
  }

  /** For whoever watches the engine. */
  get paused(): readonly string[] {
    return [...this.#pools].filter((pool) => !pool.retired && pool.pauses.leftMs > 0).map((pool) => pool.script.name);
  }

  open(script: ScriptPool["script"]): ScriptPool {
    const pool = new ScriptPool(script, this);
    this.#pools.add(pool);
    return pool;
  }

  retire(pool: ScriptPool): void {
    pool.retire();
    this.#forget(pool);
  }

  /** A retired pool stays known for as long as something in it must be watched. */
  #forget(pool: ScriptPool): void {
    if (pool.retired && pool.size === 0 && pool.waiting.length === 0) this.#pools.delete(pool);
  }

  dispatch(invocation: Invocation): Promise<Response> {
    return new Promise((resolve) => {
      const { pool } = invocation.route as PooledRoute;
      this.#submit(makeFlight(invocation, pool.script.limits.wallMs, resolve), pool);
    });
  }

  /**
   * Calls a point's handler with data, under the same limits as requests.
   *
   * Rejects with a ProblemError: the handler's own HttpError, the limit that was passed, `script_failed`, `overloaded`
   * for calls that cause calls without end, `invocation_ended` when the signal aborts. A `ValueStream`, which only who
   * asks for one gets, rejects with the same.
   */
  call(pool: ScriptPool, registration: BuiltPointRegistration, input: OneValue): Promise<Json | undefined>;
  call(pool: ScriptPool, registration: BuiltPointRegistration, input: CallInput): Promise<CallValue>;
  call(pool: ScriptPool, registration: BuiltPointRegistration, input: CallInput): Promise<CallValue> {
    return new Promise((resolve, reject) => {
      const invocation = newDataInvocation(pool, registration, input);
      if (invocation.signal.aborted) throw new ProblemError("invocation_ended", "The caller gave the call up.");
      this.#chains.enter(invocation);
      if (pool.isBlockedBy(this.#chains.ancestors(invocation.id))) throw refuseWaitingForSelf(pool.script);
      const { wallMs = pool.script.limits.wallMs } = input;
      this.#submit(
        makeFlight(invocation, wallMs, NO_RESPONSE, { resolve, reject, streams: input.stream === true }),
        pool,
      );
    });
  }

  #submit(flight: Flight, pool: ScriptPool): void {
    // It was matched before its body came, or is kept by a plugin, and meanwhile there is a new version.
    if (pool.retired) this.#pools.add(pool);
    this.#watchdog.wake();
    pool.submit(flight);
  }

  /** Keeps warmed isolates at hand, so that a script's first call does not wait for a process. */
  warm(): void {
    while (!this.#stopping && this.now() >= this.#calmAt && this.#spares.length < this.#options.config().spare) {
      const spare = this.#start().then((isolate) => {
        isolate.rest();
        return isolate;
      });
      this.#spares.push(spare);
      spare.catch((error: unknown) => {
        const at = this.#spares.indexOf(spare);
        if (at >= 0) this.#spares.splice(at, 1);
        if (!this.#stopping) this.#options.events.onSpareFailure(error);
      });
    }
  }

  async #start(): Promise<Isolate> {
    const vessel = await this.#options.openVessel();
    const isolate = new Isolate(vessel, {
      ...this.#options.deps,
      onDeath: (dead, kill) => this.#died(dead, kill),
      onFree: (one) => this.#freed(one),
      onFault: (one, error) => this.#options.events.onFault(one.script?.name ?? "", error),
    });
    const startMs = this.#options.startMs ?? START_MS;
    const timer = setTimeout(() => {
      isolate.kill({ cause: "crashed", detail: `it gave no sign for ${startMs} ms after its start` });
    }, startMs);
    await isolate.ready;
    clearTimeout(timer);
    if (this.#stopping) isolate.kill({ cause: "retired", detail: "the engine stops" });
    if (isolate.state !== "spare") throw new Error(`an isolate could not be started: ${isolate.killed?.detail}`);
    return isolate;
  }

  async acquire(pool: ScriptPool): Promise<Isolate> {
    if (pool.pauses.isOnProbation) await this.#turn();
    this.#refuseWhenStopping();
    await this.#places.take(pool);
    this.#lastWanted = performance.now();
    this.#rested = this.#asleep = false;
    try {
      this.#refuseWhenStopping();
      const isolate = await this.#take();
      this.#owners.set(isolate, pool);
      this.#watchdog.wake();
      return isolate;
    } catch (error) {
      this.#places.giveBack();
      this.warm();
      throw error;
    }
  }

  /** Waits until a script with a recent kill may start. */
  async #turn(): Promise<void> {
    const now = this.now();
    const startAt = Math.min(Math.max(now, this.#nextStart), now + LONGEST_TURN_MS);
    this.#nextStart = startAt + APART_MS;
    if (startAt > now) await Bun.sleep(startAt - now);
  }

  #refuseWhenStopping(): void {
    if (this.#stopping) throw new Error("the engine stops");
  }

  /** A spare that still lives, or a new one. */
  async #take(): Promise<Isolate> {
    for (;;) {
      const spare = this.#spares.shift();
      if (!spare) return this.#start();
      // Its failure was reported where it was started.
      const isolate = await spare.catch(() => null);
      if (isolate?.state === "spare") return isolate;
    }
  }

  /** Once a second: isolates that were not used for isolates.idleMs go, and at last the spares. */
  #letGo(): void {
    const now = performance.now();
    const { idleMs } = this.#options.config();
    for (const isolate of [...this.#owners.keys()]) {
      if (isolate.state !== "ready" || isolate.flights.size > 0) continue;
      this.#lastWanted = Math.max(this.#lastWanted, isolate.lastUsed);
      const idle = now - isolate.lastUsed;
      if (idle > idleMs) isolate.kill({ cause: "retired", detail: "idle" });
      else if (idle > REST_MS) isolate.rest();
    }
    if (!this.#rested && now - this.#lastWanted > REST_MS) {
      this.#rested = true;
      Bun.gc(true);
    }
    // An engine that serves nobody keeps nobody waiting: its next first call pays for its own isolate.
    if (this.live === 0 && now - this.#lastWanted > idleMs) this.#sleep();
    else if (this.#calmAt > 0) this.warm();
    for (const pool of this.#pools) this.#forget(pool);
    if (this.#watchdog.look()) this.#watchdog.wake();
  }

  #freed(isolate: Isolate): void {
    const pool = this.#owners.get(isolate);
    if (!pool) return;
    pool.freed(isolate);
    if (isolate.flights.size === 0) this.#places.admit();
  }

  #died(isolate: Isolate, kill: Kill): void {
    this.#watchdog.forget(isolate);
    const pool = this.#owners.get(isolate);
    if (!pool) return;
    this.#owners.delete(isolate);
    if (this.#stopping) return;
    if (kill.limit) this.#calmAt = this.now() + CALM_MS;
    // First those who wait: else the script that had the place would take it again at once.
    this.#places.giveBack();
    pool.died(isolate, kill);
    this.#forget(pool);
  }

  get replies(): PoolHost["replies"] {
    return this.#options.deps;
  }
  onKill(pool: ScriptPool, kill: Kill, flights: number): void {
    this.#options.events.onKill(pool.script.name, kill, flights);
  }
  onPause(pool: ScriptPool, ms: number): void {
    this.#options.events.onPause(pool.script.name, ms);
  }
  onLoadFailure(pool: ScriptPool, failure: NonNullable<LoadFailure>): void {
    // Who was still waiting for a place when the engine stopped did not fail.
    if (!this.#stopping) this.#options.events.onLoadFailure(pool.script.name, failure);
  }

  /** Ends everything. What is in flight was drained by the server before; what is left is told so. */
  async dispose(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#sweep);
    this.#watchdog.stop();
    for (const pool of this.#pools) pool.abandon();
    for (const [isolate] of [...this.#owners]) isolate.kill({ cause: "retired", detail: "the engine stops" });
    await this.#dismiss();
  }

  /** Gives back what only speed needs: compiled code, and pages of the heap. The next first call pays for it. */
  #sleep(): void {
    const dismissed = this.#dismiss();
    if (this.#asleep) return;
    this.#asleep = true;
    void dismissed.then(() => {
      Bun.shrink();
      Bun.gc(true);
    });
  }

  async #dismiss(): Promise<void> {
    const spares = await Promise.allSettled(this.#spares.splice(0));
    for (const spare of spares) {
      if (spare.status === "fulfilled") spare.value.kill({ cause: "retired", detail: "nobody waits for it" });
    }
  }
}
