/** The largest head (request line and headers) that the server takes; past it Bun answers 431 by itself. */

/** What Bun takes when it is told nothing. */
const BUNS_OWN = 16_384;
let told = BUNS_OWN;

/**
 * `Bun.serve` has no option for it, but reads a setting of `node:http`, which is one for the whole process. That module is
 * a megabyte and more: it is loaded only where another limit is wanted.
 */
export function setMaxHeaderBytes(bytes: number): void {
  if (bytes === told) return;
  const http = process.getBuiltinModule("node:http") as { maxHeaderSize: number };
  http.maxHeaderSize = told = bytes;
}
