/** What the validator needs of the realm's intrinsics, captured before a script can patch them. */
export const isArray: (value: unknown) => value is readonly unknown[] = Array.isArray;
export const objectKeys = Object.keys;
export const hasOwn = Object.hasOwn;
export const create = Object.create;
export const isSafeInteger = Number.isSafeInteger;
export const parse: (text: string) => unknown = JSON.parse;
export const stringify: (value: unknown) => string = JSON.stringify;
const defineProperty = Object.defineProperty;
const apply = Reflect.apply;
const exec = RegExp.prototype.exec;
const stringSlice = String.prototype.slice;
const RealmRegExp = RegExp;

export function slice(text: string, from: number, to: number): string {
  return apply(stringSlice, text, [from, to]) as string;
}

/** `RegExp.prototype.test` would look `exec` up, which a script can replace. */
export function matches(pattern: RegExp, text: string): boolean {
  return apply(exec, pattern, [text]) !== null;
}

/** Without the `u` flag, as arktype compiles them: its own patterns are not valid with it. */
export function toPattern(source: string): RegExp {
  return new RealmRegExp(source);
}

/** An own property only: a schema and a body may both have a key `constructor`. */
export function own(record: object, key: string): unknown {
  return hasOwn(record, key) ? (record as Record<string, unknown>)[key] : undefined;
}

/** Sets an own property whatever its name, `__proto__` included. */
export function put(record: object, key: string, value: unknown): void {
  defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
}
