/** `aiwebengine list`: the npm packages of scripts. */
import { join, resolve } from "node:path";
import { printable } from "../log/escape.ts";
import { discoverScripts } from "../script/source.ts";
import { needScripts, requireScripts } from "./check/project.ts";
import type { Call } from "./command.ts";
import { packagesOf } from "./packages/home.ts";

export async function run({ args: names, flags, io }: Call): Promise<number> {
  const scriptsDir = join(resolve(flags.text("dir") ?? "."), "scripts");
  needScripts(scriptsDir);
  const { scripts } = await discoverScripts(scriptsDir);
  requireScripts(names, scripts, "list");
  const asked = scripts.filter(({ name }) => names.length === 0 || names.includes(name));
  const packages = asked.flatMap((source) => packagesOf(source).map((one) => ({ script: source.name, ...one })));
  if (flags.has("json")) io.stdout(`${JSON.stringify({ packages }, null, 2)}\n`);
  else if (packages.length === 0)
    io.stdout("No script has packages. Add one with: aiwebengine add <script> <package>\n");
  for (const { script, name, wanted, installed } of flags.has("json") ? [] : packages) {
    const state = installed === undefined ? io.paint.red("not installed") : printable(installed);
    const other = wanted === installed ? "" : `  ${io.paint.dim(`(wanted: ${printable(wanted)})`)}`;
    io.stdout(`${script}  ${printable(name)}  ${state}${other}\n`);
  }
  return 0;
}
