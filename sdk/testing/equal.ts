/** Whether two values have the same content, and the stand-ins of `expect.any(…)` and its like. */

export type Comparison =
  /** undefined properties count as absent */
  | "equal"
  /** they do not, and classes must be the same */
  | "strict"
  /** the left may have more properties */
  | "subset";

/** Stands for a set of values inside an expected value. */
export class Pattern {
  readonly name: string;
  readonly #accepts: (value: unknown) => boolean;
  constructor(name: string, accepts: (value: unknown) => boolean) {
    this.name = name;
    this.#accepts = accepts;
  }
  accepts(value: unknown): boolean {
    return this.#accepts(value);
  }
}

type Pairs = readonly (readonly [actual: object, expected: object])[];

const tagOf = (value: object): string => Object.prototype.toString.call(value);
const has = (value: object, key: PropertyKey): boolean => Object.prototype.propertyIsEnumerable.call(value, key);

function sameBytes(a: ArrayBufferView | ArrayBuffer, b: ArrayBufferView | ArrayBuffer): boolean {
  const bytes = (of: ArrayBufferView | ArrayBuffer): Uint8Array =>
    of instanceof ArrayBuffer ? new Uint8Array(of) : new Uint8Array(of.buffer, of.byteOffset, of.byteLength);
  const [left, right] = [bytes(a), bytes(b)];
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

/** Sets and keys of maps have no order; each on the right must find a partner of its own on the left. */
function sameMembers(actual: readonly unknown[], expected: readonly unknown[], how: Comparison, above: Pairs): boolean {
  if (actual.length !== expected.length) return false;
  const left = [...actual];
  return expected.every((member) => {
    const at = left.findIndex((candidate) => compare(candidate, member, how, above));
    if (at >= 0) left.splice(at, 1);
    return at >= 0;
  });
}

function sameFields(actual: object, expected: object, how: Comparison, above: Pairs): boolean {
  const keys = (of: object): PropertyKey[] =>
    Reflect.ownKeys(of).filter((key) => has(of, key) && (how === "strict" || (of as never)[key] !== undefined));
  const wanted = how === "subset" ? Reflect.ownKeys(expected).filter((key) => has(expected, key)) : keys(expected);
  if (how !== "subset" && keys(actual).length !== wanted.length) return false;
  return wanted.every(
    (key) =>
      (how === "strict" ? has(actual, key) : how === "equal" || key in actual) &&
      compare((actual as never)[key], (expected as never)[key], how, above),
  );
}

function sameObjects(actual: object, expected: object, how: Comparison, above: Pairs): boolean {
  if (tagOf(actual) !== tagOf(expected)) return false;
  if (how === "strict" && Object.getPrototypeOf(actual) !== Object.getPrototypeOf(expected)) return false;
  // Two values that contain themselves in the same way are equal where they meet again.
  if (above.some(([left, right]) => left === actual && right === expected)) return true;
  const deeper: Pairs = [...above, [actual, expected]];
  if (actual instanceof Date && expected instanceof Date) return Object.is(actual.getTime(), expected.getTime());
  if (actual instanceof RegExp) return String(actual) === String(expected);
  if (actual instanceof URL && expected instanceof URL) return actual.href === expected.href;
  if (actual instanceof Error && expected instanceof Error)
    return actual.name === expected.name && actual.message === expected.message;
  if (actual instanceof ArrayBuffer || ArrayBuffer.isView(actual))
    return sameBytes(actual, expected as ArrayBuffer | ArrayBufferView);
  if (actual instanceof Set && expected instanceof Set)
    return sameMembers([...actual], [...expected], how === "subset" ? "equal" : how, deeper);
  if (actual instanceof Map && expected instanceof Map)
    return sameMembers([...actual], [...expected], how === "subset" ? "equal" : how, deeper);
  if (Array.isArray(actual) && actual.length !== (expected as readonly unknown[]).length) return false;
  return sameFields(actual, expected, how, deeper);
}

export function compare(actual: unknown, expected: unknown, how: Comparison, above: Pairs = []): boolean {
  if (expected instanceof Pattern) return expected.accepts(actual);
  if (Object.is(actual, expected)) return true;
  if (typeof actual !== "object" || typeof expected !== "object" || actual === null || expected === null) return false;
  return sameObjects(actual, expected, how, above);
}
