/** The reader of coverage reports, which the bar rests on. */
import { expect, test } from "bun:test";
import { NOT_MEASURED, measuredFiles, reasonFor } from "./files.ts";
import { readLcov, sumOf } from "./lcov.ts";

const REPORT = `TN:
SF:core/a.ts
FNF:4
FNH:3
DA:1,7
LF:10
LH:9
end_of_record
TN:
SF:core/b.ts
FNF:1
FNH:0
LF:5
LH:1
end_of_record
`;

test("each file of a report has its lines and functions, and they add up", () => {
  const files = readLcov(REPORT);
  expect([...files]).toEqual([
    ["core/a.ts", { lines: 10, linesHit: 9, functions: 4, functionsHit: 3 }],
    ["core/b.ts", { lines: 5, linesHit: 1, functions: 1, functionsHit: 0 }],
  ]);
  expect(sumOf([...files.values()])).toEqual({ lines: 15, linesHit: 10, functions: 5, functionsHit: 3 });
});

test("an empty report has no file", () => {
  expect(readLcov("").size).toBe(0);
});

test("what is left out is named with a reason, as a folder or as a file, and nothing else is left out", () => {
  expect(reasonFor("core/main.ts")).toBe("entry of the binary");
  expect(reasonFor("core/isolate/realm/web/url.ts")).toBe(NOT_MEASURED["core/isolate/realm/"]);
  expect(reasonFor("core/main.ts.ts")).toBeUndefined();
  const files = measuredFiles();
  expect(files).toContain("core/engine.ts");
  expect(files.filter((file) => reasonFor(file) !== undefined || file.endsWith(".d.ts"))).toEqual([]);
});
