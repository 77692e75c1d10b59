/** How tests start children of the engine. */
import { BINARY, isCurrent } from "../../core/build/current.ts";

let current: boolean | undefined;

/**
 * The binary, where it is built from the files as they are: its children start in a fifth of the time. Else `main`, a
 * source file that does the same: a test never says something about older files.
 */
export function childCommand(main: string): readonly string[] {
  current ??= isCurrent();
  return current ? [BINARY] : [process.execPath, main];
}
