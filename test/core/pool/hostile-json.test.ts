/** Depth is counted before JSON is parsed, the same as a parser would, and in a fraction of its time. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isDeep, parseHostile, TooDeep } from "../../../core/pool/hostile-json.ts";

function depthOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test("counts what a walk counts, whatever the strings hold", () => {
  const text = fc.oneof(fc.string(), fc.constantFrom('"[[[', "\\", '\\"', "]}", '{"', "\\\\"));
  const json = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 6 }, text, fc.integer(), tie("list"), tie("object")),
    list: fc.array(tie("any"), { maxLength: 3 }),
    object: fc.dictionary(text, tie("any"), { maxKeys: 3 }),
  })).any;
  fc.assert(
    fc.property(json, fc.integer({ min: 0, max: 8 }), (value, most) => {
      expect(isDeep(JSON.stringify(value), most)).toBe(depthOf(value) > most);
    }),
    { numRuns: 2000 },
  );
});

test("deep text is refused before it is parsed, other text is the parser's affair", () => {
  const deep = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;
  const start = performance.now();
  expect(() => parseHostile(deep)).toThrow(TooDeep);
  expect(performance.now() - start).toBeLessThan(50);
  expect(() => parseHostile('{"a')).toThrow(SyntaxError);
  expect(parseHostile('{"a":[1,"[[["]}')).toEqual({ a: [1, "[[["] });
});

test("strings that are made to be counted for long are not", () => {
  for (const text of [
    `"${"\\".repeat(3_000_000)}"`,
    `["${'\\"'.repeat(1_500_000)}"]`,
    `"${"\\\\".repeat(1_500_000)}`,
  ]) {
    const start = performance.now();
    isDeep(text, 1000);
    expect(performance.now() - start).toBeLessThan(500);
  }
});
