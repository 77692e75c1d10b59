/** A problem that `check` found: as the builder says it, with how much it matters and whose it is. */
import { codeFrame } from "../../isolate/build/code-frame.ts";
import type { BuildProblem } from "../../script/types.ts";

export interface CheckProblem extends BuildProblem {
  /** An error fails the check; a warning does not. */
  readonly severity: "error" | "warning";
  /** Undefined where the folder of scripts is at fault. */
  readonly script?: string;
  /** The type checker's own number: `TS2322`. */
  readonly rule?: string;
}

/** Path relative to the folder of scripts → text; undefined where it cannot be read. */
export type ReadSource = (file: string) => string | undefined;

/** A problem with the lines around it, where its place is known. */
export function framed<T extends BuildProblem>(problem: T, read: ReadSource): T {
  const { file, line, column = 1, frame } = problem;
  if (file === undefined || line === undefined || frame !== undefined) return problem;
  const source = read(file);
  const lines = source === undefined ? "" : codeFrame(source, line, column);
  return lines === "" ? problem : { ...problem, frame: lines };
}

/** `"GET /notes" names the handler "save", but …`: the realm knows the route at fault, and not its line. */
const NAMES_ROUTE = /^"([A-Z]+) (\/[^"]*)"/;

/** A problem of a script, with its place looked for where the build told only the file. */
export function located(problem: BuildProblem, read: ReadSource): BuildProblem {
  const { file, line, message } = problem;
  const [, method, path] = NAMES_ROUTE.exec(message) ?? [];
  if (file === undefined || line !== undefined || method === undefined || path === undefined) return problem;
  return { ...problem, ...placeOfRoute({ method, path }, [file], read) };
}

/** The script that a file belongs to; undefined for what scripts share. */
export function scriptOfFile(file: string): string | undefined {
  const [first = ""] = file.split("/");
  return /^[a-z0-9]/.test(first) ? first.replace(/\..*$/, "") : undefined;
}

/** From 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where a route stands, first of all in `files`; `nth`: how many of the same stand before it. */
export function placeOfRoute(
  { method, path }: { readonly method: string; readonly path: string },
  files: readonly string[],
  read: ReadSource,
  nth = 0,
): Place | undefined {
  return placeOfText(`${method} ${path}`, files, read, nth) ?? placeOfText(path, files, read, nth);
}

/**
 * Where a text stands as a string: a registration carries no position, so the string that is its path or its name stands
 * where it was made, or near it. Where there are fewer than `nth` before it, the last.
 */
export function placeOfText(text: string, files: readonly string[], read: ReadSource, nth = 0): Place | undefined {
  const found = files.flatMap((file) => placesIn(file, read(file) ?? "", text));
  return found[Math.min(nth, found.length - 1)];
}

function placesIn(file: string, source: string, text: string): readonly Place[] {
  const string = new RegExp(`(["'\`])${RegExp.escape(text)}\\1`, "g");
  return Array.from(source.matchAll(string), ({ index }): Place => {
    const before = source.slice(0, index);
    return { file, line: before.split("\n").length, column: index - before.lastIndexOf("\n") };
  });
}

/** Counts what comes again: 0 for the first of a label, 1 for the second. */
export function counter(): (label: string) => number {
  const seen = new Map<string, number>();
  return (label) => {
    const nth = seen.get(label) ?? 0;
    seen.set(label, nth + 1);
    return nth;
  };
}
