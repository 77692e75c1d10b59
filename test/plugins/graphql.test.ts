/** The schema of registrations, what arktype comes to in it, what is refused, and what operations may ask for: without isolates. */
import { describe, expect, test } from "bun:test";
import {
  buildSchema as buildSdl,
  execute,
  getIntrospectionQuery,
  parse,
  type GraphQLError,
  printSchema,
  type OperationDefinitionNode,
} from "graphql";
import { compileDefinition } from "../../core/isolate/build/schemas.ts";
import { fieldSdl } from "../../plugins/graphql/arktype.ts";
import { buildSchema, Checks, coordinates } from "../../plugins/graphql/build.ts";
import { parseWithin, wantCost, type Limits } from "../../plugins/graphql/limits.ts";
import { refuse } from "../../plugins/graphql/read.ts";
import { Operation, withoutNulls } from "../../plugins/graphql/resolve.ts";
import { DATE_TIME } from "../../plugins/graphql/scalars.ts";
import type { Json, PointRegistration, RemoteInput } from "../../sdk/plugin.ts";

type Schema = { readonly [key: string]: Json };

describe("arktype in GraphQL", () => {
  const cases: readonly (readonly [definition: unknown, type: string, ...types: string[]])[] = [
    ["string <= 20", "String!"],
    ["number", "Float!"],
    ["number.integer", "Int!"],
    ["boolean", "Boolean!"],
    ["string.uuid", "ID!"],
    ["string.date.iso", "DateTime!"],
    ["string | null", "String"],
    ["string.uuid | null", "ID"],
    ["'a' | 'b'", "FResult!", "enum FResult { a b }"],
    ["'a' | 'b' | null", "FResult", "enum FResult { a b }"],
    ["'a b' | 'c'", "String!"],
    ["1 | 2", "Int!"],
    ["number | string", "JSON!"],
    ["unknown", "JSON"],
    ["object", "JSON!"],
    ["Record<string, number>", "JSON!"],
    ["number[]", "[Float!]!"],
    ["(string | null)[]", "[String]!"],
    [{ id: "string", "note?": "string" }, "FResult!", "type FResult { id: String! note: String }"],
    [{ "a-b": "string" }, "JSON!"],
    [{ a: { b: "number" } }, "FResult!", "type FResultA { b: Float! }", "type FResult { a: FResultA! }"],
  ];
  for (const [definition, type, ...types] of cases) {
    test(`${JSON.stringify(definition)} is ${type}`, async () => {
      const made = fieldSdl("f", "Query", undefined, (await compileDefinition(definition)) as Schema, refuse);
      expect([made.field, made.types]).toEqual([`f: ${type}`, types]);
    });
  }

  test("arguments have defaults, inputs and enums; optional ones may be null", async () => {
    const args = await compileDefinition({
      a: "number.integer = 5",
      "b?": "string",
      c: { d: "'x' | 'y'" },
      e: "'p' | 'q' = 'p'",
    });
    const { field, types } = fieldSdl("f", "Note", args as Schema, { type: "string" }, refuse);
    expect(field).toContain("a: Int! = 5");
    expect(field).toMatch(/b: String[,)]/);
    expect(field).toContain("c: NoteFCInput!");
    expect(field).toContain("e: NoteFEInput! = p");
    expect(types).toContain("enum NoteFEInput { p q }");
    expect(types).toContain("input NoteFCInput { d: NoteFCInputDInput! }");
    expect(() => fieldSdl("f", "Query", { type: "string" }, {}, refuse)).toThrow("takes an object of arguments");
  });
});

function registration(script: string, fn: string, text: string, id = 0): PointRegistration {
  const what = fn === "registerType" ? { data: text } : { name: text };
  return { script, id, fn, ...what, options: {}, schemas: {}, invoke: async () => null };
}

