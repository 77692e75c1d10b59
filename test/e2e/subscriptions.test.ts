/** GraphQL subscriptions of the compiled binary, with the official clients of their protocols. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createClient as createSseClient, type Client as SseClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";
import { connect, type Socket } from "node:net";
import { loadWebSocket, type WebSocketClass, type WebSocketClient } from "../websocket.ts";
import { noRedis, REDIS_SERVER, startRedis } from "../plugins/pubsub/redis.ts";
import { startEngine, type Engine } from "./engine.ts";

const CHAT = `import { HttpError, log, registerFieldHandler, registerMutationHandler, registerQueryHandler, registerSubscriptionHandler,
  registerType, registerWebHandler, sendSubscriptionMessage } from "@aiwebengine/sdk";
registerType("type Message { text: String!, at: DateTime } type Author { name: String! }");
registerQueryHandler("hello: String!", () => "hello");
registerSubscriptionHandler<{ room: string }>("said(room: ID!): Message!", ({ args, headers, payload }) => {
  if (args.room === "closed") throw new HttpError(403, "Members only.", { code: "members" });
  if (args.room === "broken") throw new Error("hunter2");
  if (args.room === "nobody") return false;
  log.info("asked", { room: args.room, from: headers.get("x-from"), payload });
  return { room: args.room };
});
registerSubscriptionHandler("plain(room: ID, loud: Boolean): Message");
registerFieldHandler("Message.author: Author!", ({ payload }) => payload.map((one) => ({ name: "author of " + one.text })));
registerMutationHandler<{ room: string; text: string }>("say(room: ID!, text: String!): JSON!", ({ args }) =>
  sendSubscriptionMessage("said", { text: args.text, at: 0 }, { room: args.room }));
registerWebHandler("POST /send/:name", async ({ params, body }) => sendSubscriptionMessage(params.name, body.payload, body.filter));
registerSubscriptionHandler("count", { args: { to: "number.integer", "pause?": "boolean" }, returns: "number.integer" }, async function* ({ args, log }) {
  try {
    for (let n = 1; n !== args.to + 1; n++) {
      if (n === 13 && !args.pause) throw new HttpError(409, "Unlucky.", { code: "unlucky" });
      yield n;
      if (args.pause) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    log.info("generator ended");
  }
});
registerSubscriptionHandler("wrong: Int!", async function* () { yield 1; yield "hunter2"; yield 3; });
registerSubscriptionHandler("spins: Int!", () => { for (;;); });
registerSubscriptionHandler("hangs: Int!", async function* () {
  yield 1;
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (;;);
});
`;
const OTHER = `import { registerSubscriptionHandler, registerWebHandler, sendSubscriptionMessage } from "@aiwebengine/sdk";
registerSubscriptionHandler("other: String");
registerWebHandler("POST /other", async ({ body }) => sendSubscriptionMessage("other", body));
registerWebHandler("POST /thief", async () => sendSubscriptionMessage("said", { text: "stolen" }));
`;

/** Whom the helpers below ask: the one of all tests, but for a test that has its own. */
let engine: Engine;
let shared: Engine;
let WebSocket: WebSocketClass;
beforeAll(async () => {
  WebSocket = await loadWebSocket();
  shared = await startEngine({
    scripts: { "chat.ts": CHAT, "other.js": OTHER },
    config:
      "[limits]\nuninterruptedMs = 600\n[plugins.graphql]\nmaxSubscriptionsPerIp = 20\nqueueBytes = 20000\nmaxCost = 50\n" +
      '[plugins.cors]\norigins = ["https://friend.example"]\ncredentials = true\n',
  });
  engine = shared;
}, 30_000);
afterEach(() => {
  engine = shared;
});
afterAll(() => shared.stop());

interface Result {
  readonly data?: { readonly [field: string]: unknown } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly [key: string]: unknown } }[];
}

/** What a client is given, one after the other. */
class Heard {
  readonly results: Result[] = [];
  end: "complete" | Error | readonly unknown[] | undefined;
  #wake: (() => void) | undefined;
  leave: () => void = () => {};

  readonly sink = {
    next: (result: unknown) => this.#take(() => this.results.push(JSON.parse(JSON.stringify(result)) as Result)),
    error: (error: unknown) => this.#take(() => (this.end = error as Error)),
    complete: () => this.#take(() => (this.end ??= "complete")),
  };

