/** `expect`: one table of what can be expected; `.not`, `.resolves` and `.rejects` turn each row. */
import { compare, Pattern } from "./equal.ts";
import type { Expect, Matchers } from "./matchers.ts";
import { show } from "./show.ts";

/** What did not hold. `expected` and `actual` are texts, for a runner that shows a difference. */
export class ExpectationError extends Error {
  override readonly name = "ExpectationError";
  readonly expected: string;
  readonly actual: string;
  constructor(message: string, expected: string, actual: string) {
    super(message);
    this.expected = expected;
    this.actual = actual;
  }
}

interface Check {
  readonly holds: boolean;
  /** After "expected … to": `be 3`. */
  readonly wish: string;
  /** Texts to set side by side, where that says more than the sentence. */
  readonly sides?: readonly [expected: unknown, actual: unknown];
}

type Matcher = (actual: unknown, ...args: readonly never[]) => Check;

const plain =
  (wish: string, holds: (actual: unknown) => boolean): Matcher =>
  (actual) => ({ holds: holds(actual), wish });

const sideBySide =
  (wish: string, holds: (actual: unknown, expected: unknown) => boolean): Matcher =>
  (actual, expected) => ({ holds: holds(actual, expected), wish, sides: [expected, actual] });

const ordered =
  (wish: string, holds: (actual: number, expected: number) => boolean): Matcher =>
  (actual: unknown, expected: number) => ({
    holds: (typeof actual === "number" || typeof actual === "bigint") && holds(actual as number, expected),
    wish: `${wish} ${show(expected)}`,
  });

function contains(actual: unknown, expected: unknown, same: (a: unknown, b: unknown) => boolean): boolean {
  if (typeof actual === "string") return actual.includes(String(expected));
  if (typeof actual !== "object" || actual === null || !(Symbol.iterator in actual)) return false;
  return [...(actual as Iterable<unknown>)].some((item) => same(item, expected));
}

function lengthOf(actual: unknown): unknown {
  return actual === null || actual === undefined ? undefined : (actual as { length?: unknown }).length;
}

function hasProperty(actual: unknown, path: string | readonly (string | number)[], ...wanted: unknown[]): Check {
  const keys = typeof path === "string" ? path.split(".") : path;
  let value = actual;
  let there = true;
  for (const key of keys) {
    there &&= value !== null && value !== undefined && key in (Object(value) as object);
    value = there ? (value as Record<string, unknown>)[key] : undefined;
  }
  const wish = `have a property ${show(keys.join("."))}${wanted.length > 0 ? ` with ${show(wanted[0])}` : ""}`;
  return { holds: there && (wanted.length === 0 || compare(value, wanted[0], "equal")), wish };
}

function threw(thrown: { readonly error: unknown } | null, expected?: unknown): Check {
  const message = String((thrown?.error as { message?: unknown } | null | undefined)?.message ?? thrown?.error);
  const seen = thrown === null ? " (it threw nothing)" : ` (it threw ${show(thrown.error)})`;
  const is = (holds: () => boolean, what: string): Check => ({ holds: thrown !== null && holds(), wish: what + seen });
  if (expected === undefined) return is(() => true, "throw");
  if (typeof expected === "string")
    return is(() => message.includes(expected), `throw an error with ${show(expected)}`);
  if (expected instanceof RegExp) return is(() => expected.test(message), `throw an error that matches ${expected}`);
  if (typeof expected === "function")
    return is(() => thrown?.error instanceof (expected as never), `throw a ${expected.name}`);
  return is(() => compare(message, (expected as Error).message, "equal"), `throw ${show(expected)}`);
}

function toThrow(actual: unknown, expected?: unknown): Check {
  if (typeof actual !== "function") throw new TypeError("expect(…).toThrow(): give expect() a function.");
  try {
    (actual as () => unknown)();
  } catch (error) {
    return threw({ error }, expected);
  }
  return threw(null, expected);
}

