/** What `check` says: for a person, and as JSON for programs. */
import { posix, relative } from "node:path";
import { printable } from "../../log/escape.ts";
import { isPoint, labelOf, type BuiltRegistration } from "../../script/types.ts";
import { PLAIN, type Paint } from "../paint.ts";
import { renderBuildProblem } from "../script-error.ts";
import type { Route } from "./findings.ts";
import type { CheckProblem } from "./problem.ts";

export interface CheckedScript {
  readonly name: string;
  /** Its first file, relative to the folder of scripts. */
  readonly file: string;
  /** In the order of their registration; undefined where the script does not load. */
  readonly routes: readonly Route[] | undefined;
  /** What else it registers. */
  readonly others: readonly BuiltRegistration[];
}

export interface CheckReport {
  readonly scriptsDir: string;
  /** The project folder. */
  readonly dir: string;
  readonly scripts: readonly CheckedScript[];
  readonly problems: readonly CheckProblem[];
  readonly ms: number;
}

export function failed({ problems }: CheckReport): boolean {
  return problems.some(({ severity }) => severity === "error");
}

/** Paths are relative to the project folder; lines and columns count from 1. Ends with a line break. */
export function checkJson(report: CheckReport): string {
  const below = (file: string): string => posix.join(relative(report.dir, report.scriptsDir), file);
  const scripts = report.scripts.map(({ name, file, routes, others }) => ({
    name,
    file: below(file),
    loads: routes !== undefined,
    registrations: [
      ...(routes ?? []).map(({ method, path, registration, file: at, line }) => ({
        ...(registration && registrationJson(registration)),
        method,
        path,
        ...(at === undefined ? {} : { file: below(at) }),
        line,
      })),
      ...others.map(registrationJson),
    ],
  }));
  const problems = report.problems.map((problem) => ({
    ...problem,
    ...(problem.file === undefined ? {} : { file: below(problem.file) }),
  }));
  return `${JSON.stringify({ ok: !failed(report), scripts, problems, ms: Math.round(report.ms) }, null, 2)}\n`;
}

function registrationJson(registration: BuiltRegistration) {
  const { fn, handler, options, schemas } = registration;
  const point = isPoint(registration) ? { name: registration.name, path: registration.path } : {};
  return { function: fn, ...point, handler, schemas: Object.keys(schemas), options };
}

/** `cwd`: paths are shown from there, so that a terminal makes links of them. */
export function renderCheck(report: CheckReport, cwd: string, paint: Paint = PLAIN): string {
  const { scripts, problems, scriptsDir, ms } = report;
  const shown = (file: string): string => relative(cwd, `${scriptsDir}/${file}`);
  const faulty = new Set(problems.filter(({ severity }) => severity === "error").map(({ script }) => script));
  const width = Math.max(0, ...scripts.map(({ name }) => name.length));
  const rows = scripts.flatMap(({ name, file, routes, others }) => {
    const mark = faulty.has(name) || routes === undefined ? paint.red("failed") : paint.green("ok    ");
    return [
      `${mark} ${name.padEnd(width)}  ${paint.dim(printable(shown(file)))}`,
      ...(routes ?? []).map((route) => routeRow(route, paint)),
      ...others.map((one) => `         ${printable(labelOf(one))}`),
    ];
  });
  const details = problems.map((problem) => renderProblem(problem, shown, paint));
  const parts = [rows.length === 0 ? "" : `${rows.join("\n")}\n`, ...details];
  return [...parts.filter((part) => part !== ""), summary(scripts, problems, ms, paint)].join("\n");
}

function routeRow({ method, path, registration }: Route, paint: Paint): string {
  const schemas = Object.keys(registration?.schemas ?? {});
  const checks = schemas.length === 0 ? "" : paint.dim(`  checks ${schemas.join(", ")}`);
  return `         ${method.padEnd(7)} ${printable(path)}${checks}`;
}

function renderProblem(problem: CheckProblem, shown: (file: string) => string, paint: Paint): string {
  const { severity, code, rule, message, file } = problem;
  const head = `${severity} ${code}${rule === undefined ? "" : ` ${rule}`}`;
  const told = { ...problem, message: `${head}: ${message}`, ...(file === undefined ? {} : { file: shown(file) }) };
  return renderBuildProblem(told, severity === "error" ? paint : { ...paint, red: paint.yellow });
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function summary(
  scripts: readonly CheckedScript[],
  problems: readonly CheckProblem[],
  ms: number,
  paint: Paint,
): string {
  const errors = problems.filter(({ severity }) => severity === "error").length;
  const warnings = problems.length - errors;
  const routes = scripts.reduce((sum, script) => sum + (script.routes?.length ?? 0), 0);
  const counts = [
    errors > 0 ? paint.red(plural(errors, "error")) : paint.green("no error"),
    ...(warnings > 0 ? [paint.yellow(plural(warnings, "warning"))] : []),
  ];
  return `${plural(scripts.length, "script")}, ${plural(routes, "route")}: ${counts.join(", ")} ${paint.dim(`(${Math.round(ms)} ms)`)}\n`;
}
