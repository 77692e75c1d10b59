/** What MCP says while it works: progress, logs, changes of resources, completions, batches; against the official clients. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client, LOG_LEVEL_META_KEY, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { noRedis, REDIS_SERVER, startRedis } from "../plugins/pubsub/redis.ts";
import { engineCommand, startEngine, type Engine } from "./engine.ts";
import { inspect } from "./inspector.ts";
import { whenLoaded } from "./examples.ts";

const SCRIPT = `
import { kv, mcp, registerPromptHandler, registerResourceHandler, registerToolHandler, registerWebHandler } from "@aiwebengine/sdk";
registerToolHandler("bake", {}, async () => {
  const told = [];
  for (let at = 1; at <= 3; at++) told.push(await mcp.progress(at, 3, "loaf " + at));
  told.push(await mcp.progress(2), await mcp.log("debug", "detail"), await mcp.log("warning", { oven: "hot" }));
  return told;
});
registerToolHandler("floods", {}, async () => {
  let said = 0;
  while (said < 100 && (await mcp.log("error", "x".repeat(60000)))) said++;
  return { said };
});
registerToolHandler("wrong", {}, async ({ args }) => {
  try {
    await mcp[args.method](...args.args);
    return "taken";
  } catch (error) {
    return error.code + ": " + error.message;
  }
});
registerToolHandler("paint", {}, async () => {
  await kv.increment("coats");
  await mcp.resourceChanged("house://door");
  await mcp.resourceChanged("house://rooms/attic");
});
registerResourceHandler("house://door", {}, async () => "coats: " + (await kv.get("coats") ?? 0));
registerResourceHandler("house://rooms/{room}", { complete: ({ args }) => ["attic", "garden"].map((one) => args.argument + ":" + one) }, ({ args }) => args.room);
registerPromptHandler("letter", {
  arguments: { to: "string", from: "'us' | 'them'" },
  complete({ args: { argument, value, arguments: others } }) {
    if (value === "broken") return { no: "list" };
    if (value === "many") return Array.from({ length: 150 }, (_, at) => "n" + at);
    return [argument, value, others.from ?? "nobody"];
  },
}, () => "Dear you");
registerWebHandler("GET /outside", async () => Response.json([await mcp.progress(1), await mcp.log("error", "x")]));
`;
const OTHER = `
import { mcp, registerToolHandler } from "@aiwebengine/sdk";
registerToolHandler("paintOthers", {}, () => mcp.resourceChanged("house://door"));
`;

let engine: Engine;
const clients: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  const scripts = { "house.js": SCRIPT, "other.js": OTHER };
  engine = await startEngine({ scripts });
  await whenLoaded(engine, scripts);
}, 30_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close().catch(() => {})));
  await engine?.stop();
});

interface Told {
  readonly progress: { progress: number; total?: number | undefined; message?: string | undefined }[];
  readonly logs: { level: string; data: unknown }[];
}

interface Agent {
  call(name: string, options?: { readonly level?: "debug" | "error" }): Promise<{ readonly result: unknown } & Told>;
  /** Resolves with the URIs, when there are so many. */
  updates(count: number, uris: readonly string[]): Promise<{ readonly told: Promise<string[]> }>;
  complete(ref: object, name: string, value: string, context?: object): Promise<unknown>;
}

const answerOf = (result: unknown): unknown =>
  JSON.parse((result as { content: { text: string }[] }).content[0]?.text ?? "null");

async function current(path = "/mcp", at: Engine = engine): Promise<Agent> {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
  clients.push(client);
  const logs: Told["logs"] = [];
  client.setNotificationHandler("notifications/message", ({ params }) => void logs.push(params));
  await client.connect(new StreamableHTTPClientTransport(new URL(at.url + path)));
  expect(client.getProtocolEra()).toBe("modern");
  return {
    async call(name, { level } = {}) {
      const progress: Told["progress"] = [];
      const _meta = level === undefined ? {} : { _meta: { [LOG_LEVEL_META_KEY]: level } };
      const result = await client.callTool({ name, ..._meta }, { onprogress: (one) => void progress.push(one) });
      return { result: answerOf(result), progress, logs: logs.splice(0) };
    },
    async updates(count, uris) {
      const { promise, resolve } = Promise.withResolvers<string[]>();
      const seen: string[] = [];
      client.setNotificationHandler("notifications/resources/updated", ({ params }) => {
        if (seen.push(params.uri) === count) resolve(seen);
      });
      await client.listen({ resourceSubscriptions: [...uris] });
      return { told: promise };
    },
    complete: async (ref, name, value, context = {}) =>
      (await client.complete({ ref: ref as never, argument: { name, value }, ...context })).completion,
  };
}

