/**
 * How far an engine, or a client, has come: by each engine that sends, the number of its last message. As text it is the id
 * of an event, `1f0c9a3e-17.b2d45e60-4`. Engines hear each other's messages in different orders; a client that moves from
 * one to another would lose or repeat some if its id named only one message.
 */

/** Engines that are told in an id; those that were not heard for longest go. A restarted engine is another one. */
const MAX_NODES = 20;
const NODE = /^[0-9a-f]{8}$/;
const MAX_PLACE = 1e12;

export function isNode(text: unknown): text is string {
  return typeof text === "string" && NODE.test(text);
}

export function isPlace(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_PLACE;
}

export class Position {
  readonly #last = new Map<string, number>();

  /** What a client says in `Last-Event-ID`; null where it is no position. */
  static read(text: string): Position | null {
    const parts = text.slice(0, MAX_NODES * 24).split(".");
    const position = new Position();
    for (const part of parts.slice(0, MAX_NODES)) {
      const [, node, digits] = /^([0-9a-f]{8})-(\d{1,13})$/.exec(part) ?? [];
      const place = Number(digits);
      if (node === undefined || !isPlace(place)) return null;
      position.advance(node, place);
    }
    return position;
  }

  /** -1 where nothing is known of the engine: all that it sent is news. */
  at(node: string): number {
    return this.#last.get(node) ?? -1;
  }

  /** Answers whether it is news. */
  advance(node: string, place: number): boolean {
    if (place <= this.at(node)) return false;
    this.#last.delete(node);
    this.#last.set(node, place);
    if (this.#last.size > MAX_NODES) {
      const [oldest = ""] = this.#last.keys();
      this.#last.delete(oldest);
    }
    return true;
  }

  /** Both together: the later of each. */
  with(other: Position): Position {
    const sum = new Position();
    for (const one of [other, this]) for (const [node, place] of one.#last) sum.advance(node, place);
    return sum;
  }

  /** The engines of which this one has heard more. */
  aheadOf(other: Position): Position | undefined {
    const ahead = new Position();
    for (const [node, place] of this.#last) if (place > other.at(node)) ahead.advance(node, place);
    return ahead.#last.size === 0 ? undefined : ahead;
  }

  toString(): string {
    return Array.from(this.#last, ([node, place]) => `${node}-${place}`).join(".");
  }
}
