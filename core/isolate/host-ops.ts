/**
 * The host's side of `ask`: parsing, decoding, randomness and digests for a realm.
 *
 * Arguments come from hostile code. Each is checked by `typeof` or by a captured brand check, and no property of a realm
 * object is ever read. Bytes go to native code that looks at internal slots only (TextDecoder), or are copied first,
 * since an array of the realm may be resized while it is read. Nothing but primitives and byte
 * arrays made by the realm's own `alloc` goes back. A failure is `undefined`, never an error.
 */
import type { Ask } from "./realm/host.ts";
import { DecodeFlag, DIGESTS, Op, URL_PARTS } from "./realm/ops.ts";

const { apply } = Reflect;
const typedArray = Reflect.getPrototypeOf(Uint8Array.prototype) as object;
const viewTag = Reflect.getOwnPropertyDescriptor(typedArray, Symbol.toStringTag)?.get as () => string | undefined;
const viewLength = Reflect.getOwnPropertyDescriptor(typedArray, "byteLength")?.get as () => number;
const { set } = Uint8Array.prototype;
// Not node:crypto: with the streams that it loads it would be a megabyte in every isolate.
const { CryptoHasher } = Bun;
const random = globalThis.crypto;
type Digest = (typeof DIGESTS)[number];
const HASHES: { readonly [name in Digest]: Bun.SupportedCryptoAlgorithms } = {
  "SHA-1": "sha1",
  "SHA-256": "sha256",
  "SHA-384": "sha384",
  "SHA-512": "sha512",
};
const { latin1Slice } = Buffer.prototype as unknown as { latin1Slice: (from: number, to: number) => string };

/** Small inputs, which are nearly all, are copied here instead of into fresh memory. */
const SCRATCH = 64 * 1024;
const MAX_RANDOM = 65_536;

function isBytes(value: unknown): value is Uint8Array {
  return typeof value === "object" && value !== null && apply(viewTag, value, []) === "Uint8Array";
}

export function makeAsk(alloc: (length: number) => Uint8Array): Ask {
  const scratch = Buffer.alloc(SCRATCH);
  const encoder = new TextEncoder();
  const utf8 = [0, 1, 2, 3].map((flags) => new TextDecoder("utf-8", options(flags))) as readonly TextDecoder[];
  const decoders = new Map<string, TextDecoder>();
  const startedAt = performance.now();
  const timeOrigin = Math.floor(Date.now());

  /** A copy that the realm cannot change or resize while the host reads it. */
  const take = (bytes: Uint8Array): Buffer => {
    const length = apply(viewLength, bytes, []);
    const copy = length <= SCRATCH ? scratch.subarray(0, length) : Buffer.allocUnsafeSlow(length);
    apply(set, copy, [bytes, 0]);
    return copy;
  };
  /** What `alloc` made is checked: it runs in the realm. */
  const allocate = (length: number): Uint8Array => {
    const fresh = alloc(length);
    if (!isBytes(fresh) || apply(viewLength, fresh, []) !== length)
      throw new TypeError("not the bytes that were asked for");
    return fresh;
  };
  const give = (bytes: Uint8Array): Uint8Array => {
    const fresh = allocate(bytes.byteLength);
    apply(set, fresh, [bytes, 0]);
    return fresh;
  };
  const decode = (bytes: Uint8Array, label: string, flags: number): string => {
    const key = `${flags}${label}`;
    let decoder = decoders.get(key);
    if (decoder === undefined) decoders.set(key, (decoder = new TextDecoder(label, options(flags))));
    return decoder.decode(bytes);
  };
  const encode = (text: string): Uint8Array => {
    const fresh = allocate(Buffer.byteLength(text, "utf8"));
    encoder.encodeInto(text, fresh);
    return fresh;
  };
  const setUrl = (href: string, which: number, value: string): string | undefined => {
    const name = URL_PARTS[which];
    if (name === undefined) return undefined;
    const url = new URL(href);
    url[name] = value;
    return url.href;
  };

  const digest = (name: string, bytes: Uint8Array): Uint8Array | undefined => {
    if (!(DIGESTS as readonly string[]).includes(name)) return undefined;
    return give(new CryptoHasher(HASHES[name as Digest]).update(take(bytes)).digest());
  };

  return (op, a, b, c) => {
    try {
      switch (op) {
        case Op.Now:
          return Math.floor(performance.now() - startedAt);
        case Op.TimeOrigin:
          return timeOrigin;
        case Op.Utf8Encode:
          return typeof a === "string" ? encode(a) : undefined;
        case Op.Utf8Decode:
          return isBytes(a) && typeof b === "number" ? utf8[b & 3]?.decode(a) : undefined;
        case Op.Decode:
          return isBytes(a) && typeof b === "string" && typeof c === "number" ? decode(a, b, c & 3) : undefined;
        case Op.EncodingName:
          return typeof a === "string" ? new TextDecoder(a).encoding : undefined;
        case Op.Latin1:
          return isBytes(a) ? latin1(take(a)) : undefined;
        case Op.Atob:
          return typeof a === "string" ? atob(a) : undefined;
        case Op.Btoa:
          return typeof a === "string" ? btoa(a) : undefined;
        case Op.UrlParse:
          return typeof a === "string" ? URL.parse(a, typeof b === "string" ? b : undefined)?.href : undefined;
        case Op.UrlSet:
          return typeof a === "string" && typeof b === "number" && typeof c === "string" ? setUrl(a, b, c) : undefined;
        case Op.Random:
          return typeof a === "number" && a >= 0 && a <= MAX_RANDOM
            ? give(random.getRandomValues(new Uint8Array(a)))
            : undefined;
        case Op.Uuid:
          return random.randomUUID();
        case Op.Digest:
          return typeof a === "string" && isBytes(b) ? digest(a, b) : undefined;
        default:
          return undefined;
      }
    } catch {
      // A bad label, an invalid URL, invalid bytes, a stack that is nearly full: the realm throws an error of its own.
      return undefined;
    }
  };
}

function options(flags: number): { fatal: boolean; ignoreBOM: boolean } {
  return { fatal: (flags & DecodeFlag.Fatal) !== 0, ignoreBOM: (flags & DecodeFlag.KeepBom) !== 0 };
}

function latin1(bytes: Buffer): string {
  return apply(latin1Slice, bytes, [0, bytes.byteLength]);
}
