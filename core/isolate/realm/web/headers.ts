/** Headers. https://fetch.spec.whatwg.org/#headers-class */
import {
  SymbolIterator,
  cut,
  getOwnPropertyDescriptor,
  lower,
  matches,
  ownKeys,
  sortBy,
  pattern,
} from "../primordials.ts";
import { isObject, need, toByteString, toFunction, toSequence, toText } from "./convert.ts";
import { INTERNAL, named, once } from "./define.ts";
import { iterable, pairIterators } from "./iterate.ts";

/** name, value, name, value, …; names in lower case, `set-cookie` once for each cookie. */
export type HeaderList = string[];

const NOT_TOKEN = pattern(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/);
/** What a value may not hold, or not begin or end with. */
const ODD_VALUE = pattern(/[^\t\x20-\x7e\x80-\xff]|^[\t ]|[\t ]$/);
const FORBIDDEN = pattern(/[\0\r\n]/);

/** Names that were checked before, with their lower-case form. */
const known = { __proto__: null } as unknown as Record<string, string>;
let knownCount = 0;
const MAX_KNOWN = 256;

export function headerName(name: unknown): string {
  const text = toText(name);
  const seen = known[text];
  if (seen !== undefined) return seen;
  if (text === "" || matches(NOT_TOKEN, text)) throw new TypeError(`"${text}" is not a valid header name.`);
  const result = lower(text);
  if (knownCount < MAX_KNOWN && text.length < 64) {
    known[text] = result;
    knownCount++;
  }
  return result;
}

export function headerValue(value: unknown): string {
  const text = toText(value);
  if (!matches(ODD_VALUE, text)) return text;
  const trimmed = trimValue(toByteString(text, "A header's value"));
  if (matches(FORBIDDEN, trimmed)) throw new TypeError("A header's value holds a line break or NUL.");
  return trimmed;
}

/** Takes HTTP whitespace (tab, line feed, carriage return, space) off both ends. */
function trimValue(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && SPACE[text[from] as string] === 1) from++;
  while (to > from && SPACE[text[to - 1] as string] === 1) to--;
  return cut(text, from, to);
}
const SPACE = { __proto__: null, "\t": 1, "\n": 1, "\r": 1, " ": 1 } as unknown as Record<string, 1>;

/** All values of a name, joined as HTTP joins them; null when there is none. */
export function headerOf(list: HeaderList, name: string): string | null {
  let found: string | null = null;
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === name) found = found === null ? (list[i + 1] as string) : `${found}, ${list[i + 1]}`;
  }
  return found;
}

export function addHeader(list: HeaderList, name: string, value: string): void {
  list[list.length] = name;
  list[list.length] = value;
}

export function copyHeaders(list: readonly string[]): HeaderList {
  const copy: HeaderList = [];
  for (let i = 0; i < list.length; i++) copy[i] = list[i] as string;
  return copy;
}

/** Reads any HeadersInit into a list. */
export function fillHeaders(list: HeaderList, init: unknown): void {
  if (!isObject(init)) throw new TypeError("Headers: neither an object nor a sequence of pairs");
  const method = (init as Partial<Iterable<unknown>>)[SymbolIterator];
  const own = method !== undefined && method === entriesMethod ? listOf?.(init) : undefined;
  if (own !== undefined) {
    for (let i = 0; i < own.length; i++) list[list.length] = own[i] as string;
    return;
  }
  if (method !== undefined && method !== null) {
    const rows = toSequence(init, "Headers");
    for (let i = 0; i < rows.length; i++) {
      const row = toSequence(rows[i], "Headers");
      if (row.length !== 2) throw new TypeError("Headers: each pair has a name and a value");
      addHeader(list, headerName(row[0]), headerValue(row[1]));
    }
    return;
  }
  const keys = ownKeys(init);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (getOwnPropertyDescriptor(init, key)?.enumerable !== true) continue;
    addHeader(list, headerName(key), headerValue((init as Record<string, unknown>)[key]));
  }
}

/** https://fetch.spec.whatwg.org/#concept-header-list-sort-and-combine */
function sorted(list: HeaderList): HeaderList {
  const order: number[] = [];
  for (let i = 0; i < list.length; i += 2) order[order.length] = i;
  sortBy(order, (a, b) => {
    const left = list[a] as string;
    const right = list[b] as string;
    return left < right ? -1 : left > right ? 1 : a - b;
  });
  const all: HeaderList = [];
  for (let i = 0; i < order.length; i++) {
    const name = list[order[i] as number] as string;
    const value = list[(order[i] as number) + 1] as string;
    const last = all.length - 2;
    if (name !== "set-cookie" && all[last] === name) all[last + 1] = `${all[last + 1]}, ${value}`;
    else addHeader(all, name, value);
  }
  return all;
}

