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

function write(file: string, content: string): boolean {
  try {
    mkdirSync(dirname(file), { recursive: true });
    // Fails on what is there, a link to nowhere too.
    writeFileSync(file, content, { flag: "wx" });
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return false;
    const why =
      code === "ENOTDIR" ? "a part of its path is a file" : error instanceof Error ? error.message : String(error);
    throw new StartError(`${file} cannot be written: ${why}.`, { cause: error });
  }
}

/** A text with each `{{name}}` replaced. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{\{(\w+)\}\}/g, (mark, name: string) => values[name] ?? mark);
}
