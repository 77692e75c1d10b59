/** Whatever JSON a builder sends, it is read in full or refused as a bad answer: never another error. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { BadAnswer, checkBuilt, checkFailed } from "../../../core/script/build-answer.ts";

const whole = {
  form: "module",
  reported: "[]",
  registrations: [
    {
      id: 0,
      fn: "f",
      method: "GET",
      path: "/x",
      options: { a: [1] },
      definitions: { body: "string" },
      schemas: { body: {} },
      handler: "h",
    },
  ],
  inputs: [{ path: "a.ts", size: 1, mtimeMs: 1.5, hash: "00" }],
  warnings: [{ code: "internal", message: "m", file: "a.ts", line: 1, column: 1, frame: "f", hint: "h" }],
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
  expect(checkBuilt(JSON.stringify(whole), () => true)).toEqual(whole as never);
});

test("any value in any place is read or refused", () => {
  const odd = fc.oneof(fc.jsonValue(), fc.constantFrom("__proto__", "constructor", -1, 1e308, "", null, [], {}));
  fc.assert(
    fc.property(fc.constantFrom(...places(whole)), odd, (path, value) => {
      survives(() => checkBuilt(JSON.stringify(put(whole, path, value)), (name) => name === "a.ts"));
    }),
    { numRuns: 2000 },
  );
});

test("any text is read or refused", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      survives(() => checkBuilt(text, () => true));
      survives(() => checkFailed(text));
    }),
    { numRuns: 1000 },
  );
});

test("a prototype cannot be set by an answer", () => {
  const text = JSON.stringify(whole)
    .replace('"options":{"a":[1]}', '"options":{"__proto__":{"evil":1}}')
    .replace('"schemas":{', '"schemas":{"__proto__":{"query":{}},');
  const [registration] = checkBuilt(text, () => true).registrations;
  expect(Object.getPrototypeOf(registration?.options)).toBe(Object.prototype);
  expect(Object.keys(registration?.schemas ?? {})).toEqual(["body"]);
  expect(({} as { evil?: unknown }).evil).toBeUndefined();
});
