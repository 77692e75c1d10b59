/**
 * Bodies of requests and responses. https://fetch.spec.whatwg.org/#bodies
 *
 * A body that came as text or bytes stays that until someone asks for `body`: only then a stream is made, and the
 * streams library loaded.
 */
import { PromiseCtor, bytesOf, concatBytes, copyBytes, cut, isBytes, jsonParse } from "../primordials.ts";
import { blobState, makeBlob } from "./blob.ts";
import { isObject, toUsv } from "./convert.ts";
import { utf8Decode, utf8Encode } from "./encoding.ts";
import { formEntries } from "./form-data.ts";
import { mimeType, parseForm, serializeForm } from "./multipart.ts";
import { isDisturbed, isLocked, isStream, pumpStream, relay, streamOf, teeStream } from "./streams.ts";
import { searchPairs } from "./url-search-params.ts";
import { serializePairs } from "./urlencoded.ts";

type Chunk = Uint8Array<ArrayBuffer>;
type Stream = ReadableStream<Uint8Array>;

export interface Body {
  /** What is known without reading: text, bytes that nobody changes, or null for a stream or nothing. */
  source: null | string | Uint8Array;
  stream: Stream | null;
  /** Makes the stream, when it is first needed. */
  make: (() => Stream) | null;
  used: boolean;
  /** Nobody else has the bytes of `source` or will ask for them: whoever reads the body may have them without a copy. */
  own: boolean | (() => boolean);
}

/** A body that was opened for sending. */
export type OpenBody = null | string | Uint8Array | Stream;

export function emptyBody(): Body {
  return { source: null, stream: null, make: null, used: false, own: false };
}

function known(source: string | Uint8Array, own: Body["own"] = false): Body {
  return { source, stream: null, make: null, used: false, own };
}

export function streamBody(stream: Stream): Body {
  return { source: null, stream, make: null, used: false, own: false };
}

export function isEmpty(body: Body): boolean {
  return body.source === null && body.stream === null && body.make === null;
}

/** Reads a BodyInit. `type` is the content type that it brings. https://fetch.spec.whatwg.org/#concept-bodyinit-extract */
export function extractBody(init: unknown): { body: Body; type: string | null } {
  if (typeof init === "string") return { body: known(toUsv(init)), type: "text/plain;charset=UTF-8" };
  if (isObject(init)) {
    if (isStream(init)) {
      if (isLocked(init) || isDisturbed(init)) throw new TypeError("A body's stream is locked or was read already.");
      return { body: streamBody(init), type: null };
    }
    const bytes = bytesOf(init);
    if (bytes !== null) return { body: known(copyBytes(bytes), true), type: null };
    const blob = blobState(init);
    if (blob !== undefined) return { body: known(blob.bytes), type: blob.type === "" ? null : blob.type };
    const pairs = searchPairs(init);
    if (pairs !== undefined) {
      return { body: known(serializePairs(pairs)), type: "application/x-www-form-urlencoded;charset=UTF-8" };
    }
    const entries = formEntries(init);
    if (entries !== undefined) {
      const form = serializeForm(entries);
      return { body: known(form.bytes, true), type: form.type };
    }
  }
  return { body: known(toUsv(init)), type: "text/plain;charset=UTF-8" };
}

export function isUsed(body: Body): boolean {
  return body.used || (body.stream !== null && isDisturbed(body.stream));
}

/** Used, or being read by someone. */
export function isUnusable(body: Body): boolean {
  return isUsed(body) || (body.stream !== null && isLocked(body.stream));
}

/** What `request.body` and `response.body` give. */
export function bodyStream(body: Body): Stream | null {
  if (body.stream !== null || isEmpty(body)) return body.stream;
  const { source, make } = body;
  if (make !== null) body.stream = make();
  else {
    body.stream = streamOf(() => (typeof source === "string" ? utf8Encode(source) : copyBytes(source as Uint8Array)));
    if (body.used) pumpStream(body.stream, { chunk() {}, done() {}, failed() {} });
  }
  body.source = null;
  body.make = null;
  return body.stream;
}

/** Takes the body for sending; undefined when it cannot be used any more. */
export function takeBody(body: Body): OpenBody | undefined {
  if (isUnusable(body)) return undefined;
  if (isEmpty(body)) return null;
  const taken = body.source ?? bodyStream(body);
  body.used = true;
  return taken;
}

/** Moves a body to another owner. The old one keeps a used one, and a stream that was seen from outside stays its own. */
export function moveBody(body: Body): Body {
  if (isUnusable(body)) throw new TypeError("The body was used already.");
  if (isEmpty(body)) return emptyBody();
  const { source, stream, own } = body;
  const moved =
    source !== null ? known(source, own) : streamBody(stream === null ? (bodyStream(body) as Stream) : relay(stream));
  body.used = true;
  return moved;
}

export function cloneBody(body: Body): Body {
  if (isEmpty(body)) return emptyBody();
  if (body.source !== null) {
    body.own = false;
    return known(body.source);
  }
  const both = teeStream(bodyStream(body) as Stream);
  body.stream = both[0];
  return streamBody(both[1]);
}

function readAll(stream: Stream): Promise<Chunk> {
  return new PromiseCtor((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    pumpStream(stream, {
      chunk(bytes) {
        chunks[chunks.length] = bytes;
      },
      done: () => resolve(chunks.length === 1 ? copyBytes(chunks[0] as Uint8Array) : concatBytes(chunks)),
      failed: reject,
    });
  });
}

/** Takes the body and gives its text or bytes, whichever is there without work. */
function consume(body: Body): string | Uint8Array | Promise<Chunk> {
  const taken = takeBody(body);
  if (taken === undefined) throw new TypeError("The body was used already.");
  if (taken === null) return "";
  if (typeof taken === "string" || isBytes(taken)) return taken;
  return readAll(taken as Stream);
}

/** Bytes that belong to the caller. */
export async function readBytes(body: Body): Promise<Chunk> {
  const data = consume(body);
  if (typeof data === "string") return utf8Encode(data);
  if (!isBytes(data)) return await (data as Promise<Chunk>);
  const own = typeof body.own === "function" ? body.own() : body.own;
  return own ? data : copyBytes(data);
}

export async function readBuffer(body: Body): Promise<ArrayBuffer> {
  return (await readBytes(body)).buffer;
}

export async function readText(body: Body): Promise<string> {
  const data = consume(body);
  if (typeof data === "string") return data[0] === "\ufeff" ? cut(data, 1) : data;
  return utf8Decode(isBytes(data) ? data : await (data as Promise<Chunk>));
}

export async function readJson(body: Body): Promise<unknown> {
  return jsonParse(await readText(body)) as unknown;
}

export async function readBlob(body: Body, contentType: string | null): Promise<Blob> {
  return makeBlob(await readBytes(body), contentType === null ? "" : mimeType(contentType));
}

export async function readForm(body: Body, contentType: string | null): Promise<FormData> {
  const bytes = await readBytes(body);
  const form = contentType === null ? null : parseForm(bytes, contentType);
  if (form === null)
    throw new TypeError(`The body is not a form, or not a well-formed one (content-type: ${contentType}).`);
  return form;
}
