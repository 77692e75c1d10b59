/** The lines around a fault, as they are printed. */
import { expect, test } from "bun:test";
import { codeFrame, positionOf } from "../../../../core/isolate/build/code-frame.ts";

test("two lines around, and a caret under the column", () => {
  expect(codeFrame("a\nb\nc\nd\ne\nf", 4, 1)).toBe("  2 | b\n  3 | c\n> 4 | d\n    | ^\n  5 | e\n  6 | f");
});

test("tabs keep the caret in place", () => {
  expect(codeFrame("\tx y", 1, 4)).toBe("> 1 | \tx y\n    | \t  ^");
});

test("a long line is shown around the column", () => {
  const frame = codeFrame(`${"a".repeat(5000)}X${"b".repeat(5000)}`, 1, 5001);
  expect(frame.length).toBeLessThan(300);
  const [line = "", caret = ""] = frame.split("\n");
  expect(line[caret.indexOf("^")]).toBe("X");
});

test("a line that is not there gives no frame", () => {
  expect(codeFrame("a\nb", 9, 1)).toBe("");
});

test("a text's position counts from 1", () => {
  expect(positionOf("ab\ncd", "d")).toEqual({ line: 2, column: 2 });
  expect(positionOf("ab", "x")).toBeUndefined();
});
