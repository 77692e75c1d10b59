/** Types that a schema definition stands for. Definitions are arktype's (https://arktype.io/docs), as plain data. */
import type { distill, type } from "arktype";
/** A definition, checked while it is written: a mistake in it is an error at that place. */
export type Checked<Definition> = type.validate<Definition>;
/**
 * What the handler gets: validated, with defaults filled in.
 *
 * `extends [infer D]` puts the work off until the definition is known: else every overload that is only considered
 * would have arktype parse "any definition", which never ends.
 */
export type Infer<Definition> = [Definition] extends [infer D] ? distill.Out<type.infer<D>> : never;
/** What a caller sends: fields with defaults may be absent. */
export type InferInput<Definition> = [Definition] extends [infer D] ? distill.In<type.infer<D>> : never;
/** JSON data. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | {
      readonly [key: string]: Json;
    };
/** What arrives when `T` was sent as JSON: a Date is a string, a function is gone. */
export type JsonForm<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null
    ? T
    : T extends {
          toJSON(): infer U;
        }
      ? JsonForm<U>
      : T extends undefined | symbol | ((...args: never) => unknown)
        ? undefined
        : T extends bigint
          ? never
          : T extends readonly unknown[]
            ? {
                [I in keyof T]: NullForUndefined<JsonForm<T[I]>>;
              }
            : T extends NoFields
              ? {}
              : T extends object
                ? {
                    [K in keyof T as DataKey<T, K>]: JsonForm<T[K]>;
                  }
                : never;
/** What JSON shows as `{}`: what they hold is no property. */
type NoFields =
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>
  | PromiseLike<unknown>
  | RegExp
  | ArrayBuffer;
/** In a list, what JSON cannot carry becomes null. */
type NullForUndefined<T> = T extends undefined ? null : T;
type DataKey<T, K extends keyof T> = K extends string | number
  ? [T[K]] extends [undefined | symbol | ((...args: never) => unknown)]
    ? never
    : K
  : never;
/** Shows a computed type as one record. */
export type Simplify<T> = {
  [K in keyof T]: T[K];
} & {};
export {};
