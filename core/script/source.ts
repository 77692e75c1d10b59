/** Which files are scripts. Nothing is read or run here: the builder does that, jailed. */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import type { BuildProblem } from "./types.ts";

export { watchScripts } from "./watch.ts";

/** A script on disk. */
export interface ScriptSource {
  readonly name: string;
  /** The folder of scripts; absolute, symbolic links resolved. */
  readonly dir: string;
  /** The file that is loaded; absolute, symbolic links resolved. */
  readonly entry: string;
  /** What belongs to the script: its folder, or for a single file the folder of scripts; absolute. */
  readonly root: string;
  readonly kind: "file" | "folder";
}

export interface Discovered {
  /** Sorted by name. */
  readonly scripts: readonly ScriptSource[];
  /** Names of scripts that are there but cannot be loaded as they lie: two files of one name, a link that leads away. */
  readonly disputed: ReadonlySet<string>;
  readonly problems: readonly BuildProblem[];
}

const SCRIPT_FILE = /^(.+)\.(?:tsx?|jsx?)$/;
const INDEX = /^index\.(?:tsx?|jsx?)$/;
const NO_SCRIPT = /^[._]|\.d\.ts$|\.test\.\w+$|^node_modules$/;
const NAME = /^[a-z0-9][a-z0-9-]*$/;

function problem(file: string, message: string, hint: string): BuildProblem {
  return { code: "bad_registration", message, file, hint };
}

/** One thing in the folder that wants to be a script. */
interface Candidate {
  readonly name: string;
  readonly kind: "file" | "folder";
  /** Relative to the folder of scripts. */
  readonly path: string;
  /** The file, or the folder it is in, is a symbolic link: only then its real place has to be looked up. */
  readonly linked: boolean;
}

/** The entry's kind, through a symbolic link; undefined when the link points nowhere. */
async function kindOf(dir: string, entry: Dirent): Promise<"file" | "folder" | undefined> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return undefined;
  const target = await stat(join(dir, entry.name)).catch(missing);
  if (target?.isFile()) return "file";
  return target?.isDirectory() ? "folder" : undefined;
}

/** Files come and go while the folder is read: gone is an answer, everything else is an error. */
function missing(error: unknown): undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return undefined;
  throw error;
}

const RENAME = "Use lower-case letters, digits and hyphens.";

/** What is found on the way, besides scripts. */
interface Findings {
  readonly problems: BuildProblem[];
  readonly disputed: Set<string>;
}

async function candidateOf(dir: string, entry: Dirent, findings: Findings): Promise<Candidate | undefined> {
  if (NO_SCRIPT.test(entry.name)) return undefined;
  const kind = await kindOf(dir, entry);
  if (kind === undefined) return undefined;
  const linked = entry.isSymbolicLink();
  const found =
    kind === "file"
      ? { name: SCRIPT_FILE.exec(entry.name)?.[1], path: entry.name, linked }
      : await indexOf(dir, entry, findings);
  if (found?.name === undefined) return undefined;
  if (NAME.test(found.name)) return { name: found.name, kind, path: found.path, linked: linked || found.linked };
  findings.problems.push(problem(found.path, `"${found.name}" cannot be a script's name`, RENAME));
  return undefined;
}

/** The `index.*` of a folder; a folder without one is no script and no fault (it may be being written). */
async function indexOf(
  dir: string,
  folder: Dirent,
  { problems, disputed }: Findings,
): Promise<Omit<Candidate, "kind"> | undefined> {
  const inside = await readdir(join(dir, folder.name), { withFileTypes: true }).catch(missing);
  const found = inside?.filter((entry) => INDEX.test(entry.name) && !entry.isDirectory()) ?? [];
  const [only, other] = found;
  if (only && other) {
    const names = found
      .map((entry) => entry.name)
      .toSorted()
      .join(" and ");
    disputed.add(folder.name);
    problems.push(problem(folder.name, `the folder has ${names}`, "Keep one of them: it is the script's entry."));
    return undefined;
  }
  return only && { name: folder.name, path: join(folder.name, only.name), linked: only.isSymbolicLink() };
}

/** Refuses an entry whose real place is elsewhere: a link would let a script read another's files, or the machine's. */
async function toSource(
  real: string,
  candidate: Candidate,
  { problems, disputed }: Findings,
): Promise<ScriptSource | undefined> {
  const { name, kind, path, linked } = candidate;
  const root = kind === "folder" ? join(real, name) : real;
  const plain = join(real, path);
  const entry = linked ? await realpath(plain).catch(missing) : plain;
  if (entry === undefined) return undefined;
  if (entry.startsWith(root + sep)) return { name, dir: real, entry, root, kind };
  disputed.add(name);
  problems.push({
    code: "import_refused",
    message: `${path} is a link that leaves ${kind === "folder" ? "its folder" : "the folder of scripts"}`,
    file: path,
    hint: "Put the file itself there, or import it from scripts/_shared/.",
  });
  return undefined;
}

/** One folder that may not be read does not matter to the other scripts. */
function unreadable(entry: Dirent, error: unknown, { problems, disputed }: Findings): undefined {
  const why = error instanceof Error ? error.message : String(error);
  disputed.add(SCRIPT_FILE.exec(entry.name)?.[1] ?? entry.name);
  problems.push({
    code: "script_failed",
    message: `${entry.name} cannot be read: ${why}`,
    file: entry.name,
    hint: "Give the engine's user the right to read it.",
  });
}

function byName(candidates: readonly Candidate[]): Map<string, Candidate[]> {
  const names = new Map<string, Candidate[]>();
  for (const candidate of candidates) {
    const same = names.get(candidate.name);
    if (same) same.push(candidate);
    else names.set(candidate.name, [candidate]);
  }
  return names;
}

/** Lists the scripts of a folder. A folder that does not exist has none. Rejects when it cannot be read. */
export async function discoverScripts(scriptsDir: string): Promise<Discovered> {
  const dir = resolve(scriptsDir);
  const problems: BuildProblem[] = [];
  const disputed = new Set<string>();
  const findings: Findings = { problems, disputed };
  const entries = await readdir(dir, { withFileTypes: true }).catch(missing);
  const real = entries && (await realpath(dir).catch(missing));
  if (entries === undefined || real === undefined) return { scripts: [], disputed, problems };
  const candidates = await Promise.all(
    entries.map((entry) => candidateOf(dir, entry, findings).catch((error) => unreadable(entry, error, findings))),
  );
  const sources: Promise<ScriptSource | undefined>[] = [];
  for (const [name, same] of byName(candidates.filter((candidate) => candidate !== undefined))) {
    const [only, other] = same;
    if (only && !other) {
      sources.push(toSource(real, only, findings));
      continue;
    }
    const paths = same.map((candidate) => candidate.path).toSorted();
    disputed.add(name);
    problems.push(
      problem(
        paths[0] ?? name,
        `${paths.join(" and ")} are both the script "${name}"`,
        "Rename or remove one of them.",
      ),
    );
  }
  const scripts = (await Promise.all(sources)).filter((source) => source !== undefined);
  scripts.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { scripts, disputed, problems };
}
