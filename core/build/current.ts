/** The binary that `npm run build` makes: where it lies, and whether it is built from the files as they are. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./files.ts";

/** All that goes into it. */
const SOURCES = ["core", "plugins", "sdk", "package.json", "package-lock.json", "tsconfig.json"];

export const BINARY = join(ROOT, "dist", process.platform === "win32" ? "aiwebengine.exe" : "aiwebengine");

export function isCurrent(): boolean {
  // Without a binary 0 is not newer than anything.
  return newest(BINARY) > SOURCES.reduce((time, name) => Math.max(time, newest(join(ROOT, name))), 0);
}

function newest(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  // A folder's own time says that a file was removed.
  return readdirSync(path).reduce((time, name) => Math.max(time, newest(join(path, name))), stat.mtimeMs);
}