  #take(change: () => unknown): void {
    change();
    this.#wake?.();
  }

  async until(done: () => boolean): Promise<this> {
    while (!done()) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this;
  }

  async count(results: number): Promise<readonly Result[]> {
    await this.until(() => this.results.length >= results || this.end !== undefined);
    return this.results;
  }

  async ended(): Promise<Heard["end"]> {
    await this.until(() => this.end !== undefined);
    return this.end;
  }
}

async function post(path: string, body: unknown): Promise<unknown> {
  const answer = await engine.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.json();
}

const say = (room: string, text: string): Promise<unknown> =>
  post("/graphql", {
    query: "mutation($r: ID!, $t: String!) { say(room: $r, text: $t) }",
    variables: { r: room, t: text },
  }).then((result) => (result as Result).data?.["say"]);

/** Until so many are there: a client is told of nothing when it is subscribed. */
async function subscribed(room: string, count: number): Promise<void> {
  for (;;) {
    const { delivered } = (await post("/send/said", { payload: { text: "ready" }, filter: { room } })) as {
      delivered: number;
    };
    if (delivered >= count) return;
    await Bun.sleep(5);
  }
}

interface Transport {
  readonly subscribe: (query: string, variables?: Record<string, unknown>) => Heard;
  readonly dispose: () => void;
}

function sse(singleConnection: boolean, retryAttempts = 0): Transport {
  const client: SseClient<boolean> = createSseClient({
    url: `${engine.url}/graphql`,
    singleConnection,
    retryAttempts,
    headers: { "x-from": "test" },
  });
  return {
    subscribe(query, variables = {}) {
      const heard = new Heard();
      heard.leave = client.subscribe({ query, variables }, heard.sink);
      return heard;
    },
    dispose: () => client.dispose(),
  };
}

