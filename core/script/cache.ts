/**
 * Built scripts on disk: `data/cache/<hash>/{bundle.json, code.js, code.map}`, and `data/cache/<name>.ref` that says
 * which of them is a script's newest. An entry proves itself: its name is the hash of all that it says.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Input } from "../isolate/build/files.ts";
import { listFiles, listHash, TEMPLATE_ENDING } from "../isolate/build/list.ts";
import type { BuiltRegistration, Json, ScriptCode } from "./types.ts";

/** Raise it when the layout, the bundler's options or the realm's ABI change. */
const FORMAT = 3;
/** A script's newest and those that isolates on their way out may still read. */
const KEPT = 3;

/** What a result depends on besides its inputs. */
export interface CacheKey {
  readonly name: string;
  /** Relative to the folder of scripts. */
  readonly entry: string;
  readonly engine: string;
  readonly bun: string;
  readonly config: Json;
  readonly limits: Json;
  /** Hash of what plugins give to scripts. */
  readonly offer: string;
}

export interface Entry {
  readonly format: number;
  readonly key: CacheKey;
  readonly form: "module" | "classic";
  readonly registrations: readonly BuiltRegistration[];
  readonly registrationsHash: string;
  readonly codeHash: string;
  readonly mapHash: string;
  readonly inputs: readonly Input[];
}

export type Found =
  | { readonly kind: "hit"; readonly hash: string; readonly entry: Entry }
  | { readonly kind: "miss" }
  /** `reason` is a sentence for the log. */
  | { readonly kind: "broken"; readonly reason: string };

export interface Cache {
  /** Synchronous: a thousand of them stand between the engine's start and its first answer. */
  find(key: CacheKey, scriptsDir: string): Found;
  /** Answers why it could not be kept, or null. */
  keep(hash: string, entry: Entry, code: Uint8Array, map: Uint8Array): string | null;
  /** Deletes all builds of a script; what cannot be deleted is found damaged or stale later. */
  remove(name: string): void;
  /** Null when the files are gone or are not what was kept. */
  readCode(hash: string, entry: Entry): Promise<ScriptCode | null>;
}

export function newEntry(parts: Omit<Entry, "format">): Entry {
  return { format: FORMAT, ...parts };
}

/** Names everything but the times of the inputs, which may change while their content does not. */
export function hashEntry(entry: Entry): string {
  const { format, key, form, registrations, registrationsHash, codeHash, mapHash, inputs } = entry;
  const contents = inputs.map(({ path, size, hash }) => [path, size, hash]);
  return sha256(
    JSON.stringify([format, keyText(key), form, registrations, registrationsHash, codeHash, mapHash, contents]),
  );
}

export function sha256(data: string | Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(data).digest("hex");
}

