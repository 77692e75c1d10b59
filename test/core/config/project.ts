/** Temporary project folders for tests of config. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../../core/config/index.ts";

const root = mkdtempSync(join(tmpdir(), "awe-config-"));
// Several test files share it: it goes with the process.
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

/** A folder with these files. */
export function project(files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const dir = mkdtempSync(join(root, "p-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

/** What an action that must refuse says. */
export function refusal(action: () => unknown): ConfigError {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("was accepted");
}
