/** `--set key=value` of the command line. */
import type { ConfigProblem } from "./error.ts";
import { tomlValue } from "./read-toml.ts";
import { HIDDEN, lineLooksSecret } from "./secret.ts";
import { toNode, type Node } from "./tree.ts";

/** The value is TOML; what is not TOML is a string. */
export function parseSet(
  text: string,
  problems: ConfigProblem[],
): { readonly path: readonly string[]; readonly node: Node } | undefined {
  const shown = `--set ${text}`;
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(0, equals)).trim().split(".");
  if (equals < 1 || path.includes("")) {
    problems.push({
      key: "",
      message: "expected key=value",
      place: lineLooksSecret(shown) ? `--set ${HIDDEN}` : shown,
      hint: "For example: --set server.port=9000",
    });
    return undefined;
  }
  if (path[0] === "profile") {
    problems.push({
      key: path.join("."),
      message: "a profile is written in the config file",
      place: `--set ${path.join(".")}=…`,
      hint: "Set the key itself, or choose a profile with --profile NAME.",
    });
    return undefined;
  }
  const raw = text.slice(equals + 1).trim();
  return { path, node: toNode(tomlValue(raw), { kind: "option", shown }, raw) };
}
