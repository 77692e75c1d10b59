/** Conversions of arguments as Web IDL has them. https://webidl.spec.whatwg.org/#js-type-mapping */
import { SymbolIterator, matches, trunc, wellFormed, pattern } from "../primordials.ts";

const NOT_LATIN1 = pattern(/[^\0-\xff]/);

/** Refuses a call with too few arguments, in the platform's words. */
export function need(given: number, wanted: number, what: string): void {
  if (given < wanted) {
    throw new TypeError(`${what}: ${wanted} argument${wanted === 1 ? "" : "s"} required, but only ${given} present`);
  }
}

/** DOMString. A symbol throws a TypeError, as everywhere. */
export function toText(value: unknown): string {
  return typeof value === "string" ? value : `${value as string}`;
}

/** USVString: lone surrogates become U+FFFD. */
export function toUsv(value: unknown): string {
  return wellFormed(toText(value));
}

/** ByteString: every character is one byte. */
export function toByteString(value: unknown, what: string): string {
  const text = toText(value);
  if (matches(NOT_LATIN1, text)) throw new TypeError(`${what}: a character is above 255`);
  return text;
}

export function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** A Web IDL dictionary: null and undefined are empty ones. */
export function toDictionary(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return EMPTY;
  if (!isObject(value)) throw new TypeError(`${what}: not an object`);
  return value as Record<string, unknown>;
}
const EMPTY: Readonly<Record<string, unknown>> = { __proto__: null } as never;

/** sequence<T>: anything iterable that is an object. */
export function toSequence(value: unknown, what: string): unknown[] {
  if (!isObject(value) || typeof (value as Partial<Iterable<unknown>>)[SymbolIterator] !== "function") {
    throw new TypeError(`${what}: not a sequence`);
  }
  const list: unknown[] = [];
  for (const item of value as Iterable<unknown>) list[list.length] = item;
  return list;
}

/** A whole number; NaN and the infinities are 0. */
export function toInteger(value: unknown, fallback: number): number {
  if (value === undefined) return fallback;
  const number = trunc(+(value as number));
  return number - number === 0 ? number : 0;
}

export function toFunction(value: unknown, what: string): (...args: never[]) => unknown {
  if (typeof value !== "function") throw new TypeError(`${what}: not a function`);
  return value as (...args: never[]) => unknown;
}
