/**
 * The SDK's public declarations, `sdk/declarations/`: emitted from the sources and committed, so that a change of the API is
 * seen. The npm package and the types beside scripts are made of them.
 * `bun sdk/package/declarations.ts` writes them anew; a test compares.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, posix, sep } from "node:path";
import { ENTRIES } from "./entries.ts";

const ROOT = join(import.meta.dir, "../..");
const SDK = join(ROOT, "sdk");
export const DECLARATIONS = join(SDK, "declarations");

export type Files = ReadonlyMap<string, string>;

const RELATIVE = /((?:from|import\()\s*")(\.[^"]+)\.ts"/g;

async function run(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, ...command], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${out}${err}`);
}

/** JavaScript and declarations of the SDK, one file for each of its sources. */
export async function emit(folder: string): Promise<void> {
  const options = {
    // The project's own options but for what an emission needs: no test may pass here and fail there.
    extends: join(ROOT, "tsconfig.json"),
    compilerOptions: {
      declaration: true,
      noEmit: false,
      noEmitOnError: true,
      rewriteRelativeImportExtensions: true,
      // What a stranger's checker sees: no types of Bun.
      types: [],
      rootDir: SDK,
      outDir: folder,
      paths: { arktype: [join(ROOT, "node_modules/arktype")] },
    },
    include: [],
    files: ENTRIES.flatMap(({ declaration, source }) => [declaration, ...(source === undefined ? [] : [source])]).map(
      (name) => join(SDK, `${name}.ts`),
    ),
  };
  const project = join(folder, "tsconfig.json");
  await writeFile(project, JSON.stringify(options));
  await run(["check", "--no-script", "-p", project]);
  // Bun has checked it, in a tenth of the time.
  await run([join(ROOT, "node_modules/typescript/bin/tsc"), "-p", project, "--noCheck"]);
  await rm(project);
}

/** What the entries' declarations import, and they themselves. */
export function reachable(files: Files, entries: readonly string[]): Files {
  const found = new Map<string, string>();
  const queue = [...entries];
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const text = files.get(path);
    if (text === undefined || found.has(path)) continue;
    found.set(path, text);
    for (const [, , to] of text.matchAll(/((?:from|import\()\s*")(\.[^"]+)\.js"/g))
      queue.push(posix.join(posix.dirname(path), `${to}.d.ts`));
  }
  return found;
}

/** TypeScript drops what a file says of itself with the import below it, when no declaration needs that. */
export function withFirstComment(declaration: string, source: string): string {
  const comment = /^\/\*\*[^]*?\*\/\n/.exec(source)?.[0] ?? "";
  return declaration.startsWith(comment) ? declaration : comment + declaration;
}

/** Path below the package → text, in the project's format. */
export async function publicDeclarations(): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), "declarations-"));
  try {
    await emit(folder);
    const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".d.ts"));
    // TypeScript leaves the sources' endings in declarations; a package has none of the sources.
    for (const name of names) {
      const text = await readFile(join(folder, name), "utf8");
      const source = await readFile(join(SDK, name.replace(/\.d\.ts$/, ".ts")), "utf8");
      await writeFile(join(folder, name), withFirstComment(text, source).replace(RELATIVE, '$1$2.js"'));
    }
    await run(["fmt", "--no-script", "--print-width=120", ...names.map((name) => join(folder, name))]);
    const files = new Map<string, string>();
    for (const name of names.sort()) files.set(name.split(sep).join("/"), await readFile(join(folder, name), "utf8"));
    return reachable(
      files,
      ENTRIES.map(({ declaration }) => `${declaration}.d.ts`),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export async function committedDeclarations(): Promise<Files> {
  const names = (await readdir(DECLARATIONS, { recursive: true })).filter((name) => name.endsWith(".d.ts")).sort();
  const files = new Map<string, string>();
  for (const name of names) files.set(name.split(sep).join("/"), await readFile(join(DECLARATIONS, name), "utf8"));
  return files;
}

if (import.meta.main) {
  const files = await publicDeclarations();
  await rm(DECLARATIONS, { recursive: true, force: true });
  for (const [path, text] of files) {
    await mkdir(dirname(join(DECLARATIONS, path)), { recursive: true });
    await writeFile(join(DECLARATIONS, path), text);
  }
}
