/** The synchronous operations that a realm may ask of its host: numbers of `ask`, with arguments and answers. */

export const Op = {
  /** `()` → milliseconds since the isolate started, whole. */
  Now: 1,
  /** `()` → the start of the isolate, milliseconds since the epoch, whole. */
  TimeOrigin: 2,
  /** `(text)` → bytes */
  Utf8Encode: 3,
  /** `(bytes, flags)` → text; undefined when `DecodeFlag.Fatal` is set and the bytes are not valid. */
  Utf8Decode: 4,
  /** `(bytes, label, flags)` → text, or undefined as above. */
  Decode: 5,
  /** `(label)` → the encoding's name, or undefined when there is none. */
  EncodingName: 6,
  /** `(bytes)` → one character for each byte. */
  Latin1: 7,
  /** `(text)` → text; undefined when the text is not base64. */
  Atob: 8,
  /** `(text)` → text; undefined when a character is above 255. */
  Btoa: 9,
  /** `(url, base?)` → href, or undefined. */
  UrlParse: 10,
  /** `(href, UrlPart, value)` → href. */
  UrlSet: 11,
  /** `(length)` → random bytes, at most 65,536. */
  Random: 12,
  /** `()` → a version 4 UUID. */
  Uuid: 13,
  /** `(name, bytes)` → digest; undefined for an unknown algorithm. */
  Digest: 14,
} as const;

/** Bits of `Op.Utf8Decode` and `Op.Decode`. */
export const DecodeFlag = { Fatal: 1, KeepBom: 2 } as const;

/** The setters of URL, in the order of `Op.UrlSet`'s second argument. */
export const URL_PARTS = [
  "protocol",
  "username",
  "password",
  "host",
  "hostname",
  "port",
  "pathname",
  "search",
  "hash",
] as const;
export type UrlPart = (typeof URL_PARTS)[number];

/** The algorithms of `crypto.subtle.digest`. */
export const DIGESTS = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"] as const;
