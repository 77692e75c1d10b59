/** The lines around a fault with a caret under it, ready to print. */

const AROUND = 2;
const WIDTH = 120;

/** `line` and `column` count from 1. Empty when the source has no such line. */
export function codeFrame(source: string, line: number, column: number): string {
  const lines = linesAround(source, line);
  const digits = String(line + AROUND).length;
  // A long line (a minified package) is shown from shortly before the fault.
  const from = column > WIDTH - 20 ? column - 40 : 0;
  const out: string[] = [];
  for (const [number, text] of lines) {
    const mark = number === line ? ">" : " ";
    out.push(`${mark} ${String(number).padStart(digits)} | ${text.slice(from, from + WIDTH)}`.trimEnd());
    if (number === line) {
      const before = text.slice(from, Math.max(from, column - 1)).replace(/[^\t]/g, " ");
      out.push(`  ${" ".repeat(digits)} | ${before}^`);
    }
  }
  return out.join("\n");
}

function linesAround(source: string, line: number): [number, string][] {
  const found: [number, string][] = [];
  let start = 0;
  for (let number = 1; number <= line + AROUND; number++) {
    const end = source.indexOf("\n", start);
    const text = source.slice(start, end < 0 ? undefined : end).replace(/\r$/, "");
    if (number >= line - AROUND) found.push([number, text]);
    if (end < 0) return number < line ? [] : found;
    start = end + 1;
  }
  return found;
}

/** From 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where `text` first stands in `source`. */
export function positionOf(source: string, text: string): Place | undefined {
  const at = source.indexOf(text);
  return at < 0 ? undefined : positionAt(source, at);
}

/** Of an offset, from 0. */
export function positionAt(source: string, offset: number): Place {
  let line = 1;
  let start = 0;
  for (let next = source.indexOf("\n"); next >= 0 && next < offset; next = source.indexOf("\n", next + 1)) {
    line++;
    start = next + 1;
  }
  return { line, column: offset - start + 1 };
}
