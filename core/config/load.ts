/** Loads the config: defaults, file, profile, environment, `--set`, flags; each lies over those before it. Wrong config is refused whole. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { check } from "./check.ts";
import { PROFILE_VARIABLE, readEnvironment, type Environment } from "./environment.ts";
import { ConfigError, type ConfigProblem } from "./error.ts";
import { readConfigFile } from "./file.ts";
import { LIMIT_NAMES, type Limits } from "./limits.ts";
import { parseSet } from "./option.ts";
import { layersOf, takeProfiles } from "./profile.ts";
import type { Config, PluginConfig, ScriptConfig } from "./schema.ts";
import { checkMaxima, checkTls } from "./together.ts";
import { emptyBranch, inTheWay, merge, put, type Branch, type Source } from "./tree.ts";
import { deepFreeze } from "./value.ts";

export interface ConfigInput {
  /** The project folder; relative to the current one. */
  readonly dir: string;
  /** From `--config`: must exist. Relative to the current folder. */
  readonly file?: string | undefined;
  /** From `--profile`; else `AIWEBENGINE_PROFILE` of `env` chooses. */
  readonly profile?: string | undefined;
  /** The environment; none is an empty one. */
  readonly env?: Environment | undefined;
  /** From `--set`, each `key=value`. */
  readonly set: readonly string[];
  readonly flags: {
    readonly host?: string | undefined;
    /** As typed: it is checked like every other value. */
    readonly port?: string | number | undefined;
    readonly dev?: boolean | undefined;
  };
}

/** A config with what it was made of: for `checkPlugins` and `config print`. */
export interface LoadedConfig {
  readonly config: Config;
  /** Everything that was given, merged; each value knows where it was written. */
  readonly tree: Branch;
  /** The profiles that the file has. */
  readonly profiles: readonly string[];
}

/**
 * Reads, merges and checks; a plugin's own keys are left to `checkPlugins`.
 *
 * @throws ConfigError that lists every problem.
 * @example const { config } = readConfig({ dir: ".", set: ["server.port=0"], flags: {}, env: process.env });
 */
export function readConfig(input: ConfigInput): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const dir = resolve(input.dir);
  // A slip in the name must not become a new, empty project.
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError([{ key: "", message: "there is no such folder", place: `--dir ${input.dir}` }]);
  }
  const { file, layer } = readConfigFile(dir, input.file, problems);
  const profiles = takeProfiles(layer, problems);
  const profile = chosenProfile(input);
  const above = [readEnvironment(input.env ?? {}, problems), optionsLayer(input, problems)];
  // Each by itself: what is wrong in the file stays wrong where something else is laid over it.
  const said = [layer, ...above].filter(({ entries }) => entries.size > 0);
  const checks = said.map((one) => check(one));
  for (const one of checks) problems.push(...one.problems);
  const chosen = profile === undefined ? [] : layersOf(profile.name, profile.place, profiles, problems);
  if (problems.length > 0) throw new ConfigError(problems);

  const alone = said.length <= 1 && chosen.length === 0;
  const tree = alone ? (said[0] ?? layer) : merged(layer.source, [layer, ...chosen, ...above]);
  const { value } = (alone ? checks[0] : undefined) ?? check(tree);
  const facts = { dir, file, profile: profile?.name, dev: input.flags.dev ?? false };
  // The schema is the type `Config` without the facts: `check` builds what the schema says.
  const config = { ...(value as unknown as Config), ...facts };
  checkMaxima(config, tree, problems);
  const tls = checkTls(config, tree, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { config: deepFreeze({ ...config, server: { ...config.server, tls } }), tree, profiles: [...profiles.keys()] };
}

function merged(source: Source, layers: readonly Branch[]): Branch {
  const tree = emptyBranch(source);
  for (const layer of layers) merge(tree, layer);
  return tree;
}

/**
 * The config alone.
 *
 * @throws ConfigError that lists every problem.
 */
export function loadConfig(input: ConfigInput): Config {
  return readConfig(input).config;
}

function chosenProfile({ profile, env }: ConfigInput): { readonly name: string; readonly place: string } | undefined {
  if (profile !== undefined) return { name: profile, place: `--profile ${profile}` };
  const name = env?.[PROFILE_VARIABLE];
  // An empty variable is how a shell or a compose file says "none".
  return name ? { name, place: `${PROFILE_VARIABLE}=${name}` } : undefined;
}

/** `--set` and, over it, the flags with a name of their own. */
function optionsLayer(input: ConfigInput, problems: ConfigProblem[]): Branch {
  const layer = emptyBranch({ kind: "option", shown: "the command line" });
  for (const text of input.set) {
    const entry = parseSet(text, problems);
    if (entry && !put(layer, entry.path, entry.node)) problems.push(inTheWay(entry.node, entry.path));
  }
  for (const name of ["host", "port"] as const) {
    const value = input.flags[name];
    if (value === undefined) continue;
    const source: Source = { kind: "option", shown: `--${name} ${value}` };
    // "080" is a port to a person; a number to the schema.
    const given = name === "port" && /^\d{1,6}$/.test(String(value)) ? Number(value) : value;
    const path = ["server", name];
    const node = { value: given, source };
    if (!put(layer, path, node)) problems.push(inTheWay(node, path));
  }
  return layer;
}

const SCRIPT_DEFAULTS: ScriptConfig = deepFreeze({
  enabled: true,
  limits: {},
  isolation: "shared",
  mount: undefined,
  hosts: [],
  config: {},
});
const PLUGIN_DEFAULTS: PluginConfig = deepFreeze({ enabled: true, optional: false });

/** The settings of a script: what config says of it, else the defaults. */
export function scriptConfig(config: Config, script: string): ScriptConfig {
  return config.scripts[script] ?? SCRIPT_DEFAULTS;
}

/** What the engine does with a plugin: what config says of it, else the defaults. */
export function pluginConfig(config: Config, plugin: string): PluginConfig {
  return config.plugins[plugin] ?? PLUGIN_DEFAULTS;
}

/** The limits that hold for a script: the engine's, with the script's own laid over them. */
export function limitsFor(config: Config, script: string): Limits {
  const own = scriptConfig(config, script).limits;
  const merged = LIMIT_NAMES.map((name) => [name, own[name] ?? config.limits[name]]);
  return Object.freeze(Object.fromEntries(merged) as Limits);
}
