/** The pages of `docs/` that come from tables of the code are what those tables say now. */
import { expect, test } from "bun:test";
import { variableOf } from "../../core/config/environment.ts";
import { readConfig } from "../../core/config/index.ts";
import { checkPlugins } from "../../core/config/plugins.ts";
import { BUILT_INS } from "../../plugins/index.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsPage, PAGES, problemsPage, withKeys } from "./generate.ts";
import { pagePath, pluginPages, withConfig } from "./plugin-pages.ts";

const page = (file: string): Promise<string> => Bun.file(file).text();

test("limits, problems and config keys are current (else: bun test/docs/generate.ts)", async () => {
  expect(await page(PAGES.limits)).toBe(limitsPage());
  expect(await page(PAGES.problems)).toBe(problemsPage());
  const config = await page(PAGES.config);
  expect(config).toBe(withKeys(config));
});

test("the config table of each plugin is current (else: bun test/docs/generate.ts)", async () => {
  for (const name of pluginPages()) {
    const shown = await page(pagePath(name));
    expect(shown).toBe(await withConfig(name, shown));
  }
});

test("every example of a config file is accepted, with all its profiles", async () => {
  let examples = 0;
  for (const file of [PAGES.limits, PAGES.config]) {
    for (const [, format = "", text = ""] of (await page(file)).matchAll(/```(toml|yaml|json)\n([^]*?)```/g)) {
      const dir = mkdtempSync(join(tmpdir(), "awe-docs-"));
      writeFileSync(join(dir, `aiwebengine.${format}`), text);
      const { profiles } = readConfig({ dir, set: [], flags: {} });
      for (const profile of profiles) readConfig({ dir, profile, set: [], flags: {} });
      rmSync(dir, { recursive: true });
      examples++;
    }
  }
  expect(examples).toBeGreaterThan(3);
});

test("every example of a plugin's config is accepted by its schema, and each built-in has a page", async () => {
  const pages = pluginPages();
  for (const { name } of BUILT_INS) expect([name, pages.includes(name)]).toEqual([name, true]);
  for (const name of pages) {
    for (const [, text = ""] of (await page(pagePath(name))).matchAll(/```toml\n([^]*?)```/g)) {
      const dir = mkdtempSync(join(tmpdir(), "awe-docs-"));
      writeFileSync(join(dir, "aiwebengine.toml"), text);
      checkPlugins(readConfig({ dir, set: [], flags: {} }), BUILT_INS);
      rmSync(dir, { recursive: true });
    }
  }
});

test("the variables of the config page mean the keys beside them", async () => {
  const rows = [...(await page(PAGES.config)).matchAll(/^\| `([\w.-]+)` \| `(AIWEBENGINE_\w+)=/gm)];
  expect(rows.length).toBeGreaterThan(3);
  for (const [, key = "", variable = ""] of rows) expect(variableOf(key.split("."))).toBe(variable);
});
