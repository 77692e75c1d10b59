/** The config as JSON Schema 2020-12, for editors: the engine's keys and those of plugins. */
import type { Json, JsonSchema } from "../script/types.ts";
import type { Key, MapKey, TableKey } from "./key.ts";
import type { KnownPlugin } from "./plugins.ts";
import { PLUGIN_KEYS, SCHEMA } from "./schema.ts";

const DIALECT = "https://json-schema.org/draft/2020-12/schema";

type Part = { readonly [key: string]: Json };

function leafSchema(key: Exclude<Key, TableKey | MapKey>): Part {
  const description = { description: key.meaning.replaceAll("`", "") };
  switch (key.type) {
    case "integer":
      return {
        type: "integer",
        minimum: key.min,
        maximum: key.max,
        ...(key.default !== undefined && { default: key.default }),
        ...description,
      };
    case "boolean":
      return { type: "boolean", default: key.default, ...description };
    case "string":
      return { type: "string", ...(key.default !== undefined && { default: key.default }), ...description };
    case "choice":
      return { enum: key.choices, default: key.default, ...description };
    case "strings":
      return { type: "array", items: { type: "string" }, default: [], ...description };
    case "data":
      return { type: "object", ...description };
  }
}

function tableSchema(key: TableKey, more: Part = {}): Part {
  const properties = Object.entries(key.keys).map(([name, inner]) => [name, schemaOf(inner)] as const);
  return { type: "object", properties: { ...Object.fromEntries(properties), ...more }, additionalProperties: false };
}

function schemaOf(key: Key): Part {
  if (key.type === "table") return tableSchema(key);
  if (key.type !== "map") return leafSchema(key);
  return { type: "object", patternProperties: { [key.name.source]: schemaOf(key.value) }, additionalProperties: false };
}

/** A plugin's schema with the engine's two keys in it. What it requires is not demanded: the plugin may be left out. */
function pluginSchema({ schema = { additionalProperties: true } }: KnownPlugin): Part {
  const { required: _required, $schema: _dialect, properties, ...rest } = schema;
  const own = typeof properties === "object" && properties !== null ? (properties as Part) : {};
  const switches = tableSchema(PLUGIN_KEYS)["properties"] as Part;
  return { additionalProperties: false, ...rest, type: "object", properties: { ...switches, ...own } };
}

/** References inside a plugin's schema start at its own root: it gets an `$id` of its own. */
function withId(name: string, schema: Part): Part {
  return JSON.stringify(schema).includes('"$ref"') ? { $id: `urn:aiwebengine:plugin:${name}`, ...schema } : schema;
}

/** The schema of a config file. */
export function configJsonSchema(plugins: readonly KnownPlugin[]): JsonSchema {
  const known = plugins.map((plugin) => [plugin.name, withId(plugin.name, pluginSchema(plugin))] as const);
  const core = tableSchema(SCHEMA)["properties"] as Part;
  const keys: Part = {
    ...core,
    plugins: { type: "object", properties: Object.fromEntries(known), additionalProperties: false },
  };
  const own = Object.keys(keys).map((name) => [name, { $ref: `#/$defs/${name}` }] as const);
  const profile: Part = {
    type: "object",
    properties: {
      inherits: { type: "string", description: "The profile that this one is laid over." },
      ...Object.fromEntries(own),
    },
    additionalProperties: false,
  };
  return {
    $schema: DIALECT,
    title: "Config of aiwebengine",
    type: "object",
    $defs: keys,
    properties: {
      $schema: { type: "string" },
      ...Object.fromEntries(own),
      profile: {
        type: "object",
        description: "Laid over the file when --profile or AIWEBENGINE_PROFILE names it.",
        patternProperties: { "^[a-z0-9][a-z0-9-]*$": profile },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  };
}
