/** Which plugins a project has dropped into its folder `plugins/`. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { PluginFailure, type PluginProblem } from "./problem.ts";

/** A plugin of the project: `plugins/teapot.ts`, or `plugins/teapot/index.ts` with what belongs to it. */
export interface DroppedPlugin {
  readonly name: string;
  /** Absolute. */
  readonly entry: string;
  /** Relative to the project folder. */
  readonly origin: string;
}

export const PLUGIN_NAME = /^[a-z][a-z0-9-]*$/;
const CODE = /^(.+)\.(ts|mts|tsx|js|mjs|jsx)$/;
const NONE = /^[._]|\.d\.[a-z]+$|\.test\.[a-z]+$|^(?:node_modules|package(?:-lock)?\.json|tsconfig\.json|bun\.lock)$/;

/** @throws PluginFailure where two files claim one name, or a name cannot be one. A missing folder has no plugins. */
export async function discoverPlugins(projectDir: string): Promise<readonly DroppedPlugin[]> {
  const folder = join(projectDir, "plugins");
  const found: DroppedPlugin[] = [];
  const problems: PluginProblem[] = [];
  for (const { name: file, directory } of await list(folder)) {
    if (NONE.test(file)) continue;
    const entry = directory ? await findIndex(join(folder, file)) : CODE.test(file) ? file : null;
    if (entry === null) continue;
    const name = directory ? file : (CODE.exec(file)?.[1] ?? file);
    const origin = directory ? `plugins/${file}/${entry}` : `plugins/${file}`;
    const twin = found.find((one) => one.name === name);
    if (!PLUGIN_NAME.test(name)) {
      problems.push({
        plugin: name,
        file: origin,
        message: `"${name}" cannot be a plugin's name.`,
        hint: "Rename it: lower-case letters, digits and hyphens, with a letter first; a leading _ or . leaves it out.",
      });
    } else if (twin) {
      problems.push({
        plugin: name,
        file: origin,
        message: `Two files are the plugin "${name}": ${twin.origin} and ${origin}.`,
        hint: "Remove one of them.",
      });
    } else found.push({ name, origin, entry: directory ? join(folder, file, entry) : join(folder, file) });
  }
  if (problems.length > 0) throw new PluginFailure(problems);
  return found;
}

async function list(folder: string): Promise<readonly { readonly name: string; readonly directory: boolean }[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .map((entry) => ({ name: entry.name, directory: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    const why = code === "ENOTDIR" ? "it is a file; move it away" : message;
    throw new PluginFailure([
      { plugin: "plugins", message: `The folder for plugins, ${folder}, cannot be read: ${why}.` },
    ]);
  }
}

async function findIndex(folder: string): Promise<string | null> {
  const files = await list(folder);
  return files.find(({ name, directory }) => !directory && /^index\.(ts|mts|tsx|js|mjs|jsx)$/.test(name))?.name ?? null;
}
