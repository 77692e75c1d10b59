/** A fault in a script, for its author: where it is, the lines around it, and what to do. */
import { printable } from "../log/escape.ts";
import type { BuildProblem } from "../script/types.ts";
import { PLAIN, type Paint } from "./paint.ts";

/** `shop/index.ts:3:5`, as editors and terminals make links of it. */
export function placeOf({ file, line, column }: BuildProblem): string {
  if (file === undefined) return "";
  return printable(
    [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(":"),
  );
}

/** A script's file as it lies in the project folder, where editors and terminals look for it. */
export function inProject<T extends { readonly file?: string | undefined }>(problem: T): T {
  return problem.file === undefined ? problem : { ...problem, file: `scripts/${problem.file}` };
}

/**
 * Several lines, ending with a line break. Everything comes from a script or its build, so every line is escaped: it can
 * neither colour the terminal nor pretend to be another line.
 */
export function renderBuildProblem(problem: BuildProblem, paint: Paint = PLAIN): string {
  const place = placeOf(problem);
  const [first = "", ...more] = problem.message.split("\n").map(printable);
  const lines = [[place && paint.bold(place), paint.red(first)].filter((part) => part !== "").join(": ")];
  lines.push(...more.map((line) => `  ${line}`));
  for (const line of problem.frame?.replace(/\n+$/, "").split("\n") ?? [])
    lines.push(`  ${frameLine(printable(line), paint)}`);
  if (problem.hint !== undefined) lines.push(`  ${paint.cyan("hint:")} ${printable(problem.hint)}`);
  return `${lines.join("\n")}\n`;
}

/** The line at fault starts with `>`; its neighbours step back. */
function frameLine(line: string, paint: Paint): string {
  return line.startsWith(">") ? line : paint.dim(line);
}
