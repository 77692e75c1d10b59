/** The config system's front door. */
export { ConfigError, type ConfigProblem } from "./error.ts";
export { CONFIG_FILES, configFiles } from "./file.ts";
export { LIMITS, LIMIT_NAMES, type LimitName, type LimitSpec, type Limits } from "./limits.ts";
export {
  limitsFor,
  loadConfig,
  pluginConfig,
  readConfig,
  scriptConfig,
  type ConfigInput,
  type LoadedConfig,
} from "./load.ts";
export type { Config, PluginConfig, ScriptConfig } from "./schema.ts";
export { LiveConfig } from "./live.ts";
export { restartNeeded } from "./restart.ts";
export { configStates, watchConfig } from "./watch.ts";