function socket(connectionParams: Record<string, unknown> = {}): Transport {
  const client = createSocketClient({
    url: `${engine.url.replace("http", "ws")}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    lazy: false,
    onNonLazyError: () => {},
    connectionParams,
  });
  return {
    subscribe(query, variables = {}) {
      const heard = new Heard();
      heard.leave = client.subscribe({ query, variables }, heard.sink);
      return heard;
    },
    dispose: () => void client.dispose(),
  };
}

const SAID = "subscription($room: ID!) { said(room: $room) { text at author { name } } }";

const TRANSPORTS: readonly (readonly [name: string, open: () => Transport])[] = [
  ["graphql-sse, distinct connections", () => sse(false)],
  ["graphql-sse, single connection", () => sse(true)],
  ["graphql-ws", () => socket()],
];

for (const [name, open] of TRANSPORTS) {
  describe(name, () => {
    let transport: Transport;
    beforeAll(() => {
      transport = open();
    });
    afterAll(() => transport.dispose());

    test("a message reaches those whose criteria fit, with its nested fields", async () => {
      const room = crypto.randomUUID();
      const [mine, also, elsewhere] = [room, room, "elsewhere"].map((one) =>
        transport.subscribe(SAID, { room: one }),
      ) as [Heard, Heard, Heard];
      await Promise.all([subscribed(room, 2), subscribed("elsewhere", 1)]);
      const before = mine.results.length;
      expect(await say(room, "hi")).toMatchObject({ delivered: 2, failed: 0 });
      for (const one of [mine, also]) {
        await one.until(() => JSON.stringify(one.results).includes('"hi"'));
        expect(one.results.at(-1)).toEqual({
          data: { said: { text: "hi", at: "1970-01-01T00:00:00.000Z", author: { name: "author of hi" } } },
        });
      }
      expect(mine.results.length).toBeGreaterThanOrEqual(before);
      expect(JSON.stringify(elsewhere.results)).not.toContain('"hi"');
      for (const one of [mine, also, elsewhere]) one.leave();
    });

    test("queries run there too", async () => {
      const heard = transport.subscribe("{ hello }");
      expect(await heard.ended()).toBe("complete");
      expect(heard.results).toEqual([{ data: { hello: "hello" } }]);
    });

    test("a generator of the script is the events; its end completes", async () => {
      const mark = engine.mark();
      const heard = transport.subscribe("subscription { count(to: 3) }");
      expect(await heard.ended()).toBe("complete");
      expect(heard.results.map(({ data }) => data?.["count"])).toEqual([1, 2, 3]);
      await engine.waitForLog(/generator ended/, { after: mark });
    });

    test("whoever leaves ends the generator in the script", async () => {
      const mark = engine.mark();
      const heard = transport.subscribe("subscription { count(to: -1, pause: true) }");
      await heard.count(1);
      heard.leave();
      await engine.waitForLog(/generator ended/, { after: mark });
    });

    test("what a generator throws ends the subscription, and its sentence and code pass", async () => {
      const heard = transport.subscribe("subscription { count(to: 20) }");
      await heard.ended();
      expect(heard.results).toHaveLength(13);
      expect(heard.results.at(-1)?.errors).toEqual([
        expect.objectContaining({ message: "Unlucky.", extensions: { code: "unlucky", id: expect.any(String) } }),
      ]);
    });

    test("an event that does not fit the schema is an error of its own, without its value", async () => {
      const heard = transport.subscribe("subscription { wrong }");
      await heard.ended();
      expect(heard.results.map(({ data }) => data)).toEqual([{ wrong: 1 }, null, { wrong: 3 }]);
      expect(heard.results[1]?.errors?.[0]?.extensions).toMatchObject({
        code: "script_failed",
        id: expect.any(String),
      });
      expect(JSON.stringify(heard.results)).not.toContain("hunter2");
    });

    test("who is refused is told why, under the id of the log", async () => {
      const told = async (query: string, variables?: Record<string, unknown>): Promise<unknown> => {
        const heard = transport.subscribe(query, variables);
        const end = await heard.ended();
        const errors = Array.isArray(end) ? end : heard.results[0]?.errors;
        return (errors as Result["errors"])?.[0]?.extensions;
      };
      expect(await told(SAID, { room: "closed" })).toEqual({ code: "members", id: expect.any(String) });
      expect(await told(SAID, { room: "nobody" })).toMatchObject({ code: "forbidden" });
      const broken = (await told(SAID, { room: "broken" })) as { code: string; id: string };
      expect(broken.code).toBe("script_failed");
      await engine.waitForLog(new RegExp(`hunter2.*${broken.id}|${broken.id}.*hunter2`));
      expect(await told("subscription { spins }")).toMatchObject({ code: "uninterrupted_exceeded" });
      expect(await told("subscription { nothing }")).toMatchObject({ code: "GRAPHQL_VALIDATION_FAILED" });
      expect(await told("subscription {")).toMatchObject({ code: "GRAPHQL_PARSE_FAILED" });
      expect(await told(SAID, {})).toMatchObject({ code: "BAD_USER_INPUT" });
      expect(await told("subscription { hello }")).toMatchObject({ code: "GRAPHQL_VALIDATION_FAILED" });
    });

    test("the limits of operations hold", async () => {
      const limit = async (query: string): Promise<unknown> => {
        const heard = transport.subscribe(query);
        const end = await heard.ended();
        const errors = Array.isArray(end) ? end : heard.results[0]?.errors;
        return ((errors as Result["errors"])?.[0]?.extensions["limit"] as { name?: string } | undefined)?.name;
      };
      const aliases = Array.from({ length: 40 }, (_, i) => `a${i}: text`).join(" ");
      expect(await limit(`subscription { said(room: "a") { ${aliases} } }`)).toBe("maxAliases");
      expect(await limit(`subscription { said(room: "a") { ${"text ".repeat(3000)} } }`)).toBe("maxTokens");
    });
  });
}

/** A socket without a client library: what it is sent, and how it ends. */
class Raw {
  readonly #socket: WebSocketClient;
  readonly messages: { readonly type: string; readonly id?: string; readonly payload?: unknown }[] = [];
  #closed: { readonly code: number; readonly reason: string } | undefined;
  #wake: (() => void) | undefined;

  constructor(headers: Record<string, string> = {}, protocols: string[] = ["graphql-transport-ws"]) {
    this.#socket = new WebSocket(`${engine.url.replace("http", "ws")}/graphql`, protocols, { headers });
    this.#socket.on("message", (data: Buffer) =>
      this.#take(() => this.messages.push(JSON.parse(String(data)) as never)),
    );
    this.#socket.on("close", (code: number, reason: Buffer) =>
      this.#take(() => (this.#closed = { code, reason: String(reason) })),
    );
    this.#socket.on("error", () => {});
  }

  #take(change: () => unknown): void {
    change();
    this.#wake?.();
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#socket.once("open", resolve));
    return this;
  }

  async begin(): Promise<this> {
    await this.open();
    this.send({ type: "connection_init" });
    await this.of("connection_ack");
    return this;
  }

  send(message: unknown): this {
    const binary = message instanceof Uint8Array;
    this.#socket.send(typeof message === "string" || binary ? message : JSON.stringify(message));
    return this;
  }

  subscribe(id: string, query: string): this {
    return this.send({ id, type: "subscribe", payload: { query } });
  }

  of(type: string, id?: string): Promise<Raw["messages"][number]> {
    return this.#until(() => this.messages.find((one) => one.type === type && (id === undefined || one.id === id)));
  }

  closed(): Promise<{ readonly code: number; readonly reason: string }> {
    return this.#until(() => this.#closed);
  }

  close(): void {
    this.#socket.close();
  }
}

describe("a socket that does not keep to the protocol is closed as the protocol says", () => {
  const cases: readonly (readonly [what: string, code: number, send: (raw: Raw) => unknown])[] = [
    ["no JSON", 4400, (raw) => raw.send("{")],
    ["a message that is none", 4400, (raw) => raw.send({ type: "hello" })],
    ["a list", 4400, (raw) => raw.send([])],
    ["JSON as deep as it is long", 4400, (raw) => raw.send(`${"[".repeat(100_000)}${"]".repeat(100_000)}`)],
    ["bytes", 4400, (raw) => raw.send(new Uint8Array([1, 2, 3]))],
    ["an operation before its greeting", 4401, (raw) => raw.subscribe("1", "{ hello }")],
    ["two greetings", 4429, (raw) => raw.send({ type: "connection_init" }).send({ type: "connection_init" })],
    [
      "an operation under the id of another",
      4409,
      (raw) =>
        raw
          .send({ type: "connection_init" })
          .of("connection_ack")
          .then(() => raw.subscribe("1", "subscription { plain { text } }").subscribe("1", "{ hello }")),
    ],
    ["an operation without text", 4400, (raw) => raw.send({ id: "1", type: "subscribe", payload: {} })],
    ["a message beyond maxBytes", 1009, (raw) => raw.send(JSON.stringify({ type: "x".repeat(300_000) }))],
  ];
  for (const [what, code, send] of cases) {
    test(`${what}: ${code}`, async () => {
      const raw = await new Raw().open();
      await send(raw);
      expect((await raw.closed()).code).toBe(code);
    });
  }

  test("silence instead of a greeting: 4408; no subprotocol: 4406", async () => {
    const [silent, other] = [new Raw(), new Raw({}, [])];
    expect((await other.closed()).code).toBe(4406);
    expect((await silent.closed()).code).toBe(4408);
  });

  test("a page of another host gets none, unless cors trusts it with cookies", async () => {
    const raw = new Raw({ origin: "https://evil.example" });
    expect((await raw.closed()).code).toBe(1006);
    const own = await new Raw({ origin: engine.url }).begin();
    own.close();
    const friend = await new Raw({ origin: "https://friend.example" }).begin();
    friend.close();
  });
});

describe("a socket", () => {
  test("gives the handler what it said when it began, and the request of its handshake", async () => {
    const raw = await new Raw({ "x-from": "socket" }).open();
    raw.send({ type: "connection_init", payload: { hello: "you" } });
    await raw.of("connection_ack");
    const mark = engine.mark();
    raw.subscribe("1", 'subscription { said(room: "socket") { text } }');
    expect(await engine.waitForLog(/"asked"/, { after: mark })).toContain('"from":"socket","payload":{"hello":"you"}');
    raw.send({ type: "ping" });
    await raw.of("pong");
    raw.send({ id: "1", type: "complete" });
    while (((await post("/send/said", { payload: 1, filter: { room: "socket" } })) as { delivered: number }).delivered)
      await Bun.sleep(5);
    raw.close();
  });

  test("that carries too many operations is told so, and the others go on", async () => {
    const raw = await new Raw().begin();
    for (let n = 0; n < 25; n++) raw.subscribe(`${n}`, "subscription { plain { text } }");
    const refused = await raw.of("next");
    expect(refused.payload).toMatchObject({ errors: [{ extensions: { code: "too_many_requests" } }] });
    const others = await engine.fetch("/graphql", { method: "PUT" });
    expect(others.status).toBe(429);
    raw.subscribe("last", "{ hello }");
    expect((await raw.of("next", "last")).payload).toEqual({ data: { hello: "hello" } });
    await post("/send/plain", { payload: { text: "hi" } });
    await raw.of("next", "0");
    raw.close();
    await raw.closed();
    while ((await engine.fetch("/graphql", { method: "PUT" })).status !== 201) await Bun.sleep(5);
  });
});

test("a generator that loops is killed, and its subscriber told; those who wait for messages of the script notice nothing", async () => {
  const transports = [sse(false), sse(true), socket()];
  const heard = transports.map((one) => one.subscribe("subscription { plain { text } }"));
  while (((await post("/send/plain", { payload: { text: "x" } })) as { delivered: number }).delivered < 3)
    await Bun.sleep(5);
  const hanging = transports[2]!.subscribe("subscription { hangs }");
  await hanging.ended();
  expect(hanging.results.map(({ data }) => data?.["hangs"])).toEqual([1, undefined]);
  expect(hanging.results[1]?.errors?.[0]?.extensions["code"]).toBe("uninterrupted_exceeded");
  expect(await post("/send/plain", { payload: { text: "after" } })).toMatchObject({ delivered: 3 });
  for (const one of heard) await one.until(() => JSON.stringify(one.results).includes("after"));
  for (const one of transports) one.dispose();
});

describe("over plain HTTP", () => {
  test("a GET is enough, as EventSource sends it, and proxies are told not to hold the events back", async () => {
    const query = encodeURIComponent("subscription { count(to: 2) }");
    const answer = await engine.fetch(`/graphql?query=${query}`, { headers: { accept: "text/event-stream" } });
    const { headers } = answer;
    expect(["content-type", "cache-control", "x-accel-buffering"].map((name) => headers.get(name))).toEqual([
      "text/event-stream; charset=utf-8",
      "no-store",
      "no",
    ]);
    const lines = (await answer.text()).split("\n").filter((line) => line !== "" && line !== ":");
    expect(lines).toEqual([
      "event: next",
      'data: {"data":{"count":1}}',
      "event: next",
      'data: {"data":{"count":2}}',
      "event: complete",
      "data:",
    ]);
  });

  test("who takes no events is told what to take", async () => {
    const answer = await engine.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: "subscription { count(to: 2) }" }),
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([406, "not_acceptable"]);
  });

  test("hostile bodies and methods get an answer of the protocol, and none of 5xx", async () => {
    const token = await (await engine.fetch("/graphql", { method: "PUT" })).text();
    const own = { "x-graphql-event-stream-token": token, "content-type": "application/json" };
    for (const [method, headers, body, status] of [
      ["POST", own, "{", 400],
      ["POST", own, "[]", 400],
      ["POST", own, '{"query":1}', 400],
      ["POST", own, '{"query":"{ hello }"}', 400],
      ["POST", own, '{"query":"{ hello }","variables":[],"extensions":{"operationId":"1"}}', 400],
      ["POST", { ...own, "content-type": "text/plain" }, '{"query":"{ hello }"}', 415],
      ["POST", own, `{"query":"${"x".repeat(300_000)}"}`, 413],
      ["POST", { ...own, "x-graphql-event-stream-token": "none" }, '{"query":"{ hello }"}', 404],
      ["DELETE", own, undefined, 400],
      ["DELETE", {}, undefined, 404],
      ["PATCH", own, undefined, 405],
    ] as const) {
      const answer = await engine.fetch("/graphql", { method, headers, ...(body === undefined ? {} : { body }) });
      expect([method, body?.slice(0, 30), answer.status]).toEqual([method, body?.slice(0, 30), status]);
    }
    const gone = await engine.fetch("/graphql", { headers: { ...own, accept: "text/event-stream" } });
    await gone.body?.cancel();
  });
});

/** A client that sends, and reads nothing. */
async function stuck(text: string | Buffer): Promise<Socket> {
  const socket = connect(engine.port, "127.0.0.1");
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", resolve));
  socket.pause();
  socket.write(text);
  return socket;
}

/** A masked text frame of less than 126 bytes. */
function frame(message: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]);
}

test("clients that do not read are dropped, whatever they speak, and the others get everything", async () => {
  await using own = await alone("[plugins.graphql]\nqueueBytes = 20000\n");
  const query = "subscription { plain { text } }";
  const body = JSON.stringify({ query });
  const head = "host: x\r\naccept: text/event-stream\r\n";
  const token = await (await own.fetch("/graphql", { method: "PUT" })).text();
  const key = `x-graphql-event-stream-token: ${token}\r\n`;
  const sockets = [
    await stuck(
      `POST /graphql HTTP/1.1\r\n${head}content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    ),
    await stuck(`GET /graphql HTTP/1.1\r\n${head}${key}\r\n`),
    await stuck(
      Buffer.concat([
        Buffer.from(
          "GET /graphql HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n" +
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: graphql-transport-ws\r\n\r\n",
        ),
        frame({ type: "connection_init" }),
      ]),
    ),
  ] as const;
  await own.fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", "x-graphql-event-stream-token": token },
    body: JSON.stringify({ query, extensions: { operationId: "1" } }),
  });
  await Bun.sleep(100);
  sockets[2].write(frame({ id: "1", type: "subscribe", payload: { query } }));
  const reader = sse(false);
  const heard = reader.subscribe(query);
  const send = (text: string): Promise<{ connections: number; failed: number }> =>
    post("/send/plain", { payload: { text } }) as never;
  while ((await send("ready")).connections < 4) await Bun.sleep(5);
  const text = "x".repeat(60_000);
  let [failed, sent] = [0, 0];
  for (; failed < 3 && sent < 1000; sent++) {
    const wanted = heard.results.length + 1;
    failed += (await send(`${sent} ${text}`)).failed;
    await heard.until(() => heard.results.length >= wanted);
  }
  expect(failed).toBe(3);
  expect(await send("last")).toMatchObject({ connections: 1, failed: 0 });
  await heard.until(() => JSON.stringify(heard.results.at(-1)).includes("last"));
  expect(heard.results.filter((one) => JSON.stringify(one).length > 60_000)).toHaveLength(sent);
  for (const socket of sockets) socket.destroy();
  reader.dispose();
}, 60_000);

