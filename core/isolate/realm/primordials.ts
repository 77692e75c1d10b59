/**
 * The realm's intrinsics as they were before user code ran (docs/sandbox.md, I7).
 *
 * Whatever must hold after a script has replaced `String.prototype.slice` or `Array.prototype.push` calls these instead.
 * They are plain functions around `Reflect.apply`: as fast as bound functions in JavaScriptCore, and nothing to inherit.
 */

export const { apply, ownKeys, getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor, defineProperty, construct } =
  Reflect;
export const { hasOwn, keys: keysOf } = Object;
export const { isArray } = Array;
export const { isView } = ArrayBuffer;
export const { parse: jsonParse, stringify: jsonStringify } = JSON;
export const { floor, trunc } = Math;

export const PromiseCtor = Promise;
export const ErrorCtor = Error;
export const Bytes = Uint8Array;
export const Buffer = ArrayBuffer;
export const ObjectProto: object = Object.prototype;
export const SymbolIterator: typeof Symbol.iterator = Symbol.iterator;
export const SymbolToStringTag: typeof Symbol.toStringTag = Symbol.toStringTag;
/** `%IteratorPrototype%`, which the iterators of web interfaces inherit from. */
export const IteratorProto: object = getPrototypeOf(getPrototypeOf([][Symbol.iterator]()) as object) as object;

type Method = (this: never, ...args: never[]) => unknown;

/** The getter of `name` on `proto`: the brand check of a built-in, when called on anything else. */
function getter(proto: object, name: PropertyKey): Method {
  return getOwnPropertyDescriptor(proto, name)?.get as Method;
}

const string = String.prototype;
const { indexOf, lastIndexOf, slice, toLowerCase, toUpperCase, toWellFormed, split, trim, charCodeAt } = string;
// A call by name is eight times faster than one through `apply`, and as good while the method is still the captured one.
// A getter that answers twice differently would get a string of the script's own, and no more.
export const charCode = (text: string, at: number): number =>
  text.charCodeAt === charCodeAt ? text.charCodeAt(at) : apply(charCodeAt, text, [at]);
export const find = (text: string, part: string, from = 0): number =>
  text.indexOf === indexOf ? text.indexOf(part, from) : apply(indexOf, text, [part, from]);
export const findLast = (text: string, part: string): number =>
  text.lastIndexOf === lastIndexOf ? text.lastIndexOf(part) : apply(lastIndexOf, text, [part]);
export const cut = (text: string, from: number, to?: number): string =>
  text.slice === slice ? text.slice(from, to) : apply(slice, text, [from, to]);
export const lower = (text: string): string =>
  text.toLowerCase === toLowerCase ? text.toLowerCase() : apply(toLowerCase, text, []);
export const upper = (text: string): string =>
  text.toUpperCase === toUpperCase ? text.toUpperCase() : apply(toUpperCase, text, []);
export const wellFormed = (text: string): string =>
  text.toWellFormed === toWellFormed ? text.toWellFormed() : apply(toWellFormed, text, []);
export const trimText = (text: string): string => (text.trim === trim ? text.trim() : apply(trim, text, []));
export const splitText = (text: string, by: string): string[] => apply(split, text, [by]);

const { exec } = RegExp.prototype;
/** A pattern (without the `g` and `y` flags) whose `exec` is its own: nothing that a script does changes it. */
export function pattern(expression: RegExp): RegExp {
  defineProperty(expression, "exec", { __proto__: null, value: exec } as PropertyDescriptor);
  return expression;
}
/** For what `pattern` made. */
export const matches = (expression: RegExp, text: string): boolean => expression.exec(text) !== null;
export const match = (expression: RegExp, text: string): RegExpExecArray | null => expression.exec(text);

const { sort, join } = Array.prototype;
export const joinText = (list: readonly string[], by: string): string => apply(join, list, [by]);
export const sortBy = <T>(list: T[], compare: (a: T, b: T) => number): T[] => apply(sort, list, [compare]);

