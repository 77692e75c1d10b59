/** The runner counts what `bun test` prints, and calls a step that ends without a word a failure. */
import { expect, test } from "bun:test";
import { judge, sumsOf } from "./run.ts";

const SUMMARY = [
  "(pass) a",
  " 12 pass",
  " 2 skip",
  " 1 todo",
  " 3 fail",
  " 1 error",
  " 40 expect() calls",
  "Ran 18 tests",
];

test("the summary of bun test is counted: errors are failures, todos are skips", () => {
  expect(sumsOf(SUMMARY.join("\n"))).toEqual({ passed: 12, failed: 4, skipped: 3 });
});

test("tests that pass and a process that fails make one failure", () => {
  expect(judge(true, 1, " 12 pass\n 0 fail\n")).toEqual({ passed: 12, failed: 1, skipped: 0 });
});

test("a run of tests that says nothing has failed, even with exit code 0", () => {
  expect(judge(true, 0, "")).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test("a step without counts passes or fails by its exit code", () => {
  expect(judge(false, 0, "")).toEqual({ passed: 1, failed: 0, skipped: 0 });
  expect(judge(false, 137, " 12 pass")).toEqual({ passed: 0, failed: 1, skipped: 0 });
});
