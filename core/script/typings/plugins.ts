/** The types that authors of plugins complete against; the declarations themselves lie beside the scripts. */
import { existsSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { writeChanged, writeNew } from "./files.ts";

const FOLDER = ".aiwebengine";

/** How whatever the engine runs is checked: scripts and plugins alike. */
export const STRICT = {
  target: "ESNext",
  module: "Preserve",
  moduleResolution: "bundler",
  types: [],
  strict: true,
  noUncheckedIndexedAccess: true,
  isolatedModules: true,
  resolveJsonModule: true,
  allowImportingTsExtensions: true,
  allowJs: true,
  skipLibCheck: true,
  noEmit: true,
};

function baseConfig(declarations: string): object {
  return {
    compilerOptions: {
      ...STRICT,
      lib: ["ESNext", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
      paths: { "@aiwebengine/sdk/plugin": [`${declarations}/plugin.d.ts`] },
    },
    include: ["./*.d.ts", "../**/*"],
    exclude: ["../**/node_modules", "../**/*.test.*"],
  };
}

/** A plugin runs in the engine's process and may import these; whoever wants their types adds bun-types. */
const HOST = 'declare module "node:*";\ndeclare module "bun:*";\n';

/**
 * Writes what is missing or differs, where there is a folder of plugins.
 *
 * @param declarations the folder of the SDK's declarations
 */
export async function writePluginTypings(pluginsDir: string, declarations: string, head: string): Promise<void> {
  if (!existsSync(pluginsDir)) return;
  const folder = join(pluginsDir, FOLDER);
  const config = baseConfig(relative(folder, declarations).split(sep).join("/"));
  await writeChanged(join(folder, "tsconfig.json"), `${JSON.stringify(config, null, 2)}\n`);
  await writeChanged(join(folder, "host.d.ts"), head + HOST);
  await writeChanged(join(folder, ".gitignore"), "*\n");
  // Yours: the engine writes it once and never again.
  const authors = { extends: `./${FOLDER}/tsconfig.json` };
  await writeNew(join(pluginsDir, "tsconfig.json"), `${JSON.stringify(authors, null, 2)}\n`);
}
