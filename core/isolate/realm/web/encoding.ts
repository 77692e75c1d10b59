/** TextEncoder, TextDecoder and their plain functions. https://encoding.spec.whatwg.org/ */
import { ask } from "../host.ts";
import { DecodeFlag, Op } from "../ops.ts";
import {
  Bytes,
  byteLength,
  bytesOf,
  charCode,
  concatBytes,
  copyBytes,
  copyInto,
  cut,
  isBytes,
  matches,
  part,
  wellFormed,
  pattern,
} from "../primordials.ts";
import { need, toDictionary, toText } from "./convert.ts";
import { named, once } from "./define.ts";

type Chunk = Uint8Array<ArrayBuffer>;

/** Up to this length, text that is plain ASCII is encoded here: that is quicker than asking the host. */
const SHORT = 48;

function encodeShort(text: string): Chunk | null {
  const bytes = new Bytes(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = charCode(text, i);
    if (code > 0x7f) return null;
    bytes[i] = code;
  }
  return bytes;
}

/** UTF-8 bytes; lone surrogates become U+FFFD. */
export function utf8Encode(text: string): Chunk {
  if (text.length <= SHORT) {
    const short = encodeShort(text);
    if (short !== null) return short;
  }
  const bytes = ask(Op.Utf8Encode, text) as Chunk | undefined;
  if (bytes === undefined) throw new RangeError("The text is too long to be encoded.");
  return bytes;
}

/** UTF-8 text with U+FFFD where the bytes are invalid; a byte order mark is dropped unless `keepBom`. */
export function utf8Decode(bytes: Uint8Array, keepBom = false): string {
  if (byteLength(bytes) === 0) return "";
  const text = ask(Op.Utf8Decode, bytes, keepBom ? DecodeFlag.KeepBom : 0);
  if (typeof text !== "string") throw new RangeError("The bytes are too many to be decoded.");
  return text;
}

/** Undefined when the bytes are no UTF-8. */
export function utf8DecodeStrict(bytes: Uint8Array): string | undefined {
  return byteLength(bytes) === 0 ? "" : (ask(Op.Utf8Decode, bytes, DecodeFlag.Fatal) as string | undefined);
}

/** One character for each byte. */
export function latin1Decode(bytes: Uint8Array): string {
  const text = ask(Op.Latin1, bytes);
  if (typeof text !== "string") throw new RangeError("The bytes are too many to be decoded.");
  return text;
}

