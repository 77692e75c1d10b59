/** How the realm's web interfaces are made and put on the global: lazily, named as the platform names them. */
import { SymbolToStringTag, defineProperty } from "../primordials.ts";

/** Runs `make` at first use and keeps its value: code that nobody calls costs no class, no closure, no memory. */
export function once<T>(make: () => T): () => T {
  let value: T | undefined;
  return () => (value ??= make());
}

function put(target: object, name: PropertyKey, value: unknown, enumerable = false): void {
  defineProperty(target, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable,
    configurable: true,
  } as PropertyDescriptor);
}

/** A global that comes into being when it is first read, and then is an ordinary data property. */
export function lazyGlobal(target: object, name: string, make: () => unknown): void {
  defineProperty(target, name, {
    __proto__: null,
    get: () => {
      const value = make();
      put(target, name, value);
      return value;
    },
    set: (value: unknown) => put(target, name, value, true),
    enumerable: false,
    configurable: true,
  } as PropertyDescriptor);
}

/** Gives a class the name that minifying took, and its instances their tag. */
export function named<T extends abstract new (...args: never[]) => object>(type: T, name: string): T {
  defineProperty(type, "name", { __proto__: null, value: name, configurable: true } as PropertyDescriptor);
  tag(type.prototype as object, name);
  return type;
}

export function tag(target: object, name: string): void {
  defineProperty(target, SymbolToStringTag, { __proto__: null, value: name, configurable: true } as PropertyDescriptor);
}

/** Numeric constants of an interface, on the class and on its prototype. */
export function constants(type: { readonly prototype: object }, values: readonly (readonly [string, number])[]): void {
  for (let i = 0; i < values.length; i++) {
    const row = values[i] as readonly [string, number];
    const descriptor = { __proto__: null, value: row[1], enumerable: true } as PropertyDescriptor;
    defineProperty(type, row[0], descriptor);
    defineProperty(type.prototype, row[0], descriptor);
  }
}

/** What a constructor is given by this code and by nobody else. */
export const INTERNAL: unique symbol = Symbol("internal");
