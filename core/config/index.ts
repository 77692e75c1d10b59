/** The config system's front door. */
export { ConfigError, type ConfigProblem } from "./error.ts";
export { LIMITS, LIMIT_NAMES, type LimitName, type LimitSpec, type Limits } from "./limits.ts";
export { CONFIG_FILE, limitsFor, loadConfig, scriptConfig, type ConfigInput } from "./load.ts";
export type { Config, ScriptConfig } from "./schema.ts";
