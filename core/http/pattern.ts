/** Route patterns: `/notes/:id`, `/a/:b?/c`, `/files/*`; what is allowed, and what each one stands for. */

const MAX_LENGTH = 512;
const MAX_SEGMENTS = 32;
/** Each optional parameter doubles the number of plain patterns; four are sixteen. */
const MAX_OPTIONAL = 4;

const PARAM = /^:([A-Za-z_][A-Za-z0-9_]*)(\??)$/;
// What a URL's path can never hold unencoded, so that a route with it could never match.
// oxlint-disable-next-line no-control-regex
const UNREACHABLE = /[\u0000-\u0020\u007f#\\]/;

/** One piece between two slashes. A trailing slash is a last piece with the text "". */
export type Segment =
  | { readonly kind: "static"; readonly text: string }
  | { readonly kind: "param"; readonly name: string; readonly optional: boolean }
  | { readonly kind: "tail" };

/** One sentence that says what is wrong with the pattern, or null when it is well formed. */
export function checkPattern(path: string): string | null {
  const parsed = parse(path);
  return typeof parsed === "string" ? parsed : null;
}

/**
 * The plain patterns (no optional parameters) that a pattern stands for, the one with most parameters filled first;
 * where two of them take the same place (`/:a?/:b?` without one), the left parameter is the one that is filled.
 *
 * @throws {SyntaxError} with the sentence of `checkPattern`.
 */
export function expandPattern(path: string): Segment[][] {
  const segments = parse(path);
  if (typeof segments === "string") throw new SyntaxError(segments);
  let plain: Segment[][] = [[]];
  for (const segment of segments) {
    const both = segment.kind === "param" && segment.optional;
    plain = plain.flatMap((head) => (both ? [[...head, segment], head] : [[...head, segment]]));
  }
  return plain.map((pattern) => (pattern.length === 0 ? [{ kind: "static", text: "" } as const] : pattern));
}

function parse(path: string): Segment[] | string {
  const quoted = JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path);
  if (path.charCodeAt(0) !== 47) return `the path ${quoted} must start with "/"`;
  if (path.length > MAX_LENGTH) return `the path ${quoted} is longer than ${MAX_LENGTH} characters`;
  if (UNREACHABLE.test(path)) {
    return `the path ${quoted} holds a space, "#", "\\" or a control character; write it percent-encoded`;
  }
  const pieces = path.slice(1).split("/");
  if (pieces.length > MAX_SEGMENTS) return `the path ${quoted} has more than ${MAX_SEGMENTS} segments`;
  const segments: Segment[] = [];
  const names = new Set<string>();
  let optional = 0;
  for (const [index, piece] of pieces.entries()) {
    const last = index === pieces.length - 1;
    const segment = parseSegment(piece, last, quoted);
    if (typeof segment === "string") return segment;
    if (segment.kind === "param") {
      if (names.has(segment.name)) return `the path ${quoted} has the parameter ":${segment.name}" twice`;
      names.add(segment.name);
      if (segment.optional && ++optional > MAX_OPTIONAL) {
        return `the path ${quoted} has more than ${MAX_OPTIONAL} optional parameters`;
      }
    }
    segments.push(segment);
  }
  return segments;
}

function parseSegment(piece: string, last: boolean, quoted: string): Segment | string {
  if (piece === "*") {
    return last ? { kind: "tail" } : `the path ${quoted} has "*" before its end; only the last segment can be "*"`;
  }
  if (piece === "" && !last) return `the path ${quoted} has an empty segment ("//")`;
  if (piece.includes(":")) {
    const found = PARAM.exec(piece);
    if (found) return { kind: "param", name: found[1] ?? "", optional: found[2] === "?" };
    return `the path ${quoted} has ${JSON.stringify(piece)}: a parameter is a whole segment, ":name" or ":name?"; write a plain ":" as "%3A"`;
  }
  if (piece.includes("?")) return `the path ${quoted} holds a "?": a route has no query, and only ":name?" is optional`;
  if (piece.includes("*")) return `the path ${quoted} has "*" inside a segment; write a plain "*" as "%2A"`;
  let text: string;
  try {
    text = decodeURIComponent(piece);
  } catch {
    return `the path ${quoted} is not well percent-encoded at ${JSON.stringify(piece)}`;
  }
  // A URL parser resolves these away before a route is looked up.
  if (text === "." || text === "..") return `the path ${quoted} has a "${text}" segment, which no URL keeps`;
  return { kind: "static", text };
}
