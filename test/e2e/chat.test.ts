/** The example `chat` in two browsers: what one says the other sees, in its room, as text, also after a lost connection. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createClient } from "graphql-sse";
import type { Browser, Page } from "playwright-core";
import { hasBrowser, missing, openBrowser } from "./browser.ts";
import { startEngine, type Engine } from "./engine.ts";
import { readExamples, whenLoaded } from "./examples.ts";
import { openWay, type Way } from "./way.ts";

let engine: Engine;
beforeAll(async () => {
  const all = Object.entries(await readExamples()).filter(([file]) => file.startsWith("chat/"));
  const scripts = Object.fromEntries(all);
  engine = await startEngine({ scripts, config: "[plugins.streams]\nretryMs = 50\n" });
  await whenLoaded(engine, scripts);
}, 30_000);
afterAll(() => engine?.stop());

function post(room: string, body: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return engine.fetch(`/chat/rooms/${room}/messages`, { method: "POST", headers, body: JSON.stringify(body) });
}

describe("by its API", () => {
  test("a room keeps its last messages, oldest first, and another room has none of them", async () => {
    for (let n = 1; n <= 52; n++) expect((await post("api", { name: "Ada", text: `number ${n}` })).status).toBe(201);
    const kept = (await (await engine.fetch("/chat/rooms/api/messages")).json()) as { text: string; id: string }[];
    expect(kept.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, n) => `number ${n + 3}`));
    expect(new Set(kept.map(({ id }) => id)).size).toBe(50);
    expect(await (await engine.fetch("/chat/rooms/other/messages")).json()).toEqual([]);
  });

  const refused: readonly [string, string, object][] = [
    ["/body/text", "api", { name: "Ada", text: "   " }],
    ["/body/text", "api", { name: "Ada", text: "x".repeat(501) }],
    ["/body/name", "api", { name: "", text: "hi" }],
    ["/params/room", "No%20Room", { name: "Ada", text: "hi" }],
  ];
  test.each(refused)("what does not fit is refused, and says where: %s", async (path, room, body) => {
    const answer = await post(room, body);
    expect([answer.status, ((await answer.json()) as { errors: { path: string }[] }).errors[0]?.path]).toEqual([
      422,
      path,
    ]);
  });
});

test("what is said comes over GraphQL, too, to who subscribed to its room", async () => {
  const client = createClient({ url: `${engine.url}/graphql` });
  const query = `subscription { chatSaid(room: "graph") { name text } }`;
  const heard = client.iterate({ query });
  const first = heard.next();
  // Who has subscribed is seen by nobody but the sender: it says so until the subscriber is there.
  for (let n = 0; (await Promise.race([first.then(() => true), Bun.sleep(50)])) !== true; n++) {
    await post("other", { name: "Eve", text: "not for you" });
    await post("graph", { name: "Ada", text: `hello ${n}` });
  }
  expect((await first).value?.data).toEqual({ chatSaid: { name: "Ada", text: expect.stringMatching(/^hello \d+$/) } });
  await heard.return?.();
  client.dispose();
  const answer = await engine.fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: `{ chatMessages(room: "graph") { text } }` }),
  });
  expect(await answer.json()).toMatchObject({ data: { chatMessages: expect.arrayContaining([{ text: "hello 0" }]) } });
}, 20_000);

describe.skipIf(!hasBrowser)(`in two browsers${missing}`, () => {
  let browser: Browser;
  let ada: Page;
  /** He comes over a way that can be cut. */
  let bob: Page;
  let way: Way;
  const told: string[] = [];
  beforeAll(async () => {
    browser = await openBrowser();
    way = openWay(engine.port);
    [ada, bob] = [await enter("lobby"), await enter("lobby", `http://127.0.0.1:${way.port}`)];
  }, 60_000);
  afterAll(async () => {
    way?.close();
    await browser?.close();
  });

  /** Each as a visitor of its own. */
  async function enter(room: string, url = engine.url): Promise<Page> {
    const page = await (await browser.newContext({ viewport: { width: 390, height: 740 } })).newPage();
    page.on("console", (message) => told.push(message.text()));
    page.on("pageerror", (error) => told.push(error.message));
    page.on("dialog", (dialog) => told.push(dialog.message()));
    await page.goto(`${url}/chat?room=${room}`);
    await page.getByText("Connected").waitFor();
    return page;
  }
  async function say(page: Page, name: string, text: string): Promise<void> {
    await page.getByLabel("Your name").fill(name);
    await page.getByLabel("Message", { exact: true }).fill(text);
    await page.keyboard.press("Enter");
  }
  const seen = (page: Page, text: string): Promise<void> => page.getByText(text, { exact: true }).waitFor();

  test("what one says both see, once, and who comes later sees it too", async () => {
    await say(ada, "Ada", "Hello!");
    await say(bob, "Bob", "Hello, Ada!");
    for (const page of [ada, bob, await enter("lobby")]) {
      await seen(page, "Hello!");
      await seen(page, "Hello, Ada!");
      expect(await page.locator("#messages li").count()).toBe(2);
    }
    expect(await (await enter("elsewhere")).locator("#messages li").count()).toBe(0);
  }, 30_000);

  test("markup of a stranger is text, in the message and in the name", async () => {
    const markup = `<img src=x onerror="document.title='pwned'">`;
    await say(ada, "<b>Ada</b>", markup);
    await seen(bob, markup);
    await seen(bob, "<b>Ada</b>");
    expect([await bob.locator("img, #messages b b").count(), await bob.title()]).toEqual([0, "lobby · Chat"]);
    expect(await bob.evaluate(`fetch("data:text/plain,x").then(() => "sent", () => "refused by its policy")`)).toBe(
      "refused by its policy",
    );
    told.splice(0, told.findLastIndex((line) => line.includes("Content Security Policy")) + 1);
  }, 30_000);

  test("what is said while a page is without its connection is there when it comes back", async () => {
    const lost = bob.getByText("Connection lost").waitFor();
    way.cut();
    await lost;
    await say(ada, "Ada", "Are you there?");
    await seen(bob, "Are you there?");
    await bob.getByText("Connected").waitFor();
  }, 30_000);

  test("what cannot be sent stays in its field, with the reason", async () => {
    await ada.evaluate(`document.querySelector("[name=text]").removeAttribute("maxlength")`);
    await say(ada, "Ada", "x".repeat(501));
    await ada.locator("[role=alert]", { hasText: "Not sent: /body/text must be" }).waitFor();
    expect(await ada.locator("[name=text]").inputValue()).toHaveLength(501);
  }, 30_000);

  test("a narrow page is not wider than its window, and nothing complained", async () => {
    expect(await ada.evaluate("document.scrollingElement.scrollWidth - innerWidth")).toBe(0);
    expect(told.filter((line) => !/Failed to load resource/.test(line))).toEqual([]);
  });
});
