/** Whatever JSON a builder sends, it is read in full or refused as a bad answer: never another error. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { BadAnswer, checkBuilt, checkFailed } from "../../../core/script/build-answer.ts";
import type { PointTable } from "../../../core/script/types.ts";

const whole = {
  form: "module",
  reported: "[]",
  registrations: [
    {
      id: 0,
      fn: "registerWebHandler",
      method: "GET",
      path: "/x",
      options: { a: [1] },
      definitions: { body: "string" },
      schemas: { body: {} },
      handler: "h",
    },
    { id: 1, fn: "registerMiddleware", options: {}, definitions: {}, schemas: {} },
    {
      id: 2,
      fn: "registerBell",
      point: "bells",
      name: "b",
      data: [{ a: 1 }],
      options: { loud: true },
      definitions: { input: "string" },
      schemas: { input: { type: "string" } },
      callable: true,
      handlers: ["admit"],
    },
  ],
  inputs: [{ path: "a.ts", size: 1, mtimeMs: 1.5, hash: "00" }],
  warnings: [{ code: "internal", message: "m", file: "a.ts", line: 1, column: 1, frame: "f", hint: "h" }],
};

const POINTS: PointTable = {
  registerBell: {
    point: "bells",
    canonical: "registerBell",
    args: ["name", "data?", "options?", "handler?"],
    definitions: ["input"],
    handlers: ["admit", "leave"],
  },
  ring: { point: "bells", canonical: "registerBell", args: [] },
  sound: { point: "bells", canonical: "sound", args: [], calls: { service: "bells", method: "sound" } },
};

type Path = readonly (string | number)[];

/** Every place in the answer. */
function places(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, one]) => places(one, [...path, key]))];
}

function put(value: unknown, [key, ...path]: Path, to: unknown): unknown {
  if (key === undefined) return to;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...(value as unknown[])] as never)
    : { ...(value as object) };
  copy[key] = put(copy[key], path, to);
  return copy;
}

function survives(check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof BadAnswer)) throw error;
  }
}

test("an honest answer is read as it is", () => {
  expect(checkBuilt(JSON.stringify(whole), () => true, POINTS)).toEqual(whole as never);
});

test("any value in any place is read or refused", () => {
  const odd = fc.oneof(fc.jsonValue(), fc.constantFrom("__proto__", "constructor", -1, 1e308, "", null, [], {}));
  fc.assert(
    fc.property(fc.constantFrom(...places(whole)), odd, (path, value) => {
      survives(() => checkBuilt(JSON.stringify(put(whole, path, value)), (name) => name === "a.ts", POINTS));
    }),
    { numRuns: 2000 },
  );
});

test("any text is read or refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      survives(() => checkBuilt(text, () => true, POINTS));
      survives(() => checkFailed(text));
    }),
    { numRuns: 1000 },
  );
});

test("a prototype cannot be set by an answer", () => {
  const text = JSON.stringify(whole)
    .replace('"options":{"a":[1]}', '"options":{"__proto__":{"evil":1}}')
    .replace('"schemas":{', '"schemas":{"__proto__":{"query":{}},');
  const [registration] = checkBuilt(text, () => true, POINTS).registrations;
  expect(Object.getPrototypeOf(registration?.options)).toBe(Object.prototype);
  expect(Object.keys(registration?.schemas ?? {})).toEqual(["body"]);
  expect(({} as { evil?: unknown }).evil).toBeUndefined();
});

const lies: readonly [name: string, changes: object][] = [
  ["a function that does not exist", { fn: "registerGong" }],
  ["an alias", { fn: "ring" }],
  ["a function in an option that takes none", { handlers: ["input"] }],
  ["a function in one option twice", { handlers: ["admit", "admit"] }],
  ["more functions than options", { handlers: ["admit", "leave", "admit"] }],
  ["functions that are no list", { handlers: { admit: true } }],
  ["a function in the option of another function's", { fn: "registerGong", handlers: ["admit"] }],
  ["a function that registers nothing", { fn: "sound" }],
  ["another plugin's point", { point: "gongs" }],
  ["no name", { name: undefined }],
  ["a path where the function has none", { path: "/x" }],
  ["a name that is no text", { name: 1 }],
  ["a name without end", { name: "x".repeat(201) }],
  ["an inherited name", { fn: "constructor" }],
];
test.each(lies)("a registration under %s is refused", (_name, changes) => {
  const text = JSON.stringify(put(whole, ["registrations", 2], { ...whole.registrations[2], ...changes }));
  expect(() => checkBuilt(text, () => true, POINTS)).toThrow(BadAnswer);
});

test("only the options that a point calls definitions have schemas", () => {
  const odd = { ...whole.registrations[2], definitions: { output: "x" }, schemas: { output: {} } };
  const { registrations } = checkBuilt(JSON.stringify(put(whole, ["registrations", 2], odd)), () => true, POINTS);
  expect(registrations[2]).toMatchObject({ definitions: {}, schemas: {} });
});
