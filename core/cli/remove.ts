/** `aiwebengine remove`: takes npm packages out of a script's folder. */
import { join, resolve } from "node:path";
import { suggest } from "../config/suggest.ts";
import { discoverScripts, type ScriptSource } from "../script/source.ts";
import { requireScripts } from "./check/project.ts";
import type { Call } from "./command.ts";
import { packagesOf } from "./packages/home.ts";
import { checkSpec, install } from "./packages/install.ts";
import { UsageError } from "./parse.ts";
import { withProgress } from "./progress.ts";

export async function run({ args: [name = "", ...packages], flags, io }: Call): Promise<number> {
  const { scripts } = await discoverScripts(join(resolve(flags.text("dir") ?? "."), "scripts"));
  requireScripts([name], scripts, "remove");
  const source = scripts.find((one) => one.name === name) as ScriptSource;
  const there = packagesOf(source).map((one) => one.name);
  for (const one of packages) {
    if (there.includes(checkSpec(one, "/", "remove"))) continue;
    const near = suggest(one, there);
    throw new UsageError(
      `The script "${name}" has no package ${JSON.stringify(one)}.${near === undefined ? "" : ` Did you mean ${near}?`}`,
      "remove",
    );
  }
  await withProgress(
    io,
    () => `removing ${packages.join(", ")}`,
    () => install("remove", packages, source.root),
  );
  for (const one of packages) io.stdout(`${io.paint.green("removed")}  ${one}\n`);
  return 0;
}
