/** Finds a file below a root without ever leaving it, and reads it. */
import { closeSync, constants, fstatSync, openSync, read, realpathSync, statSync, type BigIntStats } from "node:fs";
import { join, relative, sep } from "node:path";
import { isName } from "./path.ts";

export interface AssetFile {
  /** Absolute and real. */
  readonly path: string;
  /** The folder of assets that it belongs to; absolute and real. */
  readonly root: string;
  readonly size: number;
  readonly modifiedMs: number;
  /** Another one whenever the file is another one. */
  readonly stamp: string;
}

/** Answers how many bytes were read. */
function readAsync(handle: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    read(handle, bytes, 0, bytes.length, 0, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** A regular file, `"folder"`, or null for everything else: a link that leads out, a pipe, a device, nothing. */
export function look(root: string, segments: readonly string[]): AssetFile | "folder" | null {
  const asked = join(root, ...segments);
  try {
    const path = realpathSync(asked);
    if (path !== asked && path !== root && !isBelow(root, path)) return null;
    const stat = statSync(path, { bigint: true });
    if (stat.isDirectory()) return "folder";
    return stat.isFile() ? describe(root, path, stat) : null;
  } catch {
    return null; // it does not exist, or may not be read
  }
}

/** `app.js.br` for `app.js`, unless it is older: then it was made of an earlier one. */
export function compressedBeside(file: AssetFile, ending: string): AssetFile | null {
  const found = look(file.root, `${relative(file.root, file.path)}${ending}`.split(sep));
  return found !== null && found !== "folder" && found.modifiedMs >= file.modifiedMs ? found : null;
}

/** A link may lead to another asset, but not past a hidden name to it. */
function isBelow(root: string, path: string): boolean {
  const names = relative(root, path).split(sep);
  return names.every(isName);
}

function describe(root: string, path: string, stat: BigIntStats): AssetFile {
  const stamp = `${stat.ino}-${stat.size}-${stat.mtimeNs}-${stat.ctimeNs}`;
  return { path, root, size: Number(stat.size), modifiedMs: Number(stat.mtimeMs), stamp };
}

/** All of a small file, or null when it is no longer the one that was found. */
export async function readAll(file: AssetFile): Promise<Uint8Array<ArrayBuffer> | null> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let handle: number;
  try {
    // Not on Windows: there is no link to follow and no pipe to wait for in the place of a file.
    handle = openSync(file.path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
  } catch {
    return null;
  }
  try {
    const stat = fstatSync(handle, { bigint: true });
    if (!stat.isFile() || describe(file.root, file.path, stat).stamp !== file.stamp) return null;
    const bytes = new Uint8Array(file.size);
    const bytesRead = await readAsync(handle, bytes);
    return bytesRead === file.size ? bytes : null;
  } finally {
    closeSync(handle);
  }
}
