/** Templates in the binary: compiled in the builder, rendered in the isolate, and of no use to leave either. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startEngine, type Engine } from "./engine.ts";

const SITE = `import { registerWebHandler, render } from "@aiwebengine/sdk";
import row from "./templates/parts/row.eta";
registerWebHandler("GET /page", ({ query }) => render("page", { name: query.name, rows: ["a", "<b>"] }));
registerWebHandler("GET /context", (context) => context.render("page", { name: "context", rows: [] }));
registerWebHandler("GET /row", () => row({ name: "module" }));
registerWebHandler("GET /named/:name", ({ params }) => render(params.name));
registerWebHandler("GET /jsx", () => <main>{render("parts/row", { name: "&" })}</main>);
`;
const BASE = "<!doctype html>\n<title><%= it.title %></title>\n<%= it.body %>";
const PAGE = `<% layout("./base", { title: it.name }) %>
<h1><%= it.name %></h1>
<% for (const name of it.rows) { %>
<%~ include("parts/row", { name }) %>
<% } %>
`;

const LOADED = /"message":"script (?:re)?loaded","script":"site"/;

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine({
    files: { "secret.txt": "TOP SECRET" },
    scripts: {
      "site/index.tsx": SITE,
      "site/templates/base.eta": BASE,
      "site/templates/page.eta": PAGE,
      "site/templates/parts/row.eta": "<li><%= it.name %></li>",
      "site/templates/fails.eta": "<p>\n  <%= it.user.name %>\n</p>",
      "site/templates/code.eta": "<%= new Function('return process')() %>",
      "site/templates/host.eta": "<%= typeof process + typeof Bun + typeof globalThis.Bun %>",
    },
  });
});
afterAll(() => engine.stop());

const text = async (path: string): Promise<string> => (await engine.fetch(path)).text();

/** Saves, and answers what the console says then. */
async function save(path: string, content: string, says: RegExp): Promise<string> {
  const after = engine.mark();
  await engine.write(path, content);
  return engine.waitForLog(says, { after });
}

test("a page with layout and include, answered as HTML, with what a stranger wrote escaped", async () => {
  const answer = await engine.fetch("/page?name=%3Cscript%3E");
  expect(answer.headers.get("content-type")).toBe("text/html;charset=utf-8");
  expect(await answer.text()).toBe(
    "<!doctype html>\n<title>&lt;script&gt;</title>\n<h1>&lt;script&gt;</h1>\n<li>a</li><li>&lt;b&gt;</li>",
  );
});

test("from the context, as a module, and inside JSX", async () => {
  expect(await text("/context")).toContain("<title>context</title>");
  expect(await text("/row")).toBe("<li>module</li>");
  expect(await text("/jsx")).toBe("<main><li>&amp;</li></main>");
});

test("a template that fails at run time is logged with its own line and column", async () => {
  const after = engine.mark();
  expect((await engine.fetch("/named/fails")).status).toBe(500);
  expect(await engine.waitForLog(/templates\/fails\.eta:2:\d+/, { after })).toContain("script");
});

test("no code from strings, and nothing of the host", async () => {
  expect((await engine.fetch("/named/code")).status).toBe(500);
  expect(await text("/named/host")).toBe("undefined".repeat(3));
});

describe("saves", () => {
  test("a changed, a new and a removed template serve at once", async () => {
    await save("scripts/site/templates/parts/row.eta", "<dd><%= it.name %></dd>", LOADED);
    expect(await text("/row")).toBe("<dd>module</dd>");
    await save("scripts/site/templates/new.eta", "new", LOADED);
    expect(await text("/named/new")).toBe("new");
    const after = engine.mark();
    await engine.remove("scripts/site/templates/new.eta");
    await engine.waitForLog(LOADED, { after });
    expect((await engine.fetch("/named/new")).status).toBe(500);
  });

  test("a broken one is refused with file, line and frame, and the last good version serves", async () => {
    const said = await save("scripts/site/templates/page.eta", "<p>\n<% if (it.x) { %>", /page\.eta/);
    expect(said).toContain('"line":2');
    expect(await text("/context")).toContain("<h1>context</h1>");
    const outside = await save("scripts/site/templates/page.eta", '<%~ include("../../../secret") %>', /page\.eta/);
    expect(outside).toContain("import_refused");
    await save("scripts/site/templates/page.eta", PAGE, LOADED);
  });

  test("a bomb costs its builder, not the engine", async () => {
    const bomb = `${"<%= it.a %>".repeat(200_000)}${"<% if (it.x) { %>".repeat(20_000)}`;
    await engine.write("scripts/bomb/templates/a.eta", bomb);
    const after = engine.mark();
    await engine.write("scripts/bomb/index.ts", "export {};");
    await engine.waitForLog(/"script":"bomb"/, { after, timeoutMs: 30_000 });
    expect(await text("/row")).toContain("module");
  }, 60_000);
});
