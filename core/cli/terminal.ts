/** Whether a person sees what this process prints. */
import { openLibc } from "../isolate/jail/libc.ts";

/**
 * Asked of the C library where there is one: `process.stdout` would load Node's streams, a megabyte that an engine then
 * keeps for as long as it runs.
 *
 * @example isTerminal(1) // standard output
 */
export function isTerminal(fd: 1 | 2): boolean {
  const libc = openLibc();
  if (libc !== null) return libc.isatty(fd) === 1;
  return (fd === 1 ? process.stdout : process.stderr).isTTY === true;
}
