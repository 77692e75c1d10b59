/** `npm start` in a clone: the examples are served, and the sources of the built-in plugins are not taken for dropped ones. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const node = Bun.which("node");

test.skipIf(node === null || !existsSync(join(ROOT, "dist/aiwebengine")))(
  "npm start serves the scripts of the clone, with the plugins of the binary, and ends with a signal",
  async () => {
    const child = Bun.spawn([node ?? "", "core/launch.mjs", "start", "--port", "0", "--set", "log.format=json"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    const reading = (async () => {
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        said += chunk;
        const url = /"url":"(http:[^"]+)"/.exec(said)?.[1];
        if (url === undefined) continue;
        const answer = await fetch(`${url}/hello`);
        const page = await fetch(`${url}/menu/style.css`);
        child.kill("SIGTERM");
        return [answer.status, page.status];
      }
      return [];
    })();
    const errors = await new Response(child.stderr).text();
    expect([await reading, errors]).toEqual([[200, 200], ""]);
    expect(await child.exited).toBe(0);
    expect(said).not.toContain("plugin failed");
  },
  60_000,
);