describe("registrations", () => {
  const a = registration("a", "registerQueryHandler", "x: Int");
  const b = registration("b", "registerQueryHandler", "x: Int");

  test("of one name: whoever serves keeps it, else the earlier script by name", () => {
    const check = (one: PointRegistration, serving: readonly PointRegistration[]) => () =>
      new Checks().check(one, [a, b], new Set(serving));
    expect(check(a, [])).not.toThrow();
    expect(check(b, [])).toThrow('the field Query.x is taken: the script "a" has it');
    expect(check(a, [b])).toThrow('the field Query.x is taken: the script "b" has it');
    expect(check(b, [b])).not.toThrow();
  });

  test("speak of their own script's types only", () => {
    const type = registration("a", "registerType", "type T { i: Int }");
    const own = registration("a", "registerQueryHandler", "t: T", 1);
    const other = registration("b", "registerQueryHandler", "u: T");
    const all = [type, own, other];
    for (const one of [type, own]) expect(() => new Checks().check(one, all, new Set())).not.toThrow();
    expect(() => new Checks().check(other, all, new Set())).toThrow(
      'there is no type "T" in this script (it has none)',
    );
  });

  test("come to one schema; without a query of their own it has an empty one, and without fields there is none", () => {
    const live = (): undefined => undefined;
    const type = registration("a", "registerType", "type T { i: Int }");
    expect(buildSchema([], live)).toBeNull();
    expect(buildSchema([type], live)).toBeNull();
    const more = [
      type,
      registration("a", "registerMutationHandler", "m(t: JSON): T!"),
      registration("a", "registerFieldHandler", "T.at: DateTime"),
    ];
    const sdl = printSchema(buildSchema(more, live)!);
    for (const part of ["_empty: Boolean", "m(t: JSON): T!", "i: Int\n  at: DateTime", "scalar DateTime"])
      expect(sdl).toContain(part);
  });

  test("of one script have a length together", () => {
    const many = Array.from({ length: 300 }, (_, i) =>
      registration("a", "registerType", `type T${i} { ${"f: Int ".repeat(100)} }`, i),
    );
    expect(() => new Checks().check(many[0]!, many, new Set())).toThrow("200000 are allowed");
  });

  test("cannot bring a definition along", () => {
    for (const text of ["a: Int } type B { c: Int", "a: Int b: Int", "", "a: Int } extend type Query { c: Int"])
      expect(() => new Checks().check(registration("a", "registerQueryHandler", text), [], new Set())).toThrow();
    for (const text of ["schema { query: Q }", "directive @a on FIELD", "extend type Query { a: Int }", "{ a }"])
      expect(() => new Checks().check(registration("a", "registerType", text), [], new Set())).toThrow("it takes");
  });
});

test("handlers of one field of several types are called once each, with their own objects", async () => {
  const calls: unknown[] = [];
  const noting =
    (name: string, answer: (input: RemoteInput) => Json): PointRegistration["invoke"] =>
    async (input) => {
      calls.push([name, input.payload, input.args]);
      return answer(input);
    };
  const each = ({ payload }: RemoteInput): Json => (payload as Json[]).map(() => "x");
  const all = [
    registration(
      "a",
      "registerType",
      "interface N { s(i: I): String } input I { a: Int } type A implements N { s(i: I): String } type B implements N { s(i: I): String }",
    ),
    {
      ...registration("a", "registerQueryHandler", "ns: [N!]!", 1),
      invoke: noting("ns", () => [
        { __typename: "A", n: 1 },
        { __typename: "B", n: 2 },
        { __typename: "A", n: 3 },
      ]),
    },
    { ...registration("a", "registerFieldHandler", "A.s", 2), invoke: noting("A.s", each) },
    { ...registration("a", "registerFieldHandler", "B.s", 3), invoke: noting("B.s", each) },
  ];
  for (const one of all) new Checks().check(one, all, new Set());
  const schema = buildSchema(all, (name) => coordinates(all).get(name))!;
  const operation = new Operation("i1", null, new AbortController().signal, false, () => {});
  const result = await execute({
    schema,
    document: parse("{ ns { s(i: { a: null }) } }"),
    contextValue: { operation },
  });
  expect(JSON.parse(JSON.stringify(result))).toEqual({ data: { ns: [{ s: "x" }, { s: "x" }, { s: "x" }] } });
  expect(JSON.parse(JSON.stringify(calls))).toEqual([
    ["ns", null, {}],
    [
      "A.s",
      [
        { __typename: "A", n: 1 },
        { __typename: "A", n: 3 },
      ],
      { i: { a: null } },
    ],
    ["B.s", [{ __typename: "B", n: 2 }], { i: { a: null } }],
  ]);
});

test("null is absent where a definition has an optional key that takes none", async () => {
  const schema = await compileDefinition({
    a: "string | null",
    "b?": "string",
    "c?": "string | null",
    "d?": [{ "e?": "number" }, "[]"],
  });
  const given = { a: null, b: null, c: null, d: [{ e: null }, { e: 1 }] };
  expect(withoutNulls(given, schema as Json)).toEqual({ a: null, c: null, d: [{}, { e: 1 }] });
});

