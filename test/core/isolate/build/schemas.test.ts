/** arktype definitions leave the builder as JSON Schema, or as a sentence that says what is wrong and where. */
import { expect, test } from "bun:test";
import { compileSchemas } from "../../../../core/isolate/build/schemas.ts";
import type { Json, Registration, SchemaPart } from "../../../../core/script/types.ts";

function registration(definitions: { [part in SchemaPart]?: Json }): Registration {
  return { id: 0, fn: "registerWebHandler", method: "POST", path: "/notes/:id", options: {}, definitions };
}

async function compile(part: SchemaPart, definition: Json) {
  const { registrations, problems } = await compileSchemas([registration({ [part]: definition })], "notes.ts");
  return { schema: registrations[0]?.schemas[part], problem: problems[0] };
}

const good: [definition: Json, schema: Json][] = [
  [
    { text: "string <= 280" },
    { type: "object", properties: { text: { type: "string", maxLength: 280 } }, required: ["text"] },
  ],
  [
    { n: "number.integer >= 0 = 5" },
    { type: "object", properties: { n: { type: "integer", minimum: 0, default: 5 } } },
  ],
  [{ "a?": "string | null" }, { type: "object", properties: { a: { anyOf: [{ type: "string" }, { type: "null" }] } } }],
  [
    { "+": "reject", a: "'x' | 'y'" },
    { type: "object", properties: { a: { enum: ["x", "y"] } }, required: ["a"], additionalProperties: false },
  ],
  ["string[]", { type: "array", items: { type: "string" } }],
  ["string.url", { type: "string", format: "uri" }],
  ["string.uuid.v4", expect.objectContaining({ type: "string" })],
  ["string.email", expect.objectContaining({ type: "string", format: "email" })],
  ["string.date.iso", expect.objectContaining({ type: "string" })],
  ["/^(a+)+$/", { type: "string", pattern: "^(a+)+$" }],
  [{ kids: "this[]" }, expect.objectContaining({ $ref: expect.any(String) })],
];

test.each(good)("%j is compiled", async (definition, schema) => {
  const { schema: got, problem } = await compile("body", definition);
  expect(problem).toBeUndefined();
  expect(got as unknown).toEqual(schema);
});

test("a number in a query is a number", async () => {
  const { schema } = await compile("query", { page: "number" });
  expect(schema).toEqual({ type: "object", properties: { page: { type: "number" } }, required: ["page"] });
});

const bad: [part: SchemaPart, definition: Json, message: RegExp, hint: RegExp][] = [
  ["body", { a: { b: "strin" } }, /POST \/notes\/:id, at `body\.a\.b`.*'strin' is unresolvable/, /arktype/],
  ["body", "string >", /at `body`: .*'>'|at `body`/, /arktype/],
  ["query", { page: "string.numeric.parse" }, /at `query\.page`, is a keyword that converts/, /"number"/],
  ["body", { d: "Date" }, /at `body\.d`, is a class/, /string\.date\.iso/],
  ["body", { f: "File" }, /at `body\.f`, is a class/, /files/],
  ["body", { "d?": "string | undefined" }, /at `body\.d`, is a value that JSON does not have/, /"name\?"/],
  ["body", { n: "bigint" }, /at `body\.n`/, /./],
  ["body", { c: "string.creditCard" }, /only code can check/, /handler/],
  ["body", { c: 5 }, /at `body\.c`.*must be strings or objects/, /arktype/],
  ["params", "string", /at `params`, is no object/, /params: \{ name/],
  ["body", { a: "/(/" }, /at `body\.a`/, /./],
  ["body", JSON.parse('{"__proto__":{"x":"strin"}}') as Json, /at `body\.__proto__\.x`/, /./],
];

test.each(bad)("%s %j is refused", async (part, definition, message, hint) => {
  const { schema, problem } = await compile(part, definition);
  expect(schema).toBeUndefined();
  expect(problem).toMatchObject({ code: "bad_registration", file: "notes.ts" });
  expect(problem?.message).toMatch(message);
  expect(problem?.hint).toMatch(hint);
});

test("a pattern that would backtrack for ever is not run here", async () => {
  const { schema } = await compile("body", { a: "/^(\\s+)+$/", b: "string.regex" });
  expect(schema).toBeDefined();
});

test("a registration without schemas is left as it is", async () => {
  const { registrations, problems } = await compileSchemas([registration({})], "notes.ts");
  expect(problems).toEqual([]);
  expect(registrations).toEqual([{ ...registration({}), schemas: {} }]);
});
