/** What an async iterable yields, as server-sent events: for clients that ask for them. */
import type { Context } from "./context.ts";
import { cut, find, isBytes, jsonStringify, keysOf, lower } from "./primordials.ts";
import { utf8Encode } from "./web/index.ts";

/** Proxies would keep events until their buffer is full. */
export const eventHeaders = (): string[] => [
  "content-type",
  "text/event-stream",
  "cache-control",
  "no-store",
  "vary",
  "accept",
  "x-accel-buffering",
  "no",
];
/** A server sends no head before the first byte. */
export const EVENT_OPENING: Uint8Array = utf8Encode(": open\n\n");

const FIELDS = ["event", "id", "retry", "data"];

/** `EventSource` asks for nothing else; who takes anything gets lines. */
export function wantsEvents(context: object | null): boolean {
  const accept = (context as Context | null)?.headers?.get("accept");
  return typeof accept === "string" && find(lower(accept), "text/event-stream") >= 0;
}

/** A line ends at CR, LF or both. */
function dataLines(text: string): string {
  let out = "";
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char !== "\n" && char !== "\r") continue;
    out += `data: ${cut(text, start, at)}\n`;
    if (char === "\r" && text[at + 1] === "\n") at++;
    start = at + 1;
  }
  return `${out}data: ${cut(text, start)}\n`;
}

/** `{ data, event?, id?, retry? }` and nothing else. */
function isEvent(value: object): value is { readonly [field: string]: unknown } {
  const keys = keysOf(value);
  let data = false;
  for (let i = 0; i < keys.length; i++) {
    let known = false;
    for (let j = 0; j < FIELDS.length; j++) known ||= FIELDS[j] === keys[i];
    if (!known) return false;
    data ||= keys[i] === "data";
  }
  return data;
}

function field(name: string, value: unknown): string {
  if (value === undefined) return "";
  if (name === "retry") {
    if (typeof value === "number" && value >= 0 && value % 1 === 0) return `retry: ${value}\n`;
    throw new TypeError("The `retry` of an event is a whole number of milliseconds.");
  }
  const text = `${value as string}`;
  // What breaks the line would be another field.
  if (find(text, "\n") < 0 && find(text, "\r") < 0 && find(text, "\0") < 0) return `${name}: ${text}\n`;
  throw new TypeError(`The \`${name}\` of an event is a text of one line.`);
}

function dataOf(value: unknown): string {
  return dataLines(typeof value === "string" ? value : (jsonStringify(value) ?? "null"));
}

/** Bytes go out as they are. */
export function eventOf(value: unknown): Uint8Array {
  if (isBytes(value)) return value;
  if (typeof value !== "object" || value === null || !isEvent(value)) return utf8Encode(`${dataOf(value)}\n`);
  const { event, id, retry, data } = value;
  return utf8Encode(`${field("event", event)}${field("id", id)}${field("retry", retry)}${dataOf(data)}\n`);
}
