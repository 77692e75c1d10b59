/** `npm run build`: what is embedded first (the realm, the typings), then the binary `dist/aiwebengine`. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");

/** Written only when it differs, so that a build without changes changes nothing. */
async function write(name: string, text: string): Promise<void> {
  const path = join(dist, name);
  const file = Bun.file(path);
  if ((await file.exists()) && (await file.text()) === text) return;
  // A test that runs meanwhile sees the old file or the new one, never half of one.
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/** Everything that runs inside a realm, as one classic script. */
async function buildRealm(): Promise<string> {
  const result = await Bun.build({
    entrypoints: [join(root, "core/isolate/realm/index.ts")],
    target: "browser",
    format: "iife",
    minify: true,
    sourcemap: "none",
  });
  const [output] = result.outputs;
  if (!result.success || !output) throw new AggregateError(result.logs, "the realm could not be bundled");
  // One character beyond Latin-1 would double the memory of the whole text, in every isolate.
  return (await output.text()).replace(/[^\x00-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** What the sources import from `dist/`; enough to run from source. */
export async function buildParts(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  const { generateTypings } = await import("./script/typings/generate.ts");
  await Promise.all([buildRealm().then((text) => write("realm.txt", text)), generateTypings().then((text) => write("typings.json", text))]);
}

/** Workers and lazily loaded parts must be named, or a binary does not have them. */
const ENTRIES = ["core/main.ts", "core/isolate/spawner-worker.ts"];

async function buildBinary(): Promise<void> {
  const output = join(dist, process.platform === "win32" ? "aiwebengine.exe" : "aiwebengine");
  const child = Bun.spawn(
    [
      process.execPath,
      "build",
      "--compile",
      "--splitting",
      "--minify",
      "--bytecode",
      "--format=esm",
      "--compile-autoload-package-json",
      "--no-compile-autoload-bunfig",
      "--no-compile-autoload-dotenv",
      ...ENTRIES,
      "--outfile",
      output,
    ],
    { cwd: root, stdio: ["ignore", "pipe", "inherit"] },
  );
  if ((await child.exited) !== 0) throw new Error("the binary could not be built");
}

if (import.meta.main) {
  const began = performance.now();
  await buildParts();
  if (!process.argv.includes("--parts")) await buildBinary();
  process.stdout.write(`built in ${Math.round(performance.now() - began)} ms\n`);
}