test("a DateTime is RFC 3339 from clients; from scripts any ISO date or milliseconds", () => {
  expect(DATE_TIME.coerceInputValue("2026-01-31T12:00:00+02:00")).toBe("2026-01-31T12:00:00+02:00");
  for (const wrong of ["2026-01-31", "2026-13-01T00:00:00Z", "now", 1, null])
    expect(() => DATE_TIME.coerceInputValue(wrong)).toThrow("RFC 3339");
  expect(DATE_TIME.coerceOutputValue("2026-01-31")).toBe("2026-01-31T00:00:00.000Z");
  expect(DATE_TIME.coerceOutputValue(0)).toBe("1970-01-01T00:00:00.000Z");
  expect(() => DATE_TIME.coerceOutputValue("soon")).toThrow("no date");
});

describe("limits", () => {
  const limits: Limits = { maxTokens: 2000, maxDepth: 5, maxAliases: 3, maxCost: 100 };
  const limitOf = (work: () => unknown): unknown => {
    try {
      work();
      return undefined;
    } catch (error) {
      return ((error as GraphQLError).extensions["limit"] as { name: string } | undefined)?.name ?? error;
    }
  };

  test("depth counts through fragments, and leaves the schema's own fields out", () => {
    expect(limitOf(() => parseWithin("{ a { b { c { d { e } } } } }", limits))).toBeUndefined();
    expect(limitOf(() => parseWithin("{ a { b { c { d { e { f } } } } } }", limits))).toBe("maxDepth");
    expect(
      limitOf(() => parseWithin("{ a { b { ...x } } } fragment x on A { c { d { ... { e { f } } } } }", limits)),
    ).toBe("maxDepth");
    expect(limitOf(() => parseWithin("{ __schema { a { b { c { d { e { f } } } } } } }", limits))).toBeUndefined();
    expect(limitOf(() => parseWithin(getIntrospectionQuery(), limits))).toBeUndefined();
    const borrowed = "{ a { ...x } } fragment x on __Type { b { c { d { e { f } } } } }";
    expect(limitOf(() => parseWithin(borrowed, limits))).toBe("maxDepth");
    expect(
      limitOf(() => parseWithin("{ ...x } fragment x on A { ...y } fragment y on A { ...x }", limits)),
    ).toBeUndefined();
  });

  test("aliases and tokens are counted", () => {
    expect(limitOf(() => parseWithin("{ a: a b: a c: a }", limits))).toBeUndefined();
    expect(limitOf(() => parseWithin("{ a: a b: a c: a ... { d: a } }", limits))).toBe("maxAliases");
    expect(limitOf(() => parseWithin("{ ...x ...x } fragment x on A { a: a b: b c: c }", limits))).toBeUndefined();
    expect(limitOf(() => parseWithin(`{ ${"a ".repeat(3000)} }`, limits))).toBe("maxTokens");
  });

  test("the cost is what lists multiply, by their size where it is told", () => {
    const schema = buildSdl("type Query { all: [T!]! some(first: Int = 2, x: Int): [T] } type T { i: Int all: [[T]] }");
    const cost = (text: string, variables = {}): unknown => {
      const document = parse(text);
      const operation = document.definitions[0] as OperationDefinitionNode;
      for (let most = 1; most < 10_000; most++)
        if (limitOf(() => wantCost(schema, document, operation, variables, { ...limits, maxCost: most })) === undefined)
          return most;
      return "more";
    };
    expect(cost("{ all { i } }")).toBe(11);
    expect(cost("{ some { i } }")).toBe(3);
    expect(cost("{ some(first: 7) { i } }")).toBe(8);
    expect(cost("query($n: Int) { some(first: $n) { i } }", { n: 20 })).toBe(21);
    expect(cost("query($n: Int) { some(first: $n) { i } }", { n: -5 })).toBe(2);
    expect(cost("query($n: Int) { some(first: $n) { i } }")).toBe(3);
    expect(cost("query($n: Int = 50) { some(first: $n) { i } }")).toBe(51);
    expect(cost("{ all { all { i } } }")).toBe(1011);
    expect(cost("{ all { ...f } } fragment f on T { i ... on T { i } }")).toBe(21);
  });
});
