/** `{{secret:NAME}}` in headers and URLs: found, and put right for where it stands. */
import { ProblemError } from "../../sdk/plugin.ts";

export const NAME = /^[A-Za-z0-9_-]{1,64}$/;

const IN_HEADER = /\{\{secret:([A-Za-z0-9_-]{1,64})\}\}/g;
/** A URL has percent-encoded the braces of its path, and `URLSearchParams` the colon as well. */
const IN_URL = /(?:\{|%7[Bb]){2}secret(?::|%3[Aa])([A-Za-z0-9_-]{1,64})(?:\}|%7[Dd]){2}/g;
const BEGUN = /(?:\{|%7[Bb]){2}secret(?::|%3[Aa])/;

export const placeholder = (name: string): string => `{{secret:${name}}}`;

export const hasPlaceholder = (text: string): boolean => BEGUN.test(text);

function fill(text: string, pattern: RegExp, valueOf: (name: string) => string): string {
  // Looked for in the text without placeholders, since a value may hold anything.
  if (BEGUN.test(text.replace(pattern, ""))) {
    throw new ProblemError(
      "bad_request",
      "secrets: a placeholder is {{secret:NAME}}, its name up to 64 letters, digits, - and _",
    );
  }
  return text.replace(pattern, (_, name: string) => valueOf(name));
}

/** The value of a header. */
export function fillHeader(text: string, valueOf: (name: string) => string): string {
  return fill(text, IN_HEADER, (name) => {
    const value = valueOf(name);
    if (/^[\x20-\x7e]*$/.test(value)) return value;
    throw new ProblemError("bad_request", `secrets: "${name}" has characters that a header cannot carry`);
  });
}

/** Path and query of a URL; a value never becomes more than a part of one segment or one parameter. */
export function fillUrl(url: URL, valueOf: (name: string) => string): void {
  const encoded = (name: string): string => encodeURIComponent(valueOf(name));
  const path = fill(url.pathname, IN_URL, encoded);
  if (path !== url.pathname) {
    url.pathname = path;
    // `..` would have taken the request to another path.
    if (url.pathname !== path) throw new ProblemError("bad_request", "secrets: such a value cannot stand in a path");
  }
  const query = fill(url.search, IN_URL, encoded);
  if (query !== url.search) url.search = query;
}
