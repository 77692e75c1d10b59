/** URLSearchParams. https://url.spec.whatwg.org/#interface-urlsearchparams */
import { SymbolIterator, cut, getOwnPropertyDescriptor, ownKeys, sortBy } from "../primordials.ts";
import { isObject, need, toFunction, toSequence, toUsv } from "./convert.ts";
import { INTERNAL, named, once } from "./define.ts";
import { iterable, pairIterators } from "./iterate.ts";
import { type Pairs, parsePairs, serializePairs } from "./urlencoded.ts";

function pairsFrom(init: unknown): Pairs {
  if (!isObject(init)) {
    const text = toUsv(init);
    return parsePairs(text[0] === "?" ? cut(text, 1) : text);
  }
  const pairs: Pairs = [];
  const own = pairsOf?.(init);
  const method = (init as Partial<Iterable<unknown>>)[SymbolIterator];
  if (method !== undefined && method !== null) {
    const rows = toSequence(init, "new URLSearchParams");
    for (let i = 0; i < rows.length; i++) {
      const row = toSequence(rows[i], "new URLSearchParams");
      if (row.length !== 2) throw new TypeError("new URLSearchParams: each pair has a name and a value");
      pairs[pairs.length] = toUsv(row[0]);
      pairs[pairs.length] = toUsv(row[1]);
    }
    return pairs;
  }
  if (own !== undefined) for (let i = 0; i < own.length; i++) pairs[i] = own[i] as string;
  else fromRecord(init, pairs);
  return pairs;
}

/** A record's names are unique after conversion: the last value wins, at the first one's place. */
function fromRecord(init: object, pairs: Pairs): void {
  const keys = ownKeys(init);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (getOwnPropertyDescriptor(init, key)?.enumerable !== true) continue;
    const name = toUsv(key);
    const value = toUsv((init as Record<string, unknown>)[key]);
    let at = 0;
    while (at < pairs.length && pairs[at] !== name) at += 2;
    pairs[at] = name;
    pairs[at + 1] = value;
  }
}

let pairsOf: ((value: object) => Pairs | undefined) | undefined;

/** The pairs of a URLSearchParams, or undefined for every other value. */
export function searchPairs(value: object): Pairs | undefined {
  return pairsOf?.(value);
}

export type Params = InstanceType<ReturnType<typeof searchParamsParts>["URLSearchParams"]>;