async function old(path = "/mcp", at: Engine = engine): Promise<Agent> {
  const client = new OldClient({ name: "test", version: "1" });
  clients.push(client);
  const logs: Told["logs"] = [];
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void logs.push(params as never));
  await client.connect(new OldTransport(new URL(at.url + path)) as never);
  return {
    async call(name, { level } = {}) {
      const progress: Told["progress"] = [];
      if (level !== undefined) await client.setLoggingLevel(level);
      const result = await client.callTool({ name }, undefined, { onprogress: (one) => void progress.push(one) });
      return { result: answerOf(result), progress, logs: logs.splice(0) };
    },
    async updates(count, uris) {
      const { promise, resolve } = Promise.withResolvers<string[]>();
      const seen: string[] = [];
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
        if (seen.push(params.uri) === count) resolve(seen);
      });
      for (const uri of uris) await client.subscribeResource({ uri });
      return { told: promise };
    },
    complete: async (ref, name, value, context = {}) =>
      (await client.complete({ ref: ref as never, argument: { name, value }, ...context })).completion,
  };
}

for (const [era, connect] of [
  ["a current client", current],
  ["a client of 2025", old],
] as const) {
  describe(era, () => {
    test("is told the progress of its call, which only grows, and log messages of the level it wants", async () => {
      const agent = await connect();
      const { result, progress, logs } = await agent.call("bake", { level: "debug" });
      expect(progress).toMatchObject([
        { progress: 1, total: 3, message: "loaf 1" },
        { progress: 2, total: 3, message: "loaf 2" },
        { progress: 3, total: 3, message: "loaf 3" },
      ]);
      expect(result).toEqual([true, true, true, false, true, true]);
      expect(logs).toMatchObject([
        { level: "debug", data: "detail", logger: "house" },
        { level: "warning", data: { oven: "hot" } },
      ]);
      const quiet = await agent.call("bake", { level: "error" });
      expect([quiet.result, quiet.logs]).toEqual([[true, true, true, false, false, false], []]);
    });

    test("hears of a changed resource that it subscribed to, and of no other", async () => {
      const agent = await connect();
      const { told } = await agent.updates(2, ["house://door", "house://rooms/attic"]);
      const { told: one } = await (await connect("/mcp/house")).updates(1, ["house://rooms/attic"]);
      expect((await agent.call("paint")).result).toBe(null);
      expect((await told).toSorted()).toEqual(["house://door", "house://rooms/attic"]);
      expect(await one).toEqual(["house://rooms/attic"]);
    });

    test("gets completions from the script, for prompts and for templates, a hundred at most", async () => {
      const agent = await connect();
      const letter = { type: "ref/prompt", name: "letter" };
      expect(await agent.complete(letter, "to", "A", { context: { arguments: { from: "us" } } })).toMatchObject({
        values: ["to", "A", "us"],
      });
      expect(await agent.complete(letter, "to", "many")).toMatchObject({ total: 150, hasMore: true });
      await expect(agent.complete(letter, "to", "broken")).rejects.toThrow("could not be used");
      const rooms = { type: "ref/resource", uri: "house://rooms/{room}" };
      expect(await agent.complete(rooms, "room", "")).toMatchObject({ values: ["room:attic", "room:garden"] });
      expect(await agent.complete({ type: "ref/resource", uri: "house://{x}" }, "x", "")).toMatchObject({ values: [] });
    });

    test("is told a megabyte by one call, and no more", async () => {
      const { result, logs } = await (await connect()).call("floods", { level: "debug" });
      expect((result as { said: number }).said).toBe(logs.length);
      expect(logs.length).toBeGreaterThan(10);
      expect(logs.length).toBeLessThan(20);
    });
  });
}

test.skipIf(REDIS_SERVER === null)(
  `a change is told to the agents of another engine${noRedis}`,
  async () => {
    const redis = await startRedis([]);
    const options = {
      scripts: { "house.js": SCRIPT },
      config: `[plugins.pubsub]\nredis = "redis://127.0.0.1:${redis.port}"\n`,
    };
    const [here, there] = await Promise.all([startEngine(options), startEngine(options)]);
    try {
      for (const one of [here, there]) {
        await whenLoaded(one, options.scripts);
        while (((await (await one.fetch("/health/ready")).json()) as { status: string }).status !== "ok")
          await Bun.sleep(50);
      }
      const told = await Promise.all(
        [current, old].map(async (connect) => (await connect("/mcp", here)).updates(1, ["house://door"])),
      );
      await (await old("/mcp", there)).call("paint");
      expect(await Promise.all(told.map((one) => one.told))).toEqual([["house://door"], ["house://door"]]);
    } finally {
      await Promise.all([here.stop(), there.stop()]);
      await redis.kill();
    }
  },
  30_000,
);

