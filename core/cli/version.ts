/** `aiwebengine version`. */
import type { Call } from "./command.ts";

export function run({ io, version }: Call): number {
  io.stdout(`${version}\n`);
  return 0;
}
