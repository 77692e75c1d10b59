/** `npm run build`: what is embedded first (the realm), then the binary `dist/aiwebengine`. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { AnyPlugin } from "../sdk/plugin.ts";
import { BINARY, isCurrent } from "./built.ts";
import { compileDefinition } from "./isolate/build/schemas.ts";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");

/** Workers are reached by address, not by import: unnamed here, a binary does not have them. */
const ENTRIES = ["core/main.ts", "core/isolate/spawner-worker.ts", "core/isolate/thread.ts"];

/** Written only when it differs, so that a build without changes changes nothing. */
async function write(name: string, content: string | Uint8Array): Promise<void> {
  const path = join(dist, name);
  const file = Bun.file(path);
  if ((await file.exists()) && Buffer.from(content).equals(await file.bytes())) return;
  // A test that runs meanwhile sees the old file or the new one, never half of one.
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

/** What runs inside a realm, as one text. */
async function buildForRealm(entry: string, format: "iife" | "esm"): Promise<string> {
  const result = await Bun.build({
    entrypoints: [join(root, entry)],
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

/** `plugins/index.ts`: the built-in plugins as data, and how to load each; config schemas compiled, since the engine cannot. */
async function listPlugins(): Promise<void> {
  const folder = join(root, "plugins");
  const records: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = entry.isDirectory() ? `${entry.name}/index.ts` : entry.name;
    if (file === "index.ts" || !file.endsWith(".ts") || !existsSync(join(folder, file))) continue;
    const plugin = ((await import(join(folder, file))) as { readonly default: AnyPlugin }).default;
    const { name, version, requires = [], provides = [], config } = plugin;
    const schema = config === undefined ? { type: "object" } : await compileDefinition(config);
    const data = JSON.stringify({ name, version, requires, provides, schema });
    records.push(`${data.slice(0, -1)}, load: () => import("./${file}") }`);
  }
  const text = `/** The plugins of the binary, as the host finds them. Written by \`npm run build\` from the files beside it. */
import type { BuiltInPlugin } from "../sdk/plugin.ts";

export const BUILT_INS: readonly BuiltInPlugin[] = [${records.join(", ")}];
`;
  const format = Bun.spawn([process.execPath, "fmt", "--stdin-filepath=plugins/index.ts"], {
    cwd: root,
    stdio: [new Blob([text]), "pipe", "inherit"],
  });
  await write("../plugins/index.ts", await new Response(format.stdout).text());
}

/**
 * `plugins/<plugin>/page/<name>.page.js`: one HTML file with all that it needs, compressed, and the policy that lets exactly that
 * run, beside their source. The script finds the element `page`, and gives the page its title. Fonts are left out: they would be most of it.
 */
async function buildPages(): Promise<void> {
  for await (const path of new Bun.Glob("plugins/*/page/*.page.js").scan({ cwd: root })) {
    const result = await Bun.build({
      entrypoints: [join(root, path)],
      target: "browser",
      format: "iife",
      minify: true,
      define: { "process.env.NODE_ENV": JSON.stringify("production") },
    });
    const textOf = async (end: string): Promise<string> =>
      (await result.outputs.find((one) => one.path.endsWith(end))?.text()) ?? "";
    // What would end the element early is written otherwise, and means the same.
    const script = (await textOf(".js")).replace(/<(?=\/script|script|!--)/gi, "\\x3c");
    const style = (await textOf(".css")).replace(/@font-face\s*\{[^}]*\}/g, "");
    const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${basename(path, ".page.js")}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body><div id="page"><noscript>This page needs JavaScript.</noscript></div><script>${script}</script></body>
</html>
`;
    const digest = (text: string): string => `'sha256-${new Bun.CryptoHasher("sha256").update(text).digest("base64")}'`;
    const policy = [
      "default-src 'none'",
      `script-src ${digest(script)}`,
      `style-src ${digest(style)}`,
      "connect-src 'self'",
      "img-src data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ];
    const built = join("..", path.replace(/\.page\.js$/, ""));
    const small = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
    await write(`${built}.html.br`, brotliCompressSync(html, small));
    await write(`${built}.policy.txt`, policy.join("; "));
  }
}

/** What the sources import from `dist/`, and what is generated among them; enough to run from source. */
export async function buildParts(): Promise<void> {
  mkdirSync(dist, { recursive: true });
  await buildPages();
  await listPlugins();
  await write("realm.txt", await buildForRealm("core/isolate/realm/index.ts", "iife"));
  await write("testing.txt", await buildForRealm("core/isolate/testing/index.ts", "esm"));
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
    `--bytecode-order=${join(root, "core", "bytecode-order.txt")}`,
    "--format=esm",
    "--compile-autoload-package-json",
    "--no-compile-autoload-bunfig",
    "--no-compile-autoload-dotenv",
  ];
  try {
    const child = Bun.spawn(
      [process.execPath, "build", ...flags, ...ENTRIES, "--outfile", join(draft, basename(BINARY))],
      {
        cwd: root,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    if ((await child.exited) !== 0) throw new Error("the binary could not be built");
    renameSync(join(draft, basename(BINARY)), BINARY);
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