describe("aiwebengine mcp", () => {
  for (const [era, options] of [
    ["a current agent", { versionNegotiation: { mode: "auto" } }],
    ["an agent of 2025", {}],
  ] as const) {
    test(`lets ${era} on standard input and output hear of progress and changes`, async () => {
      const [command = "", ...args] = engineCommand();
      const client = new Client({ name: "test", version: "1" }, options);
      clients.push(client);
      const changed = Promise.withResolvers<string>();
      client.setNotificationHandler("notifications/resources/updated", ({ params }) => changed.resolve(params.uri));
      const transport = new StdioClientTransport({
        ...{ command, args: [...args, "mcp", "--url", `${engine.url}/mcp`], cwd: engine.dir },
      });
      await client.connect(transport);
      // The client forgets a call's listener with its answer, and may not have come to what was said just before.
      const take = transport.onmessage;
      const progress: unknown[] = [];
      transport.onmessage = (message) => {
        if ("method" in message && message.method === "notifications/progress")
          progress.push(message.params?.["progress"]);
        take?.(message);
      };
      await client.callTool({ name: "bake" }, { onprogress() {} });
      expect(progress).toEqual([1, 2, 3]);
      if (client.getProtocolEra() === "modern") await client.listen({ resourceSubscriptions: ["house://door"] });
      else await client.subscribeResource({ uri: "house://door" });
      await client.callTool({ name: "paint" });
      expect(await changed.promise).toBe("house://door");
      await client.close();
    });
  }
});

describe("MCP Inspector on its command line", () => {
  test.each([
    [["resources/templates/list"], "house://rooms/{room}"],
    [["logging/setLevel", "--log-level", "debug"], "{}"],
    [["tools/call", "--tool-name", "bake"], "false"],
  ])(
    "%p",
    async (words, shown) => {
      const { code, out, complaint } = await inspect(engine, words);
      expect([code, complaint]).toEqual([0, expect.any(String)]);
      expect(out).toContain(shown);
    },
    60_000,
  );
});

test("nobody is told where no agent called", async () => {
  expect(await (await engine.fetch("/outside")).json()).toEqual([false, false]);
});

test("a script tells changes of its own resources only", async () => {
  const client = new OldClient({ name: "test", version: "1" });
  clients.push(client);
  await client.connect(new OldTransport(new URL(`${engine.url}/mcp`)) as never);
  expect(JSON.stringify(await client.callTool({ name: "paintOthers" }))).toContain("script_failed");
  await engine.waitForLog(/this script has no resource/);
});

test.each([
  ["progress", ["1"], "progress is a number"],
  ["progress", [1, "2"], "the total of progress is a number"],
  ["progress", [1, 2, {}], "the message of progress is text"],
  ["log", ["warn", 1], "a level is one of debug, info"],
  ["log", ["error", "x".repeat(70_000)], "65536 characters"],
  ["resourceChanged", [7], "the URI of a resource is text"],
  ["resourceChanged", ["house://cellar/x/y"], "no resource"],
  ["connect", ["no url"], "is a URL"],
  ["connect", ["http://x.example/", { header: {} }], "{ headers }"],
  ["connect", ["http://x.example/", { headers: { "a b": "c" } }], 'the header "a b"'],
  ["connect", ["http://x.example/", { headers: { a: 1 } }], "is text"],
])("mcp.%s() refuses what it cannot take with a sentence: case %#", async (method, args, why) => {
  const client = new OldClient({ name: "test", version: "1" });
  clients.push(client);
  await client.connect(new OldTransport(new URL(`${engine.url}/mcp`)) as never);
  const result = await client.callTool({ name: "wrong", arguments: { method, args } });
  const text = (result.content as { text: string }[])[0]?.text ?? "";
  expect(text).toStartWith("bad_request: mcp: ");
  expect(text).toContain(why);
});

