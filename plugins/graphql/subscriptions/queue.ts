/** Events that wait for a subscription to take them: in order, and bounded. */
import type { Json } from "../../../sdk/plugin.ts";

/** Ends a subscription, and says why; without a reason it is complete. */
export type Finish = (reason?: Error) => void;

const DONE = { done: true, value: undefined } as const;

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

  /** Answers whether there was room. */
  push(value: Json, bytes: number): boolean {
    if (!this.#open) return false;
    if (this.#next !== undefined) {
      this.#next.resolve({ done: false, value });
      this.#next = undefined;
      return true;
    }
    // One message always has its place: what a message may take is a limit of its own.
    if (this.#waiting.length > 0 && this.#bytes + bytes > this.#most) return false;
    this.#waiting.push({ value, bytes });
    this.#bytes += bytes;
    return true;
  }

  async next(): Promise<IteratorResult<Json>> {
    const first = this.#waiting.shift();
    if (first !== undefined) {
      this.#bytes -= first.bytes;
      return { done: false, value: first.value };
    }
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
