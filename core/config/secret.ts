/** What is a secret in config, by its name: a key that a schema marks as one is known to whoever has the schema. */
import { isSecret } from "../log/json.ts";

/** Stands for a secret's value wherever config is shown. */
export const HIDDEN = "[hidden]";

/** The names of scripts, plugins and profiles say nothing: a plugin may be called `secrets`. */
function withoutNames(path: readonly string[]): readonly string[] {
  const [section] = path;
  if (section === "profile") return withoutNames(path.slice(2));
  return section === "scripts" || section === "plugins" ? path.slice(2) : path;
}

/** Whether a key is named as credentials are: `password`, `apiKey`, `token`, … */
export function looksSecret(path: readonly string[]): boolean {
  return withoutNames(path).some(isSecret);
}

/** Whether a line gives a value to a key that is named as credentials are: it may hold one although its key may not. */
export function lineLooksSecret(line: string): boolean {
  return Array.from(line.matchAll(/([\w-]+)["']?\s*[=:]/g), (match) => match[1] ?? "").some(isSecret);
}
