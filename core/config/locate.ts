/** Where a key stands in a TOML file. Only used to make errors point: what is read comes from the TOML parser. */

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

/** The line that comes nearest to defining the key: itself, or the inline table that holds it. */
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

/** One line of the file with a caret under the column. */
export function frameOf(text: string, { line, column }: Position): string {
  const source = (text.split("\n")[line - 1] ?? "").trimEnd();
  // A very long line (or a column far to the right) would wrap and point nowhere.
  const from = Math.max(0, column - 60);
  const shown = source.slice(from, from + 100).replace(/[\x00-\x1f\x7f-\x9f]/g, " ");
  const gutter = String(line);
  return `${gutter} | ${shown}\n${" ".repeat(gutter.length)} | ${" ".repeat(column - 1 - from)}^`;
}
