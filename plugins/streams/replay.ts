/** The newest messages of a stream, by count and bytes: for clients that come back. */
import type { Filter } from "./filter.ts";
import type { Position } from "./position.ts";

export interface Sent {
  /** The engine that sent it, and its number there. */
  readonly node: string;
  readonly place: number;
  /** The event without its id, which is the client's own. */
  readonly rest: Uint8Array;
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
    this.#bytes += sent.rest.length;
    this.#trim();
  }

  #trim(): void {
    let gone = 0;
    while (
      gone < this.#held.length &&
      (this.#held.length - gone > this.#most.count || this.#bytes > this.#most.bytes)
    ) {
      this.#bytes -= this.#held[gone++]?.rest.length ?? 0;
    }
    if (gone > 0) this.#held = this.#held.slice(gone);
  }

  /**
   * What a client has not had. Of an engine that it knows nothing of it had nothing; so it is with all of them where its
   * `Last-Event-ID` is no position.
   */
  after(position: Position | null): readonly Sent[] {
    return this.#held.filter(({ node, place }) => place > (position?.at(node) ?? -1));
  }
}
