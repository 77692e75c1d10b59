/** What a problem says about a limit that was passed: its value, what was used, and the key that changes it. */
import type { LimitUse } from "../../sdk/errors.ts";
import type { LimitName, Limits } from "../config/limits.ts";

export function limitUse(limits: Limits, name: LimitName, used: number): LimitUse {
  return { name, value: limits[name], used: Math.round(used), key: `limits.${name}` };
}
