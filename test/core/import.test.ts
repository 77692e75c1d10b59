/** Every file of core and sdk can be imported by itself, and importing does nothing. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { measuredFiles, NOT_MEASURED, ROOT } from "../coverage/files.ts";

const WATCHED = ["exit", "SIGINT", "SIGTERM", "uncaughtException", "unhandledRejection"] as const;

function traces(): object {
  return {
    globals: Object.getOwnPropertyNames(globalThis).sort(),
    listeners: WATCHED.map((event) => process.listenerCount(event)),
    env: { ...process.env },
    cwd: process.cwd(),
  };
}

// What counts as covered must be loaded to be counted: this test is also how coverage sees a file that no other test needs.
test("importing a file sets no global, listens to nothing and changes no environment", async () => {
  const files = measuredFiles();
  expect(files.length).toBeGreaterThan(150);
  // The container needs the first, as core/main.ts loads it; both bring helpers that are theirs.
  await import("reflect-metadata");
  await import("tsyringe");
  const before = traces();
  for (const file of files) await import(join(ROOT, file));
  expect(traces()).toEqual(before);
}, 30_000);

test("each file that coverage leaves out is there", () => {
  expect(Object.keys(NOT_MEASURED).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
