/** Server-sent events in a browser: the ancestor's example from the POST to the page, lost connections, and the standard's rules. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { EventParser } from "../plugins/streams/parser.ts";
import { hasBrowser, missing, openBrowser } from "./browser.ts";
import { startEngine, type Engine } from "./engine.ts";
import { openWay } from "./way.ts";

const UPDATES = readFileSync(join(import.meta.dir, "../../scripts/updates.js"), "utf8");

/** Bytes as somebody may send them, and what the standard makes of them is in the tests below. */
const CASES: { readonly [name: string]: string } = {
  "a byte order mark before the first field": "\ufeffdata: a\n\n",
  "a second byte order mark, which is part of a name": "\ufeff\ufeffdata: a\n\ndata: b\n\n",
  "CR, LF and both end lines": "data: a\rdata: b\r\ndata: c\n\r\ndata: d\r\r",
  "a carriage return at the end of a piece": "data: a\r\n\r|\ndata: b\r|\n\r\n",
  "several lines of data, empty ones too": "data: a\ndata\ndata:\ndata: d\n\n",
  "one space is taken away, no more": "data:a\n\ndata: b\n\ndata:  c\n\ndata:\td\n\n",
  "comments, and fields that nobody knows": ": hi\n:\nx: y\ndata: a\nnothing\n\n",
  "no data is no event, and forgets the name": "event: x\n\ndata: a\n\nevent: y\ndata\n\n",
  "names are per event": "event: x\ndata: a\n\ndata: b\n\nevent:\ndata: c\n\n",
  "an id stays until another, an empty one forgets it":
    "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: é\ndata: d\n\n",
  "an id with a zero byte is none": "id: 1\ndata: a\n\nid: 2\u00003\ndata: b\n\n",
  "an id without data counts": "id: 7\n\ndata: a\n\n",
  "what is not ended is not sent": "data: a\n\ndata: b\n",
  "a retry that is no number is ignored": "retry: 60000\nretry: 1x\nretry: -1\ndata: a\n\n",
  "bytes that are no UTF-8, and a letter in two pieces": "data: \u00ff|é\u{1f600}\n\n",
};

/** The last one is written byte for byte, with a sequence that is torn and one that is none. */
const RAW = `const CASES = ${JSON.stringify(Object.values(CASES))};
register("/raw/:n", ({ params }) => {
  const bytes = CASES[params.n].split("|").map((part) => new TextEncoder().encode(part));
  const pieces = params.n === String(CASES.length - 1)
    ? [Uint8Array.from([...bytes[0].slice(0, 6), 0xff, 0xc3]), Uint8Array.from([0xa9, ...bytes[1].slice(2)])]
    : bytes;
  return new Response(new ReadableStream({
    async start(controller) {
      for (const piece of pieces) {
        controller.enqueue(piece);
        await new Promise((done) => setTimeout(done, 20));
      }
      controller.close();
    },
  }), { headers: { "content-type": "text/event-stream" } });
});
register("/refuses/:status", ({ params }) => new Response("no", { status: Number(params.status) }));
register("/otherwise", () => new Response("data: a\\n\\n", { headers: { "content-type": "text/plain" } }));
register("/page", () => new Response("<!doctype html><title>news</title>", { headers: { "content-type": "text/html" } }));
registerWebStream("/news");
register("/say", async ({ body }) => sendStreamMessage(...body), "POST");
`;

let engine: Engine;
let browser: Browser;
let page: Page;
beforeAll(async () => {
  if (!hasBrowser) return;
  const config = "[plugins.streams]\nretryMs = 50\n";
  engine = await startEngine({ scripts: { "updates.js": UPDATES, "raw.js": RAW }, config });
  browser = await openBrowser();
  page = await browser.newPage();
  await page.goto(`${engine.url}/page`);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await engine?.stop();
});

async function say(...args: readonly unknown[]): Promise<void> {
  const headers = { "content-type": "application/json" };
  await (await engine.fetch("/say", { method: "POST", headers, body: JSON.stringify(args) })).text();
}

const when = test.skipIf(!hasBrowser);

when(`the ancestor's example works as it is, from the POST to the event in the page${missing}`, async () => {
  const data = await page.evaluate(`new Promise((resolve, reject) => {
    const source = new EventSource("/events");
    source.onopen = () => fetch("/send-update", { method: "POST" }).then((answer) => answer.text()).catch(reject);
    source.onmessage = ({ data }) => { source.close(); resolve(JSON.parse(data)); };
  })`);
  expect(data).toMatchObject({ type: "update", data: { message: "Hello from stream!" } });
});

when(
  "a page gets events by name, and resumes by itself after its connection was cut",
  async () => {
    const way = openWay(engine.port);
    const tab = await browser.newPage();
    try {
      await tab.goto(`http://127.0.0.1:${way.port}/page`);
      await tab.evaluate(`new Promise((resolve) => {
      window.got = [];
      window.source = new EventSource("/news");
      source.onopen = () => resolve();
      source.onmessage = ({ data, lastEventId }) => got.push(["message", data, lastEventId]);
      source.addEventListener("special", ({ data }) => got.push(["special", data]));
    })`);
      await say("/news", { n: 1 });
      await say("/news", "two\nlines", null, { event: "special" });
      await tab.waitForFunction("got.length === 2");
      way.cut();
      for (const n of [3, 4, 5]) await say("/news", { n });
      await tab.waitForFunction("got.length === 5");
      const got = (await tab.evaluate("got")) as string[][];
      expect(got.map(([type, data]) => [type, data])).toEqual([
        ["message", '{"n":1}'],
        ["special", "two\nlines"],
        ["message", '{"n":3}'],
        ["message", '{"n":4}'],
        ["message", '{"n":5}'],
      ]);
      expect(new Set(got.filter(([type]) => type === "message").map(([, , id]) => id)).size).toBe(4);
    } finally {
      await tab.close();
      way.close();
    }
  },
  60_000,
);

describe("the standard's rules: the parser that the other tests use is the browser's", () => {
  for (const [n, name] of Object.keys(CASES).entries()) {
    when(`${name}${missing}`, async () => {
      const parser = new EventParser();
      const answer = await engine.fetch(`/raw/${n}`);
      const expected = [];
      for await (const bytes of answer.body as ReadableStream<Uint8Array>) expected.push(...parser.push(bytes));
      const seen = await page.evaluate(`new Promise((resolve) => {
        const source = new EventSource("/raw/${n}");
        const events = [];
        for (const type of ["message", "x", "y"]) {
          source.addEventListener(type, ({ data, lastEventId }) => events.push({ type, data, lastEventId }));
        }
        source.onerror = () => { source.close(); resolve(events); };
      })`);
      expect(seen).toEqual(expected);
      expect(expected.length).toBeGreaterThan(0);
    });
  }

  const refused = ["/refuses/204", "/refuses/404", "/refuses/500", "/otherwise"];
  when.each(refused)("an answer that is no stream ends the client for good: %s", async (path) => {
    const state = await page.evaluate(`new Promise((resolve) => {
      const source = new EventSource("${path}");
      source.onerror = () => resolve(source.readyState);
    })`);
    expect(state).toBe(2);
  });
});
