/** The realm's validator: what it accepts, what it refuses, and the sentences it says. */
import { describe, expect, test } from "bun:test";
import { type } from "arktype";
import fc from "fast-check";
import { makeCoercer, makeValidator } from "../../../../core/isolate/realm/validate.ts";
import type { JsonSchema } from "../../../../core/script/types.ts";

const schemaOf = (definition: unknown): JsonSchema => type(definition as never).toJsonSchema() as unknown as JsonSchema;
const messages = (definition: unknown, value: unknown): string[] =>
  makeValidator(schemaOf(definition))(value).map((error) => `${error.path} ${error.message}`.trim());

describe("sentences", () => {
  const cases: readonly [definition: unknown, value: unknown, ...messages: string[]][] = [
    [{ text: "string <= 280" }, { text: "x".repeat(300) }, "/text must be at most 280 characters long (was 300)"],
    [{ text: "string > 0" }, { text: "" }, "/text must be at least 1 character long (was 0)"],
    [{ text: "string" }, {}, "/text must be a string (was missing)"],
    [{ text: "string" }, { text: 3 }, "/text must be a string (was a number)"],
    [{ text: "string" }, null, "must be an object (was null)"],
    [{ text: "string" }, [], "must be an object (was an array)"],
    [
      { a: "string", b: "number" },
      { b: "x" },
      "/a must be a string (was missing)",
      "/b must be a number (was a string)",
    ],
    ["number.integer", 1.5, "must be an integer (was 1.5)"],
    ["number > 5", 5, "must be more than 5 (was 5)"],
    ["number < 5", 5, "must be less than 5 (was 5)"],
    ["number >= 5", 3, "must be at least 5 (was 3)"],
    ["number <= 5", 6, "must be at most 5 (was 6)"],
    ["number % 5", 7, "must be a multiple of 5 (was 7)"],
    ["'a' | 'b'", "c", 'must be "a" or "b" (was "c")'],
    ["boolean", 3, "must be a boolean (was a number)"],
    ["null", 3, "must be null (was a number)"],
    ["string | null", 4, "must be a string or null (was a number)"],
    ["string == 3", "ab", "must be exactly 3 characters long (was 2)"],
    ["string.email", "x", 'must be an email address (was "x")'],
    ["string.uuid", "x", 'must be a UUID (was "x")'],
    ["/^a/", "b", 'must be matched by ^a (was "b")'],
    ["string[]", {}, "must be an array (was an object)"],
    ["string[] >= 2", ["a"], "must be at least 2 items long (was 1)"],
    ["string[]", ["a", 1], "/1 must be a string (was a number)"],
    [["string", "number"], ["a", 1, 2], "must be exactly 2 items long (was 3)"],
    [["string", "number"], ["a", "b"], "/1 must be a number (was a string)"],
    [{ "+": "reject", a: "string" }, { a: "x", b: 1 }, "/b must be removed"],
    [{ "[string]": "number" }, { a: "x" }, "/a must be a number (was a string)"],
    [{ "[/^x-/]": "number" }, { "x-a": "1", y: "1" }, "/x-a must be a number (was a string)"],
    [["string", "@", "a nice name"], 3, "must be a nice name (was a number)"],
    [{ "a/b~c": "string" }, {}, "/a~1b~0c must be a string (was missing)"],
  ];
  for (const [definition, value, ...expected] of cases) {
    test(`${JSON.stringify(definition)} says ${expected.join("; ").slice(0, 80)}`, () => {
      expect(messages(definition, value)).toEqual(expected);
    });
  }

  test("an error carries what was expected apart from the sentence", () => {
    expect(makeValidator(schemaOf({ n: "number <= 5" }))({ n: 6 })).toEqual([
      { path: "/n", message: "must be at most 5 (was 6)", expected: "at most 5" },
    ]);
  });

  test("at most 20 errors are told", () => {
    expect(makeValidator(schemaOf("string[]"))(Array.from({ length: 500 }, () => 1))).toHaveLength(20);
  });

  test("a long value is not repeated in full", () => {
    const [error] = makeValidator(schemaOf("'a' | 'b'"))("x".repeat(10_000));
    expect(error!.message.length).toBeLessThan(150);
  });
});