/** An engine of its own: it is stopped, or its scripts change. */
async function alone(config = ""): Promise<Engine> {
  engine = await startEngine({ scripts: { "chat.ts": CHAT, "other.js": OTHER }, config });
  return engine;
}

describe("what ends subscriptions, and what does not", () => {
  test("a saved script keeps those that wait for messages, and its generators; a removed one ends all", async () => {
    await using own = await alone();
    const transports = [sse(false), sse(true), socket()];
    const heard = transports.map((one) => one.subscribe("subscription { plain { text } }"));
    const others = transports.map((one) => one.subscribe("subscription { other }"));
    const counts = transports.map((one) => one.subscribe("subscription { count(to: -1, pause: true) }"));
    await Promise.all(counts.map((one) => one.count(1)));
    const delivered = async (path: string, body: unknown): Promise<number> =>
      ((await post(path, body)) as { delivered: number }).delivered;
    while ((await delivered("/send/plain", { payload: { text: "first" } })) < 3) await Bun.sleep(5);
    while ((await delivered("/other", "first")) < 3) await Bun.sleep(5);

    await own.write("scripts/chat.ts", CHAT.replace("text: String!,", "text: String!, more: Int,"));
    while (
      !JSON.stringify(await post("/graphql", { query: '{ __type(name: "Message") { fields { name } } }' })).includes(
        "more",
      )
    ) {
      await Bun.sleep(5);
    }
    const counted = counts.map(({ results }) => results.length);
    await Promise.all(counts.map((one, index) => one.count((counted[index] ?? 0) + 3)));
    for (const one of counts) {
      expect(one.end).toBeUndefined();
      expect(one.results.map(({ data }) => data?.["count"])).toEqual(one.results.map((_, n) => n + 1));
    }
    expect(await delivered("/send/plain", { payload: { text: "second" } })).toBe(3);
    for (const one of heard) {
      await one.until(() => JSON.stringify(one.results).includes("second"));
      expect(one.end).toBeUndefined();
    }

    await own.remove("scripts/chat.ts");
    for (const one of [...heard, ...counts]) {
      expect(await one.ended()).toBe("complete");
      expect(one.results.at(-1)?.errors?.[0]?.extensions["code"]).toBe("not_found");
    }
    expect(await delivered("/other", "still")).toBe(3);
    for (const one of others) await one.until(() => JSON.stringify(one.results).includes("still"));
    for (const one of transports) one.dispose();
  }, 30_000);

  test("a changed config keeps all, and what is asked over an open connection afterwards is answered by scripts saved since", async () => {
    await using own = await alone("[plugins.graphql]\nmaxDepth = 10\n");
    const transports = [sse(false), sse(true), socket()];
    const heard = transports.map((one) => one.subscribe("subscription { plain { text } }"));
    const counts = transports.map((one) => one.subscribe("subscription { count(to: -1, pause: true) }"));
    const delivered = async (text: string): Promise<number> =>
      ((await post("/send/plain", { payload: { text } })) as { delivered: number }).delivered;
    while ((await delivered("first")) < 3) await Bun.sleep(5);
    const mark = own.mark();
    await own.write("aiwebengine.toml", "[plugins.graphql]\nmaxDepth = 9\n");
    await own.waitForLog(/config|plugins/, { after: mark });
    await own.write("scripts/chat.ts", CHAT.replace('() => "hello"', '() => "saved"'));
    const hello = async (): Promise<unknown> =>
      ((await post("/graphql", { query: "{ hello }" })) as Result).data?.["hello"];
    while ((await hello()) !== "saved") await Bun.sleep(5);
    await Promise.all(counts.map((one) => one.count(one.results.length + 3)));
    expect(counts.map(({ end }) => end)).toEqual([undefined, undefined, undefined]);
    expect(await delivered("second")).toBe(3);
    for (const one of heard) await one.until(() => JSON.stringify(one.results).includes("second"));
    for (const one of transports) {
      const query = one.subscribe("{ hello }");
      await query.ended();
      expect(query.results).toEqual([{ data: { hello: "saved" } }]);
    }
    for (const one of transports) one.dispose();
  }, 30_000);

  test("an engine that stops ends them first, and says nothing that a client takes for the end of its events", async () => {
    const own = await alone();
    const transports = [sse(false), sse(true), socket()];
    const heard = transports.map((one) => one.subscribe("subscription { plain { text } }"));
    while (((await post("/send/plain", { payload: { text: "x" } })) as { delivered: number }).delivered < 3)
      await Bun.sleep(5);
    const began = performance.now();
    expect(await own.stop()).toBe(0);
    expect(performance.now() - began).toBeLessThan(5000);
    const [distinct, single, socketed] = await Promise.all(heard.map((one) => one.ended()));
    for (const end of [distinct, single]) expect((end as Error).name).toBe("NetworkError");
    expect((socketed as unknown as { code: number }).code).toBe(1001);
    for (const one of transports) one.dispose();
  }, 30_000);
});

