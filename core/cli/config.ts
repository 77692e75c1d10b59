/** `aiwebengine config`: what the config is and where it came from, its schema for editors, and whether it is right. */
import { resolve } from "node:path";
import { readConfig, type LoadedConfig } from "../config/index.ts";
import { configJsonSchema } from "../config/json-schema.ts";
import { checkPlugins, type KnownPlugin } from "../config/plugins.ts";
import { configRows, type ConfigRow } from "../config/report.ts";
import { quote } from "../log/escape.ts";
import { discoverPlugins } from "../plugin/discover.ts";
import type { Json } from "../script/types.ts";
import type { Call } from "./command.ts";
import { configInput } from "./config-input.ts";
import type { Paint } from "./paint.ts";

/** The plugins that a config can speak of. Those of the project are not run, so that only their names are known. */
export async function knownPlugins(dir: string, builtIns: Call["builtIns"]): Promise<readonly KnownPlugin[]> {
  const dropped = await discoverPlugins(resolve(dir));
  const own = (await builtIns()).filter(({ name }) => !dropped.some((one) => one.name === name));
  return [...own, ...dropped.map(({ name }) => ({ name }))].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Each key as `key = value  # origin`: TOML that can be copied into a config file. */
export async function print({ flags, io, builtIns }: Call): Promise<number> {
  const input = configInput(flags);
  const loaded = readConfig(input);
  const known = await knownPlugins(input.dir, builtIns);
  const rows = configRows(loaded, known, checkPlugins(loaded, known));
  io.stdout(
    flags.has("json") ? printJson(rows) : `${heading(loaded)}\n${rows.map((row) => line(row, io.paint)).join("")}`,
  );
  return 0;
}

/** The JSON Schema of a config file. */
export async function schema({ flags, io, builtIns }: Call): Promise<number> {
  io.stdout(`${JSON.stringify(configJsonSchema(await knownPlugins(configInput(flags).dir, builtIns)), null, 2)}\n`);
  return 0;
}

/** With every profile, unless one was chosen. */
export async function validate({ flags, io, builtIns }: Call): Promise<number> {
  const input = configInput(flags);
  const known = await knownPlugins(input.dir, builtIns);
  const loaded = readConfig(input);
  checkPlugins(loaded, known);
  const others = input.profile === undefined ? loaded.profiles : [];
  for (const profile of others) checkPlugins(readConfig({ ...input, profile }), known);
  const { file, profile } = loaded.config;
  const what = [
    file ?? "no config file: the defaults",
    ...(profile ? [`profile ${profile}`] : others.map((name) => `profile ${name}`)),
  ];
  io.stdout(`The config is right (${what.join(", ")}).\n`);
  return 0;
}

function heading({ config: { file, profile } }: LoadedConfig): string {
  const read = file === undefined ? "no config file" : quote(file).slice(1, -1);
  return `# ${read}${profile === undefined ? "" : `, profile ${profile}`}\n`;
}

const dotted = (path: readonly string[]): string =>
  path.map((part) => (/^[\w-]+$/.test(part) ? part : quote(part))).join(".");

function toml(value: Json): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
  if (typeof value !== "object" || value === null) return String(value);
  const inner = Object.entries(value).map(([name, part]) => `${dotted([name])} = ${toml(part)}`);
  return inner.length === 0 ? "{}" : `{ ${inner.join(", ")} }`;
}

function originText({ from, place }: ConfigRow): string {
  if (place === undefined) return from;
  return from === "profile" ? `profile, ${place}` : place;
}

const WIDTH = 48;

function line(row: ConfigRow, paint: Paint): string {
  const key = dotted(row.path);
  const text = row.value === null ? `# ${key} is not set` : `${key} = ${toml(row.value)}`;
  const origin = row.value === null ? "" : `  ${paint.dim(`# ${originText(row)}`)}`;
  const shown = row.from === "default" ? text : paint.bold(text);
  return `${shown}${" ".repeat(Math.max(0, WIDTH - text.length))}${origin}`.trimEnd() + "\n";
}

function printJson(rows: readonly ConfigRow[]): string {
  const keys = rows.map(({ path, value, from, place }) => [dotted(path), { value, from, place }] as const);
  return `${JSON.stringify(Object.fromEntries(keys), null, 2)}\n`;
}
