/** The config table of each page in docs/plugins/, from the plugin's schema. */
import { join, resolve } from "node:path";
import { compileDefinition } from "../../core/isolate/build/schemas.ts";
import type { AnyPlugin } from "../../sdk/plugin.ts";
import type { JsonSchema } from "../../core/script/types.ts";
import { table } from "./table.ts";

const ROOT = resolve(import.meta.dir, "../..");
const END = "<!-- end of config -->";

/** Every page: the plugin's name is the file's. */
export function pluginPages(): readonly string[] {
  return [...new Bun.Glob("*.md").scanSync(join(ROOT, "docs/plugins"))]
    .filter((file) => file !== "README.md")
    .map((file) => file.replace(/\.md$/, ""))
    .toSorted();
}

export function pagePath(name: string): string {
  return join(ROOT, "docs/plugins", `${name}.md`);
}

/** Of one file, or of a folder. */
async function sourceOf(name: string): Promise<string> {
  const file = `plugins/${name}.ts`;
  return (await Bun.file(join(ROOT, file)).exists()) ? file : `plugins/${name}/index.ts`;
}

/** The page with its table replaced by the present one. @throws when the plugin has config and the page no marks. */
export async function withConfig(name: string, page: string): Promise<string> {
  const source = await sourceOf(name);
  const { default: plugin } = (await import(join(ROOT, source))) as { default: AnyPlugin };
  if (plugin.config === undefined) return page;
  const begin = `<!-- config: generated from ${source} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(END);
  if (from < 0 || to < from) throw new Error(`docs/plugins/${name}.md lacks the marks ${begin} and ${END}`);
  const rows = configRows(name, await compileDefinition(plugin.config), Object.keys(plugin.config));
  const shown = table(["key", "takes", "default", "meaning"], rows);
  return `${page.slice(0, from)}${begin}\n\n${shown}\n\n${page.slice(to)}`;
}

/** In the order of the definition, which is the plugin's own. */
function configRows(name: string, schema: JsonSchema, order: readonly string[]): readonly (readonly string[])[] {
  const required = new Set((schema["required"] ?? []) as readonly string[]);
  const place = ([key]: readonly [string, unknown]): number => order.findIndex((one) => one.replace(/\?$/, "") === key);
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, JsonSchema>);
  return properties
    .toSorted((a, b) => place(a) - place(b))
    .map(([key, one]) => [
      `\`plugins.${name}.${key}\``,
      takes(one),
      "default" in one ? `\`${JSON.stringify(one["default"])}\`` : required.has(key) ? "required" : "none",
      String(one["description"] ?? ""),
    ]);
}

/** A JSON Schema in a few words. */
function takes(schema: JsonSchema): string {
  const { type, items, minimum, exclusiveMinimum, maximum, additionalProperties } = schema;
  const any = (schema["anyOf"] ?? []) as readonly JsonSchema[];
  if (any.length > 0) return any.map(takes).join(" or ");
  if (schema["const"] !== undefined) return `\`${JSON.stringify(schema["const"])}\``;
  if (schema["enum"] !== undefined)
    return (schema["enum"] as unknown[]).map((one) => `\`${JSON.stringify(one)}\``).join(", ");
  if (type === "array") return `list of ${takes((items ?? {}) as JsonSchema)}s`;
  if (type === "object")
    return typeof additionalProperties === "object"
      ? `table of ${takes(additionalProperties as JsonSchema)}s`
      : "table";
  if (type === "string") return "text";
  if (type !== "integer" && type !== "number") return type === "boolean" ? "true or false" : String(type ?? "anything");
  const least = minimum ?? exclusiveMinimum;
  const from = least === undefined ? "" : minimum === undefined ? ` above ${String(least)}` : ` from ${String(least)}`;
  return `${type === "integer" ? "whole number" : "number"}${from}${maximum === undefined ? "" : ` to ${String(maximum)}`}`;
}
