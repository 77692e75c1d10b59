/** Checks raw config against the schema and fills in the defaults. Collects every problem instead of stopping at one. */
import type { ConfigProblem } from "./error.ts";
import type { Key, LeafKey, MapKey, StringKey, TableKey } from "./key.ts";
import { SCHEMA } from "./schema.ts";
import { suggest } from "./suggest.ts";
import { isBranch, problemAt, type Branch, type Given, type Node, type Value } from "./tree.ts";
import type { Json } from "../script/types.ts";
import { Invalid, safeName, shown, toJson } from "./value.ts";

type Path = readonly string[];

/** A checked value, before it is typed as `Config`. */
export type Checked = Json | undefined | { readonly [key: string]: Checked };

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

function wrong(expected: string, value: Value): Invalid {
  return new Invalid(`expected ${expected}, got ${shown(value)}`);
}

/** The text that was meant, where text is expected. */
export function asText(given: Given): string | undefined {
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
function checkText(text: Value | undefined, value: Value, test: StringKey["test"]): string {
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

  /** `prefix` is where the tree stands in the file: a profile's keys stand below `profile.<name>`. */
  constructor(private readonly prefix: Path) {}

  check(key: Key, node: Node | undefined, path: Path): Checked {
    if (key.type === "table") return this.table(key, node, path);
    if (key.type === "map") return this.map(key, node, path);
    if (node === undefined) return defaultOf(key);
    try {
      if (!isBranch(node)) return checkLeaf(key, node);
      if (key.type === "data") return this.data(node, path);
      throw new Invalid(`expected ${expectation(key)}, got a table`);
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      this.problems.push(problemAt(node, path, error.message));
      return defaultOf(key);
    }
  }

  /** The entries of a table; what is not a table is reported and counts as empty. */
  private entries(node: Node | undefined, path: Path): Branch["entries"] {
    if (node === undefined) return new Map();
    if (isBranch(node)) return node.entries;
    this.problems.push(problemAt(node, path, `expected a table, got ${shown(node.value)}`));
    return new Map();
  }

  private table(key: TableKey, node: Node | undefined, path: Path): Checked {
    const entries = this.entries(node, path);
    for (const [name, inner] of entries) {
      if (key.open !== true && !Object.hasOwn(key.keys, name)) this.unknown(key, inner, [...path, name]);
    }
    return Object.fromEntries(
      Object.entries(key.keys).map(([name, inner]) => [name, this.check(inner, entries.get(name), [...path, name])]),
    );
  }

  private map(key: MapKey, node: Node | undefined, path: Path): Checked {
    const result: { [name: string]: Checked } = Object.create(null);
    for (const [name, inner] of this.entries(node, path)) {
      const at = [...path, name];
      if (key.name.test(name)) result[name] = this.check(key.value, inner, at);
      else this.problems.push(problemAt(inner, at, `expected ${key.expected}`));
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

  private unknown(key: TableKey, node: Node, path: Path): void {
    const name = path.at(-1) ?? "";
    const parent = path.slice(0, -1);
    const near = suggest(name, Object.keys(key.keys));
    const proposal = near === undefined ? this.elsewhere(name) : [...parent, near].join(".");
    const known = `Known here: ${Object.keys(key.keys).join(", ")}.`;
    this.problems.push(problemAt(node, path, "unknown key", proposal ? `Did you mean ${proposal}?` : known));
  }

  /** The key of that exact name in another table: `port` at the top is `server.port`. */
  private elsewhere(name: string): string | undefined {
    for (const [section, key] of Object.entries(SCHEMA.keys)) {
      if (key.type === "table" && Object.hasOwn(key.keys, name)) return [...this.prefix, section, name].join(".");
    }
    return undefined;
  }
}

/** The whole tree, checked, with defaults. `problems` is empty when it can be used. */
export function check(
  tree: Branch,
  prefix: Path = [],
): { readonly value: Checked; readonly problems: readonly ConfigProblem[] } {
  const checker = new Checker(prefix);
  const value = checker.check(SCHEMA, tree, prefix);
  return { value, problems: checker.problems };
}
