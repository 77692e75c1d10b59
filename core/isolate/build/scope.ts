/** What one build may read, and the caps it stays under. Both ends know them; the jail holds the same folders. */

/** Sent by the engine; every path is absolute and real (no symbolic link left in it). */
export interface BuildScope {
  readonly name: string;
  /** The script's first file. */
  readonly entry: string;
  /** The script's own folder; the folder of scripts for a single-file script. */
  readonly root: string;
  readonly scriptsDir: string;
  /** A single-file script may import only `_shared/` and the packages of `<scriptsDir>/node_modules`. */
  readonly single: boolean;
}

export const SHARED = "_shared";
export const CAPS = {
  /** Bytes of one file that goes in. */
  fileBytes: 8 * 1024 * 1024,
  /** Bytes of all files that go in. */
  inputBytes: 64 * 1024 * 1024,
  /** Files that go in. */
  files: 5000,
  /** Bytes of the bundle. */
  codeBytes: 8 * 1024 * 1024,
  /** Bytes of the source map; a larger one is left out, with a warning. */
  mapBytes: 24 * 1024 * 1024,
  /** Bytes of all else that a build gives back: registrations, schemas, inputs, problems. */
  answerBytes: 2 * 1024 * 1024,
  registrations: 10_000,
  problems: 100,
} as const;

/** The folders, and for a single-file script no more than these, that the builder may read besides the runtime. */
export function readPaths(scope: BuildScope): string[] {
  const shared = `${scope.scriptsDir}/${SHARED}`;
  return scope.single ? [shared, `${scope.scriptsDir}/node_modules`] : [scope.root, shared];
}

export function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}
