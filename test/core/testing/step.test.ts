/** What a test realm says of its cases is read with suspicion: a script may have said it. */
import { expect, test } from "bun:test";
import { readStep } from "../../../core/testing/step.ts";
import type { Json } from "../../../core/script/types.ts";

const CASE = {
  kind: "case",
  name: "x",
  skip: false,
  only: false,
  timeoutMs: 5000,
  file: "a.test.ts",
  groups: [],
  line: 1,
};

test("what the host registers is taken as it is", () => {
  const steps: readonly Json[] = [
    CASE,
    { ...CASE, groups: [{ id: 1, name: "g" }] },
    { kind: "hook", hook: "beforeAll", file: "a.test.ts", groups: [] },
    { kind: "stage", file: "", groups: [] },
    { kind: "call", file: "", groups: [] },
  ];
  expect(steps.map((step) => readStep(step))).toEqual(steps as never);
});

test("what a script registers by itself is no step", () => {
  for (const wrong of [undefined, null, 1, "case", []]) expect(readStep(wrong)).toBeNull();
  const changes: readonly { readonly [key: string]: Json }[] = [
    ...[{ kind: "other" }, { kind: 1 }, { name: 1 }, { skip: 1 }, { only: null }, { timeoutMs: 0 }, { timeoutMs: "1" }],
    ...[
      { file: 1 },
      { groups: {} },
      { groups: [1] },
      { groups: [{ id: 0, name: "g" }] },
      { line: "1" },
      { column: {} },
    ],
  ];
  for (const change of changes) expect(readStep({ ...CASE, ...change })).toBeNull();
  expect(readStep({ kind: "hook", hook: "beforeNone", file: "", groups: [] })).toBeNull();
});
