/** The plugins of the binary, as the host finds them. Written by `npm run build` from the files beside it. */
import type { BuiltInPlugin } from "../sdk/plugin.ts";

export const BUILT_INS: readonly BuiltInPlugin[] = [];
