/** GraphiQL from the binary: who gets the page, and that a browser needs nothing else to work with it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { startEngine, type Engine } from "./engine.ts";

const CHROMIUM = [process.env["CHROMIUM"], "/usr/bin/chromium", "/usr/bin/chromium-browser"].find(
  (path) => path !== undefined && existsSync(path),
);
const missing = CHROMIUM === undefined ? ": no Chromium here; name one in CHROMIUM" : "";

const NOTES = `import { registerMutationHandler, registerQueryHandler, registerSubscriptionHandler, registerType, sendSubscriptionMessage } from "@aiwebengine/sdk";
registerType('type Note { text: String! "What <img src=x onerror=\\\\"document.title=1\\\\"> **says**" about: String }');
registerQueryHandler("notes(limit: Int = 2): [Note!]!", ({ args }) => Array.from({ length: args.limit }, (_, i) => ({ text: "note " + i })));
registerMutationHandler("forget: Int!", () => 1);
registerSubscriptionHandler("said: String!");
registerSubscriptionHandler("count: Int!", async function* ({ log, signal }) {
  try {
    yield 1;
    yield 2;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  } finally {
    log.info("counted");
  }
});
registerMutationHandler("say(text: String!): Int!", async ({ args }) => (await sendSubscriptionMessage("said", args.text)).delivered);
`;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ scripts: { "notes.js": NOTES }, config: "[plugins.graphql]\ngraphiql = true\n" });
});
afterAll(() => engine.stop());

const HTML = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

describe("the page", () => {
  test("is for browsers that have nothing to run", async () => {
    const page = await engine.fetch("/graphql", { headers: HTML });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html;charset=utf-8"]);
    expect(await page.text()).toStartWith("<!doctype html>");
    const run = await engine.fetch(`/graphql?query=${encodeURIComponent("{ notes { text } }")}`, { headers: HTML });
    expect(await run.json()).toEqual({ data: { notes: [{ text: "note 0" }, { text: "note 1" }] } });
    const client = await engine.fetch("/graphql", { headers: { accept: "application/json" } });
    expect(await client.json()).toHaveProperty("errors");
    const sent = await engine.fetch("/graphql", {
      method: "POST",
      headers: { ...HTML, "content-type": "application/json" },
      body: JSON.stringify({ query: "{ notes(limit: 1) { text } }" }),
    });
    expect(await sent.json()).toEqual({ data: { notes: [{ text: "note 0" }] } });
  });

  test("runs its own script and no other, and is known again", async () => {
    const page = await engine.fetch("/graphql", { headers: HTML });
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^' ]+'; style-src 'sha256-[^' ]+'; connect-src 'self';/,
    );
    const etag = page.headers.get("etag") ?? "";
    const again = await engine.fetch("/graphql", { headers: { ...HTML, "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const plain = await engine.fetch("/graphql", { headers: { ...HTML, "accept-encoding": "gzip" } });
    expect([plain.headers.get("content-encoding"), await plain.text()]).toEqual([null, await page.text()]);
  });

  test("is there under --dev, and not otherwise", async () => {
    for (const args of [["--dev"], []]) {
      await using other = await startEngine({ scripts: { "notes.js": NOTES }, args });
      const answer = await other.fetch("/graphql", { headers: HTML });
      expect((await answer.text()).startsWith("<!doctype html>")).toBe(args.length > 0);
    }
  }, 30_000);
});

describe("in a browser", () => {
  test.skipIf(CHROMIUM === undefined)(
    `operations run, the schema is shown, and nothing is asked of other hosts${missing}`,
    async () => {
      const { chromium } = await import("playwright-core");
      const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
      try {
        const tab = await browser.newPage({ viewport: { width: 1300, height: 850 } });
        const told: string[] = [];
        tab.on("console", (message) => told.push(message.text()));
        tab.on("pageerror", (error) => told.push(error.message));
        const elsewhere: string[] = [];
        tab.on("request", (request) => {
          if (!request.url().startsWith(engine.url)) elsewhere.push(request.url());
        });
        await tab.goto(`${engine.url}/graphql`);
        const run = async (operation: string): Promise<void> => {
          await tab.locator(".graphiql-query-editor .CodeMirror").click();
          await tab.keyboard.press("ControlOrMeta+A");
          await tab.keyboard.insertText(operation);
          await tab.keyboard.press("Control+Enter");
        };
        const shows = (text: string): Promise<void> =>
          tab.locator(".result-window", { hasText: text }).waitFor({ timeout: 10_000 });
        await run("{ notes(limit: 1) { text } }");
        await shows('"text": "note 0"');
        await run("mutation { forget }");
        await shows('"forget": 1');

        // Events come one after the other; the button that ran the operation ends it, and so does the script's generator.
        await run("subscription { count }");
        await shows('"count": 2');
        const after = engine.mark();
        const button = tab.locator(".graphiql-execute-button");
        await button.click();
        await engine.waitForLog(/"counted"/, { after });
        await run("subscription { said }");
        const body = JSON.stringify({ query: 'mutation { say(text: "hello") }' });
        const said = async (): Promise<unknown> =>
          (
            await engine.fetch("/graphql", { method: "POST", headers: { "content-type": "application/json" }, body })
          ).json();
        while (JSON.stringify(await said()) !== '{"data":{"say":1}}') await Bun.sleep(20);
        await shows('"said": "hello"');
        await button.click();

        await tab.getByLabel("Show Documentation Explorer").click();
        const docs = tab.locator(".graphiql-doc-explorer");
        await docs.getByText("Query", { exact: true }).first().click();
        await docs.getByText("Note", { exact: true }).click();
        expect(await docs.innerText()).toContain('<img src=x onerror="document.title=1"> says');

        // A word that is not finished is completed from the schema, and a wrong one is marked.
        await run("{ not }");
        await shows("GRAPHQL_VALIDATION_FAILED");
        await tab.locator(".CodeMirror-lint-mark-error").first().waitFor();
        expect(await tab.title()).toBe("GraphiQL");
        expect([elsewhere, told.filter((one) => !/status of 400/.test(one))]).toEqual([[], []]);
      } finally {
        await browser.close();
      }
    },
    40_000,
  );
});
