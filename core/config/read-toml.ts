/** TOML as a tree of config. */
import { parse, TomlError } from "smol-toml";
import type { ConfigProblem } from "./error.ts";
import { locate, syntaxProblem } from "./locate.ts";
import { emptyBranch, isBranch, toNode, type Branch, type Source, type Value } from "./tree.ts";

export function readToml(text: string, shown: string, problems: ConfigProblem[]): Branch {
  const source: Source = { kind: "file", shown, text, locate: (path) => locate(text, path) };
  try {
    const node = toNode(parse(text) as Value, source);
    return isBranch(node) ? node : emptyBranch(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // The parser's message carries its own code block; ours is the same for every kind of problem.
    const [reason = ""] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    problems.push(syntaxProblem(text, shown, error, `not valid TOML: ${reason}`));
    return emptyBranch(source);
  }
}

/** One value as TOML writes it; text that is not TOML is a string. */
export function tomlValue(raw: string): Value {
  if (/[\r\n]/.test(raw)) return raw;
  try {
    return (parse(`value = ${raw}`)["value"] as Value | undefined) ?? raw;
  } catch (error) {
    if (error instanceof TomlError) return raw;
    throw error;
  }
}
