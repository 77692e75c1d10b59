/** What `expect(value)` offers: the part of Jest's vocabulary that tests of scripts need. */
type Class = abstract new (...args: never) => unknown;
/** `Result` is void, or a promise where `.resolves` or `.rejects` stands before. */
export interface Matchers<Value = unknown, Result = void> {
  /** The opposite of what follows. */
  readonly not: Matchers<Value, Result>;
  /** `Object.is` */
  toBe(expected: Value): Result;
  /** The same content; a property that is undefined counts as absent. */
  toEqual(expected: unknown): Result;
  /** The same content, the same classes, and undefined is not absent. */
  toStrictEqual(expected: unknown): Result;
  /** Has at least these properties, at every depth. */
  toMatchObject(expected: object): Result;
  /** A text or list has this part; `toContainEqual` compares the content. */
  toContain(expected: unknown): Result;
  toContainEqual(expected: unknown): Result;
  /** `.length` */
  toHaveLength(expected: number): Result;
  /** @param path `"a.b"`, or `["a", "b"]` where a name has a dot */
  toHaveProperty(path: string | readonly (string | number)[], expected?: unknown): Result;
  toMatch(expected: string | RegExp): Result;
  /** A function that throws, or after `.rejects` an error: with this text in its message, of this class, or like this one. */
  toThrow(expected?: string | RegExp | Class | Error): Result;
  toBeInstanceOf(expected: Class): Result;
  toBeDefined(): Result;
  toBeUndefined(): Result;
  toBeNull(): Result;
  toBeTruthy(): Result;
  toBeFalsy(): Result;
  toBeNaN(): Result;
  toBeGreaterThan(expected: number | bigint): Result;
  toBeGreaterThanOrEqual(expected: number | bigint): Result;
  toBeLessThan(expected: number | bigint): Result;
  toBeLessThanOrEqual(expected: number | bigint): Result;
  /** @param digits after the decimal point; default 2 */
  toBeCloseTo(expected: number, digits?: number): Result;
}
export interface Expectation<Value> extends Matchers<Value> {
  /** What the promise gives. Await the whole. */
  readonly resolves: Matchers<Awaited<Value>, Promise<void>>;
  /** What the promise (or the call, for a function) is rejected with. Await the whole. */
  readonly rejects: Matchers<unknown, Promise<void>>;
}
export interface Expect {
  /** @example expect(await answer.json()).toEqual({ id: expect.any(String), text: "milk" }); */
  <Value>(value: Value): Expectation<Value>;
  /** Stands for any value of a class inside `toEqual` and `toMatchObject`: `expect.any(Number)`. */
  any(type: Class | StringConstructor | NumberConstructor | BooleanConstructor | BigIntConstructor): unknown;
  /** Anything but null and undefined. */
  anything(): unknown;
  objectContaining(expected: object): unknown;
  arrayContaining(expected: readonly unknown[]): unknown;
  stringContaining(expected: string): unknown;
  stringMatching(expected: string | RegExp): unknown;
}
export {};
