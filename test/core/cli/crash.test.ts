/** A fault of the engine itself: the end of one that starts, a line in the log of one that serves. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDataDir } from "../../../core/lock.ts";
import { LogLines } from "../../e2e/log-lines.ts";

const dir = mkdtempSync(join(tmpdir(), "awe-crash-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function start(fault: string) {
  const main = join(import.meta.dir, "faulty-main.ts");
  return Bun.spawn([process.execPath, main, "serve", "--port", "0", "--dir", dir], {
    env: { PATH: process.env["PATH"] ?? "", FAULT: fault },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

for (const fault of ["throw", "reject"]) {
  test(`a ${fault} that nobody catches while the engine starts is its last line, and the exit code is 1`, async () => {
    const child = start(`${fault} at start`);
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

  test(`a ${fault} that nobody catches while it serves is logged with its stack, and it serves on`, async () => {
    const child = start(fault);
    const lines = new LogLines();
    const read = lines.read(child.stdout);
    const banner = await lines.wait(/http:\/\/127\.0\.0\.1:\d+/);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(banner)?.[0];
    for (let i = 0; i < 2; i++) {
      const after = lines.count;
      child.kill("SIGUSR2");
      const line = await lines.wait(/goes on/, { after });
      expect(JSON.parse(line)).toMatchObject({ level: "error", error: { message: "a fault of the engine" } });
      expect(line).toContain("faulty-main.ts");
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
    }
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await read;
  }, 20_000);
}
