/** The `expect` of scripts' tests, held to the one of `bun test`: what passes there passes here, and the reverse. */
import { describe, expect as bunExpect, test } from "bun:test";
import { expect } from "../../../sdk/testing.ts";
import { ExpectationError } from "../../../sdk/testing/expect.ts";

type AnyExpect = (value: unknown) => Record<string, (...args: readonly unknown[]) => unknown>;
type Row = readonly [matcher: string, actual: unknown, ...args: unknown[]];

class Point {
  constructor(
    readonly x: number,
    readonly y = 0,
  ) {}
}
const cyclic = (): object => {
  const value: Record<string, unknown> = { a: 1 };
  value["self"] = value;
  return value;
};
const boom = (): never => {
  throw new TypeError("boom: broken");
};

const ROWS: readonly Row[] = [
  ["toBe", 1, 1],
  ["toBe", 1, 2],
  ["toBe", NaN, NaN],
  ["toBe", 0, -0],
  ["toBe", {}, {}],
  ["toEqual", { a: 1, b: [1, { c: 2 }] }, { a: 1, b: [1, { c: 2 }] }],
  ["toEqual", { a: 1 }, { a: 1, b: undefined }],
  ["toEqual", { a: 1, b: undefined }, { a: 1 }],
  ["toEqual", { a: 1 }, { a: 2 }],
  ["toEqual", { a: 1 }, { b: 1 }],
  ["toEqual", [1, 2], [2, 1]],
  ["toEqual", [1, 2], [1, 2, 3]],
  ["toEqual", [], {}],
  ["toEqual", null, undefined],
  ["toEqual", "1", 1],
  ["toEqual", new Date(5), new Date(5)],
  ["toEqual", new Date(5), new Date(6)],
  ["toEqual", /a/g, /a/g],
  ["toEqual", /a/g, /a/i],
  ["toEqual", new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1])],
  ["toEqual", new Set([1]), new Set([2])],
  ["toEqual", new Map([["a", { n: 1 }]]), new Map([["a", { n: 1 }]])],
  ["toEqual", new Map([["a", 1]]), new Map([["a", 2]])],
  ["toEqual", new Uint8Array([1, 2]), new Uint8Array([1, 2])],
  ["toEqual", new Uint8Array([1, 2]), new Uint8Array([1, 3])],
  ["toEqual", new Point(1), { x: 1, y: 0 }],
  ["toEqual", new Error("a"), new Error("a")],
  ["toEqual", new Error("a"), new Error("b")],
  ["toEqual", cyclic(), cyclic()],
  ["toStrictEqual", new Point(1), new Point(1)],
  ["toStrictEqual", new Point(1), { x: 1, y: 0 }],
  ["toStrictEqual", { a: 1, b: undefined }, { a: 1 }],
  ["toStrictEqual", { a: [1] }, { a: [1] }],
  ["toMatchObject", { a: 1, b: { c: 2, d: 3 } }, { b: { c: 2 } }],
  ["toMatchObject", { a: 1 }, { a: 2 }],
  ["toMatchObject", { a: [1, 2] }, { a: [1] }],
  ["toMatchObject", { a: [{ b: 1, c: 2 }] }, { a: [{ b: 1 }] }],
  ["toContain", "hello", "ell"],
  ["toContain", "hello", "x"],
  ["toContain", [1, 2], 2],
  ["toContain", [{ a: 1 }], { a: 1 }],
  ["toContain", new Set([1]), 1],
  ["toContainEqual", [{ a: 1 }], { a: 1 }],
  ["toContainEqual", [{ a: 1 }], { a: 2 }],
  ["toHaveLength", "abc", 3],
  ["toHaveLength", [1], 3],
  ["toHaveProperty", { a: { b: 1 } }, "a.b"],
  ["toHaveProperty", { a: { b: 1 } }, "a.b", 1],
  ["toHaveProperty", { a: { b: 1 } }, "a.b", 2],
  ["toHaveProperty", { a: { b: 1 } }, "a.c"],
  ["toHaveProperty", { "a.b": 1 }, ["a.b"]],
  ["toMatch", "hello", "ell"],
  ["toMatch", "hello", /^h.*o$/],
  ["toMatch", "hello", /x/],
  ["toThrow", boom],
  ["toThrow", () => 1],
  ["toThrow", boom, "boom"],
  ["toThrow", boom, "bang"],
  ["toThrow", boom, /broken$/],
  ["toThrow", boom, TypeError],
  ["toThrow", boom, RangeError],
  ["toThrow", boom, new Error("boom: broken")],
  ["toThrow", boom, new Error("boom")],
  ["toBeInstanceOf", new Point(1), Point],
  ["toBeInstanceOf", {}, Point],
  ["toBeDefined", null],
  ["toBeDefined", undefined],
  ["toBeUndefined", undefined],
  ["toBeNull", null],
  ["toBeNull", undefined],
  ["toBeTruthy", "a"],
  ["toBeTruthy", ""],
  ["toBeFalsy", 0],
  ["toBeFalsy", []],
  ["toBeNaN", NaN],
  ["toBeNaN", 1],
  ["toBeGreaterThan", 2, 1],
  ["toBeGreaterThan", 1, 1],
  ["toBeGreaterThanOrEqual", 1, 1],
  ["toBeGreaterThanOrEqual", 0, 1],
  ["toBeLessThan", 1n, 2n],
  ["toBeLessThan", 2, 2],
  ["toBeLessThanOrEqual", 2, 2],
  ["toBeLessThanOrEqual", 3, 2],
  ["toBeCloseTo", 0.1 + 0.2, 0.3],
  ["toBeCloseTo", 0.31, 0.3],
  ["toBeCloseTo", 0.301, 0.3, 3],
];