const { then } = Promise.prototype;
const { resolve, reject } = Promise;
export const onSettled = <T>(
  promise: Promise<T>,
  done: (value: T) => unknown,
  failed?: (reason: unknown) => unknown,
): void => {
  apply(then, promise, [done, failed]);
};
export const resolved = <T>(value: T): Promise<T> => apply(resolve, PromiseCtor, [value]) as Promise<T>;
export const rejected = (reason: unknown): Promise<never> => apply(reject, PromiseCtor, [reason]);

export const isThenable = (value: unknown): boolean =>
  typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";

const typedArray = getPrototypeOf(Uint8Array.prototype) as object;
const viewTag = getter(typedArray, Symbol.toStringTag);
const viewLength = getter(typedArray, "byteLength");
const viewOffset = getter(typedArray, "byteOffset");
const viewBuffer = getter(typedArray, "buffer");
const dataLength = getter(DataView.prototype, "byteLength");
const dataOffset = getter(DataView.prototype, "byteOffset");
const dataBuffer = getter(DataView.prototype, "buffer");
const bufferLength = getter(ArrayBuffer.prototype, "byteLength");
const { set } = Uint8Array.prototype;
const { transfer } = ArrayBuffer.prototype;

/** `"Uint8Array"`, `"DataView"` is `undefined`: the class of a typed array, which a script cannot forge. */
export const viewClass = (value: unknown): string | undefined => apply(viewTag, value, []) as string | undefined;
export const isBytes = (value: unknown): value is Uint8Array<ArrayBuffer> => viewClass(value) === "Uint8Array";
export const byteLength = (view: Uint8Array): number => apply(viewLength, view, []) as number;
export const copyInto = (target: Uint8Array, source: Uint8Array, at = 0): void => apply(set, target, [source, at]);
export const moveBuffer = (buffer: ArrayBuffer): ArrayBuffer => apply(transfer, buffer, []);

/** The length of an ArrayBuffer, or undefined for every other value. */
export function bufferSize(value: unknown): number | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return apply(bufferLength, value, []) as number;
  } catch {
    return undefined;
  }
}

/** Start, length and buffer of any view, by internal slots. */
export function viewParts(view: ArrayBufferView): { buffer: ArrayBuffer; offset: number; length: number } {
  const typed = viewClass(view) !== undefined;
  return {
    buffer: apply(typed ? viewBuffer : dataBuffer, view, []) as ArrayBuffer,
    offset: apply(typed ? viewOffset : dataOffset, view, []) as number,
    length: apply(typed ? viewLength : dataLength, view, []) as number,
  };
}

/** The bytes behind a BufferSource as a plain Uint8Array over the same memory, or null for every other value. */
export function bytesOf(value: unknown): Uint8Array<ArrayBuffer> | null {
  if (typeof value !== "object" || value === null) return null;
  if (isView(value)) {
    const { buffer, offset, length } = viewParts(value);
    return new Bytes(buffer, offset, length);
  }
  return bufferSize(value) === undefined ? null : new Bytes(value as ArrayBuffer);
}

/** A part of `bytes` over the same memory; unlike `subarray` it asks no species. */
export function part(bytes: Uint8Array<ArrayBuffer>, from: number, to: number): Uint8Array<ArrayBuffer> {
  const { buffer, offset } = viewParts(bytes);
  return new Bytes(buffer, offset + from, to - from);
}

/** From a typed array the constructor copies, without filling the new memory with zeros first. It asks no species and no iterator. */
export function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Bytes(bytes);
}

export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let total = 0;
  for (let i = 0; i < chunks.length; i++) total += byteLength(chunks[i] as Uint8Array);
  const all = new Bytes(total);
  for (let i = 0, at = 0; i < chunks.length; i++) {
    copyInto(all, chunks[i] as Uint8Array, at);
    at += byteLength(chunks[i] as Uint8Array);
  }
  return all;
}
