/** Checks raw config against the schema and fills in the defaults. Collects every problem instead of stopping at one. */
import { TomlDate, type TomlValue } from "smol-toml";
import type { ConfigProblem } from "./error.ts";
import type { Key, LeafKey, MapKey, StringKey, TableKey } from "./key.ts";
import { SCHEMA } from "./schema.ts";
import { suggest } from "./suggest.ts";
import { isBranch, problemAt, type Branch, type Given } from "./tree.ts";
import type { Json } from "../script/types.ts";

type Path = readonly string[];

/** A checked value, before it is typed as `Config`. */
export type Checked = Json | undefined | { readonly [key: string]: Checked };

class Invalid extends Error {}

const list = (words: readonly string[]): string => words.map((word) => JSON.stringify(word)).join(", ");

/** What a key takes, in words. */
export function expectation(key: Key): string {
  switch (key.type) {
    case "integer":
      return `a whole number from ${key.min} to ${key.max}`;
    case "boolean":
      return "true or false";
    case "string":
      return "a string";
    case "choice":
      return `one of ${list(key.choices)}`;
    case "strings":
      return "a list of strings";
    default:
      return "a table";
  }
}

function shown(value: TomlValue): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof TomlDate) return "a date";
  const text = JSON.stringify(value) ?? String(value);
  const kind = typeof value === "string" ? "the string " : typeof value === "number" ? "the number " : "";
  return kind + (text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

function wrong(expected: string, value: TomlValue): Invalid {
  return new Invalid(`expected ${expected}, got ${shown(value)}`);
}

/** TOML data as JSON data: dates become their text, numbers that JSON lacks are refused. */
function toJson(value: TomlValue): Json {
  if (value instanceof TomlDate) return value.toISOString();
  if (typeof value === "number" && !Number.isFinite(value)) throw new Invalid("expected a finite number");
  if (typeof value === "bigint") throw new Invalid("expected a number within ±2^53");
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [safeName(name), toJson(inner)]));
}

/** Data goes on to code that may assign by key; this one name would change the prototype instead. */
function safeName(name: string): string {
  if (name === "__proto__") throw new Invalid('a key may not be called "__proto__"');
  return name;
}

function asText(given: Given): string | undefined {
  // On the command line `--set scripts.a.mount=/x` and `--set server.host=0` mean text where text is expected.
  if (given.raw !== undefined && !/^["']/.test(given.raw)) return given.raw;
  return typeof given.value === "string" ? given.value : undefined;
}

function checkLeaf(key: LeafKey, given: Given): Checked {
  const { value } = given;
  switch (key.type) {
    case "integer":
      if (typeof value === "number" && Number.isSafeInteger(value) && value >= key.min && value <= key.max)
        return value;
      throw wrong(expectation(key), value);
    case "boolean":
      if (typeof value === "boolean") return value;
      throw wrong(expectation(key), value);
    case "strings": {
      if (!Array.isArray(value)) throw wrong(expectation(key), value);
      return value.map((item) => checkText(item, item, key.test));
    }
    case "string":
      return checkText(asText(given), value, key.test);
    case "choice": {
      const text = asText(given);
      if (text !== undefined && key.choices.includes(text)) return text;
      const near = text === undefined ? undefined : suggest(text, key.choices);
      throw wrong(expectation(key) + (near ? ` (did you mean "${near}"?)` : ""), value);
    }
    case "data":
      throw wrong(expectation(key), value);
  }
}

/** `value` is what is shown when `text` will not do. */
function checkText(text: TomlValue | undefined, value: TomlValue, test: StringKey["test"]): string {
  if (typeof text !== "string") throw wrong("a string", value);
  const expected = test?.(text);
  if (expected !== undefined) throw wrong(expected, value);
  return text;
}

function defaultOf(key: LeafKey): Checked {
  if (key.type === "strings") return [];
  return key.type === "data" ? {} : key.default;
}

/** The checker holds the list of problems; one is made for every load. */
class Checker {
  readonly problems: ConfigProblem[] = [];

  check(key: Key, node: Branch | Given | undefined, path: Path): Checked {
    if (key.type === "table") return this.table(key, node, path);
    if (key.type === "map") return this.map(key, node, path);
    if (node === undefined) return defaultOf(key);
    try {
      if (!isBranch(node)) return checkLeaf(key, node);
      if (key.type === "data") return this.data(node, path);
      throw new Invalid(`expected ${expectation(key)}, got a table`);
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      this.problems.push(problemAt(node.source, path, error.message));
      return defaultOf(key);
    }
  }

  /** The entries of a table; what is not a table is reported and counts as empty. */
  private entries(node: Branch | Given | undefined, path: Path): Branch["entries"] {
    if (node === undefined) return new Map();
    if (isBranch(node)) return node.entries;
    this.problems.push(problemAt(node.source, path, `expected a table, got ${shown(node.value)}`));
    return new Map();
  }

  private table(key: TableKey, node: Branch | Given | undefined, path: Path): Checked {
    const entries = this.entries(node, path);
    for (const [name, inner] of entries) if (!Object.hasOwn(key.keys, name)) this.unknown(key, inner, [...path, name]);
    return Object.fromEntries(
      Object.entries(key.keys).map(([name, inner]) => [name, this.check(inner, entries.get(name), [...path, name])]),
    );
  }

  private map(key: MapKey, node: Branch | Given | undefined, path: Path): Checked {
    const result: { [name: string]: Checked } = Object.create(null);
    for (const [name, inner] of this.entries(node, path)) {
      const at = [...path, name];
      if (key.name.test(name)) result[name] = this.check(key.value, inner, at);
      else this.problems.push(problemAt(inner.source, at, `expected ${key.expected}`));
    }
    return result;
  }

  private data(branch: Branch, path: Path): { readonly [key: string]: Json } {
    return Object.fromEntries(
      Array.from(branch.entries, ([name, node]) => [
        safeName(name),
        isBranch(node) ? this.data(node, [...path, name]) : toJson(node.value),
      ]),
    );
  }

  private unknown(key: TableKey, node: Branch | Given, path: Path): void {
    const name = path.at(-1) ?? "";
    const parent = path.slice(0, -1);
    const near = suggest(name, Object.keys(key.keys));
    const proposal = near === undefined ? elsewhere(name) : [...parent, near].join(".");
    const known = `Known here: ${Object.keys(key.keys).join(", ")}.`;
    this.problems.push(problemAt(node.source, path, "unknown key", proposal ? `Did you mean ${proposal}?` : known));
  }
}

/** The key of that exact name in another table: `port` at the top is `server.port`. */
function elsewhere(name: string): string | undefined {
  for (const [section, key] of Object.entries(SCHEMA.keys)) {
    if (key.type === "table" && Object.hasOwn(key.keys, name)) return `${section}.${name}`;
  }
  return undefined;
}

/** The whole tree, checked, with defaults. `problems` is empty when it can be used. */
export function check(tree: Branch): { readonly value: Checked; readonly problems: ConfigProblem[] } {
  const checker = new Checker();
  const value = checker.check(SCHEMA, tree, []);
  return { value, problems: checker.problems };
}
