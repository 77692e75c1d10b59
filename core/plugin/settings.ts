/** What the config says of plugins: which are on, which may be left out, and what each of them is given. */
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import { pluginConfig, type LoadedConfig } from "../config/index.ts";
import type { JsonSchema } from "../script/types.ts";
import { checkPlugins } from "../config/plugins.ts";
import type { PluginSettings } from "./host.ts";

/** @param builtIns plugins that are known with their schema also where they are left out */
export function settingsOf(loaded: LoadedConfig, builtIns: readonly BuiltInPlugin[]): PluginSettings {
  const { config } = loaded;
  return {
    enabled: (name) => pluginConfig(config, name).enabled,
    optional: (name) => pluginConfig(config, name).optional,
    check(known, others) {
      const schemaOf = (name: string): JsonSchema | undefined => builtIns.find((one) => one.name === name)?.schema;
      return checkPlugins(loaded, [...known, ...others.map((name) => ({ name, schema: schemaOf(name) }))]);
    },
  };
}
