/** Checks what config says of plugins against the plugins' own schemas. Apart from `load.ts`, since which plugins there are is known later. */
import { resolve } from "../isolate/realm/validate/compile.ts";
import type { ValidationError } from "../isolate/realm/validate/run.ts";
import { makeValidator } from "../isolate/realm/validate.ts";
import type { Json, JsonSchema } from "../script/types.ts";
import { asText } from "./check.ts";
import { toUpperSnake } from "./environment.ts";
import { ConfigError, type ConfigProblem } from "./error.ts";
import { pluginConfig, type LoadedConfig } from "./load.ts";
import { PLUGIN_KEYS } from "./schema.ts";
import { looksSecret } from "./secret.ts";
import { suggest } from "./suggest.ts";
import { isBranch, nodeAt, problemAt, type Branch, type Node } from "./tree.ts";
import { deepFreeze, Invalid, safeName, toJson } from "./value.ts";

export interface KnownPlugin {
  readonly name: string;
  /**
   * JSON Schema 2020-12 of an object: the plugin's own keys, without `enabled` and `optional`. Undefined for a plugin that
   * is there but not loaded: nobody can say what its keys are.
   */
  readonly schema?: JsonSchema | undefined;
}

/** A plugin's own keys, checked and with defaults; frozen. */
export type PluginOptions = { readonly [key: string]: Json };

/** By the plugin's name, of those that are enabled. */
export type CheckedPlugins = { readonly [name: string]: PluginOptions };

/**
 * Checks all plugins at once: those that config names must be known, and each must get what its schema wants. A plugin
 * that is not enabled may lack what it requires, but what is said of it must be right.
 *
 * @throws ConfigError that lists every problem.
 * @example
 * const loaded = readConfig({ dir: ".", set: [], flags: {} });
 * checkPlugins(loaded, [{ name: "cors", schema: { type: "object", properties: { origins: { type: "array" } } } }]);
 */
export function checkPlugins(loaded: LoadedConfig, known: readonly KnownPlugin[]): CheckedPlugins {
  const problems: ConfigProblem[] = [];
  const given = nodeAt(loaded.tree, ["plugins"]);
  const section: Branch["entries"] = given && isBranch(given) ? given.entries : new Map();
  const names = known.map(({ name }) => name);
  for (const [name, node] of section) if (!names.includes(name)) problems.push(unknownPlugin(name, node, names));
  const checked: { [name: string]: PluginOptions } = Object.create(null);
  for (const { name, schema } of known) {
    const node = section.get(name);
    const { enabled } = pluginConfig(loaded.config, name);
    const own = node && isBranch(node) ? node : undefined;
    const plugin = new PluginCheck(name, schema ?? ANYTHING, own);
    const options = plugin.options(enabled);
    problems.push(...plugin.problems);
    if (enabled) checked[name] = deepFreeze(options);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(checked);
}

const ANYTHING: JsonSchema = { additionalProperties: true };

function unknownPlugin(name: string, node: Node, names: readonly string[]): ConfigProblem {
  const near = suggest(name, names);
  const hint = near
    ? `Did you mean plugins.${near}?`
    : names.length > 0
      ? `Take its table out, or put plugins/${name}.ts there. There are: ${names.join(", ")}.`
      : undefined;
  return problemAt(node, ["plugins", name], `there is no plugin ${JSON.stringify(name)}`, hint);
}

function record(value: Json | undefined): { readonly [key: string]: Json } | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return value as { readonly [key: string]: Json };
}

/** The schema itself, where it only points at one. */
function followed(schema: Json | undefined, root: JsonSchema): { readonly [key: string]: Json } | undefined {
  let at = record(schema);
  for (let steps = 0; steps < 20 && typeof at?.["$ref"] === "string"; steps++) at = record(resolve(root, at["$ref"]));
  return at;
}

/** The properties of a schema that declares all of them; undefined where others may be given. */
function closedProperties(schema: { readonly [key: string]: Json } | undefined): readonly string[] | undefined {
  const open = ["additionalProperties", "patternProperties", "anyOf", "oneOf", "allOf"];
  const properties = record(schema?.["properties"]);
  if (schema === undefined || properties === undefined || open.some((word) => Object.hasOwn(schema, word)))
    return undefined;
  return Object.keys(properties);
}

/** The part of a plugin's schema that describes a key. */
function schemaAt(root: JsonSchema, path: readonly string[]): { readonly [key: string]: Json } | undefined {
  let at = followed(root, root);
  for (const part of path) {
    const properties = record(at?.["properties"]);
    const next = properties && Object.hasOwn(properties, part) ? properties[part] : at?.["items"];
    at = followed(next ?? at?.["additionalProperties"], root);
  }
  return at;
}

/**
 * Whether a plugin's key is a secret: its schema says so (`secret`, or `writeOnly` of JSON Schema), or it is a text with the
 * name of one.
 */
export function isSecretOption({ name, schema = ANYTHING }: KnownPlugin, path: readonly string[]): boolean {
  for (let length = 1; length <= path.length; length++) {
    const part = schemaAt(schema, path.slice(0, length));
    if (part?.["secret"] === true || part?.["writeOnly"] === true) return true;
  }
  const type = schemaAt(schema, path)?.["type"];
  return type !== "boolean" && type !== "integer" && type !== "number" && looksSecret(["plugins", name, ...path]);
}

function valueAt(options: Json, path: readonly string[]): Json | undefined {
  let at: Json | undefined = options;
  for (const part of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as { readonly [key: string]: Json })[part];
  }
  return at;
}

