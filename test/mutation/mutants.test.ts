/** What faults are planted: a tool that plants none, or ones that change nothing, would praise any test. */
import { expect, test } from "bun:test";
import { applied, mutantsOf } from "./mutants.ts";

function faultsOf(source: string): readonly string[] {
  return mutantsOf(source).map((mutant) => applied(source, mutant));
}

const planted: readonly (readonly [source: string, faults: readonly string[]])[] = [
  ["const a = b < c;", ["const a = b <= c;", "const a = b >= c;"]],
  ["const a = b && c;", ["const a = b || c;"]],
  ["const a = !b;", ["const a = b;"]],
  ["const a = b + 1;", ["const a = b - 1;", "const a = b + 2;"]],
  ['const a = b + "x";', ['const a = b + "";']],
  ["if (a) b();", ["if (true) b();", "if (false) b();", "if (a) ;"]],
  ["while (a) b();", ["while (false) b();", "while (a) ;"]],
  ["a();", [";"]],
  ["const a = () => b;", ["const a = () => undefined;"]],
  ["function a() { return b; }", ["function a() {}"]],
  ["const a = b.filter(c);", ["const a = b;"]],
  ["const a = b.some(c);", ["const a = b.every(c);"]],
  ["const a = b?.c;", ["const a = b.c;"]],
  ["const a = [b];", ["const a = [];"]],
  ["const a = { b };", ["const a = ({});"]],
  ["const a = /^b+$/;", ["const a = /b+$/;", "const a = /^b+/;", "const a = /^b$/;"]],
];

test.each(planted)("in %s one fault at a time", (source, faults) => {
  expect(faultsOf(source)).toEqual([...faults]);
});

test("types, imports and names of properties have none: no test could tell", () => {
  expect(mutantsOf('import { a } from "b";\ninterface C { d: "e" }\ntype F = "g" | 1;\nexport { a };\n')).toEqual([]);
  expect(mutantsOf('const a: "b" = c;\nconst d = { "e": f };').map(({ was }) => was)).toEqual(['{ "e": f }']);
});

test("each says its line and what stood there", () => {
  expect(mutantsOf("const a = b;\nconst c = true;\n")).toEqual([
    { start: 23, end: 27, text: "false", line: 2, was: "true" },
  ]);
});
