/** WebSockets of real scripts, with npm's client and a browser: order, schemas, broadcast, limits, reloads, and faults that stay with one. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Client as Events } from "../plugins/streams/parser.ts";
import { frame, RawSocket } from "../core/http/raw-socket.ts";
import { Client } from "../websocket.ts";
import { startEngine, type Engine } from "./engine.ts";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

const ROOM = `import { HttpError, kv, registerWebHandler, registerWebSocket, registerWebStream, sendStreamMessage, streams } from "@aiwebengine/sdk";
registerWebSocket("/room/:name", {
  authorize({ query, params, cookies }) {
    if (query.key !== "k" && cookies.get("k") !== "1") throw new HttpError(401, "Bring the key.", { code: "no_key" });
    return { room: params.name, user: String(query.user ?? "nobody") };
  },
  input: { say: "string <= 20", "to?": "string" },
  async open({ args, params }) {
    await kv.increment("here");
    return { welcome: params.name, id: args.socket, user: args.criteria.user };
  },
  async message({ payload, args, params }) {
    if (payload.say === "throw") throw new Error("hunter2");
    if (payload.say === "refuse") throw new HttpError(409, "Not now.", { code: "busy" });
    if (payload.say === "loop") for (;;);
    if (payload.say === "die") { const all = []; for (;;) all.push(new Array(1e6).fill(1)); }
    if (payload.say === "nothing") return;
    if (payload.say === "kick") {
      await streams.close("/room/:name", { socket: payload.to ?? args.socket }, { code: 4001, reason: "kicked" });
      return "kicked";
    }
    const filter = payload.to ? { socket: payload.to } : { room: params.name };
    await sendStreamMessage("/room/:name", { from: args.criteria.user, say: payload.say }, filter);
    return payload.say;
  },
  async close({ payload, args, log }) {
    await kv.increment("here", -1);
    log.info("left", { user: args.criteria.user, ...payload });
  },
});
registerWebSocket("/plain", { message: ({ payload, method, path, headers, ip, kind, id }) => ({ payload, method, path, agent: headers.get("x-agent"), ip, kind, long: id.length }) });
registerWebSocket("/slow", { input: "number", async message({ payload }) { await new Promise((r) => setTimeout(r, payload === 0 ? 100 : 0)); return payload; } });
registerWebSocket("/deaf", { summary: "broadcasts only" });
registerWebStream("/events");
registerWebHandler("GET /here", () => kv.get("here"));
registerWebHandler("POST /say", async ({ body }) => sendStreamMessage(...body).catch(({ code, message }) => ({ code, message })));
registerWebHandler("GET /page", () => new Response("<!doctype html><title>room</title>", { headers: { "content-type": "text/html", "set-cookie": "k=1; SameSite=Lax" } }));
`;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    scripts: { "room.ts": ROOM },
    config: `[limits]
uninterruptedMs = 600
[plugins.streams]
maxPerIp = 60
maxMessageBytes = 2000
queueBytes = 200000
allowedOrigins = ["https://friend.example"]
[plugins.cors]
origins = ["https://app.example", "https://reader.example"]
credentials = true
`,
  });
}, 30_000);
afterAll(() => engine.stop());

const join = (user = "ada", name = "a"): Promise<Client> =>
  Client.open(`${engine.url}/room/${name}?key=k&user=${user}`);
const say = async (...args: readonly unknown[]): Promise<unknown> =>
  (
    await engine.fetch("/say", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(args),
    })
  ).json();
const send = (client: Client, message: unknown): Client => client.send(JSON.stringify(message));

async function welcomed(user?: string, name?: string): Promise<{ readonly client: Client; readonly id: string }> {
  const client = await join(user, name);
  const { id } = (await client.nextJson()) as { readonly id: string };
  return { client, id };
}

describe("a conversation", () => {
  test("begins with what open gives back, and goes on with what message does", async () => {
    using client = await join("ada", "begin");
    expect(await client.nextJson()).toEqual({
      welcome: "begin",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      user: "ada",
    });
    send(client, { say: "hello" });
    expect([await client.nextJson(), await client.next()]).toEqual([{ from: "ada", say: "hello" }, "hello"]);
    send(client, { say: "nothing" });
    send(client, { say: "after" });
    expect(await client.nextJson()).toEqual({ from: "ada", say: "after" });
  });

  test("keeps the order of messages, however long one takes", async () => {
    using client = await Client.open(`${engine.url}/slow`);
    for (let n = 0; n < 10; n++) client.send(String(n));
    for (let n = 0; n < 10; n++) expect(await client.next()).toBe(String(n));
  });

  test("is of text where there is no schema, with the request that it began with", async () => {
    using client = await Client.open(`${engine.url}/plain`, { headers: { "x-agent": "test" } });
    client.send('{"not": parsed');
    expect(await client.nextJson()).toEqual({
      payload: '{"not": parsed',
      method: "GET",
      path: "/plain",
      agent: "test",
      ip: "127.0.0.1",
      kind: "sockets",
      long: 36,
    });
  });

  test("ends with close, after all messages, with code and reason", async () => {
    const before = await (await engine.fetch("/here")).json();
    const { client } = await welcomed("eve", "end");
    const after = engine.mark();
    send(client, { say: "bye" });
    client.ws.close(4000, "enough");
    const line = await engine.waitForLog(/left/, { after });
    expect(line).toContain("enough");
    expect(line).toContain("4000");
    expect(line).toContain("eve");
    expect(await (await engine.fetch("/here")).json()).toBe(before ?? 0);
  });

  test("ends when the script says so, another's or its own, and the script hears of it", async () => {
    const { client: ada } = await welcomed("ada", "kick");
    const { client: eve, id } = await welcomed("eve", "kick");
    const after = engine.mark();
    send(ada, { say: "kick", to: id });
    expect(await eve.closed).toEqual([4001, "kicked"]);
    expect(await ada.next()).toBe("kicked");
    expect(await engine.waitForLog(/left/, { after })).toMatch(/"user":"eve".*"code":4001.*"reason":"kicked"/);
    send(ada, { say: "kick" });
    expect(await ada.closed).toEqual([4001, "kicked"]);
  });

  test("with one that takes no messages is one-sided", async () => {
    using client = await Client.open(`${engine.url}/deaf`);
    client.send("hello");
    expect(await say("/deaf", { n: 1 })).toEqual({ delivered: 1, connections: 1, failed: 0 });
    expect(await client.nextJson()).toEqual({ n: 1 });
  });
});

describe("what the client says", () => {
  test.each<[string, string, object]>([
    ["is no JSON", "{", { code: "bad_request", status: 400 }],
    ["is nested a thousand times", "[".repeat(990) + "]".repeat(990), { code: "bad_request" }],
    [
      "does not fit the schema",
      '{"say": 1}',
      { code: "invalid_input", status: 422, errors: [expect.objectContaining({ path: "/payload/say" })] },
    ],
    ["is too long for the schema", JSON.stringify({ say: "x".repeat(21) }), { code: "invalid_input" }],
    ["makes the script throw", '{"say": "throw"}', { code: "script_failed", status: 500 }],
    ["makes the script refuse", '{"say": "refuse"}', { code: "busy", status: 409, detail: "Not now." }],
    ["makes the script loop", '{"say": "loop"}', { code: "uninterrupted_exceeded" }],
    ["makes the script die", '{"say": "die"}', { code: expect.stringMatching(/^(memory|uninterrupted)_exceeded$/) }],
  ])(
    "and %s is answered with a problem, to this client alone; the socket stays",
    async (_, text, problem) => {
      using client = (await welcomed("ada", "faults")).client;
      using witness = (await welcomed("bob", "faults")).client;
      client.send(text);
      const answer = await client.nextJson();
      expect(answer).toEqual({
        problem: expect.objectContaining({ ...problem, id: expect.stringMatching(/^[0-9a-f-]{36}$/) }),
      });
      expect(JSON.stringify(answer)).not.toContain("hunter2");
      send(client, { say: "still here" });
      expect(await client.nextJson()).toEqual({ from: "ada", say: "still here" });
      expect(await witness.nextJson()).toEqual({ from: "ada", say: "still here" });
    },
    20_000,
  );

  test("is text: bytes end the socket with 1003", async () => {
    using client = await Client.open(`${engine.url}/plain`);
    expect((await client.send(new Uint8Array([1])).closed)[0]).toBe(1003);
  });

  test("has a length: more ends the socket with 1009", async () => {
    using client = await Client.open(`${engine.url}/plain`);
    expect((await client.send("x".repeat(2001)).closed)[0]).toBe(1009);
  });

  test("waits its turn, up to sixteen messages: more ends the socket with 1013", async () => {
    using client = await Client.open(`${engine.url}/slow`);
    for (let n = 0; n < 40; n++) client.send("0");
    expect((await client.closed)[0]).toBe(1013);
  });
});

describe("a broadcast", () => {
  test("reaches the sockets and the streams that fit, and one socket by its id", async () => {
    const { client, id } = await welcomed("ada", "x");
    using ada = client;
    using bob = (await welcomed("bob", "x")).client;
    using far = (await welcomed("far", "y")).client;
    expect(await say("/room/:name", { n: 1 }, { room: "x" })).toEqual({ delivered: 2, connections: 3, failed: 0 });
    expect(await say("/room/:name", { n: 2 }, { socket: id })).toEqual({ delivered: 1, connections: 3, failed: 0 });
    expect([await ada.nextJson(), await ada.nextJson(), await bob.nextJson()]).toEqual([{ n: 1 }, { n: 2 }, { n: 1 }]);
    send(far, { say: "psst", to: id });
    expect(await ada.nextJson()).toEqual({ from: "far", say: "psst" });
    const events = await new Events(await engine.fetch("/events")).ready();
    expect(await say("to all")).toMatchObject({ delivered: 4 });
    await events.until(({ data }) => data.includes("to all"));
    expect(await bob.next()).toBe("to all");
    await events.leave();
  });

  test("drops who does not read, counts it, and tells the others", async () => {
    using slow = await RawSocket.open(engine.port, "/deaf");
    slow.tcp.pause();
    using quick = await Client.open(`${engine.url}/deaf`);
    const after = engine.mark();
    let failed = 0;
    for (let n = 0; n < 6000 && failed === 0; n++) {
      ({ failed } = (await say("/deaf", "x".repeat(1990))) as { readonly failed: number });
      expect(await quick.next()).toHaveLength(1990);
    }
    expect(failed).toBe(1);
    await engine.waitForLog(/read too slowly/, { after });
    expect(await say("/deaf", "y")).toEqual({ delivered: 1, connections: 1, failed: 0 });
  }, 60_000);
});

describe("who may come", () => {
  test.each([
    ["without the key", "/room/a", {}, 401],
    ["from another site", "/plain", { origin: "https://evil.example" }, 403],
    ["from a sandboxed page", "/plain", { origin: "null" }, 403],
  ])("not one %s", async (_, path, options, status) => {
    expect(await Client.open(`${engine.url}${path}`, options).catch(String)).toBe(`Error: ${status}`);
  });

  test("pages of this host, of allowedOrigins, and those that cors trusts with cookies", async () => {
    for (const origin of [engine.url, "https://friend.example", "https://app.example"]) {
      using client = await Client.open(`${engine.url}/plain`, { origin });
      expect(await client.send("x").nextJson()).toMatchObject({ payload: "x" });
    }
  });

  test("a refusal is a problem, and so is a request that wants no socket", async () => {
    const refused = await engine.fetch("/plain");
    expect([refused.status, refused.headers.get("upgrade")]).toEqual([426, "websocket"]);
    expect(await refused.json()).toMatchObject({ code: "upgrade_required" });
    using raw = await RawSocket.open(engine.port, "/room/a");
    expect([raw.status, raw.head.includes("application/problem+json")]).toEqual([401, true]);
  });

  test("no more of one address than maxPerIp, and who leaves makes room", async () => {
    const clients: Client[] = [];
    let refused: unknown;
    while (refused === undefined) {
      await Client.open(`${engine.url}/deaf`).then(
        (client) => clients.push(client),
        (error) => (refused = String(error)),
      );
    }
    expect(refused).toBe("Error: 429");
    for (const one of clients) one.ws.close();
    await Promise.all(clients.map(({ closed }) => closed));
    using again = await Client.open(`${engine.url}/deaf`);
    expect(again.ws.readyState).toBe(1);
  });
});

describe("open sockets", () => {
  test("outlive reloads of their script and of plugins, and speak to the version that serves", async () => {
    using client = await Client.open(`${engine.url}/plain`);
    for (let n = 1; n <= 5; n++) {
      const after = engine.mark();
      await engine.write("scripts/room.ts", ROOM.replace("=> ({ payload,", `=> ({ payload: "v${n}",`));
      await engine.waitForLog(/room/, { after });
      for (let seen = ""; seen !== `v${n}`;)
        seen = String(((await client.send("x").nextJson()) as { payload: string }).payload);
    }
    const after = engine.mark();
    await engine.write(
      "plugins/other.ts",
      `import { definePlugin } from "@aiwebengine/sdk/plugin";\nexport default definePlugin({ name: "other", version: "1.0.0", setup() {} });\n`,
    );
    await engine.waitForLog(/plugins changed/, { after });
    expect(await client.send("x").nextJson()).toMatchObject({ payload: "v5" });
    expect(await say("/plain", { n: 1 })).toMatchObject({ delivered: 1 });
    expect(await client.nextJson()).toEqual({ n: 1 });
    await engine.write("scripts/room.ts", ROOM);
  });

  test("end when their script does not serve them any more", async () => {
    await engine.write("scripts/gone.ts", `registerWebSocket("/gone", {});`);
    await engine.waitForLog(/gone/);
    let client: Client | undefined;
    while (client === undefined) client = await Client.open(`${engine.url}/gone`).catch(() => undefined);
    await engine.remove("scripts/gone.ts");
    expect((await client.closed)[0]).toBe(1001);
  });

  test("are closed first when the engine stops, with 1001", async () => {
    const own = await startEngine({ scripts: { "room.ts": ROOM } });
    using client = await Client.open(`${own.url}/plain`);
    own.kill("SIGTERM");
    expect((await client.closed)[0]).toBe(1001);
    expect(await own.exited).toBe(0);
    await own.stop();
  });
});

test("hostile frames on a script's path end with the protocol's codes, and the script serves on", async () => {
  for (const [bytes, code] of [
    [frame(0x83, "x"), 1002],
    [frame(0x81, "x", { masked: false }), 1002],
    [frame(0x81, Buffer.from([0xff])), 1007],
    [frame(0x81, "x", { claimed: 2 ** 40 }), 1009],
  ] as const) {
    using raw = await RawSocket.open(engine.port, "/plain");
    expect(await raw.send(bytes).closeCode()).toBe(code);
  }
  using client = await Client.open(`${engine.url}/plain`);
  expect(await client.send("x").nextJson()).toMatchObject({ payload: "x" });
});

describe("a browser", () => {
  const run = CHROMIUM === undefined ? test.skip : test;
  run(
    CHROMIUM === undefined
      ? "SKIPPED: there is no Chromium on this machine"
      : "connects with its cookie; another site's page cannot",
    async () => {
      const { chromium } = await import("playwright-core");
      const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
      try {
        const page = await browser.newPage();
        const talk = `new Promise((resolve) => {
          const got = [];
          const socket = new WebSocket("ws://127.0.0.1:${engine.port}/room/web?user=chrome");
          socket.onmessage = ({ data }) => {
            got.push(JSON.parse(data));
            if (got.length === 1) socket.send(JSON.stringify({ say: "hi" }));
            else resolve(got);
          };
          socket.onclose = ({ code }) => resolve(code);
        })`;
        await page.goto(`${engine.url}/page`);
        expect(await page.evaluate(talk)).toMatchObject([
          { welcome: "web", user: "chrome" },
          { from: "chrome", say: "hi" },
        ]);
        // The same machine under another name: the cookie is another host's, and the page as well.
        await page.goto(`http://localhost:${engine.port}/page`);
        expect(await page.evaluate(talk)).toBe(1006);
      } finally {
        await browser.close();
      }
    },
    60_000,
  );
});
