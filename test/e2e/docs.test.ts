/** Examples in the text of the documentation: each script and plugin there passes `aiwebengine check`. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { prepareFolder, runEngine } from "./engine.ts";

const ROOT = join(import.meta.dir, "../..");
const PAGES = ["README.md", "docs/*.md", "docs/plugins/*.md"].flatMap((pattern) => [
  ...new Bun.Glob(pattern).scanSync({ cwd: ROOT }),
]);

interface Example {
  readonly name: string;
  readonly text: string;
}

const HAS_IMPORT = /^import .* from "@aiwebengine\/sdk"/m;
const PLUGIN = /definePlugin\(\{\s+name: "([a-z-]+)"/;

/** Code of scripts and plugins; a part of one without its import is given that. */
function examplesOf(page: string): readonly Example[] {
  const blocks = [...readFileSync(join(ROOT, page), "utf8").matchAll(/^```(?:ts|js)\n([^]*?)^```/gm)];
  return blocks.flatMap(([, text = ""], at) => {
    const name = `${page.replace(/\W+/g, "-").toLowerCase()}-${at}`;
    if (HAS_IMPORT.test(text) || PLUGIN.test(text) || text.startsWith("register(")) return [{ name, text }];
    if (!text.startsWith("registerWebHandler(")) return [];
    return [{ name, text: `import { registerWebHandler } from "@aiwebengine/sdk";\n${text}` }];
  });
}

test("every script and every plugin in the text of the documentation passes check", async () => {
  const examples = PAGES.flatMap(examplesOf);
  const plugins = examples.filter(({ text }) => PLUGIN.test(text));
  const scripts = examples.filter((one) => !plugins.includes(one));
  expect([plugins.length > 0, scripts.length > 6]).toEqual([true, true]);
  const dir = await prepareFolder({
    scripts: Object.fromEntries(
      scripts.map(({ name, text }) => [`${name}.${text.startsWith("register(") ? "js" : "ts"}`, text]),
    ),
    // Several pages may show a plugin of one name.
    files: Object.fromEntries(
      plugins.map(({ text }, at) => {
        const name = PLUGIN.exec(text)?.[1] ?? "";
        return [`plugins/${name}-${at}.ts`, text.replace(`name: "${name}"`, `name: "${name}-${at}"`)];
      }),
    ),
  });
  const { stdout } = await runEngine(["check", "--json"], { cwd: dir });
  const { problems } = JSON.parse(stdout) as { readonly problems: readonly { readonly code: string }[] };
  // Several pages show the same route.
  expect(problems.filter(({ code }) => code !== "route_taken")).toEqual([]);
  await rm(dirname(dir), { recursive: true });
}, 60_000);
