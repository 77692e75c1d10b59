/** Forms as bytes: multipart/form-data (RFC 7578, and as HTML encodes it) and application/x-www-form-urlencoded. */
import { ask } from "../host.ts";
import { Op } from "../ops.ts";
import {
  Bytes,
  charCode,
  concatBytes,
  copyBytes,
  cut,
  find,
  joinText,
  lower,
  match,
  part,
  splitText,
  trimText,
  pattern,
} from "../primordials.ts";
import { blobBytes, makeFile } from "./blob.ts";
import { latin1Decode, utf8Decode, utf8Encode } from "./encoding.ts";
import { type FormEntry, makeForm } from "./form-data.ts";
import { parsePairs } from "./urlencoded.ts";

type Chunk = Uint8Array<ArrayBuffer>;

function swap(text: string, from: string, to: string): string {
  return find(text, from) < 0 ? text : joinText(splitText(text, from), to);
}

/** Every line break becomes CRLF. */
function crlf(text: string): string {
  return swap(swap(swap(text, "\r\n", "\n"), "\r", "\n"), "\n", "\r\n");
}

function quoted(text: string): string {
  return swap(swap(swap(text, "\n", "%0A"), "\r", "%0D"), '"', "%22");
}

/** https://html.spec.whatwg.org/#multipart-form-data */
export function serializeForm(entries: readonly FormEntry[]): { bytes: Chunk; type: string } {
  const boundary = `----form-${swap(ask(Op.Uuid) as string, "-", "")}`;
  const chunks: Chunk[] = [];
  for (let i = 0; i < entries.length; i++) {
    const { name, value } = entries[i] as FormEntry;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(crlf(name))}"`;
    if (typeof value === "string") chunks[chunks.length] = utf8Encode(`${head}\r\n\r\n${crlf(value)}\r\n`);
    else {
      const type = value.type === "" ? "application/octet-stream" : value.type;
      chunks[chunks.length] = utf8Encode(`${head}; filename="${quoted(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`);
      chunks[chunks.length] = blobBytes(value) as Chunk;
      chunks[chunks.length] = utf8Encode("\r\n");
    }
  }
  chunks[chunks.length] = utf8Encode(`--${boundary}--\r\n`);
  return { bytes: concatBytes(chunks), type: `multipart/form-data; boundary=${boundary}` };
}

/** `type/subtype` in lower case, without parameters. */
export function essence(contentType: string): string {
  const semicolon = find(contentType, ";");
  return lower(trimText(semicolon < 0 ? contentType : cut(contentType, 0, semicolon)));
}

/** A content type in the form that a Blob's `type` has: its essence in lower case, no space around the parameters. */
export function mimeType(contentType: string): string {
  const pieces = splitText(contentType, ";");
  for (let i = 1; i < pieces.length; i++) pieces[i] = trimText(pieces[i] as string);
  pieces[0] = essence(contentType);
  return joinText(pieces, ";");
}

const PARAMETER = pattern(/^[\t ]*([^=;\t ]+)=(?:"((?:[^"\\]|\\.)*)"|([^;]*))[\t ]*(?:;|$)/);
const MAX_PARAMETERS = 32;

/** One parameter of a header's value, or undefined. */
function parameter(value: string, name: string): string | undefined {
  let rest = value;
  for (let count = 0; count < MAX_PARAMETERS; count++) {
    const semicolon = count === 0 ? find(rest, ";") + 1 : 0;
    if (count === 0 && semicolon === 0) return undefined;
    rest = cut(rest, semicolon);
    const found = match(PARAMETER, rest);
    if (found === null) return undefined;
    if (lower(found[1] as string) === name) return found[2] ?? trimText(found[3] as string);
    rest = cut(rest, (found[0] as string).length);
  }
  return undefined;
}

function unquoted(text: string): string {
  return swap(swap(swap(text, "%0A", "\n"), "%0D", "\r"), "%22", '"');
}

/** https://andreubotella.github.io/multipart-form-data/#parse-multipart-form-data; undefined when it is not well-formed. */
function parseMultipart(bytes: Chunk, boundary: string): FormEntry[] | undefined {
  const text = latin1Decode(bytes);
  const mark = `--${boundary}`;
  const entries: FormEntry[] = [];
  // A preamble is allowed and means nothing.
  let at = cut(text, 0, mark.length) === mark ? 0 : find(text, `\r\n${mark}`) + 2;
  if (at === 1) return undefined;
  for (;;) {
    at += mark.length;
    if (text[at] === "-" && text[at + 1] === "-") return entries;
    while (text[at] === " " || text[at] === "\t") at++;
    if (text[at] !== "\r" || text[at + 1] !== "\n") return undefined;
    const headEnd = find(text, "\r\n\r\n", at);
    const end = headEnd < 0 ? -1 : find(text, `\r\n${mark}`, headEnd + 2);
    if (end < 0) return undefined;
    const entry = parsePart(bytes, text, at + 2, headEnd, headEnd + 4, end);
    if (entry === undefined) return undefined;
    entries[entries.length] = entry;
    at = end + 2;
  }
}

function parsePart(
  bytes: Chunk,
  text: string,
  head: number,
  headEnd: number,
  from: number,
  end: number,
): FormEntry | undefined {
  let name: string | undefined;
  let filename: string | undefined;
  let type = "text/plain";
  for (let at = head; at < headEnd;) {
    const stop = find(text, "\r\n", at);
    const line = cut(text, at, stop);
    const colon = find(line, ":");
    if (colon < 0) return undefined;
    const key = lower(trimText(cut(line, 0, colon)));
    const value = trimText(cut(line, colon + 1));
    if (key === "content-disposition") {
      if (essence(value) !== "form-data") return undefined;
      name = utf8Parameter(value, "name");
      filename = utf8Parameter(value, "filename");
    } else if (key === "content-type") type = value;
    at = stop + 2;
  }
  if (name === undefined) return undefined;
  // The part's data may be empty, and then its line break is the boundary's own.
  const content = part(bytes, from > end ? end : from, end);
  if (filename === undefined) return { name, value: utf8Decode(content, true) };
  return { name, value: makeFile(copyBytes(content), filename, lower(type)) };
}

function utf8Parameter(value: string, name: string): string | undefined {
  const raw = parameter(value, name);
  if (raw === undefined) return undefined;
  return unquoted(fromLatin1(raw));
}

function fromLatin1(text: string): string {
  const bytes = new Bytes(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = charCode(text, i);
  return utf8Decode(bytes, true);
}

/** Reads a form by its content type; null when the type is no form or the bytes are not well-formed. */
export function parseForm(bytes: Uint8Array, contentType: string): FormData | null {
  const kind = essence(contentType);
  if (kind === "multipart/form-data") {
    const boundary = parameter(contentType, "boundary");
    if (boundary === undefined || boundary === "") return null;
    const entries = parseMultipart(bytes as Chunk, boundary);
    return entries === undefined ? null : makeForm(entries);
  }
  if (kind !== "application/x-www-form-urlencoded") return null;
  const pairs = parsePairs(utf8Decode(bytes, true));
  const entries: FormEntry[] = [];
  for (let i = 0; i < pairs.length; i += 2)
    entries[i / 2] = { name: pairs[i] as string, value: pairs[i + 1] as string };
  return makeForm(entries);
}
