/** The newest messages of a stream, by count and bytes: for clients that come back. */
import type { Filter } from "./filter.ts";

export interface Sent {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly filter: Filter | undefined;
}

export class Replay {
  #held: Sent[] = [];
  #bytes = 0;
  #most = { count: 0, bytes: 0 };

  get size(): number {
    return this.#held.length;
  }

  /** What is beyond it goes. */
  limit(count: number, bytes: number): void {
    this.#most = { count, bytes };
    this.#trim();
  }

  add(sent: Sent): void {
    this.#held.push(sent);
    this.#bytes += sent.bytes.length;
    this.#trim();
  }

  #trim(): void {
    let gone = 0;
    while (
      gone < this.#held.length &&
      (this.#held.length - gone > this.#most.count || this.#bytes > this.#most.bytes)
    ) {
      this.#bytes -= this.#held[gone++]?.bytes.length ?? 0;
    }
    if (gone > 0) this.#held = this.#held.slice(gone);
  }

  /**
   * What was sent after a message. One that is not held any more, or was sent before the engine started, is older than
   * all that is: the client has none of it.
   */
  after(id: string): readonly Sent[] {
    return this.#held.slice(this.#held.findLastIndex((one) => one.id === id) + 1);
  }
}
