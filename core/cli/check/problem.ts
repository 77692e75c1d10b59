/** A problem that `check` found: as the builder says it, with how much it matters and whose it is. */
import { codeFrame, positionOf } from "../../isolate/build/code-frame.ts";
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

/** Where a route stands, first of all in `files`. */
export function placeOfRoute(
  { method, path }: { readonly method: string; readonly path: string },
  files: readonly string[],
  read: ReadSource,
): Place | undefined {
  return placeOfText([`${method} ${path}`, path], files, read);
}

/**
 * Where the first of the texts stands as a string: a registration carries no position, so the string that is its path or
 * its name stands where it was made, or near it.
 */
export function placeOfText(texts: readonly string[], files: readonly string[], read: ReadSource): Place | undefined {
  for (const text of texts) {
    for (const file of files) {
      const source = read(file) ?? "";
      for (const quote of ['"', "'", "`"]) {
        const at = positionOf(source, `${quote}${text}${quote}`);
        if (at) return { file, ...at };
      }
    }
  }
  return undefined;
}
