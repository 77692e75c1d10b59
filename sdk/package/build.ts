/**
 * `npm run build:sdk`: the npm package `@aiwebengine/sdk` in `dist/sdk/`, ready for `npm publish`. ES modules with
 * declarations; it depends on nothing.
 */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { arktypeDeclarations, relink } from "./arktype.ts";
import { committedDeclarations, emit, type Files } from "./declarations.ts";
import { ENTRIES } from "./entries.ts";

const ROOT = join(import.meta.dir, "../..");

/** The module that development builds ask for; code and declaration are the same text. */
const JSX_DEV = 'export * from "./jsx-runtime.js";\nexport { jsx as jsxDEV } from "./jsx-runtime.js";\n';

interface Manifest {
  readonly version: string;
  readonly license: string;
}

function manifest({ version, license }: Manifest): object {
  const entry = (name: string): object => ({ types: `./${name}.d.ts`, default: `./${name}.js` });
  const exports = ENTRIES.map(({ path, declaration }) => [path, entry(declaration)]);
  return {
    name: "@aiwebengine/sdk",
    version,
    description: "Types, response helpers, a typed client and test helpers for scripts and plugins of aiwebengine.",
    license,
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    files: ["**/*.js", "**/*.d.ts", "**/LICENSE"],
    // For tools from before `exports`.
    main: "./script.js",
    types: "./script.d.ts",
    exports: {
      ...Object.fromEntries(exports),
      "./jsx-dev-runtime": entry("jsx-dev-runtime"),
      "./package.json": "./package.json",
    },
  };
}

/** The realm's own JSX: one renderer, and what is escaped there is escaped here. */
async function jsxRuntime(): Promise<string> {
  const result = await Bun.build({
    entrypoints: [join(ROOT, "core/isolate/realm/jsx.ts")],
    target: "browser",
    format: "esm",
  });
  const [output] = result.outputs;
  if (!result.success || !output) throw new AggregateError(result.logs, "JSX could not be bundled");
  return output.text();
}

/** The JavaScript of the sources, as TypeScript leaves it when the types are gone. */
async function javascript(): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), "sdk-js-"));
  try {
    await emit(folder);
    const files = new Map<string, string>();
    for (const name of (await readdir(folder, { recursive: true })).filter((file) => file.endsWith(".js"))) {
      const text = await readFile(join(folder, name), "utf8");
      // A source of declarations alone leaves an empty module.
      if (!/^(?:\s|\/\*[\s\S]*?\*\/|export \{\};)*$/.test(text)) files.set(name, text);
    }
    for (const { declaration, source } of ENTRIES)
      if (source !== undefined) files.set(`${declaration}.js`, `export * from "./${source}.js";\n`);
    files.set("jsx-runtime.js", await jsxRuntime());
    files.set("jsx-dev-runtime.js", JSX_DEV);
    return files;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function declarations(): Promise<Files> {
  const own = [...(await committedDeclarations())].map(([path, text]) => [path, relink(path, text)] as const);
  return new Map([...own, ...(await arktypeDeclarations()), ["jsx-dev-runtime.d.ts", JSX_DEV]]);
}

/** Builds into `folder`, which is replaced as a whole. */
export async function buildPackage(folder: string): Promise<void> {
  const draft = `${folder}-${process.pid}`;
  const root = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as Manifest;
  const files = new Map([
    ...(await declarations()),
    ...(await javascript()),
    ["package.json", `${JSON.stringify(manifest(root), null, 2)}\n`] as const,
  ]);
  try {
    for (const [path, text] of files) {
      await mkdir(dirname(join(draft, path)), { recursive: true });
      await writeFile(join(draft, path), text);
    }
    await copyFile(join(ROOT, "LICENSE"), join(draft, "LICENSE"));
    await copyFile(join(import.meta.dir, "README.md"), join(draft, "README.md"));
    await rm(folder, { recursive: true, force: true });
    await rename(draft, folder);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

if (import.meta.main) await buildPackage(join(ROOT, "dist/sdk"));
