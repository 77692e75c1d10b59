/** crypto: random values, UUIDs and digests. https://w3c.github.io/webcrypto/ */
import { ask } from "../host.ts";
import { DIGESTS, Op } from "../ops.ts";
import { Bytes, copyInto, isBytes, isView, upper, viewClass, viewParts } from "../primordials.ts";
import { isObject, need, toText } from "./convert.ts";
import { INTERNAL, named, once } from "./define.ts";
import { makeDomException } from "./dom-exception.ts";
import { toBytes } from "./encoding.ts";

const MAX_RANDOM = 65_536;
const INTEGERS = {
  __proto__: null,
  Int8Array: 1,
  Uint8Array: 1,
  Uint8ClampedArray: 1,
  Int16Array: 1,
  Uint16Array: 1,
  Int32Array: 1,
  Uint32Array: 1,
  BigInt64Array: 1,
  BigUint64Array: 1,
} as unknown as Record<string, 1>;

/** Fills a view with random bytes; returns the same view. */
function fillRandom(view: unknown): unknown {
  if (!isObject(view) || !isView(view)) throw new TypeError("crypto.getRandomValues: not a typed array");
  if (INTEGERS[viewClass(view) ?? ""] !== 1) {
    throw makeDomException("crypto.getRandomValues: not an array of integers", "TypeMismatchError");
  }
  const { buffer, offset, length } = viewParts(view);
  if (length > MAX_RANDOM) {
    throw makeDomException(`crypto.getRandomValues: more than ${MAX_RANDOM} bytes`, "QuotaExceededError");
  }
  const random = ask(Op.Random, length);
  if (!isBytes(random)) throw makeDomException("crypto.getRandomValues: no randomness", "OperationError");
  copyInto(new Bytes(buffer, offset, length), random);
  return view;
}

function algorithmName(algorithm: unknown): string {
  const text = isObject(algorithm) ? (algorithm as { name?: unknown }).name : algorithm;
  if (text === undefined) throw new TypeError("crypto.subtle.digest: the algorithm has no name");
  const name = upper(toText(text));
  for (let i = 0; i < DIGESTS.length; i++) if (DIGESTS[i] === name) return name;
  throw makeDomException(`crypto.subtle.digest: "${name}" is not supported`, "NotSupportedError");
}

export const cryptoParts = once(() => {
  class SubtleCrypto {
    readonly #brand = true;
    constructor(token: unknown) {
      if (token !== INTERNAL) throw new TypeError("Illegal constructor");
    }
    async digest(algorithm: unknown, data: unknown): Promise<ArrayBuffer> {
      void this.#brand;
      need(arguments.length, 2, "crypto.subtle.digest");
      const name = algorithmName(algorithm);
      const digest = ask(Op.Digest, name, toBytes(data, "crypto.subtle.digest"));
      if (!isBytes(digest)) throw makeDomException("crypto.subtle.digest: failed", "OperationError");
      return viewParts(digest).buffer;
    }
  }
  named(SubtleCrypto, "SubtleCrypto");

  class Crypto {
    readonly #subtle = new SubtleCrypto(INTERNAL);
    constructor(token: unknown) {
      if (token !== INTERNAL) throw new TypeError("Illegal constructor");
    }
    get subtle(): SubtleCrypto {
      return this.#subtle;
    }
    getRandomValues(view: unknown): unknown {
      void this.#subtle;
      need(arguments.length, 1, "crypto.getRandomValues");
      return fillRandom(view);
    }
    randomUUID(): string {
      void this.#subtle;
      return ask(Op.Uuid) as string;
    }
  }
  named(Crypto, "Crypto");
  return { SubtleCrypto, Crypto, crypto: new Crypto(INTERNAL) };
});
