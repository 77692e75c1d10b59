/** Contracts of the services that scripts can use. Each is a field of the context, and an export of the SDK. */
/** A key-value store of this script alone. Values are JSON data of up to 1 MiB; null stands for an absent entry. */
export interface Kv {
  /** The value, or null where there is none or it has expired. */
  get<T = unknown>(key: string): Promise<T | null>;
  /** Writes a value. Without `ttlMs` it never expires. Setting null deletes the entry. */
  set(
    key: string,
    value: unknown,
    options?: {
      ttlMs?: number;
    },
  ): Promise<void>;
  /** Whether there was an entry. */
  delete(key: string): Promise<boolean>;
  /** Entries in the order of their keys' bytes. Go on with `after: next` while there is a `next`. */
  list<T = unknown>(options?: {
    prefix?: string;
    limit?: number;
    after?: string;
  }): Promise<{
    entries: {
      key: string;
      value: T;
    }[];
    next?: string;
  }>;
  /** Adds atomically and gives the new value; an absent entry counts as 0. `ttlMs` starts with the first increment. */
  increment(
    key: string,
    by?: number,
    options?: {
      ttlMs?: number;
    },
  ): Promise<number>;
  /** Writes only if the present value equals `expected` (null: only if there is none). Whether it wrote. */
  compareAndSet(
    key: string,
    expected: unknown,
    value: unknown,
    options?: {
      ttlMs?: number;
    },
  ): Promise<boolean>;
}
/** Services by the name under which a handler finds them. */
export interface Services {
  readonly kv: Kv;
}
/** The same object as `context.kv`; outside an invocation its methods throw `not_in_invocation`. */
export declare const kv: Kv;
