/** What plugins may call what they give to scripts: scripts write these names, beside those that every script has. */
import type { PointArgument, PointFunction } from "../../sdk/plugin.ts";
import { CONTEXT_NAMES, SDK_NAMES } from "../isolate/realm/sdk-names.ts";

const IDENTIFIER = /^[a-z][a-zA-Z0-9]*$/;
const OF_EVERY_SCRIPT: ReadonlySet<string> = new Set([...SDK_NAMES, ...CONTEXT_NAMES]);
const KINDS: readonly string[] = ["name", "path", "options", "handler", "data"] satisfies PointArgument[];

/** @throws Error when scripts could not write it. */
export function wantIdentifier(name: string, what: string): void {
  if (IDENTIFIER.test(name)) return;
  throw new Error(
    `"${name}" cannot be the name of a ${what}: scripts write it, so it is letters and digits, a small letter first`,
  );
}

/** @throws Error for the name of a service or a function that means something else in every script. */
export function wantScriptName(name: string, what: string): void {
  wantIdentifier(name, what);
  if (OF_EVERY_SCRIPT.has(name) || name in globalThis) {
    throw new Error(`"${name}" cannot be the name of a ${what}: it means something else in every script`);
  }
}

/** @throws Error when a call could not be told apart into arguments of these kinds. */
export function wantArguments(fn: string, { args }: PointFunction): void {
  const kinds = args.map((word) => word.replace(/\?$/, ""));
  const odd = kinds.find((kind, at) => !KINDS.includes(kind) || kinds.indexOf(kind) !== at);
  if (odd === undefined) return;
  throw new Error(`the function "${fn}" has an argument "${odd}"; there are ${KINDS.join(", ")}, each once at most`);
}