/** What iterates a Headers object unless a script says otherwise. */
let entriesMethod: unknown;
let listOf: ((value: object) => HeaderList | undefined) | undefined;

/** The list behind a Headers object, or undefined for every other value. */
export function headerList(value: unknown): HeaderList | undefined {
  return isObject(value) ? listOf?.(value) : undefined;
}

export const headersParts = once(() => {
  let pairsOf!: (headers: Headers) => HeaderList;

  class Headers {
    #list: HeaderList;
    #sorted: HeaderList | undefined;
    #fixed = false;

    constructor(init?: unknown, token?: unknown, fixed = false) {
      this.#list = token === INTERNAL ? (init as HeaderList) : [];
      if (token === INTERNAL) this.#fixed = fixed;
      else if (init !== undefined) fillHeaders(this.#list, init);
    }
    static {
      listOf = (value) => (#list in value ? value.#list : undefined);
      pairsOf = (headers) => (headers.#sorted ??= sorted(headers.#list));
    }
    #change(): HeaderList {
      if (this.#fixed) throw new TypeError("These headers cannot be changed.");
      this.#sorted = undefined;
      return this.#list;
    }
    append(name: unknown, value: unknown): void {
      need(arguments.length, 2, "Headers.append");
      const key = headerName(name);
      const text = headerValue(value);
      addHeader(this.#change(), key, text);
    }
    delete(name: unknown): void {
      need(arguments.length, 1, "Headers.delete");
      const key = headerName(name);
      removeHeader(this.#change(), key);
    }
    get(name: unknown): string | null {
      need(arguments.length, 1, "Headers.get");
      return headerOf(this.#list, headerName(name));
    }
    has(name: unknown): boolean {
      need(arguments.length, 1, "Headers.has");
      return hasHeader(this.#list, headerName(name));
    }
    set(name: unknown, value: unknown): void {
      need(arguments.length, 2, "Headers.set");
      const key = headerName(name);
      const text = headerValue(value);
      const list = this.#change();
      for (let i = 0; i < list.length; i += 2) {
        if (list[i] !== key) continue;
        list[i + 1] = text;
        removeHeader(list, key, i + 2);
        return;
      }
      addHeader(list, key, text);
    }
    getSetCookie(): string[] {
      const list = this.#list;
      const all: string[] = [];
      for (let i = 0; i < list.length; i += 2) if (list[i] === "set-cookie") all[all.length] = list[i + 1] as string;
      return all;
    }
    entries(): IterableIterator<[string, string]> {
      void this.#list;
      return iterators.make(this, "entries");
    }
    keys(): IterableIterator<string> {
      void this.#list;
      return iterators.make(this, "keys");
    }
    values(): IterableIterator<string> {
      void this.#list;
      return iterators.make(this, "values");
    }
    forEach(callback: unknown, self?: unknown): void {
      void this.#list;
      iterators.each(this, toFunction(callback, "Headers.forEach"), self);
    }
  }
  const iterators = pairIterators<Headers>("Headers", (headers, index) => {
    const all = pairsOf(headers);
    return index * 2 < all.length ? [all[index * 2] as string, all[index * 2 + 1]] : undefined;
  });
  iterable(Headers.prototype);
  entriesMethod = Headers.prototype.entries;
  return named(Headers, "Headers");
});

export function hasHeader(list: HeaderList, name: string): boolean {
  for (let i = 0; i < list.length; i += 2) if (list[i] === name) return true;
  return false;
}

/** Removes every value of a name, from index `from` on. */
function removeHeader(list: HeaderList, name: string, from = 0): void {
  let kept = from;
  for (let i = from; i < list.length; i += 2) {
    if (list[i] === name) continue;
    list[kept] = list[i] as string;
    list[kept + 1] = list[i + 1] as string;
    kept += 2;
  }
  list.length = kept;
}

/** Headers over a list that is already valid; the list is shared, not copied. */
export function wrapHeaders(list: HeaderList, fixed = false): Headers {
  return new (headersParts())(list, INTERNAL, fixed) as unknown as Headers;
}
