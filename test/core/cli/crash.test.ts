/** A fault of the engine itself ends it: with a line that has the cause, and without leaving anything behind. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDataDir } from "../../../core/lock.ts";

const dir = mkdtempSync(join(tmpdir(), "awe-crash-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

for (const fault of ["throw", "reject"]) {
  test(`a ${fault} that nobody catches is the last line of the log, and the exit code is 1`, async () => {
    const main = join(import.meta.dir, "faulty-main.ts");
    const child = Bun.spawn([process.execPath, main, "serve", "--port", "0", "--dir", dir], {
      env: { PATH: process.env["PATH"] ?? "", FAULT: fault },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, code] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    expect(code).toBe(1);
    const lines = stdout.trim().split("\n");
    expect(JSON.parse(lines.at(-1) as string)).toMatchObject({
      level: "error",
      error: { message: "a fault of the engine", cause: { message: "and its cause" } },
    });
    // Nothing holds the folder any more.
    lockDataDir(join(dir, "data")).release();
  }, 20_000);
}