test.skipIf(REDIS_SERVER === null)(
  `subscribers of one engine get what a script of another sends, through the filter, once and in order${noRedis}`,
  async () => {
    await using redis = await startRedis();
    const config = `[plugins.pubsub]\nredis = "${redis.url}"\n`;
    await using there = await alone(config);
    await using here = await alone(config);
    for (const one of [here, there])
      while (!(await (await one.fetch("/health/ready")).text()).includes('"status":"ok"')) await Bun.sleep(20);
    const transports = [sse(false), sse(true), socket()];
    const rooms = ["7", "7", "8"];
    const heard = transports.map((one, i) => one.subscribe(`subscription { plain(room: ${rooms[i]}) { text } }`));
    while (((await post("/send/plain", { payload: { text: "ready" } })) as { connections: number }).connections < 3)
      await Bun.sleep(5);
    engine = there;
    for (let n = 0; n < 20; n++) {
      const filter = { room: n % 2 ? "8" : "7" };
      expect(await post("/send/plain", { payload: { text: `n${n}` }, filter })).toMatchObject({ connections: 0 });
    }
    await post("/send/plain", { payload: { text: "last" } });
    const textsOf = ({ results }: Heard): readonly (string | undefined)[] =>
      results
        .map(({ data }) => (data?.["plain"] as { text: string } | undefined)?.text)
        .filter((text) => text !== "ready");
    for (const [i, one] of heard.entries()) {
      await one.until(() => textsOf(one).includes("last"));
      const own = Array.from({ length: 20 }, (_, n) => n).filter((n) => n % 2 === (rooms[i] === "8" ? 1 : 0));
      expect(textsOf(one)).toEqual([...own.map((n) => `n${n}`), "last"]);
    }
    for (const one of transports) one.dispose();
  },
  30_000,
);
