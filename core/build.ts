/** `npm run build`: what the sources import and list (pages, plugins, the realm), then the binary `dist/aiwebengine`. */
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { BINARY, isCurrent } from "./build/current.ts";
import { ROOT, write } from "./build/files.ts";
import { buildPages } from "./build/pages.ts";
import { findPlugins, writePlugins } from "./build/plugins.ts";

const dist = join(ROOT, "dist");

/** Workers are reached by address, not by import: unnamed here, a binary does not have them. */
const ENTRIES = ["core/main.ts", "core/isolate/spawner-worker.ts", "core/isolate/thread.ts"];

/** What runs inside a realm, as one text. */
async function buildForRealm(entry: string, format: "iife" | "esm"): Promise<string> {
  const result = await Bun.build({
    entrypoints: [join(ROOT, entry)],
    target: "browser",
    format,
    minify: { whitespace: true, syntax: true, identifiers: false },
    sourcemap: "none",
  });
  const [output] = result.outputs;
  if (!result.success || !output) throw new AggregateError(result.logs, `${entry} could not be bundled`);
  const text = await output.text();
  // One character beyond Latin-1 would double the memory of the whole text, in every isolate.
  return text.replace(/[^\x00-\x7f]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** What the sources import from `dist/`, and what is generated among them; enough to run from source. */
export async function buildParts(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  await buildPages();
  const plugins = await findPlugins();
  await write("dist/realm.txt", await buildForRealm("core/isolate/realm/index.ts", "iife"));
  await write("dist/testing.txt", await buildForRealm("core/isolate/testing/index.ts", "esm"));
  await writePlugins(plugins);
}

async function buildBinary(): Promise<void> {
  // Made in a folder of its own and moved: whoever runs the old binary keeps it.
  const draft = join(dist, `draft-${process.pid}`);
  const flags = [
    "--compile",
    "--splitting",
    "--minify",
    "--bytecode",
    // What a start uses lies together: test/bench/order.ts records it.
    `--bytecode-order=${join(ROOT, "core", "bytecode-order.txt")}`,
    "--format=esm",
    "--compile-autoload-package-json",
    "--no-compile-autoload-bunfig",
    "--no-compile-autoload-dotenv",
  ];
  try {
    const made = join(draft, basename(BINARY));
    const child = Bun.spawn([process.execPath, "build", ...flags, ...ENTRIES, "--outfile", made], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    if ((await child.exited) !== 0) throw new Error("the binary could not be built");
    renameSync(made, BINARY);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

if (import.meta.main) {
  const options = new Set(process.argv.slice(2));
  const began = performance.now();
  if (options.has("--if-changed") && isCurrent()) process.exit(0);
  await buildParts();
  if (!options.has("--parts")) await buildBinary();
  process.stdout.write(`built in ${Math.round(performance.now() - began)} ms\n`);
}
