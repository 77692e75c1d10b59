/** YAML 1.2 as a tree of config. Bun's own parser has no positions, and takes a key twice. */
import { isMap, isScalar, LineCounter, parseDocument, visit, type Document, type Pair } from "yaml";
import type { ConfigProblem } from "./error.ts";
import { lookUp, syntaxProblem, type Position } from "./locate.ts";
import { emptyBranch, isBranch, toNode, type Branch, type Source, type Value } from "./tree.ts";

/** An alias of an alias of an alias is how a small file becomes a huge value; config needs few. */
const MAX_ALIASES = 50;

function keyPositions(document: Document, lines: LineCounter): ReadonlyMap<string, Position> {
  const found = new Map<string, Position>();
  visit(document, {
    Pair(_index, pair, ancestors) {
      const start = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      if (start === undefined) return;
      const { line, col } = lines.linePos(start);
      found.set(JSON.stringify(pathOf(pair, ancestors)), { line, column: col });
    },
  });
  return found;
}

/** The keys that lead to a pair; places in lists count as keys. */
function pathOf(pair: Pair, ancestors: readonly unknown[]): readonly string[] {
  const chain = [...ancestors, pair];
  return chain.flatMap((node, index) => {
    const parent = chain[index - 1];
    if (typeof node === "object" && node !== null && "key" in node && isMap(parent))
      return [String((node as Pair).key)];
    if (typeof parent === "object" && parent !== null && "items" in parent && !isMap(parent))
      return [String((parent.items as unknown[]).indexOf(node))];
    return [];
  });
}

export function readYaml(text: string, shown: string, problems: ConfigProblem[]): Branch {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: "1.2",
    schema: "core",
    merge: false,
    stringKeys: true,
    uniqueKeys: true,
    prettyErrors: false,
    // "silent" would let a second document pass.
    logLevel: "error",
  });
  const faults = [...document.errors, ...document.warnings];
  let positions: ReadonlyMap<string, Position> = new Map();
  const source: Source = { kind: "file", shown, text, locate: (path) => lookUp(positions, path) };
  const refuse = (message: string, at: Position = { line: 1, column: 1 }): Branch => {
    problems.push(syntaxProblem(text, shown, at, `not valid YAML: ${message}`));
    return emptyBranch(source);
  };
  for (const { message, pos } of faults) {
    const { line, col } = lines.linePos(pos[0]);
    refuse(message.split("\n")[0] ?? "", { line, column: col });
  }
  if (faults.length > 0) return emptyBranch(source);
  positions = keyPositions(document, lines);
  let value: Value;
  try {
    value = (document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {}) as Value;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    return refuse("its aliases stand for too much, or for nothing");
  }
  const node = toNode(value, source);
  return isBranch(node) ? node : refuse("expected keys and values");
}
