/** The middleware of docs/scripts.md, as it stands there, in the binary. */
import { expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startEngine } from "../engine.ts";
import { ROOT } from "./project.ts";

test("a middleware refuses, lets pass, and changes the answer's headers", async () => {
  const page = await readFile(join(ROOT, "docs/scripts.md"), "utf8");
  const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, block]) => block!);
  const example = blocks.find((block) => block.includes("registerMiddleware"))!;
  const engine = await startEngine({ scripts: { "private.ts": example } });
  try {
    const refused = await engine.fetch("/private");
    expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([401, "A key is needed."]);
    const passed = await engine.fetch("/private", { headers: { "x-key": "k" } });
    expect([passed.status, passed.headers.get("cache-control"), await passed.text()]).toEqual([
      200,
      "no-store",
      "seen with a key only",
    ]);
  } finally {
    await engine.stop();
  }
}, 20_000);
