/** `aiwebengine add`: installs npm packages into a script's folder, and says whether they work in a script. */
import { StartError } from "../errors.ts";
import { printable } from "../log/escape.ts";
import type { ScriptSource } from "../script/source.ts";
import { openProject, requireScripts } from "./check/project.ts";
import type { Call, Io } from "./command.ts";
import { readOffers } from "./offers.ts";
import { ensureManifest, packagesOf, toFolder } from "./packages/home.ts";
import { checkSpec, install } from "./packages/install.ts";
import { probePackages, type Probed } from "./packages/probe.ts";
import { withProgress } from "./progress.ts";

export async function run(call: Call): Promise<number> {
  const { args, flags, io, version } = call;
  const [name = "", ...specs] = args;
  const packages = specs.map((spec) => checkSpec(spec, process.cwd(), "add"));
  const { config, offers } = await readOffers(call);
  const project = await openProject({ config, version, offer: offers.offer });
  try {
    requireScripts([name], project.scripts, "add");
    const source = folderOf(
      project.scripts.find((one) => one.name === name) as ScriptSource,
      flags.has("folder"),
      specs,
      io,
    );
    const before = new Map(packagesOf(source).map((one) => [one.name, one.installed]));
    ensureManifest(source);
    let say = `installing ${specs.join(", ")}`;
    const work = async (): Promise<readonly Probed[]> => {
      await install("add", packages, source.root);
      say = "trying whether it works in a script";
      const added = packagesOf(source).filter((one) => before.get(one.name) !== one.installed);
      return probePackages(
        added.map((one) => one.name),
        source,
        project,
      );
    };
    const probed = await withProgress(io, () => say, work);
    return report(source, probed, io);
  } finally {
    await project.dispose();
  }
}

function folderOf(source: ScriptSource, move: boolean, specs: readonly string[], io: Io): ScriptSource {
  if (source.kind === "folder") return source;
  if (!move) {
    const file = source.entry.slice(source.dir.length + 1);
    throw new StartError(
      `scripts/${file} is a single file, and packages belong to a folder. To make it scripts/${source.name}/index${file.slice(source.name.length)}: aiwebengine add ${source.name} ${specs.join(" ")} --folder`,
    );
  }
  const { source: now, moved } = toFolder(source);
  for (const line of moved) io.stdout(`${io.paint.green("moved")}  scripts: ${line}\n`);
  return now;
}

function report(source: ScriptSource, probed: readonly Probed[], io: Io): number {
  const there = new Map(packagesOf(source).map((one) => [one.name, one.installed ?? ""]));
  if (probed.length === 0) io.stdout("Nothing new: that is installed already.\n");
  for (const { name, problem } of probed) {
    const what = `${name} ${there.get(name) ?? ""}`.trim();
    if (problem === undefined) {
      io.stdout(`${io.paint.green("added")}  ${what}\n`);
      continue;
    }
    const hint = problem.hint === undefined ? "" : `\n  ${printable(problem.hint)}`;
    io.stderr(
      `${io.errorPaint.red("added, but it does not work in a script:")} ${what}\n  ${printable(problem.message)}${hint}\n` +
        `  Take it out with: aiwebengine remove ${source.name} ${name}\n`,
    );
  }
  return probed.some(({ problem }) => problem !== undefined) ? 1 : 0;
}
