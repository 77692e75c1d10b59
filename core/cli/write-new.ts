/** Writes files of a project that are not there yet; what is there is the author's, and stays. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { StartError } from "../errors.ts";

export interface Written {
  /** Relative to the folder. */
  readonly made: readonly string[];
  readonly left: readonly string[];
}

/** @throws StartError when a file cannot be written. */
export function writeNew(dir: string, files: Readonly<Record<string, string>>): Written {
  const made: string[] = [];
  const left: string[] = [];
  for (const [path, content] of Object.entries(files)) (write(join(dir, path), content) ? made : left).push(path);
  return { made, left };
}

/** @throws StartError */
export function makeFolder(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true });
  } catch (error) {
    throw unwritable(dir, error);
  }
}

function write(file: string, content: string): boolean {
  makeFolder(dirname(file));
  try {
    // Fails on what is there, a link to nowhere too.
    writeFileSync(file, content, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw unwritable(file, error);
  }
}

function unwritable(path: string, error: unknown): StartError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  // A folder is not made over a file.
  const inTheWay = code === "ENOTDIR" || code === "EEXIST";
  const why = inTheWay ? "a part of its path is a file" : error instanceof Error ? error.message : String(error);
  return new StartError(`${path} cannot be written: ${why}.`, { cause: error });
}

/** A text with each `{{name}}` replaced. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{(\w+)\}\}/g, (mark, name: string) => values[name] ?? mark);
}