export function openCache(dir: string): Cache {
  let serial = 0;
  const refOf = (name: string): string => join(dir, `${name}.ref`);

  const readRef = (name: string): string[] => {
    const text = readOptional(refOf(name));
    return text === null ? [] : text.split("\n").filter((line) => /^[0-9a-f]{64}$/.test(line));
  };

  const writeWhole = (path: string, content: string): void => {
    const draft = join(dir, `.draft-${process.pid}-${++serial}`);
    writeFileSync(draft, content);
    renameSync(draft, path);
  };

  const find = (key: CacheKey, scriptsDir: string): Found => {
    // Older ones, too: plugins may come and go, and the script is again what it was.
    let newest: Found = { kind: "miss" };
    for (const [at, hash] of readRef(key.name).entries()) {
      const found = look(hash, key, scriptsDir);
      if (found.kind === "hit") return found;
      if (at === 0) newest = found;
    }
    return newest;
  };

  const look = (hash: string, key: CacheKey, scriptsDir: string): Found => {
    const text = readOptional(join(dir, hash, "bundle.json"));
    if (text === null) return { kind: "miss" };
    const entry = parse(text);
    if (entry === null || hashEntry(entry) !== hash) {
      return {
        kind: "broken",
        reason: `the cached build of "${key.name}" (${hash.slice(0, 12)}) is damaged, and is made again`,
      };
    }
    if (entry.format !== FORMAT || keyText(entry.key) !== keyText(key)) return { kind: "miss" };
    const times = checkInputs(entry.inputs, scriptsDir);
    if (times === "changed") return { kind: "miss" };
    if (times === "same") return { kind: "hit", hash, entry };
    const touched = { ...entry, inputs: times };
    try {
      writeWhole(join(dir, hash, "bundle.json"), JSON.stringify(touched));
    } catch {
      // A cache that cannot be written still serves; the contents are compared again at the next start.
    }
    return { kind: "hit", hash, entry: touched };
  };

  const keep = (hash: string, entry: Entry, code: Uint8Array, map: Uint8Array): string | null => {
    const draft = join(dir, `.draft-${process.pid}-${++serial}`);
    try {
      mkdirSync(draft, { recursive: true });
      writeFileSync(join(draft, "code.js"), code);
      writeFileSync(join(draft, "code.map"), map);
      writeFileSync(join(draft, "bundle.json"), JSON.stringify(entry));
      // The same hash again: the old folder may be damaged, the new one is not.
      rmSync(join(dir, hash), { recursive: true, force: true });
      renameSync(draft, join(dir, hash));
      const others = readRef(entry.key.name).filter((one) => one !== hash);
      writeWhole(refOf(entry.key.name), [hash, ...others.slice(0, KEPT - 1)].join("\n"));
      for (const old of others.slice(KEPT - 1)) discard(join(dir, old));
      return null;
    } catch (error) {
      discard(draft);
      return (error as Error).message;
    }
  };

  const remove = (name: string): void => {
    for (const hash of readRef(name)) discard(join(dir, hash));
    discard(refOf(name));
  };

  const readCode = async (hash: string, entry: Entry): Promise<ScriptCode | null> => {
    try {
      const [code, map] = await Promise.all([
        readFile(join(dir, hash, "code.js")),
        readFile(join(dir, hash, "code.map")),
      ]);
      if (sha256(code) !== entry.codeHash || sha256(map) !== entry.mapHash) return null;
      return { code: code.toString("utf8"), map: map.toString("utf8") };
    } catch {
      return null; // whoever asks builds again, and says so
    }
  };

  return { find, keep, remove, readCode };
}

function keyText({ name, entry, engine, bun, config, limits, offer }: CacheKey): string {
  return JSON.stringify([name, entry, engine, bun, config, limits, offer]);
}

function parse(text: string): Entry | null {
  try {
    const entry = JSON.parse(text) as Entry;
    hashEntry(entry); // a shape that cannot be hashed is not one of ours
    return entry;
  } catch {
    return null;
  }
}

/** `same`, `changed`, or the inputs with their new times where only those differ. */
function checkInputs(inputs: readonly Input[], scriptsDir: string): "same" | "changed" | readonly Input[] {
  let touched = false;
  const now: Input[] = [];
  for (const input of inputs) {
    const path = `${scriptsDir}/${input.path}`;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (input.path.endsWith("/")) {
      if (listHash(listFiles(path.slice(0, -1), TEMPLATE_ENDING)) !== input.hash) return "changed";
      now.push(input);
      continue;
    }
    if (input.size < 0) {
      if (stat !== undefined) return "changed";
      now.push(input);
      continue;
    }
    if (stat === undefined || !stat.isFile() || stat.size !== input.size) return "changed";
    if (stat.mtimeMs === input.mtimeMs) now.push(input);
    else {
      if (sha256(readFileSync(path)) !== input.hash) return "changed";
      touched = true;
      now.push({ ...input, mtimeMs: stat.mtimeMs });
    }
  }
  return touched ? now : "same";
}

function readOptional(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null; // absent, or unreadable: both mean that the script is built
  }
}

function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // a read-only disk: what stays behind is never taken for another script's build
  }
}