describe("unions", () => {
  const shapes = [{ kind: "'circle'", r: "number" }, "|", { kind: "'square'", side: "number" }];
  test("a tag picks the branch whose errors are told", () => {
    expect(messages(shapes, { kind: "circle", r: "1" })).toEqual(["/r must be a number (was a string)"]);
  });
  test("an unknown tag names those that are known", () => {
    expect(messages(shapes, { kind: "line" })).toEqual(['/kind must be "circle" or "square" (was "line")']);
    expect(messages(shapes, {})).toEqual(['/kind must be "circle" or "square" (was missing)']);
  });
  test("the kind of a value picks the branch", () => {
    expect(messages("string | number[]", ["a"])).toEqual(["/0 must be a number (was a string)"]);
  });
  test("without a tag every way is told in one error", () => {
    expect(messages([{ x: "number" }, "|", { y: "string" }], { y: 3 })).toEqual([
      "have x that must be a number (was missing) or have y that must be a string (was a number)",
    ]);
  });
  test("a valid branch is enough", () => {
    expect(messages(shapes, { kind: "square", side: 2 })).toEqual([]);
    expect(messages("string | null", null)).toEqual([]);
  });
});

describe("defaults", () => {
  test("an absent property gets its default, a new one each time", () => {
    const validate = makeValidator({
      type: "object",
      properties: { tags: { type: "array", default: [] }, n: { default: 10 } },
    });
    const first: { tags?: string[]; n?: number } = {};
    const second: { tags?: string[] } = {};
    expect([...validate(first), ...validate(second)]).toEqual([]);
    expect(first).toEqual({ tags: [], n: 10 });
    first.tags!.push("x");
    expect(second.tags).toEqual([]);
  });
  test("an answer is left as it is", () => {
    const value = {};
    expect(makeValidator(schemaOf({ n: "number = 10" }), { defaults: "leave" })(value)).toEqual([]);
    expect(value).toEqual({});
  });
  test("a branch that does not hold leaves no default behind", () => {
    const validate = makeValidator({
      anyOf: [schemaOf({ a: "number = 1", x: "string" }), schemaOf({ b: "number = 2", y: "string" })],
    });
    const value = { y: "y" };
    expect(validate(value)).toEqual([]);
    expect(value as unknown).toEqual({ b: 2, y: "y" });
  });
});

