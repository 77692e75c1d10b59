/** Gathers, while the engine is built, the declarations that it writes beside scripts. */
import { readdir } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { stripComments } from "./strip.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../../..");

/** Our own files: where they lie, and what they are called beside scripts. */
const OWN: readonly (readonly [from: string, to: string])[] = [
  ["sdk/script.ts", "sdk.d.ts"],
  ["sdk/context.ts", "context.d.ts"],
  ["sdk/schema.ts", "schema.d.ts"],
  ["sdk/limits.ts", "limits.d.ts"],
  ["sdk/jsx-runtime.ts", "jsx-runtime.d.ts"],
  ["core/script/typings/globals.txt", "globals.d.ts"],
];

/** arktype, whose types read a schema's definition. It lies where only the SDK's declarations find it. */
const PACKAGES = ["arktype", "@ark/schema", "@ark/util", "arkregex"] as const;

interface Manifest {
  readonly version: string;
  readonly license: string;
}

async function addPackage(name: string, into: Record<string, string>): Promise<void> {
  const from = join(ROOT, "node_modules", name);
  const manifest = JSON.parse(await Bun.file(join(from, "package.json")).text()) as Manifest;
  const to = `node_modules/${name}`;
  const { version, license } = manifest;
  const exports = {
    ".": { types: "./out/index.d.ts" },
    "./internal/*.ts": { types: "./out/*.d.ts" },
    "./internal/*.js": { types: "./out/*.d.ts" },
    "./config": { types: "./out/config.d.ts" },
  };
  into[`${to}/package.json`] = JSON.stringify({ name, version, license, type: "module", exports });
  into[`${to}/LICENSE`] = await Bun.file(join(from, "LICENSE")).text();
  const files = await readdir(join(from, "out"), { recursive: true });
  for (const file of files.filter((path) => path.endsWith(".d.ts")).sort()) {
    into[`${to}/out/${file.split(sep).join("/")}`] = stripComments(await Bun.file(join(from, "out", file)).text());
  }
}

/**
 * `{ path below scripts/.aiwebengine: content }` as JSON, gzip and base64: half a megabyte of text in a fifth of it.
 * `services.d.ts` is missing, since it depends on the engine's services.
 */
export async function generateTypings(): Promise<string> {
  const files: Record<string, string> = {};
  for (const [from, to] of OWN) files[to] = await Bun.file(join(ROOT, from)).text();
  for (const name of PACKAGES) await addPackage(name, files);
  return Bun.gzipSync(JSON.stringify(files)).toBase64();
}