function passes(run: () => unknown): boolean {
  try {
    run();
    return true;
  } catch {
    return false;
  }
}

test.each([...ROWS.entries()])("row %d means what it means in bun test", (_row, [matcher, actual, ...args]) => {
  for (const not of [false, true]) {
    const ask = (from: unknown) => () => {
      const asked = (from as AnyExpect)(actual);
      return (not ? (asked["not"] as never as typeof asked) : asked)[matcher]!(...args);
    };
    expect(passes(ask(expect))).toBe(passes(ask(bunExpect)));
  }
});

test("stand-ins match where a value is not known in full", () => {
  const value = { id: "a-1", at: new Date(), list: [1, { n: 2, m: 3 }], text: "milk and honey" };
  expect(value).toEqual({
    id: expect.stringMatching(/^a-\d$/),
    at: expect.any(Date),
    list: expect.arrayContaining([expect.objectContaining({ n: 2 })]),
    text: expect.stringContaining("honey"),
  });
  expect(value).toMatchObject({ id: expect.any(String), text: expect.anything() });
  bunExpect(passes(() => expect({ a: null }).toEqual({ a: expect.anything() }))).toBe(false);
  bunExpect(passes(() => expect({ a: 1 }).toEqual({ a: expect.any(String) }))).toBe(false);
  bunExpect(passes(() => expect({ a: { b: 1, c: 2 } }).toEqual({ a: expect.objectContaining({ b: 2 }) }))).toBe(false);
});

describe("what a failure says", () => {
  const failure = (run: () => void): ExpectationError => {
    try {
      run();
    } catch (error) {
      return error as ExpectationError;
    }
    throw new Error("it passed");
  };

  test("both values, and both alone for a runner that shows a difference", () => {
    const error = failure(() => expect({ a: 1, b: "x" }).toEqual({ a: 2, b: expect.any(String) }));
    bunExpect(error).toBeInstanceOf(ExpectationError);
    bunExpect(error.expected).toBe("{\n  a: 2,\n  b: <any String>,\n}");
    bunExpect(error.actual).toBe('{\n  a: 1,\n  b: "x",\n}');
    bunExpect(error.message).toStartWith("expected to have the same content\n  expected: {");
  });

  test.each([
    [() => expect(1).toBeGreaterThan(2), "expected 1 to be greater than 2"],
    [() => expect("a").not.toContain("a"), 'expected "a" not to contain "a"'],
    [() => expect([1]).toHaveLength(2), "expected [\n  1,\n] to have length 2 (it has 1)"],
    [
      () => expect(boom).toThrow("bang"),
      'expected the function to throw an error with "bang" (it threw TypeError: boom: broken)',
    ],
    [() => expect({ a: { b: 1 } }).toHaveProperty("a.c"), 'to have a property "a.c"'],
  ])("a sentence: %#", (run, sentence) => bunExpect(failure(run).message).toContain(sentence));

  test("a value that cannot be shown does not hide the failure", () => {
    const hostile = {
      get a(): never {
        throw new Error("no");
      },
    };
    bunExpect(failure(() => expect(hostile).toBe(1 as never)).message).toContain("a value that cannot be shown");
    bunExpect(failure(() => expect(cyclic()).toBe(1 as never)).message).toContain("[the same object as above]");
    bunExpect(failure(() => expect("x".repeat(1e6)).toBe("y")).message.length).toBeLessThan(30_000);
  });
});

describe("promises", () => {
  test("resolves and rejects turn every matcher into one that is awaited", async () => {
    await expect(Promise.resolve({ a: 1 })).resolves.toEqual({ a: 1 });
    await expect(Promise.resolve(1)).resolves.not.toBe(2);
    await expect(Promise.reject(new TypeError("gone"))).rejects.toThrow("gone");
    await expect(Promise.reject(new TypeError("gone"))).rejects.toBeInstanceOf(TypeError);
    await expect(async () => {
      throw new Error("gone");
    }).rejects.toThrow(/gone/);
    await expect(Promise.reject(new Error("gone"))).rejects.not.toThrow("here");
  });

  test("the other outcome is a failure that shows what came", async () => {
    const outcome = async (run: Promise<void>): Promise<string> => {
      const [end] = await Promise.allSettled([run]);
      return end!.status === "rejected" ? String((end.reason as Error).message) : "passed";
    };
    bunExpect(await outcome(expect(Promise.reject(new Error("gone"))).resolves.toBe(1 as never))).toBe(
      "expected a value; rejected with Error: gone",
    );
    bunExpect(await outcome(expect(Promise.resolve(1)).rejects.toThrow())).toBe("expected a rejection; resolved to 1");
    bunExpect(await outcome(expect(Promise.resolve(1)).resolves.toBe(2))).toContain("actual:   1");
    bunExpect(await outcome(expect(Promise.reject(new Error("gone"))).rejects.toThrow("here"))).toContain(
      "it threw Error: gone",
    );
  });
});
