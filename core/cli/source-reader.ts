/** Files of scripts for their frames. A stack comes from a script and may name any file: only the author's are read. */
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";

/** Larger than any file that a script may have. */
const MOST_READ_BYTES = 8 * 1024 * 1024;

export interface SourceReader {
  /** Path relative to the folder of scripts → text; undefined for what is not there, or not below it. */
  readonly read: (file: string) => string | undefined;
  /** Files are read once until then. */
  forget(): void;
}

export function sourceReader(scriptsDir: string): SourceReader {
  const known = new Map<string, string | undefined>();
  const readNow = (file: string): string | undefined => {
    const path = resolve(scriptsDir, file);
    if (!path.startsWith(`${scriptsDir}/`)) return undefined;
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() && stat.size <= MOST_READ_BYTES ? readFileSync(path, "utf8") : undefined;
  };
  return {
    read(file) {
      if (!known.has(file)) known.set(file, readNow(file));
      return known.get(file);
    },
    forget: () => known.clear(),
  };
}
