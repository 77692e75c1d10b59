/** The randomness of a test realm: real until a case sets it. */
import { requireStep } from "./realm.ts";

const real = {
  random: Math.random,
  uuid: crypto.randomUUID.bind(crypto),
  values: crypto.getRandomValues.bind(crypto),
};

let source: (() => number) | null = null;

export function setRandom(next: () => number): void {
  requireStep("setRandom()");
  source = next;
}

/** What is answered sets the source back to what it is now. */
export function saveRandom(): () => void {
  const before = source;
  return () => {
    source = before;
  };
}

function fill(bytes: Uint8Array, next: () => number): void {
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(next() * 256);
}

function randomUuid(next: () => number): string {
  const bytes = new Uint8Array(16);
  fill(bytes, next);
  // Version 4 of RFC 9562.
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** In place of the realm's own, before the script runs. */
export function installRandom(): void {
  const replace = (target: object, key: string, value: unknown): void =>
    void Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false });
  replace(Math, "random", () => (source ?? real.random)());
  replace(crypto, "randomUUID", () => (source === null ? real.uuid() : randomUuid(source)));
  replace(crypto, "getRandomValues", (array: ArrayBufferView<ArrayBuffer>) => {
    if (source === null) return real.values(array);
    fill(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), source);
    return array;
  });
}
