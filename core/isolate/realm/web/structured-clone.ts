/** structuredClone. https://html.spec.whatwg.org/#structured-cloning */
import {
  ObjectProto,
  apply,
  bufferSize,
  bytesOf,
  copyBytes,
  defineProperty,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  isArray,
  isView,
  keysOf,
  matches,
  moveBuffer,
  pattern,
  viewClass,
  viewParts,
} from "../primordials.ts";
import { isAbortSignal } from "./abort.ts";
import { blobState, fileState, makeBlob, makeFile } from "./blob.ts";
import { need, toDictionary, toSequence, toText } from "./convert.ts";
import { once } from "./define.ts";
import { isDomException, makeDomException } from "./dom-exception.ts";
import { isEventObject } from "./event.ts";
import { formEntries } from "./form-data.ts";
import { headerList } from "./headers.ts";
import { isRequest } from "./request.ts";
import { isResponse } from "./response.ts";
import { isStream } from "./streams.ts";
import { searchPairs } from "./url-search-params.ts";
import { urlHref } from "./url.ts";

type Getter = (this: unknown) => unknown;
type Copy = (value: unknown) => unknown;
const getterOf = (proto: object, name: string): Getter => getOwnPropertyDescriptor(proto, name)?.get as Getter;

const { toString } = ObjectProto;

function refuse(value: unknown): never {
  const what =
    typeof value === "function" ? "a function" : typeof value === "symbol" ? "a symbol" : apply(toString, value, []);
  throw makeDomException(`structuredClone: ${what} cannot be cloned`, "DataCloneError");
}

/** Runs a brand check of the language; undefined when `value` only pretends. */
function attempt(method: Getter, value: object): unknown {
  try {
    return apply(method, value, []);
  } catch {
    return undefined;
  }
}

/** Classes of the language and the platform whose objects are no data, by their tag. */
const REFUSED = pattern(
  /^\[object (Promise|WeakMap|WeakSet|Generator|AsyncGenerator|WritableStream|TransformStream)\]$/,
);

function isRefused(value: object): boolean {
  return (
    headerList(value) !== undefined ||
    searchPairs(value) !== undefined ||
    urlHref(value) !== undefined ||
    formEntries(value) !== undefined ||
    isResponse(value) ||
    isRequest(value) ||
    isAbortSignal(value) ||
    isEventObject(value) ||
    isStream(value) ||
    matches(REFUSED, apply(toString, value, []) as string)
  );
}

function define(target: object, name: string, value: unknown, enumerable = false): void {
  defineProperty(target, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable,
    configurable: true,
  } as PropertyDescriptor);
}

function sized(length: number): unknown[] {
  const list: unknown[] = [];
  list.length = length;
  return list;
}

