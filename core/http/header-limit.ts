/** The largest head (request line and headers) that the server takes; past it Bun answers 431 by itself. */
import http from "node:http";

/** `Bun.serve` has no option for it, but reads this setting of `node:http`, which is one for the whole process. */
export function setMaxHeaderBytes(bytes: number): void {
  (http as { maxHeaderSize: number }).maxHeaderSize = bytes;
}
