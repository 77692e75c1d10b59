/** Reads what a plugin's default export says of itself, and refuses what it may not say. */
import type { AnyPlugin } from "../../sdk/plugin.ts";
import { suggest } from "../config/suggest.ts";
import { PLUGIN_NAME } from "./discover.ts";
import type { Ordered } from "./order.ts";

export interface Manifest extends Ordered {
  readonly version: string;
  readonly engine: string | undefined;
  /** The arktype definition of its config, as the plugin wrote it. */
  readonly config: object | undefined;
}

const KEYS = ["name", "version", "engine", "requires", "provides", "before", "after", "config", "setup"];
const LATER = ["permissions", "sandbox"];
const VERSION = /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/;

/** @throws Error whose message says what is wrong and what to do. */
export function readManifest(value: unknown, file: { readonly name: string }, engineVersion: string): Manifest {
  if (typeof value !== "object" || value === null) {
    throw new Error("its default export is no plugin; write `export default definePlugin({ name, version, setup })`");
  }
  const plugin = value as Partial<AnyPlugin> & { readonly [key: string]: unknown };
  for (const key of Object.keys(plugin)) {
    if (LATER.includes(key)) throw new Error(`"${key}" cannot be asked for: plugins run with all rights of the engine`);
    if (!KEYS.includes(key)) {
      const near = suggest(key, KEYS);
      throw new Error(`a manifest has no "${key}"${near === undefined ? "" : `; did you mean "${near}"?`}`);
    }
  }
  const { name, version, engine, config, setup } = plugin;
  if (typeof name !== "string" || !PLUGIN_NAME.test(name)) {
    throw new Error(
      `its name must be lower-case letters, digits and hyphens, with a letter first; it is ${JSON.stringify(name)}`,
    );
  }
  if (name !== file.name) {
    throw new Error(`it calls itself "${name}" and its file "${file.name}"; a plugin's name is its file's`);
  }
  if (typeof version !== "string" || !VERSION.test(version)) {
    throw new Error(`its version must be like "1.0.0"; it is ${JSON.stringify(version)}`);
  }
  if (engine !== undefined && (typeof engine !== "string" || !Bun.semver.satisfies(engineVersion, engine))) {
    throw new Error(
      `it works with engine ${JSON.stringify(engine)}, and this is ${engineVersion}; use another version of one of them`,
    );
  }
  if (typeof setup !== "function") throw new Error("it has no setup(ctx)");
  if (config !== undefined && (typeof config !== "object" || config === null || Array.isArray(config))) {
    throw new Error('its config must be an arktype definition of an object, such as { port: "number = 25" }');
  }
  return {
    name,
    version,
    engine,
    config,
    requires: names(plugin.requires, "requires"),
    provides: names(plugin.provides, "provides"),
    before: names(plugin.before, "before"),
    after: names(plugin.after, "after"),
  };
}

function names(value: unknown, key: string): readonly string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "")) return value as string[];
  throw new Error(`"${key}" must be a list of names`);
}
