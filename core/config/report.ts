/** Every key of a config with its value and where that came from; secrets are hidden. */
import type { Json } from "../script/types.ts";
import type { Key } from "./key.ts";
import { pluginConfig, type LoadedConfig } from "./load.ts";
import { isSecretOption, type CheckedPlugins, type KnownPlugin } from "./plugins.ts";
import { SCHEMA } from "./schema.ts";
import { HIDDEN, looksSecret } from "./secret.ts";
import { nodeAt, placeOf, type Branch, type Node } from "./tree.ts";

export interface ConfigRow {
  readonly path: readonly string[];
  /** Null: not set, and without a default. `[hidden]` for a secret. */
  readonly value: Json;
  readonly from: "default" | "file" | "profile" | "environment" | "--set" | "flag";
  /** `aiwebengine.toml:3`, the name of a variable, `--port`; none for a default. */
  readonly place?: string;
}

type Origin = Pick<ConfigRow, "from" | "place">;

function originOf(node: Node | undefined, path: readonly string[]): Origin {
  if (node === undefined) return { from: "default" };
  const { source, at } = node;
  switch (source.kind) {
    case "file":
      return { from: at?.[0] === "profile" ? "profile" : "file", place: placeOf(node, path).replace(/:\d+$/, "") };
    case "environment":
      return { from: "environment", place: source.shown };
    case "option": {
      const [flag = ""] = source.shown.split(" ");
      return { from: flag === "--set" ? "--set" : "flag", place: flag };
    }
  }
}

function isTable(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type IsSecret = (path: readonly string[]) => boolean;

function masked(value: Json, path: readonly string[], isSecret: IsSecret): Json {
  // Neither of them can be one, whatever the key is called.
  if (value === null || typeof value === "boolean") return value;
  if (isSecret(path)) return HIDDEN;
  if (Array.isArray(value)) return value.map((item, index) => masked(item, [...path, String(index)], isSecret));
  if (!isTable(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, masked(inner, [...path, name], isSecret)]),
  );
}

class Rows {
  readonly rows: ConfigRow[] = [];

  /** `ownKeys` adds what a plugin has besides the engine's keys. */
  constructor(
    private readonly tree: Branch,
    private readonly ownKeys: (plugin: string, rows: Rows) => void,
  ) {}

  key(key: Key, value: unknown, path: readonly string[]): void {
    if (key.type === "table") {
      for (const [name, inner] of Object.entries(key.keys)) {
        this.key(inner, isTable(value) ? value[name] : undefined, [...path, name]);
      }
    } else if (key.type === "map") {
      for (const [name, inner] of Object.entries(isTable(value) ? value : {})) {
        this.key(key.value, inner, [...path, name]);
        if (path[0] === "plugins") this.ownKeys(name, this);
      }
    } else if (key.type === "data") this.data((value ?? {}) as Json, path, looksSecret);
    // What a script leaves open is the engine's own key, which has a row.
    else if (value !== undefined || path[0] !== "scripts") this.add((value ?? null) as Json, path, looksSecret);
  }

  /** Tables are taken apart, so that each key has its own origin. */
  data(value: Json, path: readonly string[], isSecret: IsSecret): void {
    if (!isTable(value) || Object.keys(value).length === 0) return this.add(value, path, isSecret);
    for (const [name, inner] of Object.entries(value)) this.data(inner, [...path, name], isSecret);
  }

  private add(value: Json, path: readonly string[], isSecret: IsSecret): void {
    this.rows.push({ path, value: masked(value, path, isSecret), ...originOf(nodeAt(this.tree, path), path) });
  }
}

/** In the order of the schema; `plugins` is what `checkPlugins` answered. */
export function configRows(
  { config, tree }: LoadedConfig,
  known: readonly KnownPlugin[],
  plugins: CheckedPlugins,
): readonly ConfigRow[] {
  const all = Object.fromEntries(known.map(({ name }) => [name, pluginConfig(config, name)]));
  const rows = new Rows(tree, (name, into) => {
    const plugin = known.find((one) => one.name === name);
    const options = plugins[name];
    if (plugin === undefined || options === undefined || Object.keys(options).length === 0) return;
    into.data(options, ["plugins", name], (path) => isSecretOption(plugin, path.slice(2)));
  });
  rows.key(SCHEMA, { ...config, plugins: all }, []);
  return rows.rows;
}
