/** Server-sent events from real scripts to real clients: the standard's parser, and those who do not read. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "../plugins/streams/parser.ts";
import { engineCommand, startEngine, type Engine } from "./engine.ts";

const UPDATES = readFileSync(join(import.meta.dir, "../../scripts/updates.js"), "utf8");

const NEWS = `import { HttpError, registerWebHandler, registerWebStream, sendStreamMessage } from "@aiwebengine/sdk";
registerWebStream("/news", { replay: 500 });
registerWebStream("/rooms/:id");
registerWebStream("/mine", { authorize: "admit", tags: ["private"] });
registerWebStream("/loops", { authorize() { for (;;); } });
registerWebStream("/throws", { authorize() { throw new Error("hunter2"); } });
registerWebStream("/forgets", { authorize() {} });
export function admit({ query, headers, cookies, method, path, ip, kind, body, log }) {
  log.info("admit", { method, path, ip, kind, crumb: cookies.get("k"), body: body ?? null });
  if (headers.get("x-key") !== "secret") throw new HttpError(401, "Bring the key.", { code: "no_key" });
  return { user: query.user, roles: ["reader"] };
}
registerWebHandler("POST /say", async ({ body }) => sendStreamMessage(...body).catch(({ code, message }) => ({ code, message })));
registerWebHandler("GET /count/:to", async function* ({ params, signal, log }) {
  try {
    for (let n = 1; n <= Number(params.to); n++) yield { n };
    yield { event: "end", id: "last", data: "two\\nlines" };
    if (params.to === "3") await new Promise((resolve) => signal.addEventListener("abort", resolve));
    if (params.to === "4") yield { data: 1, event: "a\\nid: evil" };
  } finally {
    log.info("counted", { to: params.to });
  }
});
`;

const AROUND = `registerMiddleware(async (context, next) => { (await next()).headers.set("x-around", "1"); });
register("/around", async function* () { yield { n: 1 }; yield "two"; });
`;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    scripts: {
      "updates.js": UPDATES,
      "news.js": NEWS,
      "around.js": AROUND,
      "thief.js": `register("/steal", () => sendStreamMessage("/news", 1).catch((e) => e.message));`,
    },
    config: `[limits]
uninterruptedMs = 600
[plugins.api-docs]
public = true
[plugins.streams]
maxPerIp = 2000
queueBytes = 500000
retryMs = 50
`,
  });
}, 30_000);
afterAll(() => engine?.stop());

async function connect(path: string, headers: Record<string, string> = {}): Promise<Client> {
  return new Client(await engine.fetch(path, { headers: { accept: "text/event-stream", ...headers } }));
}

async function say(...args: readonly unknown[]): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return (await engine.fetch("/say", { method: "POST", headers, body: JSON.stringify(args) })).json();
}

describe("the ancestor's example", () => {
  test("works as it is: from the POST to the event", async () => {
    const client = await (await connect("/events")).ready();
    const sent = await engine.fetch("/send-update", { method: "POST" });
    expect([sent.status, await sent.text()]).toEqual([200, "Message sent"]);
    await client.until(({ events }) => events.length === 1);
    expect(client.events[0]?.type).toBe("message");
    expect(JSON.parse(client.data[0] ?? "")).toMatchObject({ type: "update", data: { message: "Hello from stream!" } });
    await client.leave();
  });
});

describe("a stream", () => {
  test("begins at once, is not kept by anyone, and has the id of its request", async () => {
    const client = await (await connect("/news")).ready();
    const { headers } = client.response;
    expect(headers.get("content-type")).toBe("text/event-stream");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    await client.leave();
  });

  test("is a GET: HEAD has its head, others get 405, and who does not take events 406", async () => {
    const head = await engine.fetch("/news", { method: "HEAD" });
    expect([head.status, head.headers.get("content-type")]).toEqual([200, "text/event-stream"]);
    const post = await engine.fetch("/news", { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
    const page = await engine.fetch("/news", { headers: { accept: "text/html" } });
    expect([page.status, ((await page.json()) as { code: string }).code]).toEqual([406, "not_acceptable"]);
  });

  test("is a route of its script: in the list of routes, and in the documentation of the API", async () => {
    const child = Bun.spawn([...engineCommand(), "routes", "--json", "--dir", engine.dir], { stderr: "ignore" });
    const { routes } = JSON.parse(await new Response(child.stdout).text()) as { routes: { path: string }[] };
    expect(routes.find(({ path }) => path === "/mine")).toMatchObject({
      method: "GET",
      script: "news",
      file: "scripts/news.js",
      line: 4,
    });
    const { paths } = (await (await engine.fetch("/openapi.json")).json()) as { paths: Record<string, unknown> };
    const document = { get: { tags: ["private"], responses: { "2XX": { content: { "text/event-stream": {} } } } } };
    expect(paths["/mine"]).toMatchObject(document);
  });

  test("gets text with line breaks, and events with names", async () => {
    const client = await (await connect("/news")).ready();
    expect(await say("/news", "one\ntwo\r\nthree", null, { event: "lines" })).toEqual({
      delivered: 1,
      connections: 1,
      failed: 0,
    });
    await client.until(({ events }) => events.length === 1);
    expect(client.events[0]).toMatchObject({ type: "lines", data: "one\ntwo\nthree" });
    await client.leave();
  });

  test("with parameters takes them as criteria", async () => {
    const [seven, eight] = [await (await connect("/rooms/7")).ready(), await (await connect("/rooms/8")).ready()];
    expect(await say("/rooms/:id", "hi", { id: "7" })).toEqual({ delivered: 1, connections: 2, failed: 0 });
    await seven.until(({ events }) => events.length === 1);
    expect(eight.events).toEqual([]);
    await Promise.all([seven.leave(), eight.leave()]);
  });

  test("forgets a client that left", async () => {
    const client = await (await connect("/news")).ready();
    await client.leave();
    // What tells the engine is the socket's end.
    for (;;) {
      const { connections } = (await say("/news", "anyone?")) as { connections: number };
      if (connections === 0) break;
    }
  });
});

describe("authorize", () => {
  test("gets the request, and its criteria meet filters", async () => {
    const after = engine.mark();
    const headers = { "x-key": "secret", cookie: "k=v" };
    const ada = await (await connect("/mine?user=ada", headers)).ready();
    const line = await engine.waitForLog(/"admit"/, { after });
    const seen = { method: "GET", path: "/mine", ip: "127.0.0.1", kind: "streams", crumb: "v", body: null };
    expect((JSON.parse(line) as { data: object }).data).toEqual(seen);
    expect(await say("/mine", 1, { user: "bob" })).toMatchObject({ delivered: 0, connections: 1 });
    expect(await say("/mine", 2, { subset: { user: "ada", roles: ["reader"] } })).toMatchObject({ delivered: 1 });
    expect(await say("/mine", 3, { overlap: { user: "bob", roles: "reader" } })).toMatchObject({ delivered: 1 });
    expect((await ada.until(({ events }) => events.length === 2)).data).toEqual(["2", "3"]);
    await ada.leave();
  });

  const refused: readonly [path: string, status: number, code: string][] = [
    ["/mine", 401, "unauthenticated"],
    ["/forgets", 403, "forbidden"],
    ["/throws", 500, "script_failed"],
  ];
  test.each(refused)("that refuses is an answer: %s %d", async (path, status, code) => {
    const answer = await engine.fetch(path);
    const body = (await answer.json()) as { code: string; detail: string };
    expect([answer.status, body.code]).toEqual([status, code]);
    expect(body.detail).not.toContain("hunter2");
  });

  test("that loops costs its caller a problem, and the streams of its script go on", async () => {
    const client = await (await connect("/news")).ready();
    const answer = await engine.fetch("/loops");
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([504, "uninterrupted_exceeded"]);
    await say("/news", "still here");
    expect((await client.until(({ events }) => events.length === 1)).data).toEqual(["still here"]);
    await client.leave();
  });
});

describe("a client that comes back", () => {
  test("again and again, in the middle of what is sent, loses and repeats nothing", async () => {
    const all: string[] = [];
    const ids = new Set<string>();
    let id = "";
    const sending = (async () => {
      for (let i = 0; i < 200; i++) await say("/news", i);
    })();
    const before = await (await connect("/news")).ready();
    id = before.parser.lastEventId;
    // What was sent before it came is not its own.
    await before.until(({ events }) => events.length > 0);
    let client = before;
    while (all.at(-1) !== "199") {
      await client.until(({ events }) => events.length >= 3 || events.at(-1)?.data === "199");
      await client.leave();
      await client.ended;
      for (const event of client.events) {
        all.push(event.data);
        ids.add(event.lastEventId);
      }
      id = client.parser.lastEventId;
      if (all.at(-1) !== "199") client = await connect("/news", { "last-event-id": id });
    }
    await sending;
    const first = Number(all[0]);
    expect(all).toEqual(Array.from({ length: 200 - first }, (_, i) => `${first + i}`));
    expect(ids.size).toBe(all.length);
  }, 30_000);
});

describe("a client that does not read", () => {
  test("is dropped and counted, while the others get everything", async () => {
    const reader = await (await connect("/news")).ready();
    const closed = Promise.withResolvers<void>();
    let reads = false;
    const stuck = await Bun.connect({
      hostname: "127.0.0.1",
      port: engine.port,
      socket: {
        data(socket) {
          if (!reads) socket.pause();
        },
        close: () => closed.resolve(),
      },
    });
    stuck.write("GET /news HTTP/1.1\r\nhost: x\r\n\r\n");
    for (;;) if (((await say("/news", "?")) as { connections: number }).connections === 2) break;
    const text = "x".repeat(60_000);
    const after = engine.mark();
    let failed = 0;
    let sent = 0;
    while (failed === 0) {
      failed += ((await say("/news", text)) as { failed: number }).failed;
      sent++;
    }
    await reader.until(({ events }) => events.filter(({ data }) => data === text).length === sent);
    expect(await say("/news", "after")).toEqual({ delivered: 1, connections: 1, failed: 0 });
    expect(await engine.waitForLog(/read too slowly/, { after })).toContain('"count":1');
    reads = true;
    stuck.resume();
    await closed.promise;
    await reader.leave();
  }, 30_000);
});

describe("open streams", () => {
  test("outlive fifty reloads of their script, and a change of plugins", async () => {
    const client = await (await connect("/news")).ready();
    for (let i = 0; i < 50; i++) {
      const after = engine.mark();
      await engine.write("scripts/news.js", `${NEWS}// ${i}\n`);
      await engine.waitForLog(/"script reloaded".*"news"/, { after });
      await say("/news", i);
    }
    const after = engine.mark();
    await engine.write(
      "plugins/teapot.ts",
      `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({ name: "teapot", version: "1.0.0", setup({ route }) { route("GET /tea", () => new Response("tea")); } });`,
    );
    await engine.waitForLog(/plugins changed/, { after });
    await say("/news", "end");
    await client.until(({ data }) => data.at(-1) === "end");
    expect(client.data).toEqual([...Array.from({ length: 50 }, (_, i) => `${i}`), "end"]);
    await client.leave();
  }, 60_000);

  test("end when their script goes, and a second script cannot take a path that is held", async () => {
    await engine.write("scripts/other.js", `registerWebStream("/other"); register("/o", () => "o");`);
    await engine.waitForLog(/"script loaded".*"other"/);
    const client = await (await connect("/other")).ready();
    const after = engine.mark();
    await engine.write("scripts/rival.js", `registerWebStream("/other");`);
    expect(await engine.waitForLog(/rival/, { after })).toContain("/other");
    await engine.remove("scripts/other.js");
    expect(await client.ended).toBeUndefined();
    await engine.remove("scripts/rival.js");
  });

  test("are closed first when the engine stops, and do not hold it", async () => {
    await using own = await startEngine({ scripts: { "updates.js": UPDATES } });
    const client = await new Client(await own.fetch("/events")).ready();
    const since = performance.now();
    expect(await own.stop()).toBe(0);
    expect(await client.ended).toBeUndefined();
    expect(performance.now() - since).toBeLessThan(5000);
  });
});

describe("an async generator", () => {
  test("is a stream of events for who asks for them, and lines for others", async () => {
    const client = await connect("/count/2");
    expect(client.response.headers.get("content-type")).toBe("text/event-stream");
    expect(client.response.headers.get("cache-control")).toBe("no-store");
    expect(await client.ended).toBeUndefined();
    expect(client.events).toEqual([
      { type: "message", data: '{"n":1}', lastEventId: "" },
      { type: "message", data: '{"n":2}', lastEventId: "" },
      { type: "end", data: "two\nlines", lastEventId: "last" },
    ]);
    expect(await (await engine.fetch("/count/1")).text()).toStartWith('{"n":1}\n{"event":"end"');
  });

  test("is one with middleware around it, too", async () => {
    const client = await connect("/around");
    await client.ended;
    expect([client.response.headers.get("x-around"), client.data]).toEqual(["1", ['{"n":1}', "two"]]);
    expect(client.response.headers.get("content-type")).toBe("text/event-stream");
    expect(await (await engine.fetch("/around")).text()).toBe('{"n":1}\ntwo');
  });

  test("comes to its finally when the client leaves", async () => {
    const client = await connect("/count/3");
    await client.until(({ events }) => events.length === 4);
    const after = engine.mark();
    await client.leave();
    expect(await engine.waitForLog(/"counted"/, { after })).toContain('"to":"3"');
  });

  test("cannot put a field into another: the stream breaks instead", async () => {
    const client = await connect("/count/4");
    await client.ended;
    expect(client.events.map(({ type }) => type)).toEqual(["message", "message", "message", "message", "end"]);
    expect(client.parser.lastEventId).toBe("last");
  });
});

describe("closed doors", () => {
  test("a script cannot send to another's stream, nor break a field open", async () => {
    expect(await (await engine.fetch("/steal")).text()).toContain('registers no stream at "/news"');
    expect(await say("/news", 1, null, { event: "a\ndata: x" })).toMatchObject({ code: "bad_request" });
    expect(await say("/news", 1, { a: { b: 1 } })).toMatchObject({ code: "bad_request" });
    expect(await say("/news", "x".repeat(70_000))).toMatchObject({ code: "bad_request" });
  });
});
