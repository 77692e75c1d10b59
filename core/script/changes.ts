/** Which scripts a change on disk concerns. */
import { sep } from "node:path";
import type { ScriptSource } from "./source.ts";

/**
 * Paths relative to the folder of scripts; `all`: any of them may have changed; `none`; `config`: not the files, but what the
 * engine makes of them.
 */
export type Changes = ReadonlySet<string> | "all" | "none" | "config";

export interface Built {
  readonly source: ScriptSource;
  /** What went into the version that serves. */
  readonly inputs: readonly string[];
  /** The newest version did not load: what it wanted is not known. */
  readonly failed: boolean;
}

export function concerns(changes: Changes, { source, inputs, failed }: Built): boolean {
  if (typeof changes === "string") return changes !== "none";
  for (const path of changes) {
    const full = `${source.dir}${sep}${path}`;
    if (full === source.entry || inputs.includes(full)) return true;
    const [top] = path.split(sep);
    if (source.kind === "folder" && top === source.name) return true;
    // Anything shared may mend it.
    if (failed && (top === "_shared" || top === "node_modules")) return true;
    // A package's files are told as one change of their folder.
    if (path.endsWith("node_modules") && inputs.some((input) => input.startsWith(full + sep))) return true;
  }
  return false;
}
