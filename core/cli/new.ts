/** `aiwebengine new`: a script, a test of a script, or a plugin, from a template. */
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { suggest } from "../config/suggest.ts";
import { StartError } from "../errors.ts";
import { discoverScripts } from "../script/source.ts";
import type { Call } from "./command.ts";
import { UsageError } from "./parse.ts";
import plugin from "./templates/plugin.txt";
import scriptTest from "./templates/script-test.txt";
import script from "./templates/script.txt";
import { fill, writeNew } from "./write-new.ts";

const SCRIPT_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
const PLUGIN_NAME = /^[a-z][a-z0-9-]{0,63}$/;

interface Wanted {
  /** Relative to the project folder. */
  readonly path: string;
  readonly template: string;
  readonly next: string;
}

export async function run({ args: [kind = "", name = ""], flags, io }: Call): Promise<number> {
  const dir = resolve(flags.text("dir") ?? ".");
  if (!existsSync(dir)) throw new UsageError(`There is no folder ${dir}.`, "new");
  const { path, template, next } = await wantedOf(kind, name, dir);
  const { made } = writeNew(dir, { [path]: fill(template, { name }) });
  if (made.length === 0) throw new StartError(`${path} is there already, and stays as it is: choose another name.`);
  io.stdout(`${io.paint.green("made")}  ${path}\n\n${next}\n`);
  return 0;
}

async function wantedOf(kind: string, name: string, dir: string): Promise<Wanted> {
  if (kind === "test") return testOf(name, dir);
  const isPlugin = kind === "plugin";
  if (!(isPlugin ? PLUGIN_NAME : SCRIPT_NAME).test(name)) {
    const first = isPlugin ? ", with a letter first" : "";
    throw new UsageError(
      `${JSON.stringify(name)} cannot be a ${kind}'s name: up to 64 lower-case letters, digits and hyphens${first}.`,
      "new",
    );
  }
  const folder = isPlugin ? "plugins" : "scripts";
  const twin = holderOf(join(dir, folder), name);
  if (twin !== undefined)
    throw new StartError(`${folder}/${twin} is the ${kind} "${name}" already: choose another name.`);
  const path = `${folder}/${name}.ts`;
  if (isPlugin)
    return { path, template: plugin, next: "It is live as soon as the engine serves. Look with: aiwebengine plugins" };
  return {
    path,
    template: script,
    next: `Next: aiwebengine check ${name}. A test for it: aiwebengine new test ${name}`,
  };
}

async function testOf(name: string, dir: string): Promise<Wanted> {
  const { scripts } = await discoverScripts(join(dir, "scripts"));
  const source = scripts.find((one) => one.name === name);
  if (source === undefined) {
    const near = suggest(
      name,
      scripts.map((one) => one.name),
    );
    const meant = near === undefined ? `Make it with: aiwebengine new script ${name}` : `Did you mean ${near}?`;
    throw new UsageError(`A test belongs to a script, and there is no script ${JSON.stringify(name)}. ${meant}`, "new");
  }
  const path = source.kind === "folder" ? `scripts/${name}/${name}.test.ts` : `scripts/${name}.test.ts`;
  return { path, template: scriptTest, next: `Next: change it to what ${name} answers, then aiwebengine test ${name}` };
}

/** The file or folder that has the name, whatever its ending. */
function holderOf(folder: string, name: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder).find((one) => one === name || one.replace(/\.[mc]?[jt]sx?$/, "") === name);
}
