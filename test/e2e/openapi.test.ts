/** `api-docs` in the binary: the document that is served is the one that is printed, and the page made of it works. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Locator } from "playwright-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { Document as Described } from "../fuzz/openapi-trials.ts";
import { hasBrowser, missing, openBrowser } from "./browser.ts";
import { startEngine, runEngine, type Engine } from "./engine.ts";
import { readExamples, whenLoaded } from "./examples.ts";

const EVIL = `registerWebHandler("POST /evil/<img%20src=x%20onerror=alert(1)>/:id", {
  summary: "<script>document.title = 'pwned'</script>",
  description: "<img src=x onerror=\\"document.title='pwned'\\">",
  tags: ["</script><script>document.title='pwned'</script>"],
  body: { "<b>x</b>": "string" },
}, ({ params }) => ({ id: params.id, html: "<img src=x onerror=document.title='pwned'>" }));
`;

interface Document extends Described {
  readonly "x-endpoints"?: readonly { readonly title: string; readonly path: string }[];
}

const TALK = `registerWebSocket("/talk/:room", {
  input: { say: "1 <= string <= 20" },
  message({ payload, params }) { return { room: params.room, heard: payload.say }; },
});
`;

let engine: Engine;
let api: Document;
beforeAll(async () => {
  const scripts = { ...(await readExamples()), "evil.js": EVIL, "talk.js": TALK };
  engine = await startEngine({ scripts, args: ["--dev"] });
  await whenLoaded(engine, scripts);
  api = (await (await engine.fetch("/openapi.json")).json()) as Document;
}, 30_000);
afterAll(() => engine?.stop());

test("what is served is valid, is what the command prints, and changes when a script does", async () => {
  expect((await new Validator().validate(structuredClone(api) as never)).valid).toBe(true);
  const { code, stdout, stderr } = await runEngine(["openapi", "--dir", engine.dir]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toEqual(api);
  const etag = (await engine.fetch("/openapi.json")).headers.get("etag") as string;
  const unchanged = await engine.fetch("/openapi.json", { headers: { "if-none-match": etag } });
  expect(unchanged.status).toBe(304);
  const after = engine.mark();
  await engine.write("scripts/more.js", `registerWebHandler("GET /more", { summary: "More" }, () => 1);`);
  await engine.waitForLog(/script loaded.*\bmore\b/, { after });
  expect(await (await engine.fetch("/llms.txt")).text()).toContain("- `GET /more`: More");
  const changed = await engine.fetch("/openapi.json", { headers: { "if-none-match": etag } });
  expect([changed.status, Object.keys(((await changed.json()) as Document).paths)]).toEqual([
    200,
    expect.arrayContaining(["/more"]),
  ]);
  await engine.remove("scripts/more.js");
}, 20_000);

test("what speaks a protocol of its own is named: in the document, to agents, in the banner or when it comes and goes", async () => {
  const titles = ({ "x-endpoints": all = [] }: Document): string[] => all.map(({ title, path }) => `${title} ${path}`);
  expect(titles(api)).toEqual(["GraphQL /graphql", "MCP /mcp"]);
  expect(Object.keys(api.paths).filter((path) => /^\/(mcp|graphql)/.test(path))).toEqual([]);
  expect(api.paths["/events"]?.["get"]?.responses["2XX"]?.content).toHaveProperty("text/event-stream");
  expect(await (await engine.fetch("/llms.txt")).text()).toContain("- [MCP](/mcp): ");
  expect(engine.logs).toMatch(new RegExp(`API docs +${engine.url}/docs`));
  const told = (kind: string, title: string, after: number): Promise<string> =>
    quiet.waitForLog(new RegExp(`endpoint ${kind}.*${title}.*${quiet.url}/`), { after });
  const quiet = await startEngine({ scripts: { "a.js": `register("/a", () => "a");` }, args: ["--dev"] });
  try {
    expect(quiet.logs).not.toContain("MCP");
    let after = quiet.mark();
    await quiet.write("scripts/t.js", `registerToolHandler("t", { description: "T." }, () => 1);`);
    await told("opened", "MCP", after);
    expect(titles((await (await quiet.fetch("/openapi.json")).json()) as Document)).toEqual(["MCP /mcp"]);
    after = quiet.mark();
    await quiet.remove("scripts/t.js");
    await told("closed", "MCP", after);
    expect(titles((await (await quiet.fetch("/openapi.json")).json()) as Document)).toEqual([]);
  } finally {
    await quiet.stop();
  }
}, 20_000);

test("the command tells of a script that would not serve, and takes no words", async () => {
  const broken = await startEngine({ scripts: { "good.js": `registerWebHandler("/good", () => 1);`, "bad.js": "(" } });
  try {
    const { code, stdout, stderr } = await runEngine(["openapi", "--dir", broken.dir]);
    expect([code, Object.keys((JSON.parse(stdout) as Document).paths)]).toEqual([1, expect.arrayContaining(["/good"])]);
    expect(stderr).toStartWith('Left out: the script "bad", since it would not serve: bad.js: ');
    expect((await runEngine(["openapi", "json", "--dir", broken.dir])).code).toBe(2);
    // Without --dev nothing of it is public.
    expect([(await broken.fetch("/docs")).status, (await broken.fetch("/openapi.json")).status]).toEqual([404, 404]);
  } finally {
    await broken.stop();
  }
}, 20_000);

describe("in a browser", () => {
  test.skipIf(!hasBrowser)(
    `the page shows what scripts say as text, finds routes, and sends requests; also on a phone${missing}`,
    async () => {
      const browser = await openBrowser();
      try {
        const tab = await browser.newPage({ viewport: { width: 390, height: 800 } });
        const told: string[] = [];
        tab.on("console", (message) => told.push(message.text()));
        tab.on("pageerror", (error) => told.push(error.message));
        tab.on("dialog", (dialog) => told.push(dialog.message()));
        const elsewhere: string[] = [];
        tab.on("request", (request) => {
          if (!request.url().startsWith(engine.url)) elsewhere.push(request.url());
        });
        await tab.goto(`${engine.url}/docs#post_notes`);
        const notes = tab.locator("details#post_notes");
        expect(await notes.locator("pre").first().innerText()).toContain("text: string  // length 1 to 280");
        await notes.locator("textarea").fill(`{"text":"from the page"}`);
        await notes.getByRole("button", { name: "Send" }).click();
        await notes.locator(".output .good").waitFor();
        expect(await notes.locator(".output .answer").innerText()).toContain(`"text": "from the page"`);
        expect(await notes.locator(".curl").innerText()).toContain(`--data-raw '{"text":"from the page"}'`);

        // A name in the path, and an answer that looks like markup.
        const evil = tab.locator("details", { hasText: "pwned" }).first();
        await evil.locator("summary").first().click();
        await evil.locator("input[name=id]").fill("a/b");
        await evil.getByRole("button", { name: "Send" }).click();
        await evil.locator(".output .good").waitFor();
        expect(await evil.locator(".output .answer").innerText()).toContain(`"id": "a/b"`);
        expect(await evil.innerText()).toContain(`<img src=x onerror="document.title='pwned'">`);
        expect([
          await tab.title(),
          await tab.locator("img").count(),
          await tab.locator("b", { hasText: /^x$/ }).count(),
        ]).toEqual(["API", 0, 0]);

        await tab.getByRole("searchbox").fill("SAVE note");
        expect(await tab.locator("section > details:visible").count()).toBe(1);
        await tab.getByRole("searchbox").fill("");
        expect(await tab.locator("section > details:visible").count()).toBeGreaterThan(12);
        const wide = "document.scrollingElement.scrollWidth - innerWidth";
        expect(await tab.evaluate(wide)).toBe(0);
        await tab.setViewportSize({ width: 1280, height: 800 });
        expect(await tab.locator("nav a:visible").count()).toBeGreaterThan(12);
        expect(await tab.evaluate(wide)).toBe(0);
        expect([told, elsewhere]).toEqual([[], []]);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );

  test.skipIf(!hasBrowser)(
    `the form sends parameters and bodies, says in words what is wrong, and shows a stream as it comes${missing}`,
    async () => {
      const browser = await openBrowser();
      try {
        const tab = await browser.newPage({ viewport: { width: 390, height: 800 }, colorScheme: "dark" });
        await tab.goto(`${engine.url}/docs`);
        const card = async (id: string): Promise<Locator> => {
          const one = tab.locator(`details[id="${id}"]`);
          await one.locator("summary").first().press("Enter");
          return one;
        };
        expect(await tab.locator(".endpoints a").allInnerTexts()).toEqual(["/graphql", "/mcp"]);

        const menu = await card("get_menu");
        await menu.getByLabel("day (query)").fill("friday");
        await menu.getByLabel("day (query)").press("Enter");
        await menu.locator(".output .good").waitFor();
        expect(await menu.locator(".answer").innerText()).toContain("<h1>Menu of friday</h1>");
        expect(await menu.locator(".curl").innerText()).toContain("/menu?day=friday");

        const notes = await card("post_notes");
        await notes.locator("textarea").fill("{}");
        await notes.getByRole("button", { name: "Send" }).click();
        await notes.locator(".output .bad").waitFor();
        expect(await notes.locator(".output").innerText()).toContain("/body/text must be a string (was missing)");

        const events = await card("get_events");
        await events.getByRole("button", { name: "Send" }).click();
        await events.getByText("open, 0 events so far").waitFor();
        for (const count of ["1 event ", "2 events "]) {
          await engine.fetch("/send-update", { method: "POST" });
          await events.getByText(`open, ${count}so far`).waitFor();
        }
        expect(await events.locator(".events li pre").first().innerText()).toContain("Hello from stream!");
        expect(await tab.evaluate("document.scrollingElement.scrollWidth - innerWidth")).toBe(0);
        await events.getByRole("button", { name: "Stop" }).click();
        await events.getByText("200 OK stopped").waitFor();
        expect(await events.getByRole("button", { name: "Stop" }).isVisible()).toBe(false);

        const talk = await card("get_talk_by-room");
        await talk.getByLabel("room (path)").fill("attic");
        await talk.getByRole("button", { name: "Connect" }).click();
        await talk.getByText("Connected", { exact: true }).waitFor();
        await talk.locator("textarea").fill('{"say":"hello"}');
        await talk.getByRole("button", { name: "Send" }).click();
        await talk.locator(".events pre", { hasText: '"heard": "hello"' }).waitFor();
        await talk.locator("textarea").fill("{}");
        await talk.getByRole("button", { name: "Send" }).click();
        await talk.locator(".events pre", { hasText: "invalid_input" }).waitFor();
        await talk.getByRole("button", { name: "Close" }).click();
        await talk.getByText("Closed: 1000").waitFor();

        await events.locator("summary").first().focus();
        await tab.keyboard.press("/");
        await tab.keyboard.type("proxy");
        expect(await tab.locator("section > details:visible").count()).toBe(1);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
