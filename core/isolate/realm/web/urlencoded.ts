/** application/x-www-form-urlencoded. https://url.spec.whatwg.org/#application/x-www-form-urlencoded */
import { byteLength, cut, find, joinText, matches, part, splitText, pattern } from "../primordials.ts";
import { utf8Decode, utf8Encode } from "./encoding.ts";

/** name, value, name, value, … */
export type Pairs = string[];

const encode = encodeURIComponent;
const decode = decodeURIComponent;
/** What encodeURIComponent leaves and this format does not. */
const REST = pattern(/[!'()~]/);
const SPECIAL = pattern(/[+%]/);

/** https://url.spec.whatwg.org/#concept-urlencoded-parser */
export function parsePairs(text: string): Pairs {
  const pairs: Pairs = [];
  for (let at = 0; at < text.length;) {
    const next = find(text, "&", at);
    const end = next < 0 ? text.length : next;
    if (end > at) {
      const equals = find(text, "=", at);
      const split = equals < 0 || equals > end ? end : equals;
      pairs[pairs.length] = decodePart(cut(text, at, split));
      pairs[pairs.length] = decodePart(cut(text, split + 1 > end ? end : split + 1, end));
    }
    at = end + 1;
  }
  return pairs;
}

function decodePart(raw: string): string {
  if (!matches(SPECIAL, raw)) return raw;
  const text = find(raw, "+") < 0 ? raw : joinText(splitText(raw, "+"), " ");
  if (find(text, "%") < 0) return text;
  try {
    return decode(text);
  } catch {
    return decodeLossy(text);
  }
}

/** Percent-decoding that keeps what is no escape, and puts U+FFFD where the bytes are no UTF-8. */
function decodeLossy(text: string): string {
  const bytes = utf8Encode(text);
  const size = byteLength(bytes);
  let length = 0;
  for (let at = 0; at < size; at++) {
    const high = bytes[at] === 0x25 ? hex(bytes[at + 1]) : -1;
    const low = high < 0 ? -1 : hex(bytes[at + 2]);
    bytes[length++] = low < 0 ? (bytes[at] as number) : high * 16 + low;
    if (low >= 0) at += 2;
  }
  return utf8Decode(part(bytes, 0, length), true);
}

function hex(code: number | undefined): number {
  if (code === undefined) return -1;
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function encodePart(text: string): string {
  let encoded = encode(text);
  if (find(encoded, "%20") >= 0) encoded = joinText(splitText(encoded, "%20"), "+");
  if (!matches(REST, encoded)) return encoded;
  let out = "";
  for (let at = 0; at < encoded.length; at++) {
    const letter = encoded[at] as string;
    out += ESCAPES[letter] ?? letter;
  }
  return out;
}
const ESCAPES = { __proto__: null, "!": "%21", "'": "%27", "(": "%28", ")": "%29", "~": "%7E" } as unknown as Record<
  string,
  string
>;

export function serializePairs(pairs: Pairs): string {
  let out = "";
  for (let i = 0; i < pairs.length; i += 2) {
    out += `${i === 0 ? "" : "&"}${encodePart(pairs[i] as string)}=${encodePart(pairs[i + 1] as string)}`;
  }
  return out;
}
