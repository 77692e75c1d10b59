/** Events that wait for a subscription to take them: in order, and bounded. */
import type { Json } from "../../../sdk/plugin.ts";

/** Ends a subscription, and says why; without a reason it is complete. */
export type Finish = (reason?: Error) => void;

const DONE = { done: true, value: undefined } as const;
/** How many subscriptions take an event before the engine looks after others: each executes an operation. */
const AT_ONCE = 50;

const due: Queue[] = [];

function serveSome(): void {
  for (const queue of due.splice(0, AT_ONCE)) queue.serve();
  if (due.length > 0) setImmediate(serveSome);
}

/**
 * An iterator by hand: `return` of an async generator waits behind a `next` that is under way, and here that one may wait
 * for days.
 */
export class Queue implements AsyncIterableIterator<Json> {
  readonly #most: number;
  readonly #onEnd: () => void;
  #waiting: { readonly value: Json; readonly bytes: number }[] = [];
  #bytes = 0;
  #next: PromiseWithResolvers<IteratorResult<Json>> | undefined;
  #open = true;
  #reason: Error | undefined;

  /**
   * @param most bytes that may wait
   * @param onEnd called once, whoever ended it
   */
  constructor(most: number, onEnd: () => void) {
    this.#most = most;
    this.#onEnd = onEnd;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Answers whether there was room. Who waits for it has it soon, but not in this turn. */
  push(value: Json, bytes: number): boolean {
    if (!this.#open) return false;
    // One message always has its place: what a message may take is a limit of its own.
    if (this.#waiting.length > 0 && this.#bytes + bytes > this.#most) return false;
    this.#waiting.push({ value, bytes });
    this.#bytes += bytes;
    if (this.#next !== undefined && this.#waiting.length === 1 && due.push(this) === 1) setImmediate(serveSome);
    return true;
  }

  /** Gives who waits for one the first. */
  serve(): void {
    if (this.#next === undefined || this.#waiting.length === 0) return;
    this.#next.resolve({ done: false, value: this.#take() });
    this.#next = undefined;
  }

  #take(): Json {
    const { value, bytes } = this.#waiting.shift()!;
    this.#bytes -= bytes;
    return value;
  }

  async next(): Promise<IteratorResult<Json>> {
    if (this.#waiting.length > 0) return { done: false, value: this.#take() };
    if (this.#open) {
      this.#next ??= Promise.withResolvers();
      return this.#next.promise;
    }
    const reason = this.#reason;
    this.#reason = undefined;
    if (reason !== undefined) throw reason;
    return DONE;
  }

  /** What waits is taken before. */
  finish(reason?: Error): void {
    if (!this.#open) return;
    this.#open = false;
    this.serve();
    if (this.#next === undefined) this.#reason = reason;
    else if (reason !== undefined) this.#next.reject(reason);
    else this.#next.resolve(DONE);
    this.#next = undefined;
    this.#onEnd();
  }

  /** Whoever took them takes no more. */
  async return(): Promise<IteratorResult<Json>> {
    this.#waiting = [];
    this.finish();
    this.#reason = undefined;
    return DONE;
  }
}
