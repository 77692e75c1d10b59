/** Reads what a coverage run writes: https://github.com/linux-test-project/lcov, the format of its tracefiles. */

export interface Counts {
  readonly lines: number;
  readonly linesHit: number;
  readonly functions: number;
  readonly functionsHit: number;
}

const FIELDS: Readonly<Record<string, keyof Counts>> = {
  LF: "lines",
  LH: "linesHit",
  FNF: "functions",
  FNH: "functionsHit",
};

/** By the path of the source. */
export function readLcov(text: string): ReadonlyMap<string, Counts> {
  const files = new Map<string, Counts>();
  for (const record of text.split("end_of_record")) {
    const path = /^SF:(.+)$/m.exec(record)?.[1];
    if (path === undefined) continue;
    const counts = { ...sumOf([]) };
    for (const [, field = "", value] of record.matchAll(/^([A-Z]+):(\d+)$/gm)) {
      const name = FIELDS[field];
      if (name !== undefined) counts[name] = Number(value);
    }
    files.set(path, counts);
  }
  return files;
}

export function sumOf(all: readonly Counts[]): { -readonly [Name in keyof Counts]: number } {
  const sum = { lines: 0, linesHit: 0, functions: 0, functionsHit: 0 };
  for (const one of all) for (const name of Object.values(FIELDS)) sum[name] += one[name];
  return sum;
}
