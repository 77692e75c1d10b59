/** Which request paths may name an asset at all: everything unusual is closed here, before a disk is asked. */

export interface AssetPath {
  /** Decoded once; none is empty, hidden, or more than a name. */
  readonly segments: readonly string[];
  /** It ends in a slash. */
  readonly folder: boolean;
}

/** A name longer than this is no file's anywhere, and a path longer than a few of them neither. */
const MAX_LENGTH = 2048;
// A backslash and a colon are paths and streams on Windows; a control character is a forgery in a log or a header.
const FORBIDDEN = /[/\\:\0-\x1f\x7f]|[. ]$/;

/** @param path as received, percent-encoded, without the query. Null: no asset has it. */
export function readPath(path: string): AssetPath | null {
  if (!path.startsWith("/") || path.length > MAX_LENGTH) return null;
  const folder = path.endsWith("/");
  const raw = path.slice(1, folder ? -1 : undefined);
  const segments: string[] = [];
  for (const one of path === "/" ? [] : raw.split("/")) {
    const name = decode(one);
    if (name === null || !isName(name)) return null;
    segments.push(name);
  }
  return { segments, folder };
}

/** Once: what is still encoded after it is a name with a percent sign. */
function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // not UTF-8
  }
}

/** `.well-known` is the one hidden folder that exists to be served (RFC 8615). */
export function isName(name: string): boolean {
  return name !== "" && (name === ".well-known" || !name.startsWith(".")) && !FORBIDDEN.test(name);
}

/** Never starts with two slashes: that would name another host. */
export function folderUrl(segments: readonly string[], search: string): string {
  return `${["", ...segments.map(encodeURIComponent), ""].join("/")}${search}`;
}
