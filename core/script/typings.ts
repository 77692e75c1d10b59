/**
 * Writes the types that authors complete against: `scripts/.aiwebengine/*.d.ts` and `scripts/tsconfig.json`, and the same
 * for `plugins/` beside it.
 */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { read, writeChanged, writeNew } from "./typings/files.ts";
import { STRICT, writePluginTypings } from "./typings/plugins.ts";
import { scriptGlobalsText, servicesText, type GivenTypes } from "./typings/services.ts";
// Evaluated while the engine is bundled: the binary carries the text, and reads no source file.
import { generateTypings } from "./typings/generate.ts" with { type: "macro" };

export interface TypingsOptions extends GivenTypes {
  /** Of the engine. */
  readonly version: string;
}

const FOLDER = ".aiwebengine";
const PACKAGES = "node_modules/";

/** Kept apart from the author's tsconfig.json, so that a newer engine can change it. */
const BASE_CONFIG = {
  compilerOptions: {
    ...STRICT,
    // Scripts without import and export share no names, whatever the language says.
    moduleDetection: "force",
    lib: ["ESNext"],
    jsx: "react-jsx",
    jsxImportSource: "@aiwebengine/sdk",
    paths: {
      "@aiwebengine/sdk": ["./sdk.d.ts"],
      "@aiwebengine/sdk/jsx-runtime": ["./jsx-runtime.d.ts"],
      "@aiwebengine/sdk/testing": ["./testing.d.ts"],
    },
  },
  include: ["./*.d.ts", "../**/*"],
  exclude: ["../**/node_modules"],
};

/** Yours: the engine writes it once and never again. */
const AUTHORS_CONFIG = { extends: `./${FOLDER}/tsconfig.json` };

const TEXT_FILES = ["css", "csv", "graphql", "html", "md", "sql", "svg", "txt", "xml", "yaml", "yml"];

/**
 * Writes what is missing or differs, and leaves the rest untouched: editors and watchers see no change without one.
 * @throws Error of the file system, when `scriptsDir` cannot be written.
 */
export async function writeTypings(scriptsDir: string, options: TypingsOptions): Promise<void> {
  const folder = join(scriptsDir, FOLDER);
  const packed = await generateTypings();
  const files = JSON.parse(new TextDecoder().decode(Bun.gunzipSync(Uint8Array.fromBase64(packed)))) as Record<
    string,
    string
  >;
  const own = Object.entries(files).filter(([path]) => !path.startsWith(PACKAGES));
  const head = `// Written by aiwebengine ${options.version}. Changes to this file are lost.\n`;
  const written: [path: string, content: string][] = own.map(([path, content]) => [path, head + content]);
  written.push(["services.d.ts", head + servicesText(options)]);
  written.push(["script-globals.d.ts", head + scriptGlobalsText(options)]);
  written.push(["text-files.d.ts", head + textFilesText()]);
  written.push(["tsconfig.json", `${JSON.stringify(BASE_CONFIG, null, 2)}\n`]);
  written.push([".gitignore", "*\n"]);

  await writePackages(folder, Bun.hash(packed).toString(16), files);
  for (const [path, content] of written) await writeChanged(join(folder, path), content);
  await writeNew(join(scriptsDir, "tsconfig.json"), `${JSON.stringify(AUTHORS_CONFIG, null, 2)}\n`);
  await writePluginTypings(join(dirname(scriptsDir), "plugins"), folder, head);
}

/**
 * Some 150 files that change with the engine's version only: one stamp spares reading them all at every start. They are
 * written beside and moved: an engine and a `check` may begin with the same folder at the same time.
 */
async function writePackages(folder: string, stamp: string, files: Readonly<Record<string, string>>): Promise<void> {
  const isCurrent = async (): Promise<boolean> => (await read(join(folder, PACKAGES, ".stamp"))) === stamp;
  if (await isCurrent()) return;
  const draft = join(folder, `.packages-${process.pid}`);
  const packages = Object.entries(files)
    .filter(([path]) => path.startsWith(PACKAGES))
    .map(([path, content]) => [join(draft, path.slice(PACKAGES.length)), content] as const);
  try {
    for (const path of new Set(packages.map(([path]) => dirname(path)))) await mkdir(path, { recursive: true });
    await Promise.all(packages.map(([path, content]) => writeFile(path, content)));
    await writeFile(join(draft, ".stamp"), stamp);
    if (await isCurrent()) return;
    await rm(join(folder, PACKAGES), { recursive: true, force: true });
    await rename(draft, join(folder, PACKAGES));
  } catch (error) {
    // The other one was done in between.
    if (!(await isCurrent())) throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function textFilesText(): string {
  const of = (extension: string) =>
    `declare module "*.${extension}" {\n  const text: string;\n  export default text;\n}\n`;
  return TEXT_FILES.map(of).join("");
}
