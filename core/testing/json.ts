/** A test report for programs. */
import { posix } from "node:path";
import { countsOf, type TestReport } from "./result.ts";

/** Paths are relative to the project folder; lines and columns count from 1. One line. */
export function testJson(report: TestReport): string {
  const counts = countsOf(report);
  const below = <T extends { readonly file?: string }>(value: T): T =>
    value.file === undefined ? value : { ...value, file: posix.join("scripts", value.file) };
  const files = report.files.map(({ cases, problems, ms, ...file }) => ({
    ...below(file),
    ms: Math.round(ms),
    problems: problems.map(below),
    cases: cases.map((one) => ({
      ...one,
      ms: Math.round(one.ms * 100) / 100,
      failures: one.failures.map(below),
      seen: one.seen.map(below),
    })),
  }));
  return `${JSON.stringify({ ok: counts.failed === 0, ...counts, ms: Math.round(report.ms), files })}\n`;
}
