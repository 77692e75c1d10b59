/** Raw config before it is checked: a tree of values that each know where they were written. */
import { TomlDate } from "smol-toml";
import type { ConfigProblem } from "./error.ts";
import { frameOf, type Position } from "./locate.ts";
import { HIDDEN, lineLooksSecret, looksSecret } from "./secret.ts";

/** What the file formats, the environment and the command line can say. */
export type Value =
  null | boolean | number | bigint | string | TomlDate | readonly Value[] | { readonly [key: string]: Value };

/** Where values were written. */
export type Source =
  | {
      readonly kind: "file";
      /** As it is shown to the operator. */
      readonly shown: string;
      readonly text: string;
      /** Where a key stands, or the table that holds it. */
      readonly locate: (path: readonly string[]) => Position | undefined;
    }
  | {
      readonly kind: "environment" | "option";
      /** The variable's name, or the option as typed: `--set server.port=1`. */
      readonly shown: string;
    };

interface Placed {
  readonly source: Source;
  /** Where it stands in its source when that is not its key: a profile's keys stand below `profile.<name>`. */
  readonly at?: readonly string[];
}

export interface Given extends Placed {
  readonly value: Exclude<Value, { readonly [key: string]: Value }> | TomlDate;
  /** The text as typed, where no file gave it: `--set log.level=info` needs no quotes. */
  readonly raw?: string;
}
/** A Map, since the keys are whatever an operator wrote: `constructor` is a lawful name for a script. */
export interface Branch extends Placed {
  readonly entries: Map<string, Branch | Given>;
}
export type Node = Branch | Given;

export function isBranch(node: Node): node is Branch {
  return "entries" in node;
}

function isTable(value: Value): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof TomlDate);
}

export function toNode(value: Value, source: Source, raw?: string): Node {
  if (!isTable(value)) return { value: value as Given["value"], source, ...(raw !== undefined && { raw }) };
  const entries = new Map(Object.entries(value).map(([key, inner]) => [key, toNode(inner, source)]));
  return { source, entries };
}

export function emptyBranch(source: Source): Branch {
  return { source, entries: new Map() };
}

/** The node at a key, when something was given there. */
export function nodeAt(tree: Branch, path: readonly string[]): Node | undefined {
  let node: Node | undefined = tree;
  for (const part of path) {
    if (node === undefined || !isBranch(node)) return undefined;
    node = node.entries.get(part);
  }
  return node;
}

function positionOf({ source, at }: Placed, path: readonly string[]): Position | undefined {
  return source.kind === "file" ? source.locate(at ?? path) : undefined;
}

/** Where a key's value comes from: `aiwebengine.toml:3:1`, the name of a variable, an option. */
export function placeOf(node: Placed, path: readonly string[], secret = looksSecret(path)): string {
  const { kind, shown } = node.source;
  const position = positionOf(node, path);
  if (position) return `${shown}:${position.line}:${position.column}`;
  return kind === "option" && (secret || lineLooksSecret(shown)) ? shown.replace(/=.*/s, `=${HIDDEN}`) : shown;
}

/** A problem at a key, with its place and, in a file, a frame. The line of a secret is not shown. */
export function problemAt(
  node: Placed,
  path: readonly string[],
  message: string,
  hint?: string,
  secret = looksSecret(path),
): ConfigProblem {
  const { source } = node;
  const position = secret ? undefined : positionOf(node, path);
  const frame = source.kind === "file" && position ? frameOf(source.text, position) : undefined;
  return {
    key: path.join("."),
    message,
    place: placeOf(node, path, secret),
    ...(frame !== undefined && { frame }),
    ...(hint !== undefined && { hint }),
  };
}

/** Lays a layer over what is there; tables are merged, everything else is replaced. */
export function merge(root: Branch, layer: Branch): void {
  for (const [name, node] of layer.entries) put(root, [name], node);
}

/** Puts a value at its key, as `merge` does. False when a plain value stands where one of its tables belongs. */
export function put(root: Branch, path: readonly string[], node: Node): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return false;
  const there = root.entries.get(key);
  if (rest.length === 0) {
    if (isBranch(node) && there && isBranch(there)) merge(there, node);
    // Copied, since what is laid over it next must not reach the layer that it came from.
    else root.entries.set(key, isBranch(node) ? copyOf(node) : node);
    return true;
  }
  if (there && !isBranch(there)) return false;
  const branch = there ?? emptyBranch(node.source);
  root.entries.set(key, branch);
  return put(branch, rest, node);
}

/** Two values of one layer that exclude each other: one is plain, the other makes it a table. */
export function inTheWay(node: Node, path: readonly string[]): ConfigProblem {
  return problemAt(node, path, "a part of this key is set to a plain value as well", "Remove one of the two.");
}

function copyOf(branch: Branch): Branch {
  const copies = Array.from(
    branch.entries,
    ([name, inner]) => [name, isBranch(inner) ? copyOf(inner) : inner] as const,
  );
  return { ...branch, entries: new Map(copies) };
}

/** The same tree, each node with the place where it stands in its source. */
export function placedAt(node: Branch, at: readonly string[]): Branch {
  const entries = Array.from(node.entries, ([name, inner]) => {
    const place = [...at, name];
    return [name, isBranch(inner) ? placedAt(inner, place) : { ...inner, at: place }] as const;
  });
  return { ...node, at, entries: new Map(entries) };
}
