/** What a key-value store takes from a script: keys, values and options, checked, since all of them may be hostile. */
import { ProblemError, type Json } from "../../sdk/plugin.ts";

const KEY_BYTES = 1024;
/** Far beyond honest data, far below what would exhaust the stack of whoever walks the value. */
const DEPTH = 200;
/** A hundred years: keeps every expiry an exact integer. */
const TTL_MAX_MS = 100 * 365 * 86_400_000;

const LAST_CHARACTER = "\u{10ffff}";
/** Greater than every key: a key has room for 256 characters of four bytes. */
export const STORE_END = LAST_CHARACTER.repeat(KEY_BYTES / 4 + 1);

/** A refusal of an argument: the script's fault, so the sentence is for its author. */
export function refuse(sentence: string): ProblemError {
  return new ProblemError("bad_request", `kv: ${sentence}`);
}

/** C0, DEL and C1: invisible in logs and listings, and NUL ends a C string. */
function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

function checkText(text: Json | undefined, what: string): string {
  if (typeof text !== "string") throw refuse(`${what} must be a string`);
  // The length first: each UTF-16 unit is at least one byte, so a huge string is refused without a walk.
  if (text.length > KEY_BYTES || Buffer.byteLength(text) > KEY_BYTES) {
    throw refuse(`${what} must not be longer than ${KEY_BYTES} bytes of UTF-8`);
  }
  // A lone surrogate would be stored as U+FFFD, and two different keys would become one.
  if (!text.isWellFormed()) throw refuse(`${what} must be well-formed text, without lone surrogates`);
  if (hasControlCharacter(text)) throw refuse(`${what} must not contain control characters`);
  return text;
}

export function checkKey(key: Json | undefined): string {
  if (key === "") throw refuse("a key must not be empty");
  return checkText(key, "a key");
}

/** The JSON text of a value; undefined for null, which stands for an absent entry. */
export function encodeValue(value: Json | undefined, maxBytes: number): string | undefined {
  if (value === undefined) throw refuse("a value is missing");
  if (value === null) return undefined;
  checkDepth(value, DEPTH);
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw refuse(`a value may take ${maxBytes} bytes as JSON; this one takes ${bytes}`);
  return text;
}

function checkDepth(value: Json, left: number): void {
  if (typeof value !== "object" || value === null) return;
  if (left === 0) throw refuse(`a value may be nested ${DEPTH} deep at most`);
  for (const member of Object.values(value)) checkDepth(member as Json, left - 1);
}

/** JSON text with the members of every object in one order, so that equal data has equal text. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const object = value as { readonly [key: string]: Json };
  const members = Object.keys(object).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(object[name]!)}`).join(",")}}`;
}

function options(value: Json | undefined, allowed: readonly string[]): { readonly [key: string]: Json } {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw refuse("options must be an object");
  for (const name of Object.keys(value)) {
    if (!allowed.includes(name)) throw refuse(`there is no such option; known: ${allowed.join(", ")}`);
  }
  return value as { readonly [key: string]: Json };
}

/** The time at which an entry written now expires; undefined without `ttlMs`. */
export function checkExpiry(value: Json | undefined, now: number): number | undefined {
  const ttlMs = own(options(value, ["ttlMs"]), "ttlMs");
  if (ttlMs === undefined) return undefined;
  if (typeof ttlMs !== "number" || !(ttlMs > 0) || ttlMs > TTL_MAX_MS) {
    throw refuse(`ttlMs must be a number of milliseconds above 0 and at most ${TTL_MAX_MS}`);
  }
  return now + Math.ceil(ttlMs);
}

export interface ListOptions {
  readonly from: string;
  readonly before: string;
  readonly limit: number;
}

export function checkList(value: Json | undefined, maxEntries: number): ListOptions {
  const given = options(value, ["prefix", "limit", "after"]);
  const prefix = checkText(own(given, "prefix") ?? "", "prefix");
  const after = own(given, "after");
  const limit = own(given, "limit") ?? Math.min(100, maxEntries);
  if (typeof limit !== "number" || !Number.isInteger(limit) || limit < 1 || limit > maxEntries) {
    throw refuse(`limit must be an integer from 1 to ${maxEntries}`);
  }
  // No key contains U+0001, so this is the first text greater than `after`.
  const next = after === undefined ? "" : `${checkKey(after)}\u0001`;
  const from = Buffer.compare(Buffer.from(next), Buffer.from(prefix)) > 0 ? next : prefix;
  return { from, before: prefixEnd(prefix), limit };
}

/** The first text greater than every text with the prefix. UTF-8 sorts as code points do, so one of them is raised. */
function prefixEnd(prefix: string): string {
  const points = Array.from(prefix);
  while (points.at(-1) === LAST_CHARACTER) points.pop();
  const last = points.pop()?.codePointAt(0);
  if (last === undefined) return STORE_END;
  return points.join("") + String.fromCodePoint(last === 0xd7ff ? 0xe000 : last + 1);
}

/** An option given as undefined crosses as null or not at all: both are absent. */
function own(given: { readonly [key: string]: Json }, name: string): Json | undefined {
  return Object.hasOwn(given, name) ? (given[name] ?? undefined) : undefined;
}
