/** The documentation holds together: every link leads somewhere, and every page is found from the index. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const PAGES = ["*.md", "{docs,plugins,scripts,sdk,core,test}/**/*.md"].flatMap((pattern) => [
  ...new Bun.Glob(pattern).scanSync({ cwd: ROOT }),
]);

/** Text outside of code: what stands in a code block is no link. */
function prose(page: string): string {
  return readFileSync(join(ROOT, page), "utf8").replace(/^```[^]*?^```/gm, "");
}

/** As GitHub makes them of headings. */
function anchors(page: string): ReadonlySet<string> {
  const headings = [...prose(page).matchAll(/^#+ (.+)$/gm)].map(([, text = ""]) => text);
  return new Set(
    headings.map((text) =>
      text
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function links(page: string): readonly string[] {
  const found = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return found.filter((target) => !/^[a-z]+:/.test(target));
}

function dead(page: string): readonly string[] {
  return links(page).filter((target) => {
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    if (!existsSync(join(ROOT, file))) return true;
    return anchor !== undefined && file.endsWith(".md") && !anchors(file).has(anchor);
  });
}

test.each(PAGES)("every link of %s leads somewhere", (page) => {
  expect(dead(page)).toEqual([]);
});

test("every page of docs/ is found from docs/README.md, the plugins' pages by docs/plugins.md too", () => {
  const from = (page: string): ReadonlySet<string> =>
    new Set(links(page).map((target) => join(dirname(page), target.split("#")[0] ?? "")));
  const index = from("docs/README.md");
  const plugins = from("docs/plugins.md");
  const pages = PAGES.filter((page) => page.startsWith("docs/") && page !== "docs/README.md");
  expect(pages.filter((page) => !index.has(page))).toEqual([]);
  expect(pages.filter((page) => page.startsWith("docs/plugins/") && !plugins.has(page))).toEqual([]);
});
