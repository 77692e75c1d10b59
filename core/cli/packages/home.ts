/** Where the packages of a script are: its folder, its package.json, and what is installed beside it. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartError } from "../../errors.ts";
import type { ScriptSource } from "../../script/source.ts";

export interface Package {
  readonly name: string;
  /** As package.json asks for it: `^1.2.3`, `file:…`. */
  readonly wanted: string;
  /** The version that is there; undefined when it is not installed. */
  readonly installed: string | undefined;
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly version?: string;
}

function readManifest(file: string): Manifest | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined; // none there
  }
  try {
    const data: unknown = JSON.parse(text);
    return typeof data === "object" && data !== null ? data : {};
  } catch (error) {
    throw new StartError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}. Correct it.`);
  }
}

/** The packages that a script's package.json names, sorted. A script of a single file has none of its own. */
export function packagesOf({ kind, root }: ScriptSource): readonly Package[] {
  if (kind === "file") return [];
  return Object.entries(readManifest(join(root, "package.json"))?.dependencies ?? {})
    .map(([name, wanted]) => ({
      name,
      wanted: String(wanted),
      installed: readManifest(join(root, "node_modules", name, "package.json"))?.version,
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** An installer looks for package.json in the folders above, and would take another's: the script gets its own first. */
export function ensureManifest({ name, root }: ScriptSource): void {
  const file = join(root, "package.json");
  if (existsSync(file)) return void readManifest(file);
  writeFileSync(file, `${JSON.stringify({ name, private: true, type: "module", dependencies: {} }, null, 2)}\n`, {
    flag: "wx",
  });
}

/** Turns `scripts/x.ts` into `scripts/x/index.ts`, with its test. Answers the script as it now lies. */
export function toFolder(source: ScriptSource): { readonly source: ScriptSource; readonly moved: readonly string[] } {
  const { name, entry, dir } = source;
  const root = join(dir, name);
  const extension = entry.slice(entry.lastIndexOf("."));
  mkdirSync(root, { recursive: true });
  const moved: string[] = [];
  const move = (from: string, to: string): void => {
    const text = readFileSync(join(dir, from), "utf8");
    // Of a single file's relative imports only those of `_shared/` can work, and they now begin one folder deeper.
    const deeper = text.replace(/(["'`])\.\/_shared\//g, "$1../_shared/");
    renameSync(join(dir, from), join(dir, to));
    if (deeper !== text) writeFileSync(join(dir, to), deeper);
    moved.push(`${from} → ${to}`);
  };
  const test = `${name}.test${extension}`;
  if (existsSync(join(dir, test))) move(test, `${name}/${test}`);
  move(entry.slice(dir.length + 1), `${name}/index${extension}`);
  return { source: { name, dir, root, kind: "folder", entry: join(root, `index${extension}`) }, moved };
}
