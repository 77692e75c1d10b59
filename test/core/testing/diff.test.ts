/** The difference of two values, line by line, as a failed test shows it. */
import { expect, test } from "bun:test";
import { diffLines } from "../../../core/testing/diff.ts";

const shown = (expected: string, actual: string): string[] =>
  diffLines(expected, actual).map(({ mark, text }) => mark + text);

test("equal texts have no marks", () => {
  expect(shown("a\nb", "a\nb")).toEqual([" a", " b"]);
});

test("a changed line is what was expected, then what came", () => {
  expect(shown("{\n  a: 1\n}", "{\n  a: 2\n}")).toEqual([" {", "-  a: 1", "+  a: 2", " }"]);
});

test("lines that both have stay together, whatever was put between", () => {
  expect(shown("a\nb\nc\nd", "a\nx\nc\nd\ne")).toEqual([" a", "-b", "+x", " c", " d", "+e"]);
});

test("texts that are too long to compare are shown one after the other", () => {
  const long = Array.from({ length: 401 }, (_, at) => `${at}`).join("\n");
  const lines = diffLines(long, long);
  expect(lines).toHaveLength(802);
  expect(lines[0]).toEqual({ mark: "-", text: "0" });
});