/** What cloning needs of the language, taken at its first use: taking it at the start would make every class of it. */
const cloner = once(() => {
  const MapCtor = Map;
  const SetCtor = Set;
  const DateCtor = Date;
  const RegExpCtor = RegExp;
  const ObjectCtor = Object;
  const mapProto = Map.prototype;
  const setProto = Set.prototype;
  const dateProto = Date.prototype;
  const bufferProto = ArrayBuffer.prototype;
  const regExpProto = RegExp.prototype;
  const { get: mapGet, set: mapSet, forEach: mapEach } = mapProto;
  const { add: setAdd, forEach: setEach } = setProto;
  const { getTime } = dateProto;
  const regExpSource = getterOf(regExpProto, "source");
  const regExpFlags = getterOf(regExpProto, "flags");
  const { isError } = Error as unknown as { isError(value: unknown): value is Error };
  const box = (proto: { valueOf: Getter }): readonly [object, Getter] => [proto, proto.valueOf];
  const boxes = [
    box(Number.prototype as never),
    box(String.prototype as never),
    box(Boolean.prototype as never),
    box(BigInt.prototype as never),
  ];
  const isDetached = getterOf(bufferProto, "detached") as (this: ArrayBuffer) => boolean;
  const errors: readonly [string, ErrorConstructor][] = [
    ["EvalError", EvalError],
    ["RangeError", RangeError],
    ["ReferenceError", ReferenceError],
    ["SyntaxError", SyntaxError],
    ["TypeError", TypeError],
    ["URIError", URIError],
  ];
  const ErrorCtor = Error;
  const typed = { Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float16Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array }; // prettier-ignore
  const DataViewCtor = DataView;

  /** The built-in whose prototype `value` inherits from. A Proxy cannot be told from its target. */
  function kindOf(value: object): object | undefined {
    for (let proto = getPrototypeOf(value); proto !== null; proto = getPrototypeOf(proto)) {
      if (
        proto === mapProto ||
        proto === setProto ||
        proto === dateProto ||
        proto === regExpProto ||
        proto === bufferProto
      )
        return proto;
      for (let i = 0; i < boxes.length; i++) if (proto === boxes[i]?.[0]) return proto;
    }
    return undefined;
  }

  class Cloner {
    /** Every object that was met, with its copy: cycles and shared parts stay what they are. */
    readonly #met = new MapCtor<object, unknown>();

    keep<T>(value: object, copy: T): T {
      apply(mapSet, this.#met, [value, copy]);
      return copy;
    }
    readonly copy: Copy = (value) => {
      if (typeof value === "function" || typeof value === "symbol") refuse(value);
      if (typeof value !== "object" || value === null) return value;
      const known = apply(mapGet, this.#met, [value]) as unknown;
      if (known !== undefined) return known;
      const proto = getPrototypeOf(value);
      if (isArray(value)) return this.#fill(value, this.keep(value, sized(value.length)));
      if (proto === ObjectProto || proto === null) return this.#fill(value, this.keep(value, {}));
      return this.#exotic(value);
    };
    #fill(from: object, to: object): object {
      const keys = keysOf(from);
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] as string;
        if (!hasOwn(from, key)) continue;
        const value = this.copy((from as Record<string, unknown>)[key]);
        // Where something is inherited under this name (`__proto__`, or what a script added), assigning is not defining.
        if (key in to) define(to, key, value, true);
        else (to as Record<string, unknown>)[key] = value;
      }
      return to;
    }
    #exotic(value: object): unknown {
      if (isView(value)) return this.#view(value);
      if (isDomException(value)) return this.keep(value, makeDomException(value.message, value.name));
      if (isError(value)) return this.#error(value);
      const kind = kindOf(value);
      const special = kind === undefined ? undefined : this.#builtin(value, kind);
      if (special !== undefined) return special;
      const file = fileState(value);
      const blob = blobState(value);
      if (blob !== undefined) {
        const { bytes, type } = blob;
        return this.keep(
          value,
          file === undefined ? makeBlob(bytes, type) : makeFile(bytes, file.name, type, file.lastModified),
        );
      }
      if (isRefused(value)) refuse(value);
      return this.#fill(value, this.keep(value, {}));
    }
    #builtin(value: object, kind: object): object | undefined {
      if (kind === mapProto) {
        const rows: unknown[] = [];
        try {
          apply(mapEach, value, [(item: unknown, key: unknown) => void (rows[rows.length] = [key, item])]);
        } catch {
          return undefined;
        }
        const map = this.keep(value, new MapCtor());
        for (let i = 0; i < rows.length; i++) {
          const row = rows[i] as [unknown, unknown];
          apply(mapSet, map, [this.copy(row[0]), this.copy(row[1])]);
        }
        return map;
      }
      if (kind === setProto) {
        const items: unknown[] = [];
        try {
          apply(setEach, value, [(item: unknown) => void (items[items.length] = item)]);
        } catch {
          return undefined;
        }
        const set = this.keep(value, new SetCtor());
        for (let i = 0; i < items.length; i++) apply(setAdd, set, [this.copy(items[i])]);
        return set;
      }
      if (kind === bufferProto) {
        return bufferSize(value) === undefined
          ? undefined
          : this.keep(value, copyBytes(bytesOf(value) as Uint8Array).buffer);
      }
      if (kind === dateProto) {
        const time = attempt(getTime, value);
        return time === undefined ? undefined : this.keep(value, new DateCtor(time as number));
      }
      if (kind === regExpProto) {
        const source = attempt(regExpSource, value);
        if (source === undefined) return undefined;
        return this.keep(value, new RegExpCtor(source as string, attempt(regExpFlags, value) as string));
      }
      let primitive: unknown;
      for (let i = 0; i < boxes.length; i++) {
        const row = boxes[i] as (typeof boxes)[number];
        if (row[0] === kind) primitive = attempt(row[1], value);
      }
      return typeof primitive === "object" || primitive === undefined
        ? undefined
        : this.keep(value, ObjectCtor(primitive) as object);
    }
    #view(view: ArrayBufferView): unknown {
      const { buffer, offset, length } = viewParts(view);
      const memory = this.copy(buffer) as ArrayBuffer;
      const name = viewClass(view);
      if (name === undefined) return this.keep(view, new DataViewCtor(memory, offset, length));
      const Type = typed[name as keyof typeof typed];
      return this.keep(view, new Type(memory as never, offset, length / Type.BYTES_PER_ELEMENT));
    }
    #error(error: Error): Error {
      const { name, message, stack, cause } = error;
      let Type: ErrorConstructor = ErrorCtor;
      for (let i = 0; i < errors.length; i++) {
        const row = errors[i] as (typeof errors)[number];
        if (row[0] === name) Type = row[1];
      }
      const copy = this.keep(error, new Type(message === undefined ? "" : toText(message)));
      if (typeof stack === "string") define(copy, "stack", stack);
      if (getOwnPropertyDescriptor(error, "cause") !== undefined) define(copy, "cause", this.copy(cause));
      return copy;
    }
  }

  return {
    make: (): Cloner => new Cloner(),
    isDetached: (buffer: ArrayBuffer): boolean => apply(isDetached, buffer, []),
  };
});

/** As a method, so that it has no `prototype`. */
export const cloning = {
  structuredClone(value: unknown, options?: unknown): unknown {
    need(arguments.length, 1, "structuredClone");
    const { transfer } = toDictionary(options, "structuredClone");
    const moved = transfer === undefined ? [] : toSequence(transfer, "structuredClone");
    for (let i = 0; i < moved.length; i++) {
      const buffer = moved[i] as ArrayBuffer;
      if (bufferSize(buffer) === undefined) refuse(buffer);
      for (let k = 0; k < i; k++) if (moved[k] === buffer) refuse(buffer);
      if (cloner().isDetached(buffer)) refuse(buffer);
    }
    const copy = cloner().make().copy(value);
    // Only now: a value that cannot be cloned must leave its memory where it was.
    for (let i = 0; i < moved.length; i++) moveBuffer(moved[i] as ArrayBuffer);
    return copy;
  },
};
