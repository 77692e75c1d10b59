/** What a handler returned, by its kind: an envelope, an iterable and its pieces, or what is sent under a media type. */
import { HEADERS_HTML, HEADERS_JSON, HEADERS_TEXT } from "../frames.ts";
import { htmlText, isHtml } from "./jsx.ts";
import { bytesOf, hasOwn, isBytes, jsonStringify, keysOf, lower } from "./primordials.ts";
import { utf8Encode, type OpenResponse } from "./web/index.ts";

const asyncIterator: typeof Symbol.asyncIterator = Symbol.asyncIterator;

/** An object is an envelope only with a status and nothing beside the four keys (docs/scripts.md). */
export function isEnvelope(value: object): boolean {
  if (!hasOwn(value, "status")) return false;
  const status = (value as { status: unknown }).status;
  if (typeof status !== "number" || status % 1 !== 0 || status < 100 || status > 599) return false;
  const keys = keysOf(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (key !== "status" && key !== "body" && key !== "headers" && key !== "contentType") return false;
  }
  return true;
}

interface Envelope {
  status: number;
  body?: unknown;
  headers?: { [name: string]: unknown };
  contentType?: unknown;
}

/** The parts of what `isEnvelope` knows. */
export function openEnvelope(value: object): OpenResponse {
  const envelope = value as Envelope;
  const headers: string[] = [];
  let typed = false;
  if (typeof envelope.headers === "object" && envelope.headers !== null) {
    const names = keysOf(envelope.headers);
    for (let i = 0; i < names.length; i++) {
      const name = lower(names[i] as string);
      if (name === "content-type") typed = true;
      const value = envelope.headers[names[i] as string];
      headers[headers.length] = name;
      headers[headers.length] = `${value as string}`;
    }
  }
  if (typeof envelope.contentType === "string" && !typed) {
    headers[headers.length] = "content-type";
    headers[headers.length] = envelope.contentType;
    typed = true;
  }
  const { status, body } = envelope;
  let out: string | Uint8Array | null = null;
  let type = "";
  if (body === undefined || status === 204 || status === 304) out = null;
  else if (typeof body === "string") [out, type] = [body, "text/plain;charset=utf-8"];
  else if (isBytes(body)) [out, type] = [bytesOf(body), "application/octet-stream"];
  else if (isHtml(body)) [out, type] = [htmlText(body), "text/html;charset=utf-8"];
  else [out, type] = [jsonStringify(body) ?? "null", "application/json"];
  if (!typed && type !== "") {
    headers[headers.length] = "content-type";
    headers[headers.length] = type;
  }
  return { status, headers, body: out };
}

export function isIterable(value: object): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>>)[asyncIterator] === "function";
}

export const TYPE_OF = {
  [HEADERS_TEXT]: "text/plain;charset=utf-8",
  [HEADERS_JSON]: "application/json",
  [HEADERS_HTML]: "text/html;charset=utf-8",
} as const;

/** A piece of an async iterable: strings and bytes as they are, other values as lines of JSON. */
export function pieceOf(value: unknown): Uint8Array {
  return isBytes(value) ? value : utf8Encode(typeof value === "string" ? value : `${jsonStringify(value)}\n`);
}
