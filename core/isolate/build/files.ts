/** Reads a script's files for the bundler: only regular files inside its scope, each once, each remembered. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { listFiles, listHash } from "./list.ts";
import type { BuildScope } from "./scope.ts";
import { CAPS, isInside, readPaths } from "./scope.ts";
import { Refusal, shown } from "./refusal.ts";

/** One file that the result depends on. */
export interface Input {
  /** Relative to the folder of scripts. One that ends in a slash is the list of the templates in that folder. */
  readonly path: string;
  /** -1: the file must go on not existing (a name that was tried before the one that was found). */
  readonly size: number;
  readonly mtimeMs: number;
  /** SHA-256 of the content, in hex. */
  readonly hash: string;
}

export interface Files {
  /** The path's real path when it is a regular file in scope, or why it is not one. */
  find(path: string): string | "missing" | "outside";
  isFolder(path: string): boolean;
  /** The files below a folder in scope whose names end so, relative to it; each that comes or goes makes another build. */
  list(folder: string, ending: string): readonly string[];
  /** The bytes of a path that `find` answered. */
  read(real: string): Uint8Array;
  inputs(): Input[];
  /** For a path in scope: relative to the folder of scripts. */
  relative(path: string): string;
}

/** `source` and `tests`: what the engine sends, because a single file's folder is not readable here. */
export function openFiles(
  scope: BuildScope,
  source: EntrySource | undefined,
  tests: ReadonlyMap<string, string> = new Map(),
): Files {
  const folders = readPaths(scope);
  const inputs = new Map<string, Input>();
  const texts = new Map<string, Uint8Array>();
  const base = scope.scriptsDir.endsWith("/") ? scope.scriptsDir : `${scope.scriptsDir}/`;
  let total = 0;
  const relative = (path: string): string => (path.startsWith(base) ? path.slice(base.length) : path);
  const inScope = (path: string): boolean => folders.some((folder) => isInside(path, folder));

  const note = (real: string, size: number, mtimeMs: number, bytes: Uint8Array): void => {
    total += bytes.length;
    if (total > CAPS.inputBytes || inputs.size >= CAPS.files) {
      throw new Refusal(
        `the script is made of more than ${CAPS.files} files or ${CAPS.inputBytes} bytes`,
        "Import less, or a package's smaller entry.",
        "script_failed",
      );
    }
    const hash = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    inputs.set(real, { path: relative(real), size, mtimeMs, hash });
    texts.set(real, bytes);
  };
  if (source !== undefined) note(scope.entry, source.bytes.length, source.mtimeMs, source.bytes);

  for (const [path, text] of tests) note(path, text.length, 0, new TextEncoder().encode(text));

  return {
    relative,
    find(path) {
      if (tests.has(path)) return path;
      if (source !== undefined && path === scope.entry) return path;
      if (!inScope(path)) return "outside";
      const real = realPath(path);
      if (real === undefined) {
        if (!path.includes("/node_modules/") && inputs.size < CAPS.files) {
          inputs.set(path, { path: relative(path), size: -1, mtimeMs: 0, hash: "" });
        }
        return "missing";
      }
      if (!inScope(real)) return "outside";
      return statSync(real).isFile() ? real : "missing";
    },
    isFolder(path) {
      if (!inScope(path) && !folders.includes(path)) return false;
      const real = realPath(path);
      return real !== undefined && (inScope(real) || folders.includes(real)) && statSync(real).isDirectory();
    },
    list(folder, ending) {
      if (!inScope(folder)) return [];
      const names = listFiles(folder, ending);
      inputs.set(`${folder}/`, { path: `${relative(folder)}/`, size: names.length, mtimeMs: 0, hash: listHash(names) });
      return names;
    },
    read(real) {
      const known = texts.get(real);
      if (known !== undefined) return known;
      const { bytes, mtimeMs } = readRegular(real, relative(real));
      note(real, bytes.length, mtimeMs, bytes);
      return bytes;
    },
    inputs: () => [...inputs.values()],
  };
}

export interface EntrySource {
  readonly bytes: Uint8Array;
  readonly mtimeMs: number;
}

/** Never blocks (a pipe), never follows a link that appeared since `find`, never reads past the cap. */
export function readRegular(path: string, name: string): EntrySource {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Refusal(`"${shown(name)}" is not a regular file`, "Put a file there.");
    if (stat.size > CAPS.fileBytes) {
      throw new Refusal(
        `"${shown(name)}" has ${stat.size} bytes; a file of a script may have ${CAPS.fileBytes}`,
        "Split it, or keep data outside the code.",
        "script_failed",
      );
    }
    const bytes = new Uint8Array(stat.size);
    let at = 0;
    while (at < bytes.length) {
      const got = readSync(fd, bytes, at, bytes.length - at, at);
      if (got === 0) break;
      at += got;
    }
    return { bytes: bytes.subarray(0, at), mtimeMs: stat.mtimeMs };
  } finally {
    closeSync(fd);
  }
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // EACCES: the jail's answer for what is not in scope.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "EACCES" || code === "ENAMETOOLONG") {
      return undefined;
    }
    throw error;
  }
}