describe("sessions", () => {
  const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const post = (body: unknown, session = ""): Promise<Response> =>
    engine.fetch("/mcp", {
      method: "POST",
      headers: { ...HEADERS, ...(session !== "" && { "mcp-session-id": session }) },
      body: JSON.stringify(body),
    });
  const begin = async (protocolVersion: string): Promise<string> => {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: "raw", version: "1" } };
    const answer = await post({ jsonrpc: "2.0", id: 0, method: "initialize", params });
    return answer.headers.get("mcp-session-id") ?? "";
  };
  const list = (id: number): object => ({ jsonrpc: "2.0", id, method: "tools/list" });
  const call = (id: number, name: string, more: object = {}): object => ({
    ...{ jsonrpc: "2.0", id, method: "tools/call" },
    params: { name, ...more },
  });

  test("of 2025-03-26 take batches, whose answers come together; later ones refuse them", async () => {
    const session = await begin("2025-03-26");
    const notification = { jsonrpc: "2.0", method: "notifications/initialized" };
    const told = call(2, "bake", { _meta: { progressToken: "p" } });
    const answer = await post([list(1), notification, told, { jsonrpc: "2.0", id: 3, method: "none" }], session);
    expect(answer.headers.get("content-type")).toContain("application/json");
    const answers = (await answer.json()) as { id: number; error?: { code: number } }[];
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      [1, undefined],
      [2, undefined],
      [3, -32_601],
    ]);
    expect((await post([notification], session)).status).toBe(202);
    for (const [batch, given] of [
      [[], session],
      [Array.from({ length: 51 }, (_, at) => list(at)), session],
      [[list(1)], await begin("2025-06-18")],
      [[list(1)], ""],
    ] as const) {
      const refused = await post(batch, given);
      expect([refused.status, await refused.json()]).toMatchObject([400, { jsonrpc: "2.0", error: { code: -32_600 } }]);
    }
    expect(await (await post([1, [list(1)]], session)).json()).toMatchObject([
      { error: { code: -32_600 } },
      { error: { code: -32_600 } },
    ]);
  });

  test("answer with JSON, and with a stream where a handler said something before", async () => {
    const session = await begin("2025-06-18");
    const level = { jsonrpc: "2.0", id: 1, method: "logging/setLevel", params: { level: "emergency" } };
    expect(await (await post(level, session)).json()).toMatchObject({ id: 1, result: {} });
    expect((await post(call(2, "bake"), session)).headers.get("content-type")).toContain("application/json");
    const streamed = await post(call(3, "bake", { _meta: { progressToken: 7 } }), session);
    expect(streamed.headers.get("content-type")).toBe("text/event-stream");
    expect(streamed.headers.get("mcp-session-id")).toBe(session);
    const events = (await streamed.text()).split("\n\n").filter((one) => one !== "");
    const messages = events.map((one) => JSON.parse(one.split("data: ")[1] ?? "") as { method?: string; id?: number });
    expect(messages.map(({ method, id }) => method ?? id)).toEqual([...Array(3).fill("notifications/progress"), 3]);
  });

  test("and streams hold 64 KiB of what they subscribe to, and no more", async () => {
    const session = await begin("2025-06-18");
    const uri = `house://rooms/${"x".repeat(30_000)}`;
    const ask = async (to: string): Promise<unknown> =>
      (await post({ jsonrpc: "2.0", id: 1, method: "resources/subscribe", params: { uri: to } }, session)).json();
    expect(await ask(`${uri}1`)).toMatchObject({ result: {} });
    expect(await ask(`${uri}2`)).toMatchObject({ result: {} });
    expect(await ask(`${uri}3`)).toMatchObject({ error: { code: -32_602, message: expect.stringContaining("65536") } });
    const notifications = { resourceSubscriptions: [uri, uri, uri] };
    const listen = await post({ jsonrpc: "2.0", id: 1, method: "subscriptions/listen", params: { notifications } });
    expect([listen.status, await listen.json()]).toMatchObject([413, { error: { code: -32_000 } }]);
  });

  test("subscribe to what there is, until they unsubscribe", async () => {
    const session = await begin("2025-06-18");
    const ask = async (method: string, uri: string): Promise<unknown> =>
      (await post({ jsonrpc: "2.0", id: 1, method, params: { uri } }, session)).json();
    expect(await ask("resources/subscribe", "house://nothing/at/all")).toMatchObject({ error: { code: -32_602 } });
    expect(await ask("resources/subscribe", "house://door")).toMatchObject({ result: {} });
    expect(await ask("resources/subscribe", "house://rooms/attic")).toMatchObject({ result: {} });
    expect(await ask("resources/unsubscribe", "house://door")).toMatchObject({ result: {} });
    const stream = await engine.fetch("/mcp", { headers: { accept: "text/event-stream", "mcp-session-id": session } });
    await post(call(2, "paint"), session);
    const { value } = await stream.body!.getReader().read();
    expect(new TextDecoder().decode(value)).toContain("house://rooms/attic");
    expect(new TextDecoder().decode(value)).not.toContain("house://door");
  });
});
