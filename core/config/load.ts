/** Loads the config: defaults, then `aiwebengine.toml`, then `--set` and flags. Wrong config is refused whole. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { check } from "./check.ts";
import { ConfigError, type ConfigProblem } from "./error.ts";
import { LIMIT_NAMES, type Limits } from "./limits.ts";
import type { Config, ScriptConfig } from "./schema.ts";
import { isBranch, parseFile, parseSet, problemAt, put, type Branch, type Source } from "./tree.ts";

/** The file that is read when `--config` names no other. */
export const CONFIG_FILE = "aiwebengine.toml";

export interface ConfigInput {
  /** The project folder; relative to the current one. */
  readonly dir: string;
  /** From `--config`: must exist. Relative to the current folder. */
  readonly file?: string | undefined;
  /** From `--set`, each `key=value`. */
  readonly set: readonly string[];
  readonly flags: {
    readonly host?: string | undefined;
    /** As typed: it is checked like every other value. */
    readonly port?: string | number | undefined;
    readonly dev?: boolean | undefined;
  };
}

/**
 * Reads, merges and checks.
 *
 * @throws ConfigError that lists every problem.
 * @example const config = loadConfig({ dir: ".", set: ["server.port=0"], flags: {} });
 */
export function loadConfig(input: ConfigInput): Config {
  const problems: ConfigProblem[] = [];
  const dir = resolve(input.dir);
  // A slip in the name must not become a new, empty project.
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ConfigError([{ key: "", message: "there is no such folder", place: `--dir ${input.dir}` }]);
  }
  const { tree, file } = readTree(input, dir, problems);
  for (const text of input.set) {
    const entry = parseSet(text, problems);
    if (entry) put(tree, entry.path, entry.node);
  }
  for (const [name, value] of [
    ["host", input.flags.host],
    ["port", input.flags.port],
  ] as const) {
    if (value === undefined) continue;
    const source: Source = { kind: "option", shown: `--${name} ${value}` };
    // "080" is a port to a person; a number to the schema.
    const given = name === "port" && /^\d{1,6}$/.test(String(value)) ? Number(value) : value;
    put(tree, ["server", name], { value: given, source });
  }
  const checked = check(tree);
  problems.push(...checked.problems);
  // The schema is the type `Config` without the three facts below: `check` builds what the schema says.
  const config = { ...(checked.value as unknown as Config), dir, file, dev: input.flags.dev ?? false };
  checkMaxima(config, tree, problems);
  const tls = checkTls(config, tree, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze({ ...config, server: { ...config.server, tls } });
}

/** The settings of a script: what config says of it, else the defaults. */
export function scriptConfig(config: Config, script: string): ScriptConfig {
  return config.scripts[script] ?? NOTHING_SAID;
}

const NOTHING_SAID: ScriptConfig = deepFreeze({
  enabled: true,
  limits: {},
  isolation: "shared",
  mount: undefined,
  hosts: [],
  config: {},
});

/** The limits that hold for a script: the engine's, with the script's own laid over them. */
export function limitsFor(config: Config, script: string): Limits {
  const own = scriptConfig(config, script).limits;
  const merged = LIMIT_NAMES.map((name) => [name, own[name] ?? config.limits[name]]);
  return Object.freeze(Object.fromEntries(merged) as Limits);
}

function readTree(
  input: ConfigInput,
  dir: string,
  problems: ConfigProblem[],
): { tree: Branch; file: string | undefined } {
  const file = input.file === undefined ? join(dir, CONFIG_FILE) : resolve(input.file);
  const within = relative(dir, file);
  const shown = within.startsWith("..") || isAbsolute(within) ? file : within;
  const none: Branch = { source: { kind: "option", shown: "" }, entries: new Map() };
  let text: string;
  try {
    // A byte order mark is dropped by the decoder; bytes that are no UTF-8 are refused by it.
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" && input.file === undefined) return { tree: none, file: undefined };
    const reason =
      code === "ENOENT" ? "there is no such file" : error instanceof TypeError ? "it is not UTF-8 text" : String(code);
    problems.push({ key: "", message: `cannot be read: ${reason}`, place: shown });
    return { tree: none, file: undefined };
  }
  return { tree: parseFile(text, shown, problems), file };
}

/** Where a key was given, for problems that concern more than one key. */
function sourceOf(tree: Branch, path: readonly string[]): Source | undefined {
  let node: Branch | ReturnType<Branch["entries"]["get"]> = tree;
  for (const part of path) {
    if (!node || !isBranch(node)) return undefined;
    node = node.entries.get(part);
  }
  return node?.source;
}

function checkMaxima(config: Config, tree: Branch, problems: ConfigProblem[]): void {
  const scripts = Object.entries(config.scripts).map(([name, script]) => [["scripts", name], script.limits] as const);
  for (const [prefix, limits] of [[[] as readonly string[], config.limits] as const, ...scripts]) {
    for (const name of LIMIT_NAMES) {
      const value = limits[name];
      const max = config.limits.max[name];
      if (value === undefined || value <= max) continue;
      const path = [...prefix, "limits", name];
      const maxPath = ["limits", "max", name];
      // A lowered maximum can be the odd one out: then the limit itself stands nowhere.
      const source = sourceOf(tree, path) ?? sourceOf(tree, maxPath) ?? tree.source;
      const message = `${path.join(".")} is ${value}, above limits.max.${name}, which is ${max}`;
      problems.push(
        problemAt(source, sourceOf(tree, path) ? path : maxPath, message, "Lower the limit, or raise the maximum."),
      );
    }
  }
}

function checkTls(config: Config, tree: Branch, problems: ConfigProblem[]): Config["server"]["tls"] {
  const { cert, key } = config.server.tls;
  const absolute = { cert: cert && resolve(config.dir, cert), key: key && resolve(config.dir, key) };
  for (const name of ["cert", "key"] as const) {
    const path = ["server", "tls", name];
    const file = absolute[name];
    if (file === undefined) {
      const other = ["server", "tls", name === "cert" ? "key" : "cert"];
      const source = sourceOf(tree, other);
      if (source) problems.push(problemAt(source, other, `needs ${path.join(".")} as well`));
      continue;
    }
    try {
      accessSync(file, constants.R_OK);
    } catch {
      problems.push(
        problemAt(sourceOf(tree, path) ?? tree.source, path, `the file ${file} does not exist or cannot be read`),
      );
    }
  }
  return absolute;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
