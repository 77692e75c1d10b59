/**
 * Makes hostile text harmless in a log. A script, a URL or a header may hold line breaks (forged lines), ANSI escapes
 * (a terminal that obeys the attacker) or bidirectional marks (a line that reads otherwise than it is).
 */

/** C0, DEL, C1, line and paragraph separators, bidirectional controls, byte order mark. */
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const UNSAFE_ALL = new RegExp(UNSAFE.source, "g");
/** Printable ASCII that JSON takes as it is. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function codePoint(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** JSON text of a string, also safe to print. Most strings of a log are plain ASCII: those cost one test. */
export function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return printable(JSON.stringify(text));
}

/** The same text with everything unsafe as `\uXXXX`; in JSON text it stays the same value. */
export function printable(text: string): string {
  return UNSAFE.test(text) ? text.replace(UNSAFE_ALL, codePoint) : text;
}
