/** What the build gathers of the built-in plugins: a list for the host, and their declarations for the SDK. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnyPlugin, BuiltInPlugin } from "../../sdk/plugin.ts";
import type { Offers } from "../cli/offers.ts";
import { compileDefinition } from "../isolate/build/schemas.ts";
import { sdkServicesText } from "../script/typings/services.ts";
import { ROOT, writeSource } from "./files.ts";

interface Found extends BuiltInPlugin {
  /** Below `plugins/`. */
  readonly file: string;
}

/** The built-in plugins, by name; config schemas compiled, since the engine cannot. */
export async function findPlugins(): Promise<readonly Found[]> {
  const folder = join(ROOT, "plugins");
  const found: Found[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = entry.isDirectory() ? `${entry.name}/index.ts` : entry.name;
    if (file === "index.ts" || !file.endsWith(".ts") || !existsSync(join(folder, file))) continue;
    const loaded = (await import(join(folder, file))) as { readonly default: AnyPlugin };
    const { name, version, requires = [], provides = [], config } = loaded.default;
    const schema = config === undefined ? { type: "object" } : await compileDefinition(config);
    found.push({ name, version, requires, provides, schema, file, load: () => Promise.resolve(loaded) });
  }
  return found;
}

type Commands = Offers["commands"];

/** `plugins/index.ts`: the built-in plugins as data, and how to load each. */
async function writeList(plugins: readonly Found[], commands: Commands): Promise<void> {
  const records = plugins.map(({ file, load: _load, ...data }) => {
    const own = commands.filter(({ plugin }) => plugin === data.name).map(({ spec: { run: _run, ...spec } }) => spec);
    const all = own.length > 0 ? { ...data, commands: own } : data;
    return `${JSON.stringify(all).slice(0, -1)}, load: () => import("./${file}") }`;
  });
  const text = `/** The plugins of the binary, as the host finds them. Written by \`npm run build\` from the files beside it. */
import type { BuiltInPlugin } from "../sdk/plugin.ts";

export const BUILT_INS: readonly BuiltInPlugin[] = [${records.join(", ")}];
`;
  await writeSource("plugins/index.ts", text);
}

/** `plugins/index.ts`, and `sdk/services.ts`: what the built-in plugins say of themselves, and what when they are set up. */
export async function writePlugins(plugins: readonly Found[]): Promise<void> {
  // They read what was just written to `dist/`.
  const { readConfig } = await import("../config/index.ts");
  const { withOffersOf } = await import("../cli/offers.ts");
  const dir = mkdtempSync(join(tmpdir(), "awe-build-"));
  try {
    const config = readConfig({ dir, env: {}, set: [], flags: {} });
    const engine = { builtIns: () => Promise.resolve(plugins), version: "0.0.0" };
    const { types, commands, problems } = await withOffersOf(config, engine, (offers) => Promise.resolve(offers));
    if (problems.length > 0) throw new Error(problems.map(({ message }) => message).join("\n"));
    await writeList(plugins, commands);
    await writeSource("sdk/services.ts", sdkServicesText(types));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
