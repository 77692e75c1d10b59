/** Source map, version 3, decoded on the first error only: a generated position to the author's file and line. */

const CHARS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

export interface Position {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** One segment is five numbers: generated column, source, line, column (all from 0), and a spare. */
interface Decoded {
  readonly sources: readonly string[];
  readonly lines: readonly (readonly number[])[];
}

const jsonParse = JSON.parse;
const charCodeAt = String.prototype.charCodeAt;
const apply = Reflect.apply;

const values = new Uint8Array(128);
for (let i = 0; i < 64; i++) values[CHARS.charCodeAt(i)] = i;

function decode(map: string): Decoded {
  const raw = jsonParse(map) as { sources?: unknown; mappings?: unknown };
  const mappings = typeof raw.mappings === "string" ? raw.mappings : "";
  const lines: number[][] = [];
  let segments: number[] = [];
  let column = 0;
  let source = 0;
  let line = 0;
  let sourceColumn = 0;
  let field = 0;
  let shift = 0;
  let value = 0;
  const close = (): void => {
    if (field >= 4) {
      const n = segments.length;
      segments[n] = column;
      segments[n + 1] = source;
      segments[n + 2] = line;
      segments[n + 3] = sourceColumn;
    }
    field = 0;
  };
  for (let i = 0; i < mappings.length; i++) {
    const code = apply(charCodeAt, mappings, [i]) as number;
    if (code === 44 /* , */) close();
    else if (code === 59 /* ; */) {
      close();
      lines[lines.length] = segments;
      segments = [];
      column = 0;
    } else {
      const digit = values[code & 127] as number;
      value |= (digit & 31) << shift;
      shift += 5;
      if ((digit & 32) === 0) {
        const delta = value & 1 ? -(value >>> 1) : value >>> 1;
        if (field === 0) column += delta;
        else if (field === 1) source += delta;
        else if (field === 2) line += delta;
        else if (field === 3) sourceColumn += delta;
        field++;
        shift = 0;
        value = 0;
      }
    }
  }
  close();
  lines[lines.length] = segments;
  return { sources: Array.isArray(raw.sources) ? (raw.sources as string[]) : [], lines };
}

/** Makes a lookup; `line` and `column` of the generated code count from 1. Unknown positions are answered as null. */
export function makeLookup(map: string): (line: number, column: number) => Position | null {
  let decoded: Decoded | null | undefined;
  return (line, column) => {
    if (decoded === undefined) {
      try {
        decoded = map === "" ? null : decode(map);
      } catch {
        decoded = null; // a map that does not parse: positions stay those of the bundle
      }
    }
    const segments = decoded?.lines[line - 1];
    if (!decoded || !segments) return null;
    let low = 0;
    let high = segments.length / 4 - 1;
    let best = -1;
    while (low <= high) {
      const middle = (low + high) >> 1;
      if ((segments[middle * 4] as number) <= column - 1) {
        best = middle;
        low = middle + 1;
      } else high = middle - 1;
    }
    if (best < 0) return null;
    const file = decoded.sources[segments[best * 4 + 1] as number];
    if (typeof file !== "string") return null;
    return { file, line: (segments[best * 4 + 2] as number) + 1, column: (segments[best * 4 + 3] as number) + 1 };
  };
}