const MATCHERS: { readonly [K in Exclude<keyof Matchers, "not">]: Matcher } = {
  toBe: sideBySide("be the same value", Object.is),
  toEqual: sideBySide("have the same content", (a, b) => compare(a, b, "equal")),
  toStrictEqual: sideBySide("have the same content and classes", (a, b) => compare(a, b, "strict")),
  toMatchObject: sideBySide("have these properties", (a, b) => compare(a, b, "subset")),
  toContain: (a: unknown, part: unknown) => ({ holds: contains(a, part, Object.is), wish: `contain ${show(part)}` }),
  toContainEqual: (a: unknown, part: unknown) => ({
    holds: contains(a, part, (item, other) => compare(item, other, "equal")),
    wish: `contain an equal of ${show(part)}`,
  }),
  toHaveLength: (a: unknown, length: number) => ({
    holds: lengthOf(a) === length,
    wish: `have length ${length} (it has ${show(lengthOf(a))})`,
  }),
  toHaveProperty: hasProperty as Matcher,
  toMatch: (a: unknown, part: string | RegExp) => ({
    holds: typeof a === "string" && (typeof part === "string" ? a.includes(part) : part.test(a)),
    wish: `match ${show(part)}`,
  }),
  toThrow,
  toBeInstanceOf: (a: unknown, type: abstract new () => unknown) => ({
    holds: a instanceof type,
    wish: `be a ${type.name}`,
  }),
  toBeDefined: plain("be defined", (a) => a !== undefined),
  toBeUndefined: plain("be undefined", (a) => a === undefined),
  toBeNull: plain("be null", (a) => a === null),
  toBeTruthy: plain("be truthy", Boolean),
  toBeFalsy: plain("be falsy", (a) => !a),
  toBeNaN: plain("be NaN", Number.isNaN),
  toBeGreaterThan: ordered("be greater than", (a, b) => a > b),
  toBeGreaterThanOrEqual: ordered("be at least", (a, b) => a >= b),
  toBeLessThan: ordered("be less than", (a, b) => a < b),
  toBeLessThanOrEqual: ordered("be at most", (a, b) => a <= b),
  toBeCloseTo: (a: unknown, expected: number, digits: number = 2) => ({
    holds: a === expected || (typeof a === "number" && Math.abs(a - expected) < 10 ** -digits / 2),
    wish: `be within ${10 ** -digits / 2} of ${expected}`,
  }),
};

function decide(actual: unknown, { holds, wish, sides }: Check, opposite: boolean): void {
  if (holds !== opposite) return;
  const sentence = `expected ${typeof actual === "function" ? "the function" : show(actual)} ${opposite ? "not " : ""}to ${wish}`;
  if (!sides) throw new ExpectationError(sentence, wish, show(actual));
  const [expected, seen] = [show(sides[0]), show(sides[1])];
  throw new ExpectationError(
    `expected ${opposite ? "not " : ""}to ${wish}\n  expected: ${expected}\n  actual:   ${seen}`,
    expected,
    seen,
  );
}

type Run = (matcher: Matcher, name: string, args: readonly never[], opposite: boolean) => unknown;

function table(run: Run, opposite: boolean): object {
  const rows = Object.entries(MATCHERS).map(([name, matcher]) => [
    name,
    (...args: readonly never[]) => run(matcher, name, args, opposite),
  ]);
  return Object.fromEntries(rows) as object;
}

const turned = (run: Run): object => Object.assign(table(run, false), { not: table(run, true) });

async function settle(value: unknown): Promise<{ readonly value: unknown } | { readonly error: unknown }> {
  try {
    return { value: await (typeof value === "function" ? (value as () => unknown)() : value) };
  } catch (error) {
    return { error };
  }
}

function expectation(actual: unknown): object {
  const now: Run = (matcher, _name, args, opposite) => decide(actual, matcher(actual, ...args), opposite);
  const resolves: Run = async (matcher, _name, args, opposite) => {
    const end = await settle(actual);
    if ("error" in end)
      throw new ExpectationError(`expected a value; rejected with ${show(end.error)}`, "a value", show(end.error));
    decide(end.value, matcher(end.value, ...args), opposite);
  };
  const rejects: Run = async (matcher, name, args, opposite) => {
    const end = await settle(actual);
    if ("value" in end)
      throw new ExpectationError(
        `expected a rejection; resolved to ${show(end.value)}`,
        "a rejection",
        show(end.value),
      );
    const check = name === "toThrow" ? threw(end, args[0]) : matcher(end.error, ...args);
    decide(end.error, check, opposite);
  };
  return Object.assign(turned(now), { resolves: turned(resolves), rejects: turned(rejects) });
}

const TYPES = new Map<unknown, string>([
  [String, "string"],
  [Number, "number"],
  [Boolean, "boolean"],
  [BigInt, "bigint"],
]);

const patterns: Omit<Expect, never> = {
  any: (type: abstract new () => unknown) =>
    new Pattern(`any ${type.name}`, (value) => typeof value === TYPES.get(type) || value instanceof type),
  anything: () => new Pattern("anything", (value) => value !== null && value !== undefined),
  objectContaining: (expected: object) =>
    new Pattern(
      `an object with ${show(expected)}`,
      (value) =>
        typeof value === "object" &&
        value !== null &&
        Object.entries(expected).every(
          ([key, item]) => key in value && compare((value as Record<string, unknown>)[key], item, "equal"),
        ),
    ),
  arrayContaining: (expected: readonly unknown[]) =>
    new Pattern(`a list with ${show(expected)}`, (value) =>
      expected.every((item) => Array.isArray(value) && value.some((other) => compare(other, item, "equal"))),
    ),
  stringContaining: (part: string) =>
    new Pattern(`a text with ${show(part)}`, (value) => typeof value === "string" && value.includes(part)),
  stringMatching: (part: string | RegExp) =>
    new Pattern(
      `a text that matches ${show(part)}`,
      (value) => typeof value === "string" && new RegExp(part).test(value),
    ),
} as Omit<Expect, never>;

/** @example expect(await answer.json()).toEqual({ id: expect.any(String), text: "milk" }); */
export const expect: Expect = Object.assign(expectation, patterns) as unknown as Expect;
