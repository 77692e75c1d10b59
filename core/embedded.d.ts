/** Texts that the build embeds, and Buffer methods that Bun has and its types leave out. */
declare module "*.txt" {
  const text: string;
  export default text;
}
/** Written for a page in a browser, and embedded as it is. */
declare module "*.browser.js" {
  const text: string;
  export default text;
}
/** A page that the build made, compressed: where it lies. */
declare module "*.html.br" {
  const path: string;
  export default path;
}
declare module "*.css" {
  const text: string;
  export default text;
}

interface Buffer {
  /** Answers the number of bytes written. */
  utf8Write(text: string, offset?: number, length?: number): number;
  utf8Slice(start?: number, end?: number): string;
  latin1Slice(start?: number, end?: number): string;
}