export const searchParamsParts = once(() => {
  let reset!: (params: URLSearchParams, pairs: Pairs) => void;
  let attach!: (pairs: Pairs, changed: (query: string) => void) => URLSearchParams;

  class URLSearchParams {
    #pairs: Pairs;
    #changed: ((query: string) => void) | undefined;

    constructor(init: unknown = "", token?: unknown) {
      this.#pairs = token === INTERNAL ? (init as Pairs) : pairsFrom(init);
    }
    static {
      pairsOf = (value) => (#pairs in value ? value.#pairs : undefined);
      reset = (params, pairs) => {
        params.#pairs = pairs;
      };
      attach = (pairs, changed) => {
        const params = new URLSearchParams(pairs, INTERNAL);
        params.#changed = changed;
        return params;
      };
    }
    #update(): void {
      this.#changed?.(serializePairs(this.#pairs));
    }
    get size(): number {
      return this.#pairs.length / 2;
    }
    append(name: unknown, value: unknown): void {
      need(arguments.length, 2, "URLSearchParams.append");
      const pairs = this.#pairs;
      const key = toUsv(name);
      const text = toUsv(value);
      pairs[pairs.length] = key;
      pairs[pairs.length] = text;
      this.#update();
    }
    delete(name: unknown, value?: unknown): void {
      need(arguments.length, 1, "URLSearchParams.delete");
      const key = toUsv(name);
      const wanted = value === undefined ? undefined : toUsv(value);
      this.#pairs = without(this.#pairs, key, wanted);
      this.#update();
    }
    get(name: unknown): string | null {
      need(arguments.length, 1, "URLSearchParams.get");
      const key = toUsv(name);
      const pairs = this.#pairs;
      for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === key) return pairs[i + 1] as string;
      return null;
    }
    getAll(name: unknown): string[] {
      need(arguments.length, 1, "URLSearchParams.getAll");
      const key = toUsv(name);
      const pairs = this.#pairs;
      const all: string[] = [];
      for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === key) all[all.length] = pairs[i + 1] as string;
      return all;
    }
    has(name: unknown, value?: unknown): boolean {
      need(arguments.length, 1, "URLSearchParams.has");
      const key = toUsv(name);
      const wanted = value === undefined ? undefined : toUsv(value);
      const pairs = this.#pairs;
      for (let i = 0; i < pairs.length; i += 2) {
        if (pairs[i] === key && (wanted === undefined || pairs[i + 1] === wanted)) return true;
      }
      return false;
    }
    set(name: unknown, value: unknown): void {
      need(arguments.length, 2, "URLSearchParams.set");
      const key = toUsv(name);
      const text = toUsv(value);
      const kept: Pairs = [];
      let done = false;
      const pairs = this.#pairs;
      for (let i = 0; i < pairs.length; i += 2) {
        const hit = pairs[i] === key;
        if (hit && done) continue;
        kept[kept.length] = pairs[i] as string;
        kept[kept.length] = hit ? text : (pairs[i + 1] as string);
        done ||= hit;
      }
      if (!done) {
        kept[kept.length] = key;
        kept[kept.length] = text;
      }
      this.#pairs = kept;
      this.#update();
    }
    sort(): void {
      const pairs = this.#pairs;
      const order: number[] = [];
      for (let i = 0; i < pairs.length; i += 2) order[order.length] = i;
      sortBy(order, (a, b) => {
        const left = pairs[a] as string;
        const right = pairs[b] as string;
        return left < right ? -1 : left > right ? 1 : a - b;
      });
      const sorted: Pairs = [];
      for (let i = 0; i < order.length; i++) {
        sorted[i * 2] = pairs[order[i] as number] as string;
        sorted[i * 2 + 1] = pairs[(order[i] as number) + 1] as string;
      }
      this.#pairs = sorted;
      this.#update();
    }
    entries(): IterableIterator<[string, string]> {
      void this.#pairs;
      return iterators.make(this, "entries");
    }
    keys(): IterableIterator<string> {
      void this.#pairs;
      return iterators.make(this, "keys");
    }
    values(): IterableIterator<string> {
      void this.#pairs;
      return iterators.make(this, "values");
    }
    forEach(callback: unknown, self?: unknown): void {
      void this.#pairs;
      iterators.each(this, toFunction(callback, "URLSearchParams.forEach"), self);
    }
    toString(): string {
      return serializePairs(this.#pairs);
    }
  }
  const iterators = pairIterators<URLSearchParams>("URLSearchParams", (params, index) => {
    const pairs = pairsOf?.(params) as Pairs;
    return index * 2 < pairs.length ? [pairs[index * 2] as string, pairs[index * 2 + 1]] : undefined;
  });
  iterable(URLSearchParams.prototype);
  return { URLSearchParams: named(URLSearchParams, "URLSearchParams"), reset, attach };
});

function without(pairs: Pairs, name: string, value: string | undefined): Pairs {
  const kept: Pairs = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === name && (value === undefined || pairs[i + 1] === value)) continue;
    kept[kept.length] = pairs[i] as string;
    kept[kept.length] = pairs[i + 1] as string;
  }
  return kept;
}

export function attachParams(pairs: Pairs, changed: (query: string) => void): Params {
  return searchParamsParts().attach(pairs, changed);
}

export function resetParams(params: Params, pairs: Pairs): void {
  searchParamsParts().reset(params, pairs);
}
