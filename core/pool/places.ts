/** The places under `isolates.max`: who gets the next one, and whose isolate makes room. */
import type { Isolate } from "./isolate.ts";
import type { ScriptPool } from "./pool.ts";

interface Waiter {
  readonly pool: ScriptPool;
  readonly admit: () => void;
}

export class Places {
  taken = 0;
  readonly #max: () => number;
  readonly #owners: ReadonlyMap<Isolate, ScriptPool>;
  /** In the order in which they came. */
  #queue: Waiter[] = [];

  constructor(max: () => number, owners: ReadonlyMap<Isolate, ScriptPool>) {
    this.#max = max;
    this.#owners = owners;
  }

  get #isFull(): boolean {
    return this.taken >= this.#max();
  }

  /** Resolves with a place, counted already. */
  take(pool: ScriptPool): Promise<void> {
    return new Promise((admit) => {
      this.#queue.push({ pool, admit });
      this.admit();
    });
  }

  giveBack(): void {
    this.taken--;
    this.admit();
  }

  /** Gives out the places that there are, or can be made. One who must wait holds up nobody for whom there is one. */
  admit(): void {
    if (this.#queue.length === 0) return;
    const still: Waiter[] = [];
    const waiting = this.#queue;
    this.#queue = [];
    for (const one of waiting) {
      if (this.#isFull) this.#evict(one.pool);
      if (this.#isFull) still.push(one);
      else {
        this.taken++;
        one.admit();
      }
    }
    // Those who came meanwhile come after them.
    this.#queue = [...still, ...this.#queue];
    let coming = [...this.#owners.keys()].filter((isolate) => isolate.state === "draining").length;
    for (const { pool } of still) if (coming-- <= 0) this.#drainFor(pool);
  }

  /** Ends the isolate that has been idle longest. */
  #evict(asking: ScriptPool): void {
    let idle: Isolate | null = null;
    for (const [isolate, pool] of this.#owners) {
      if (isolate.state !== "ready" || isolate.flights.size > 0 || pool === asking) continue;
      if (!idle || isolate.lastUsed < idle.lastUsed) idle = isolate;
    }
    idle?.kill({ cause: "retired", detail: "another script needed its place" });
  }

  /** Nobody is idle: an isolate of a script that has more than its share takes no more, and goes when it is done. */
  #drainFor(asking: ScriptPool): void {
    const own = asking.isolates.length;
    let busy: Isolate | null = null;
    for (const [isolate, pool] of this.#owners) {
      if (isolate.state !== "ready" || pool === asking) continue;
      // To one who has a place another is worth less than to one who has none.
      if (own === 0 || pool.isolates.length > own + 1) busy = this.#shareOut(busy, isolate);
    }
    if (busy) this.#owners.get(busy)?.drain(busy);
  }

  /** Of the script with the most isolates, the one with the least to do. */
  #shareOut(best: Isolate | null, isolate: Isolate): Isolate {
    if (!best) return isolate;
    const more = (this.#owners.get(isolate)?.isolates.length ?? 0) - (this.#owners.get(best)?.isolates.length ?? 0);
    if (more !== 0) return more > 0 ? isolate : best;
    return isolate.flights.size < best.flights.size ? isolate : best;
  }
}