/** How many bytes at the end of `bytes` may be the start of a character that is not complete. */
function utf8Tail(bytes: Chunk): number {
  const size = byteLength(bytes);
  for (let back = 1; back <= 3 && back <= size; back++) {
    const byte = bytes[size - back] as number;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

/** The same for UTF-16: an odd byte, and a high surrogate before it. */
function utf16Tail(bytes: Chunk, bigEndian: boolean): number {
  const size = byteLength(bytes);
  const odd = size % 2;
  const high = size - odd - (bigEndian ? 2 : 1);
  return high >= 0 && ((bytes[high] as number) & 0xfc) === 0xd8 ? odd + 2 : odd;
}

/** Encodings with one byte for a character: nothing can be incomplete. Of the rest (East Asian) all is kept to the end. */
const SINGLE_BYTE = pattern(/^(windows-|iso-8859-|koi8-|macintosh|x-mac-|ibm866|x-user-defined)/);

function tailOf(encoding: string, bytes: Chunk): number {
  if (encoding === "utf-8") return utf8Tail(bytes);
  if (encoding === "utf-16le") return utf16Tail(bytes, false);
  if (encoding === "utf-16be") return utf16Tail(bytes, true);
  return matches(SINGLE_BYTE, encoding) ? 0 : byteLength(bytes);
}

/** A source of bytes as the caller gave it, or a TypeError. */
export function toBytes(value: unknown, what: string): Chunk {
  const bytes = isBytes(value) ? value : bytesOf(value);
  if (bytes === null) throw new TypeError(`${what}: not an ArrayBuffer or a view of one`);
  return bytes;
}

export const encodingParts = once(() => {
  class TextEncoder {
    readonly #brand = true;
    get encoding(): string {
      void this.#brand;
      return "utf-8";
    }
    encode(text: unknown = ""): Chunk {
      void this.#brand;
      return utf8Encode(toText(text));
    }
    encodeInto(source: unknown, destination: unknown): { read: number; written: number } {
      void this.#brand;
      need(arguments.length, 2, "TextEncoder.encodeInto");
      const text = wellFormed(toText(source));
      if (!isBytes(destination)) throw new TypeError("TextEncoder.encodeInto: the destination is not a Uint8Array");
      const room = byteLength(destination);
      // A character of UTF-16 takes at most three bytes, so no more than this can matter.
      const bytes = utf8Encode(text.length > room ? cut(text, 0, room) : text);
      let written = byteLength(bytes);
      if (written > room) {
        written = room;
        while (((bytes[written] as number) & 0xc0) === 0x80) written--;
      }
      const whole = part(bytes, 0, written);
      copyInto(destination, whole);
      return { read: utf8Decode(whole, true).length, written };
    }
  }

  class TextDecoder {
    readonly #encoding: string;
    readonly #fatal: boolean;
    readonly #keepBom: boolean;
    /** Bytes of a character that the next chunk completes. */
    #rest: Chunk | undefined;
    /** Something was decoded already: what comes is no byte order mark. */
    #started = false;

    constructor(label: unknown = "utf-8", options?: unknown) {
      const text = toText(label);
      const encoding = text === "utf-8" ? text : ask(Op.EncodingName, text);
      const { fatal, ignoreBOM } = toDictionary(options, "new TextDecoder");
      if (typeof encoding !== "string") throw new RangeError(`"${text}" is not the label of an encoding.`);
      this.#encoding = encoding;
      this.#fatal = !!fatal;
      this.#keepBom = !!ignoreBOM;
    }
    get encoding(): string {
      return this.#encoding;
    }
    get fatal(): boolean {
      return this.#fatal;
    }
    get ignoreBOM(): boolean {
      return this.#keepBom;
    }
    decode(input?: unknown, options?: unknown): string {
      if (options === undefined && this.#rest === undefined && !this.#started && isBytes(input)) {
        return this.#decode(input, this.#keepBom);
      }
      const more = !!toDictionary(options, "TextDecoder.decode").stream;
      let bytes = input === undefined ? EMPTY : toBytes(input, "TextDecoder.decode");
      if (this.#rest !== undefined) bytes = concatBytes([this.#rest, bytes]);
      this.#rest = undefined;
      if (more) {
        const tail = tailOf(this.#encoding, bytes);
        const size = byteLength(bytes);
        if (tail > 0) {
          this.#rest = copyBytes(part(bytes, size - tail, size));
          bytes = part(bytes, 0, size - tail);
        }
      }
      const keepBom = this.#keepBom || this.#started;
      this.#started = more && (this.#started || byteLength(bytes) > 0);
      return this.#decode(bytes, keepBom);
    }
    #decode(bytes: Chunk, keepBom: boolean): string {
      const flags = (this.#fatal ? DecodeFlag.Fatal : 0) | (keepBom ? DecodeFlag.KeepBom : 0);
      const text =
        this.#encoding === "utf-8" ? ask(Op.Utf8Decode, bytes, flags) : ask(Op.Decode, bytes, this.#encoding, flags);
      if (typeof text === "string") return text;
      this.#rest = undefined;
      this.#started = false;
      throw new TypeError(`The bytes are not valid ${this.#encoding}.`);
    }
  }
  return { TextEncoder: named(TextEncoder, "TextEncoder"), TextDecoder: named(TextDecoder, "TextDecoder") };
});
const EMPTY: Chunk = new Bytes(0);
