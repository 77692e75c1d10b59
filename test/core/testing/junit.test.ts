/** The reports of `aiwebengine test` for programs: JUnit XML and JSON. */
import { expect, test } from "bun:test";
import { testJson } from "../../../core/testing/json.ts";
import { junitXml } from "../../../core/testing/junit.ts";
import { countsOf, type TestReport } from "../../../core/testing/result.ts";

const one = { groups: ["<group>"], name: 'a "name" & more', ms: 1.5, failures: [], seen: [] };
const REPORT: TestReport = {
  ms: 12.4,
  files: [
    {
      script: "a",
      file: "a.test.ts",
      ms: 3,
      problems: [],
      cases: [
        { ...one, outcome: "passed" },
        { ...one, outcome: "skipped", groups: [] },
        {
          ...one,
          outcome: "failed",
          failures: [{ message: "first ]]> \u0001\n<second>", file: "a.test.ts", line: 3, stack: "at x" }],
        },
      ],
    },
    { script: "b", file: "b.test.ts", ms: 0, cases: [], problems: [{ code: "no_case", message: "nothing" }] },
  ],
};

test("a file of which nothing ran counts as failed", () => {
  expect(countsOf(REPORT)).toEqual({ passed: 1, failed: 2, skipped: 1 });
});

test("JUnit: names are escaped, and what XML cannot hold is replaced", () => {
  const xml = junitXml(REPORT);
  expect(xml).toStartWith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="4" failures="2" skipped="1"');
  expect(xml).toContain('name="&lt;group&gt; &gt; a &quot;name&quot; &amp; more"');
  expect(xml).toContain('<failure message="first ]]&gt; \ufffd">');
  expect(xml).toContain("&lt;second&gt;");
  expect(xml).toContain('<error message="nothing">');
  expect(xml).not.toContain("\u0001");
});

test("JSON: one line, paths relative to the project, and whether all is well", () => {
  const text = testJson(REPORT);
  expect(text.trimEnd()).not.toContain("\n");
  const data = JSON.parse(text) as { readonly files: readonly { readonly file: string; readonly cases: unknown[] }[] };
  expect(data).toMatchObject({ ok: false, passed: 1, failed: 2, skipped: 1, ms: 12 });
  expect(data.files.map(({ file }) => file)).toEqual(["scripts/a.test.ts", "scripts/b.test.ts"]);
  expect(data.files[0]?.cases[2]).toMatchObject({
    outcome: "failed",
    failures: [{ file: "scripts/a.test.ts", line: 3 }],
  });
});