describe("formats", () => {
  const cases: readonly [format: string, good: readonly string[], bad: readonly string[]][] = [
    ["email", ["a@b.co", "a.b+c@d-e.example.org"], ["a", "a@b", "@b.co", `a@${"x".repeat(400)}.co`]],
    [
      "uri",
      ["https://example.com/a?b#c", "mailto:a@b.co"],
      ["example.com", "https://", "http:x", "javascript alert", "a b:c"],
    ],
    ["ipv4", ["127.0.0.1", "255.255.255.255"], ["256.0.0.1", "1.2.3", "1.2.3.4.", "01.2.3.4"]],
    [
      "ipv6",
      ["::", "::1", "1::", "fe80::1:2", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"],
      ["1", ":1", "1:", "1::2::3", "1:2:3:4:5:6:7", "g::", ":::"],
    ],
    ["date", ["2024-02-29", "2000-02-29"], ["2023-02-29", "1900-02-29", "2024-13-01", "2024-1-1"]],
    [
      "date-time",
      ["2024-02-29T12:00:00Z", "2024-01-01t00:00:60.5+02:00"],
      ["2024-02-29", "2024-02-30T12:00:00Z", "2024-01-01T25:00:00Z"],
    ],
    ["time", ["12:00:00Z"], ["12:00", "24:00:00Z"]],
    ["uuid", ["0191e1f0-0000-7000-8000-000000000000"], ["0191e1f0"]],
    ["regex", ["^a+$"], ["("]],
  ];
  for (const [format, good, bad] of cases) {
    test(format, () => {
      const validate = makeValidator({ type: "string", format });
      expect(good.filter((text) => validate(text).length > 0)).toEqual([]);
      expect(bad.filter((text) => validate(text).length === 0)).toEqual([]);
    });
  }
  test("an unknown format is a remark", () => {
    expect(makeValidator({ type: "string", format: "unheard-of" })("x")).toEqual([]);
  });
});

describe("hostile input", () => {
  test("__proto__ and constructor are keys like others", () => {
    const body = JSON.parse('{"__proto__": {"admin": true}, "constructor": 3}') as object;
    const validate = makeValidator(schemaOf({ "+": "reject", "admin?": "boolean" }));
    expect(validate(body).map((error) => error.path)).toEqual(["/__proto__", "/constructor"]);
    expect(makeValidator(schemaOf({ constructor: "string" }))({})).toHaveLength(1);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
  test("a default for __proto__ becomes an own property", () => {
    const value = {};
    makeValidator(JSON.parse('{"type":"object","properties":{"__proto__":{"default":{"admin":true}}}}') as JsonSchema)(
      value,
    );
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect((value as { admin?: boolean }).admin).toBeUndefined();
  });
  test("a schema that contains itself follows a value only so far", () => {
    let nested: unknown = { name: "leaf" };
    for (let i = 0; i < 5000; i++) nested = { name: "x", child: nested };
    const [error] = makeValidator(schemaOf({ name: "string", "child?": "this" }))(nested);
    expect(error!.message).toContain("nested at most 200 levels deep");
  });
  test("a schema that refers to itself only ends", () => {
    expect(makeValidator({ $ref: "#" })(1)).toHaveLength(1);
  });
  test("text of the wrong length never meets the pattern", () => {
    const validate = makeValidator({ type: "string", maxLength: 10, pattern: "^(a+)+$" });
    const before = performance.now();
    expect(validate(`${"a".repeat(200_000)}b`)).toHaveLength(1);
    expect(performance.now() - before).toBeLessThan(100);
  });
  test("NaN and Infinity are no numbers", () => {
    const validate = makeValidator({ type: "number" });
    expect([NaN, Infinity, -Infinity].map((n) => validate(n).length)).toEqual([1, 1, 1]);
  });
  test("a keyword that would not be checked is refused", () => {
    expect(() => makeValidator({ not: { type: "string" } })).toThrow('The schema keyword "not" is not supported');
  });
  test("a reference that leads nowhere is refused", () => {
    expect(() => makeValidator({ $ref: "#/$defs/x" })).toThrow("leads nowhere");
    expect(() => makeValidator({ $ref: "https://example.com/x" })).toThrow('must start with "#/"');
    expect(() => makeValidator({ $ref: "#/constructor" })).toThrow("leads nowhere");
  });
  test("a schema of endless depth is refused", () => {
    let schema: JsonSchema = { type: "string" };
    for (let i = 0; i < 500; i++) schema = { type: "array", items: schema };
    expect(() => makeValidator(schema)).toThrow("at most 100 levels");
  });
  test("patched prototypes change nothing", () => {
    const validate = makeValidator(schemaOf({ text: "/^a+$/" }));
    const { exec } = RegExp.prototype;
    const hasOwn = Object.hasOwn;
    try {
      RegExp.prototype.exec = () => ["a"] as unknown as RegExpExecArray;
      Object.hasOwn = () => false;
      expect(validate({ text: "b" })).toHaveLength(1);
    } finally {
      RegExp.prototype.exec = exec;
      Object.hasOwn = hasOwn;
    }
  });
});

describe("agreement with arktype", () => {
  const definitions = [
    { a: "string", "b?": "number.integer >= 0" },
    "string | number[]",
    ["string", "...", "number[]"],
    { a: { b: { c: "string | null" } } },
    [{ kind: "'a'", x: "number" }, "|", { kind: "'b'", y: "string" }],
  ];
  const values = [
    null,
    1,
    -1,
    1.5,
    "a",
    "",
    true,
    [],
    ["a"],
    ["a", 1],
    ["a", 1, 2],
    [1, 2],
    [1, "a"],
    {},
    { a: "x" },
    { a: "x", b: 1 },
    { a: "x", b: -1 },
    { a: "x", b: "1" },
    { x: true },
    { x: 1 },
    { a: { b: { c: null } } },
    { a: { b: { c: 1 } } },
    { a: { b: {} } },
    { kind: "a", x: 1 },
    { kind: "a", y: "1" },
    { kind: "b", y: "1" },
    { kind: "c" },
  ];
  // A list is an object to arktype and none to JSON Schema, which is why no index signature stands here.
  test("the same values are valid", () => {
    for (const definition of definitions) {
      const ark = type(definition as never) as unknown as { allows(value: unknown): boolean };
      const validate = makeValidator(schemaOf(definition));
      for (const value of values) {
        expect({ definition, value, valid: validate(value).length === 0 }).toEqual({
          definition,
          value,
          valid: ark.allows(value),
        });
      }
    }
  });

  const leaf = fc.constantFrom<unknown>(
    ...[
      "string",
      "number",
      "number.integer",
      "boolean",
      "null",
      "'a'",
      "'a' | 1",
      "string >= 2",
      "0 <= number < 3",
      "/^a/",
    ],
  );
  const { definition } = fc.letrec<{ definition: unknown }>((tie) => ({
    definition: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      leaf,
      fc.tuple(fc.constantFrom("a", "b?"), tie("definition")).map(([key, part]) => ({ [key]: part })),
      fc.record({ a: tie("definition"), "b?": tie("definition") }, { noNullPrototype: true }),
      fc.tuple(tie("definition"), fc.constant("[]")),
      fc.tuple(tie("definition"), fc.constant("|"), tie("definition")),
    ),
  }));
  const value = fc.oneof(
    fc.constantFrom<unknown>("a", "ab", "", 0, 1, 2.5, -1, true, null),
    fc.jsonValue({ maxDepth: 3 }),
    fc.record({ a: fc.constantFrom<unknown>("a", 1, null, {}), b: fc.constantFrom<unknown>("ab", 0, [], ["a"]) }),
  );

  test("whatever the definition and the value", () => {
    fc.assert(
      fc.property(definition, fc.array(value, { minLength: 8, maxLength: 8 }), (shape, values) => {
        const ark = type(shape as never) as unknown as { allows(value: unknown): boolean };
        const validate = makeValidator(schemaOf(shape));
        for (const one of values) {
          if (JSON.stringify(one).includes("[") && JSON.stringify(shape).includes("{")) continue;
          expect(validate(one).length === 0).toBe(ark.allows(one));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("text to values", () => {
  const coerce = (definition: unknown, record: Record<string, string | string[]>) => {
    const { value, errors } = makeCoercer(schemaOf(definition))(record);
    return { value: { ...value }, errors: errors.map((error) => `${error.path} ${error.message}`) };
  };
  test("numbers, integers, booleans and lists", () => {
    expect(
      coerce(
        { n: "number", i: "number.integer", b: "boolean", l: "number[]" },
        { n: "1.5", i: "-3", b: "true", l: ["1", "2"] },
      ),
    ).toEqual({ value: { n: 1.5, i: -3, b: true, l: [1, 2] }, errors: [] });
  });
  test("a key that is there once is a list of one", () => {
    expect(coerce({ l: "string[]" }, { l: "a" }).value).toEqual({ l: ["a"] });
  });
  test("what is no number stays text and is told as it was sent", () => {
    expect(coerce({ n: "number" }, { n: "abc" }).errors).toEqual(['/n must be a number (was "abc")']);
    expect(coerce({ n: "number" }, { n: "" }).errors).toEqual(['/n must be a number (was "")']);
    for (const text of ["0x10", "1e999", " 1", "Infinity", "NaN", "1_000"])
      expect(coerce({ n: "number" }, { n: text }).errors).toHaveLength(1);
  });
  test("a whole number beyond 2^53 is refused instead of changed", () => {
    expect(coerce({ i: "number.integer" }, { i: "9007199254740993" }).errors).toHaveLength(1);
  });
  test("a repeated key where one is wanted is refused", () => {
    expect(coerce({ id: "string" }, { id: ["a", "b"] }).errors).toEqual(["/id must be a string (was an array)"]);
  });
  test("unions take the first branch that holds, text that is valid stays text", () => {
    expect(coerce({ v: "number.integer | 'auto'" }, { v: "auto" }).value).toEqual({ v: "auto" });
    expect(coerce({ v: "number.integer | 'auto'" }, { v: "3" }).value).toEqual({ v: 3 });
    expect(coerce({ v: "string | number" }, { v: "3" }).value).toEqual({ v: "3" });
    expect(coerce({ v: "1 | 2" }, { v: "2" }).value).toEqual({ v: 2 });
  });
  test("defaults are filled, unknown keys are kept", () => {
    expect(coerce({ limit: "number = 10" }, { other: "x" })).toEqual({ value: { limit: 10, other: "x" }, errors: [] });
  });
  test("the record has no prototype, and __proto__ is a key", () => {
    const record = JSON.parse('{"__proto__":"x"}') as Record<string, string>;
    const { value } = makeCoercer(schemaOf({ "a?": "string" }))(record);
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.keys(value)).toEqual(["__proto__"]);
  });
});
