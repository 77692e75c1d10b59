/** Raw config before it is checked: a tree of values that each know where they were written. */
import { parse, TomlDate, TomlError, type TomlTable, type TomlValue } from "smol-toml";
import type { ConfigProblem } from "./error.ts";
import { frameOf, locate } from "./locate.ts";

/** Where values were written. */
export type Source =
  | { readonly kind: "file"; /** As it is shown to the operator. */ readonly shown: string; readonly text: string }
  | { readonly kind: "option"; /** As typed: `--set server.port=1`. */ readonly shown: string };

export interface Given {
  readonly value: Exclude<TomlValue, TomlTable>;
  /** The text as typed, where it came from the command line: `--set log.level=info` needs no quotes. */
  readonly raw?: string;
  readonly source: Source;
}
/** A Map, since the keys are whatever an operator wrote: `constructor` is a lawful name for a script. */
export interface Branch {
  readonly source: Source;
  readonly entries: Map<string, Branch | Given>;
}

export function isBranch(node: Branch | Given): node is Branch {
  return "entries" in node;
}

function isTable(value: TomlValue): value is TomlTable {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof TomlDate);
}

function toNode(value: TomlValue, source: Source, raw?: string): Branch | Given {
  if (!isTable(value)) return { value, source, ...(raw !== undefined && { raw }) };
  const entries = new Map(Object.entries(value).map(([key, inner]) => [key, toNode(inner, source)]));
  return { source, entries };
}

/** A problem at a key, with its place and, in a file, a frame. */
export function problemAt(source: Source, path: readonly string[], message: string, hint?: string): ConfigProblem {
  const at = source.kind === "file" ? locate(source.text, path) : undefined;
  const inFile = source.kind === "file" && at !== undefined;
  return {
    key: path.join("."),
    message,
    place: at ? `${source.shown}:${at.line}:${at.column}` : source.shown,
    ...(inFile && { frame: frameOf(source.text, at) }),
    ...(hint !== undefined && { hint }),
  };
}

/** Parses a config file. */
export function parseFile(text: string, shown: string, problems: ConfigProblem[]): Branch {
  const source: Source = { kind: "file", shown, text };
  const empty: Branch = { source, entries: new Map() };
  try {
    const node = toNode(parse(text), source);
    return isBranch(node) ? node : empty;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The parser's message carries its own code block; ours is the same for every kind of problem.
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    problems.push({
      key: "",
      message: `not valid TOML: ${reason}`,
      place: `${shown}:${error.line}:${error.column}`,
      frame: frameOf(text, error),
    });
    return empty;
  }
}

/** Parses `key=value` of `--set`. The value is TOML; what is not TOML is a string. */
export function parseSet(
  text: string,
  problems: ConfigProblem[],
): { path: string[]; node: Branch | Given } | undefined {
  const shown = `--set ${text}`;
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(0, equals)).trim().split(".");
  if (equals < 1 || path.includes("")) {
    problems.push({
      key: "",
      message: "expected key=value",
      place: shown,
      hint: "For example: --set server.port=9000",
    });
    return undefined;
  }
  const raw = text.slice(equals + 1).trim();
  return { path, node: toNode(parseValue(raw), { kind: "option", shown }, raw) };
}

function parseValue(raw: string): TomlValue {
  if (/[\r\n]/.test(raw)) return raw;
  try {
    return parse(`value = ${raw}`)["value"] ?? raw;
  } catch (error) {
    if (error instanceof TomlError) return raw;
    throw error;
  }
}

/** Lays a value over what is there; tables are merged, everything else is replaced. */
export function put(root: Branch, path: readonly string[], node: Branch | Given): void {
  const [key, ...rest] = path;
  if (key === undefined) {
    if (isBranch(node)) for (const [name, inner] of node.entries) put(root, [name], inner);
    return;
  }
  const there = root.entries.get(key);
  if (rest.length === 0 && !(isBranch(node) && there && isBranch(there))) {
    root.entries.set(key, node);
    return;
  }
  // A plain value where a table belongs stays: it is reported as that, and the engine does not start.
  if (there && !isBranch(there)) return;
  const branch = there ?? { source: node.source, entries: new Map() };
  root.entries.set(key, branch);
  put(branch, rest, node);
}
