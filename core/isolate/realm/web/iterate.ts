/** Iterators over pairs: the live ones of Headers, URLSearchParams and FormData. */
import { IteratorProto, SymbolIterator, apply, defineProperty, setPrototypeOf } from "../primordials.ts";
import { tag } from "./define.ts";

export type Pair = readonly [string, unknown];
export type Kind = "entries" | "keys" | "values";

/**
 * Makes the iterators of one interface. `at` gives the pair at an index of the current state, so that an iterator sees
 * what changed under it, as the standard wants. https://webidl.spec.whatwg.org/#js-iterable
 */
export function pairIterators<T extends object>(name: string, at: (target: T, index: number) => Pair | undefined) {
  class Cursor {
    readonly #target: T;
    readonly #kind: Kind;
    #index = 0;
    constructor(target: T, kind: Kind) {
      this.#target = target;
      this.#kind = kind;
    }
    next(): IteratorResult<unknown> {
      const pair = at(this.#target, this.#index);
      if (pair === undefined) return { value: undefined, done: true };
      this.#index++;
      const kind = this.#kind;
      return { value: kind === "keys" ? pair[0] : kind === "values" ? pair[1] : [pair[0], pair[1]], done: false };
    }
  }
  const proto = Cursor.prototype;
  setPrototypeOf(proto, IteratorProto);
  defineProperty(proto, "next", { __proto__: null, enumerable: true } as PropertyDescriptor);
  // The platform's iterators have no constructor that a script could reach.
  delete (proto as { constructor?: unknown }).constructor;
  tag(proto, `${name} Iterator`);
  return {
    make: <V>(target: T, kind: Kind) => new Cursor(target, kind) as unknown as IterableIterator<V>,
    each(target: T, callback: (...args: never[]) => unknown, self: unknown): void {
      for (let index = 0, pair = at(target, 0); pair !== undefined; pair = at(target, ++index)) {
        apply(callback, self, [pair[1], pair[0], target]);
      }
    },
  };
}

/** Makes `entries` what `for…of` uses, the same function object, as Web IDL wants. */
export function iterable(proto: { entries(): unknown }): void {
  const value = proto.entries;
  defineProperty(proto, SymbolIterator, {
    __proto__: null,
    value,
    writable: true,
    configurable: true,
  } as PropertyDescriptor);
}