/** The validator says "expected <description>", and a description here is what the key is for. */
function withoutDescriptions(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutDescriptions);
  const part = record(schema);
  if (part === undefined) return schema;
  const { description: _description, ...rest } = part;
  return Object.fromEntries(
    Object.entries(rest).map(([word, value]) => {
      if (word === "default" || word === "const" || word === "enum") return [word, value];
      const named = ["properties", "patternProperties", "$defs"].includes(word) ? record(value) : undefined;
      if (named === undefined) return [word, withoutDescriptions(value)];
      return [word, Object.fromEntries(Object.entries(named).map(([name, one]) => [name, withoutDescriptions(one)]))];
    }),
  );
}

class PluginCheck {
  readonly problems: ConfigProblem[] = [];
  /** Where each key was given, by its path as JSON: one from the environment is spelled as the schema does only here. */
  private readonly nodes = new Map<string, Node>();

  constructor(
    private readonly name: string,
    private readonly schema: JsonSchema,
    private readonly node: Branch | undefined,
  ) {}

  options(enabled: boolean): PluginOptions {
    const options = this.node ? this.table(this.node, []) : {};
    this.unknownKeys(options, this.schema, []);
    for (const error of this.validate(options)) {
      const path = pathOf(error);
      if (valueAt(options, path) !== undefined) this.refuse(path, `expected ${this.expected(error, path)}`);
      // What is missing is not missed in a plugin that is left out.
      else if (enabled) this.missing(path, error.expected);
    }
    return options;
  }

  private missing(path: readonly string[], expected: string): void {
    const hint = `Set it, or leave the plugin out: plugins.${this.name}.enabled = false`;
    this.refuse(path, `is missing: expected ${expected}`, hint);
  }

  private validate(options: { [key: string]: Json }): readonly ValidationError[] {
    try {
      return makeValidator(withoutDescriptions(this.schema) as JsonSchema)(options);
    } catch (error) {
      const message = `the plugin's schema cannot be used: ${(error as Error).message}`;
      this.problems.push({ key: `plugins.${this.name}`, message, place: `plugin ${this.name}` });
      return [];
    }
  }

  private expected({ message, expected }: ValidationError, path: readonly string[]): string {
    return this.isSecret(path) ? expected : message.replace(/^must be /, "");
  }

  private isSecret(path: readonly string[]): boolean {
    return isSecretOption({ name: this.name, schema: this.schema }, path);
  }

  private refuse(path: readonly string[], message: string, hint?: string): void {
    const full = ["plugins", this.name, ...path];
    const place = this.placeOf(path);
    const problem = place ? problemAt(place, full, message, hint, this.isSecret(path)) : undefined;
    this.problems.push(problem ?? { key: full.join("."), message, place: "", ...(hint !== undefined && { hint }) });
  }

  /** The node of the key, or of the nearest table that holds it. */
  private placeOf(path: readonly string[]): Node | undefined {
    for (let length = path.length; length > 0; length--) {
      const node = this.nodes.get(JSON.stringify(path.slice(0, length)));
      if (node) return node;
    }
    return this.node;
  }

  private table(branch: Branch, path: readonly string[]): { [key: string]: Json } {
    const table: { [key: string]: Json } = {};
    for (const [written, node] of branch.entries) {
      if (path.length === 0 && Object.hasOwn(PLUGIN_KEYS.keys, written)) continue;
      const inner = [...path, this.spelled(written, node, path)];
      this.nodes.set(JSON.stringify(inner), node);
      try {
        table[safeName(inner.at(-1) as string)] = isBranch(node) ? this.table(node, inner) : this.plain(node, inner);
      } catch (error) {
        if (!(error instanceof Invalid)) throw error;
        this.refuse(inner, error.message);
      }
    }
    return table;
  }

  /** A variable cannot say where a capital stands: `BASE_URL` is `baseURL` where the schema has that. */
  private spelled(written: string, node: Node, path: readonly string[]): string {
    if (node.source.kind !== "environment") return written;
    const properties = Object.keys(record(schemaAt(this.schema, path)?.["properties"]) ?? {});
    const plain = (name: string): string => toUpperSnake(name).replaceAll("_", "");
    return properties.find((name) => plain(name) === plain(written)) ?? written;
  }

  /** `--set` and the environment give text: it stays text where the schema wants text only. */
  private plain(node: Exclude<Node, Branch>, path: readonly string[]): Json {
    const wanted = schemaAt(this.schema, path);
    const text = asText(node);
    const members = wanted?.["enum"];
    const textOnly =
      wanted?.["type"] === "string" || (Array.isArray(members) && members.every((one) => typeof one === "string"));
    return textOnly && text !== undefined ? text : toJson(node.value);
  }

  private unknownKeys(value: Json, schema: Json | undefined, path: readonly string[]): void {
    const at = followed(schema, this.schema);
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.unknownKeys(item, at?.["items"], [...path, String(index)]);
      return;
    }
    const table = record(value);
    if (table === undefined) return;
    // A plugin that declares nothing takes nothing.
    const known = closedProperties(
      path.length === 0 && at?.["properties"] === undefined ? { properties: {}, ...at } : at,
    );
    const properties = record(at?.["properties"]);
    for (const [name, inner] of Object.entries(table)) {
      if (known?.includes(name) === false) this.unknown(name, known, path);
      else if (properties && Object.hasOwn(properties, name))
        this.unknownKeys(inner, properties[name], [...path, name]);
    }
  }

  private unknown(name: string, known: readonly string[], path: readonly string[]): void {
    const all = path.length === 0 ? [...Object.keys(PLUGIN_KEYS.keys), ...known] : known;
    const near = suggest(name, all);
    const hint = near
      ? `Did you mean ${["plugins", this.name, ...path, near].join(".")}?`
      : `Known here: ${all.join(", ")}.`;
    this.refuse([...path, name], "unknown key", hint);
  }
}

/** The keys of a JSON Pointer. */
function pathOf({ path }: ValidationError): readonly string[] {
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
