/** `aiwebengine plugins`: which plugins a project has, and what is wrong with those that cannot be loaded. */
import { readConfig } from "../config/index.ts";
import { printable } from "../log/escape.ts";
import { listPlugins, type PluginListing } from "../plugin/offline.ts";
import { settingsOf } from "../plugin/settings.ts";
import type { Call } from "./command.ts";
import { configInput } from "./config-input.ts";
import type { Paint } from "./paint.ts";
import { renderBuildProblem } from "./script-error.ts";

export async function run({ flags, io, version, builtIns: load }: Call): Promise<number> {
  const loaded = readConfig(configInput(flags));
  const builtIns = await load();
  const { dir } = loaded.config;
  const plugins = await listPlugins({ dir, builtIns, settings: settingsOf(loaded, builtIns), engineVersion: version });
  if (flags.has("json")) io.stdout(`${JSON.stringify({ plugins }, null, 2)}\n`);
  else io.stdout(renderPlugins(plugins, io.paint));
  const problems = plugins.flatMap((plugin) => plugin.problems);
  if (!flags.has("json"))
    for (const problem of problems) io.stderr(renderBuildProblem({ code: "", ...problem }, io.errorPaint));
  return problems.length > 0 ? 1 : 0;
}

/** A table; ends with a line break. */
export function renderPlugins(plugins: readonly PluginListing[], paint: Paint): string {
  if (plugins.length === 0) return "There are no plugins.\n";
  const state = ({ enabled, problems }: PluginListing): string =>
    !enabled ? "disabled" : problems.length > 0 ? "broken" : "enabled";
  const others = ({ name, provides }: PluginListing): string => provides.filter((one) => one !== name).join(", ");
  const rows = plugins.map((plugin) => [
    printable(plugin.name),
    plugin.version ?? "",
    state(plugin),
    printable(plugin.origin),
    plugin.requires.join(", "),
    others(plugin),
  ]);
  const head = ["NAME", "VERSION", "STATE", "FROM", "REQUIRES", "PROVIDES"];
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd();
  const colour = { enabled: (text: string) => text, disabled: paint.dim, broken: paint.red };
  return [
    paint.dim(line(head)),
    ...rows.map((row, at) => colour[state(plugins[at]!) as keyof typeof colour](line(row))),
    "",
  ].join("\n");
}
