/** Which keys of config a running engine cannot change. */
import type { Key } from "./key.ts";
import { SCHEMA, type Config } from "./schema.ts";

function fixedKeys(key: Key, path: readonly string[]): readonly (readonly string[])[] {
  if (key.type === "map") return [];
  if (key.type !== "table") return key.restart === true ? [path] : [];
  return Object.entries(key.keys).flatMap(([name, inner]) => fixedKeys(inner, [...path, name]));
}

/** As text, since the values that count here are texts, numbers and lists of them. */
function valueAt(config: Config, path: readonly string[]): string | undefined {
  return JSON.stringify(path.reduce<unknown>((at, part) => (at as { readonly [key: string]: unknown })[part], config));
}

/**
 * The keys that differ and take hold only when the engine starts: such a change is refused whole, with these names.
 *
 * @example restartNeeded(previous, next) // ["server.port"]
 */
export function restartNeeded(previous: Config, next: Config): readonly string[] {
  return fixedKeys(SCHEMA, [])
    .filter((path) => valueAt(previous, path) !== valueAt(next, path))
    .map((path) => path.join("."));
}
