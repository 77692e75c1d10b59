/** Takes the comments out of a declaration file: what is embedded for the checker alone needs none. */

/** Strings and template literals are left alone, since types may hold `"//"`. */
export function stripComments(source: string): string {
  let result = "";
  let at = 0;
  while (at < source.length) {
    const char = source[at] as string;
    if (char === '"' || char === "'" || char === "`") {
      const end = endOfString(source, at, char);
      result += source.slice(at, end);
      at = end;
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2);
      at = end < 0 ? source.length : end + 2;
    } else if (source.startsWith("//", at)) {
      const end = source.indexOf("\n", at);
      at = end < 0 ? source.length : end;
    } else {
      result += char;
      at++;
    }
  }
  return result
    .replace(/[ \t]+$/gm, "")
    .replace(/^ {4,}/gm, " ")
    .replace(/\n{2,}/g, "\n");
}

function endOfString(source: string, start: number, quote: string): number {
  let at = start + 1;
  while (at < source.length && source[at] !== quote) at += source[at] === "\\" ? 2 : 1;
  return at + 1;
}
