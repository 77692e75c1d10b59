/** All isolates of the engine: warmed spares, the ceiling, who has to go, and where invocations enter. */
import { ProblemError } from "../../sdk/errors.ts";
import type { Config } from "../config/index.ts";
import type { Dispatcher, Invocation, ScriptRoute } from "../http/dispatch.ts";
import type { ReadFailure } from "./answer.ts";
import { makeFlight, type Flight } from "./flight.ts";
import { Isolate, type IsolateDeps, type Kill } from "./isolate.ts";
import { ScriptPool, type PoolHost } from "./pool.ts";
import type { Vessel } from "./vessel.ts";
import { Watchdog } from "./watchdog.ts";

/** A route whose pool is known; the registry makes no other kind. */
export interface PooledRoute extends ScriptRoute {
  readonly pool: ScriptPool;
}

export interface IsolatesOptions {
  readonly config: Config["isolates"];
  /** Starts what the next isolate lives in. */
  readonly openVessel: () => Promise<Vessel>;
  readonly deps: Omit<IsolateDeps, "onDeath" | "onFree">;
  readonly events: {
    onKill(script: string, kill: Kill, flights: number): void;
    onPause(script: string, ms: number): void;
    onLoadFailure(script: string, failure: ReadFailure | string): void;
    onSpareFailure(error: unknown): void;
  };
}

/** An isolate that stays silent so long after its start is given up. */
const START_MS = 10_000;
const SWEEP_MS = 1_000;

export class Isolates implements Dispatcher, PoolHost {
  readonly perScript: number;
  readonly #options: IsolatesOptions;
  readonly #pools = new Set<ScriptPool>();
  readonly #owners = new Map<Isolate, ScriptPool>();
  readonly #spares: Promise<Isolate>[] = [];
  readonly #places: (() => void)[] = [];
  readonly #watchdog: Watchdog;
  readonly #sweep: ReturnType<typeof setInterval>;
  #live = 0;
  #stopping = false;

  constructor(options: IsolatesOptions) {
    this.#options = options;
    this.perScript = options.config.perScript;
    this.#watchdog = new Watchdog(
      () => this.#targets(),
      () => this.#pools,
    );
    this.#sweep = setInterval(() => this.#letGo(), SWEEP_MS);
  }

  *#targets(): Iterable<{ isolate: Isolate; pool: ScriptPool }> {
    for (const [isolate, pool] of this.#owners) yield { isolate, pool };
  }

  /** Live isolates that hold a script. */
  get live(): number {
    return this.#live;
  }

  /** What `/health/ready` shows. */
  get paused(): readonly string[] {
    return [...this.#pools].filter((pool) => !pool.retired && pool.pausedMs > 0).map((pool) => pool.script.name);
  }

  open(script: ScriptPool["script"]): ScriptPool {
    const pool = new ScriptPool(script, this);
    this.#pools.add(pool);
    return pool;
  }

  retire(pool: ScriptPool): void {
    pool.retire();
    if (pool.size === 0) this.#pools.delete(pool);
  }

  dispatch(invocation: Invocation): Promise<Response> {
    return new Promise((resolve) => {
      const { pool } = invocation.route as PooledRoute;
      const flight = makeFlight(invocation, pool.script.limits.wallMs, resolve);
      this.#watchdog.wake();
      pool.submit(flight);
    });
  }

  /** Keeps warmed isolates at hand, so that a script's first call does not wait for a process. */
  warm(): void {
    while (!this.#stopping && this.#spares.length < this.#options.config.spare) {
      const spare = this.#start();
      this.#spares.push(spare);
      spare.catch((error: unknown) => {
        const at = this.#spares.indexOf(spare);
        if (at >= 0) this.#spares.splice(at, 1);
        this.#options.events.onSpareFailure(error);
      });
    }
  }

  async #start(): Promise<Isolate> {
    const vessel = await this.#options.openVessel();
    const isolate = new Isolate(vessel, {
      ...this.#options.deps,
      onDeath: (dead, kill) => this.#died(dead, kill),
      onFree: (one) => this.#owners.get(one)?.freed(one),
    });
    const timer = setTimeout(
      () => isolate.kill({ cause: "crashed", detail: `it gave no sign for ${START_MS} ms after its start` }),
      START_MS,
    );
    await isolate.ready;
    clearTimeout(timer);
    if (isolate.state !== "spare")
      throw new Error(`an isolate could not be started: ${isolate.killed?.detail ?? "unknown"}`);
    return isolate;
  }

  async acquire(pool: ScriptPool): Promise<Isolate> {
    while (this.#live >= this.#options.config.max && !this.#evict(pool)) {
      await new Promise<void>((resolve) => this.#places.push(resolve));
    }
    this.#live++;
    try {
      const spare = this.#spares.shift();
      const isolate = await (spare?.catch(() => this.#start()) ?? this.#start());
      this.#owners.set(isolate, pool);
      if (isolate.state === "dead") throw new Error("the isolate ended before it was used");
      this.#watchdog.wake();
      return isolate;
    } catch (error) {
      this.#live--;
      throw error;
    } finally {
      this.warm();
    }
  }

  /** Ends the isolate that has been idle longest. False when all are at work. */
  #evict(asking: ScriptPool): boolean {
    let oldest: Isolate | null = null;
    for (const [isolate, pool] of this.#owners) {
      if (isolate.state !== "ready" || isolate.flights.size > 0) continue;
      if (pool === asking && pool.isolates.length === 1) continue;
      if (!oldest || isolate.lastUsed < oldest.lastUsed) oldest = isolate;
    }
    oldest?.kill({ cause: "retired", detail: "another script needed its place" });
    return oldest !== null;
  }

  /** A second without work: isolates that were not used for isolates.idleMs go. */
  #letGo(): void {
    const now = performance.now();
    for (const [isolate] of this.#owners) {
      if (
        isolate.state === "ready" &&
        isolate.flights.size === 0 &&
        now - isolate.lastUsed > this.#options.config.idleMs
      ) {
        isolate.kill({ cause: "retired", detail: "idle" });
      }
    }
    for (const pool of this.#pools)
      if (pool.retired && pool.size === 0 && pool.waiting.length === 0) this.#pools.delete(pool);
  }

  #died(isolate: Isolate, kill: Kill): void {
    this.#watchdog.forget(isolate);
    const pool = this.#owners.get(isolate);
    if (!pool) return;
    this.#owners.delete(isolate);
    this.#live--;
    this.#places.shift()?.();
    if (!this.#stopping) pool.died(isolate, kill);
  }

  problem(flight: Flight, error: ProblemError): Response {
    return this.#options.deps.problem(flight, error);
  }
  onKill(pool: ScriptPool, kill: Kill, flights: number): void {
    this.#options.events.onKill(pool.script.name, kill, flights);
  }
  onPause(pool: ScriptPool, ms: number): void {
    this.#options.events.onPause(pool.script.name, ms);
  }
  onLoadFailure(pool: ScriptPool, failure: ReadFailure | string): void {
    this.#options.events.onLoadFailure(pool.script.name, failure);
  }

  /** Ends everything. What is in flight was drained by the server before. */
  async dispose(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#sweep);
    this.#watchdog.stop();
    for (const [isolate] of [...this.#owners]) isolate.kill({ cause: "retired", detail: "the engine stops" });
    const spares = await Promise.allSettled(this.#spares.splice(0));
    for (const spare of spares)
      if (spare.status === "fulfilled") spare.value.kill({ cause: "retired", detail: "the engine stops" });
  }
}
