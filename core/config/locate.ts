/** Where a key stands in a config file, and its line in an error. Only used to make errors point. */
import type { ConfigProblem } from "./error.ts";
import { lineLooksSecret } from "./secret.ts";

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

const PART = `"(?:[^"\\\\]|\\\\.)*"|'[^']*'|[\\w-]+`;
const DOTTED = `(?:${PART})(?:[ \\t]*\\.[ \\t]*(?:${PART}))*`;
const HEADER = new RegExp(`^[ \\t]*\\[\\[?[ \\t]*(${DOTTED})[ \\t]*\\]`);
const ASSIGNMENT = new RegExp(`^[ \\t]*(${DOTTED})[ \\t]*=`);

function split(dotted: string): string[] {
  return (dotted.match(new RegExp(PART, "g")) ?? []).map((part) => part.replace(/^(["'])(.*)\1$/, "$2"));
}

/** How many leading parts two paths share, when one is a prefix of the other; else 0. */
function shared(found: readonly string[], wanted: readonly string[]): number {
  if (found.length > wanted.length) return wanted.every((part, index) => part === found[index]) ? wanted.length : 0;
  return found.every((part, index) => part === wanted[index]) ? found.length : 0;
}

/** The line of a TOML file that comes nearest to defining the key: itself, or the inline table that holds it. */
export function locate(text: string, path: readonly string[]): Position | undefined {
  let table: string[] = [];
  let best: Position | undefined;
  let depth = 0;
  for (const [index, line] of text.split("\n").entries()) {
    const header = HEADER.exec(line);
    const match = header ?? ASSIGNMENT.exec(line);
    const name = match?.[1];
    if (name === undefined) continue;
    if (header) table = split(name);
    const reached = shared(header ? table : [...table, ...split(name)], path);
    if (reached <= depth) continue;
    depth = reached;
    best = { line: index + 1, column: line.indexOf(name) + 1 };
  }
  return best;
}

/** One line of the file with a caret under the column; none where the line may hold a secret. */
export function frameOf(text: string, { line, column }: Position): string | undefined {
  const source = (text.split("\n")[line - 1] ?? "").trimEnd();
  if (lineLooksSecret(source)) return undefined;
  // A very long line (or a column far to the right) would wrap and point nowhere.
  const from = Math.max(0, column - 60);
  const shown = source.slice(from, from + 100).replace(/[\x00-\x1f\x7f-\x9f]/g, " ");
  const gutter = String(line);
  return `${gutter} | ${shown}\n${" ".repeat(gutter.length)} | ${" ".repeat(column - 1 - from)}^`;
}

/** What was noted for a key, or for the nearest that holds it; keys are paths as JSON. */
export function lookUp<T>(noted: ReadonlyMap<string, T>, path: readonly string[]): T | undefined {
  for (let length = path.length; length > 0; length--) {
    const found = noted.get(JSON.stringify(path.slice(0, length)));
    if (found !== undefined) return found;
  }
  return undefined;
}

export function positionAt(text: string, index: number): Position {
  const before = text.slice(0, index).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

/** A file that its parser does not understand. */
export function syntaxProblem(text: string, shown: string, { line, column }: Position, message: string): ConfigProblem {
  const frame = frameOf(text, { line, column });
  return { key: "", message, place: `${shown}:${line}:${column}`, ...(frame !== undefined && { frame }) };
}
