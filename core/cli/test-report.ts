/** A test report for people: each file, each case, and of those that failed why and where. */
import { PLAIN, type Paint } from "./paint.ts";
import { renderBuildProblem } from "./script-error.ts";
import { printable } from "../log/escape.ts";
import type { BuildProblem } from "../script/types.ts";
import { diffLines } from "../testing/diff.ts";
import {
  countsOf,
  fullName,
  type CaseFailure,
  type CaseResult,
  type FileResult,
  type TestReport,
} from "../testing/result.ts";

/** `shown`: how a file is named to the reader. */
export function renderFile(result: FileResult, shown: (file: string) => string, paint: Paint = PLAIN): string {
  const { file, cases, problems } = result;
  const bad = problems.length > 0 || cases.some(({ outcome }) => outcome === "failed");
  const lines = [`${paint.bold(printable(shown(file)))}${bad ? paint.red("  failed") : ""}`];
  let groups: readonly string[] = [];
  for (const one of cases) {
    const same = one.groups.findIndex((name, at) => name !== groups[at]);
    const from = same < 0 ? one.groups.length : same;
    for (let at = from; at < one.groups.length; at++)
      lines.push(`${"  ".repeat(at + 1)}${printable(one.groups[at] as string)}`);
    groups = one.groups;
    lines.push(caseLine(one, paint));
    if (one.outcome === "failed") lines.push(renderFailures(one, shown, paint));
  }
  for (const problem of problems) {
    const at = problem.file === undefined ? {} : { file: shown(problem.file) };
    lines.push(indent(renderBuildProblem({ ...problem, ...at }, paint), "  "));
  }
  return `${lines.join("\n")}\n`;
}

function caseLine({ groups, name, outcome, ms }: CaseResult, paint: Paint): string {
  const mark = { passed: paint.green("✓"), failed: paint.red("✗"), skipped: paint.yellow("-") }[outcome];
  const time = outcome === "skipped" ? "skipped" : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return `${"  ".repeat(groups.length + 1)}${mark} ${printable(name)} ${paint.dim(time)}`;
}

function renderFailures(one: CaseResult, shown: (file: string) => string, paint: Paint): string {
  const parts = [
    ...one.failures.map((failure) => renderFailure(failure, shown, paint)),
    ...one.seen.map((problem) => renderSeen(problem, shown, paint)),
  ];
  return indent(parts.join(""), "  ".repeat(one.groups.length + 2)).trimEnd();
}

/** What a handler threw beside. Ends with a line break. */
export function renderSeen(problem: BuildProblem, shown: (file: string) => string, paint: Paint): string {
  const at = problem.file === undefined ? {} : { file: shown(problem.file) };
  return `${paint.dim("meanwhile:")} ${renderBuildProblem({ ...problem, ...at }, paint)}`;
}

/** Ends with a line break. */
export function renderFailure(failure: CaseFailure, shown: (file: string) => string, paint: Paint): string {
  const { message, expected, actual, file, line, column, frame, hint } = failure;
  const at = { line, column, ...(file === undefined ? {} : { file: shown(file) }) };
  if (expected === undefined || actual === undefined)
    return renderBuildProblem({ code: "", message, ...at, frame, hint }, paint);
  // The sentence is the first line; the two sides follow in the message, too.
  const head = renderBuildProblem({ code: "", message: message.split("\n")[0] ?? "", ...at }, paint);
  const lines = frame === undefined ? "" : renderBuildProblem({ code: "", message: "", frame }, paint);
  return head + renderSides(expected, actual, paint) + lines.replace(/^\n/, "");
}

function renderSides(expected: string, actual: string, paint: Paint): string {
  if (!expected.includes("\n") && !actual.includes("\n")) {
    const [wanted, came] = [printable(expected), printable(actual)];
    return `    expected: ${paint.green(wanted)}\n    actual:   ${paint.red(came)}\n`;
  }
  const colours = { " ": paint.dim, "-": paint.green, "+": paint.red };
  const lines = diffLines(expected, actual).map(({ mark, text }) => colours[mark](`    ${mark} ${printable(text)}`));
  return `    ${paint.green("- expected")}  ${paint.red("+ actual")}\n${lines.join("\n")}\n`;
}

function indent(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by);
}

/** `3 passed, 1 failed, 0 skipped (120 ms)`, and above it what failed where there is much to scroll. */
export function renderSummary(report: TestReport, paint: Paint = PLAIN): string {
  const { passed, failed, skipped } = countsOf(report);
  const counts = [
    passed > 0 ? paint.green(`${passed} passed`) : `${passed} passed`,
    failed > 0 ? paint.red(`${failed} failed`) : `${failed} failed`,
    skipped > 0 ? paint.yellow(`${skipped} skipped`) : `${skipped} skipped`,
  ];
  const names = report.files.flatMap(({ file, cases }) =>
    cases
      .filter(({ outcome }) => outcome === "failed")
      .map((one) => `  ${paint.red("✗")} ${printable(`${file} > ${fullName(one)}`)}`),
  );
  const list = failed > 0 && passed + failed > 10 && names.length > 0 ? `${names.join("\n")}\n` : "";
  return `${list}${counts.join(", ")} ${paint.dim(`(${Math.round(report.ms)} ms)`)}\n`;
}
