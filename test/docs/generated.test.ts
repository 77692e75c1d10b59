/** The pages of `docs/` that come from tables of the code are what those tables say now. */
import { expect, test } from "bun:test";
import { loadConfig } from "../../core/config/index.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsPage, PAGES, problemsPage, withKeys } from "./generate.ts";
import { pagePath, pluginPages, withConfig } from "./plugin-pages.ts";

const page = (file: string): Promise<string> => Bun.file(file).text();

test("limits, problems and config keys are current (else: bun test/docs/generate.ts)", async () => {
  expect(await page(PAGES.limits)).toBe(limitsPage());
  expect(await page(PAGES.problems)).toBe(problemsPage());
  const operations = await page(PAGES.operations);
  expect(operations).toBe(withKeys(operations));
});

test("the config table of each plugin is current (else: bun test/docs/generate.ts)", async () => {
  for (const name of pluginPages()) {
    const shown = await page(pagePath(name));
    expect(shown).toBe(await withConfig(name, shown));
  }
});

test("every TOML example of the pages is accepted", async () => {
  const dir = mkdtempSync(join(tmpdir(), "awe-docs-"));
  let examples = 0;
  for (const file of [PAGES.limits, PAGES.operations]) {
    for (const [, toml = ""] of (await page(file)).matchAll(/```toml\n([^]*?)```/g)) {
      writeFileSync(join(dir, "aiwebengine.toml"), toml);
      loadConfig({ dir, set: [], flags: {} });
      examples++;
    }
  }
  expect(examples).toBeGreaterThan(1);
  rmSync(dir, { recursive: true });
});
