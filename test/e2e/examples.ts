/** The examples in `scripts/` as they are, for an engine of a test. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Engine } from "./engine.ts";

const FOLDER = join(import.meta.dir, "../../scripts");

/** By path below `scripts/`. What an engine wrote beside them stays behind: hidden folders, the tsconfig. */
export async function readExamples(): Promise<Record<string, string>> {
  const files = (await readdir(FOLDER, { recursive: true })).filter((file) => /^[a-z0-9/-]+(\.\w+)+$/.test(file));
  const own = files.filter((file) => file !== "tsconfig.json");
  return Object.fromEntries(
    await Promise.all(own.map(async (file) => [file, await readFile(join(FOLDER, file), "utf8")] as const)),
  );
}

/** A build that takes long goes on while the engine serves already. */
export async function whenLoaded(engine: Engine, files: Readonly<Record<string, string>>): Promise<void> {
  const names = new Set(Object.keys(files).map((file) => file.replace(/[./].*/, "")));
  for (const name of names) await engine.waitForLog(new RegExp(`script loaded.*\\b${name}\\b`));
}
