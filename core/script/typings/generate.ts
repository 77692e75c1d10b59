/** Gathers, while the engine is built, the declarations that it writes beside scripts. */
import { readdir } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { stripComments } from "./strip.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../../..");

/** The SDK's public declarations, by their folder; a client runs elsewhere, and has them from npm. */
const SDK = "sdk/declarations";
const ELSEWHERE = /^(?:client[./]|services\.d\.ts$)/;
const GLOBALS = "core/script/typings/globals.txt";

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
  const names = (await readdir(join(ROOT, SDK), { recursive: true })).map((path) => path.split(sep).join("/"));
  for (const name of names.filter((path) => path.endsWith(".d.ts") && !ELSEWHERE.test(path)).sort())
    files[name === "script.d.ts" ? "sdk.d.ts" : name] = await Bun.file(join(ROOT, SDK, name)).text();
  files["globals.d.ts"] = await Bun.file(join(ROOT, GLOBALS)).text();
  for (const name of PACKAGES) await addPackage(name, files);
  return Bun.gzipSync(JSON.stringify(files)).toBase64();
}
