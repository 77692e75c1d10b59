/** Rewrites a source map (version 3) so that it names the template that a module was made of, not the module. */
import { toSource, type CompiledTemplate } from "./templates.ts";

const CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** @param sources names in the order of the map; @param templates compiled ones by such a name */
export function remap(
  mappings: string,
  sources: readonly string[],
  templates: ReadonlyMap<string, CompiledTemplate>,
): string {
  const movers = sources.map((name) => {
    const template = templates.get(name);
    return template && moverOf(template);
  });
  // Read and written side by side: all but the column begin where the segment before ended.
  const read = { source: 0, line: 0, column: 0 };
  const wrote = { source: 0, line: 0, column: 0 };
  const lines = mappings.split(";").map((line) =>
    line
      .split(",")
      .map((segment) => {
        const fields = decode(segment);
        const [made = 0, source = 0, row = 0, column = 0] = fields;
        if (fields.length < 4) return segment;
        read.source += source;
        read.line += row;
        read.column += column;
        const at = movers[read.source]?.(read.line, read.column) ?? read;
        const out = encode([made, read.source - wrote.source, at.line - wrote.line, at.column - wrote.column]);
        Object.assign(wrote, { source: read.source, line: at.line, column: at.column });
        return out;
      })
      .join(","),
  );
  return lines.join(";");
}

type Mover = (line: number, column: number) => { readonly line: number; readonly column: number };

/** Lines and columns from 0. A map has as many positions as a template has tags, so none of them may read the text again. */
function moverOf({ code, source, pieces }: CompiledTemplate): Mover {
  const made = lineStarts(code);
  const lines = lineStarts(source);
  return (line, column) => {
    const at = toSource(pieces, (made[line] ?? code.length) + column);
    let low = 0;
    for (let high = lines.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if ((lines[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return { line: low, column: at - (lines[low] ?? 0) };
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

function decode(segment: string): number[] {
  const fields: number[] = [];
  let value = 0;
  let shift = 0;
  for (const char of segment) {
    const digit = CHARS.indexOf(char);
    value |= (digit & 31) << shift;
    shift += 5;
    if ((digit & 32) !== 0) continue;
    fields.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return fields;
}

function encode(fields: readonly number[]): string {
  let text = "";
  for (const field of fields) {
    let rest = field < 0 ? (-field << 1) | 1 : field << 1;
    do {
      const digit = rest & 31;
      rest >>>= 5;
      text += CHARS[rest > 0 ? digit | 32 : digit];
    } while (rest > 0);
  }
  return text;
}
