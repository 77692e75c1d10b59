/** Which files test which script: `hello.test.ts` for `hello.ts`, and all of a folder script's `*.test.*`. */
import { readdirSync, type Dirent } from "node:fs";
import { relative } from "node:path";
import type { ScriptSource } from "../script/source.ts";

const TEST = /^[^.].*\.test\.(?:ts|tsx|js|jsx)$/;
const CLOSED = /^(?:[._].*|node_modules)$/;
const MAX_DEPTH = 8;

/** Relative to the folder of scripts, in order. */
export function testFilesOf({ name, root, dir, kind }: ScriptSource): readonly string[] {
  if (kind === "file")
    return entriesOf(root)
      .filter((entry) => entry.isFile() && TEST.test(entry.name) && scriptOfTest(entry.name) === name)
      .map((entry) => entry.name);
  const found: string[] = [];
  const visit = (folder: string, depth: number): void => {
    for (const entry of entriesOf(folder)) {
      const path = `${folder}/${entry.name}`;
      if (entry.isFile() && TEST.test(entry.name)) found.push(relative(dir, path));
      else if (entry.isDirectory() && !CLOSED.test(entry.name) && depth < MAX_DEPTH) visit(path, depth + 1);
    }
  };
  visit(root, 0);
  return found.sort();
}

/** Tests beside the scripts that no script has: one was renamed, or the name has a slip. */
export function strayTests(scriptsDir: string, scripts: readonly ScriptSource[]): readonly string[] {
  const known = new Set(scripts.filter(({ kind }) => kind === "file").map(({ name }) => name));
  return entriesOf(scriptsDir)
    .filter((entry) => entry.isFile() && TEST.test(entry.name) && !known.has(scriptOfTest(entry.name)))
    .map(({ name }) => name);
}

/** `hello.test.ts`, and `hello.errors.test.ts` too, is of `hello`. */
function scriptOfTest(file: string): string {
  return file.slice(0, file.indexOf("."));
}

function entriesOf(folder: string): Dirent[] {
  return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
}
