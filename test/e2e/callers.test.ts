/**
 * A script that throws, loops, hangs or eats memory, wherever it is called from: that caller gets an error with a code, and
 * nobody else notices, neither who uses another script nor who holds a stream of the same one open.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client as McpClient, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client } from "../plugins/streams/parser.ts";
import { Client as SocketClient } from "../websocket.ts";
import { startEngine, type Engine } from "./engine.ts";

/** What a script does, and the code that its caller is told. */
const WAYS = {
  throws: [`throw new Error("hunter2");`, "script_failed"],
  loops: [`for (;;);`, "uninterrupted_exceeded"],
  hangs: [`return new Promise(() => {});`, "deadline_exceeded"],
  eats: [
    `const all = []; for (;;) { all.push(new Uint8Array(4_000_000).fill(1)); await new Promise((next) => setTimeout(next)); }`,
    "memory_exceeded",
  ],
} as const;
type Way = keyof typeof WAYS;
const ways = Object.keys(WAYS) as Way[];

const each = (line: (way: Way, body: string) => string): string =>
  ways.map((way) => line(way, WAYS[way][0])).join("\n");

/** A script for each place: one that was killed three times in a minute rests. */
const PLACES: { readonly [place: string]: string } = {
  handler: each((way, body) => `register("/handler/${way}", async () => { ${body} });`),
  authorizer: each((way, body) => `registerWebStream("/authorizer/${way}", { async authorize() { ${body} } });`),
  resolver: each((way, body) => `registerQueryHandler("${way}: String", async () => { ${body} });`),
  // A generator fails at its second value, once the client has the first. Who tells it to has an answer before it is told.
  generator: each(
    (way, body) => `register("/generator/${way}", async function* ({ kv }) {
  yield 1;
  while (!(await kv.get("${way}"))) await new Promise((next) => setTimeout(next, 10));
  await (async () => { ${body} })();
});
register("/generator/${way}/go", (context) => context.waitUntil(context.kv.set("${way}", true)));`,
  ),
  subscription: each(
    (way, body) =>
      `registerSubscriptionHandler("${way}2: Int", async function* () { yield 1; await (async () => { ${body} })(); });`,
  ),
  subscriber: each((way, body) => `registerSubscriptionHandler("${way}3: Int", async () => { ${body} });`),
  socket: each((way, body) => `registerWebSocket("/socket/${way}", { async message() { ${body} } });`),
  tool: each((way, body) => `registerMCPTool("${way}", {}, async () => { ${body} });`),
  prompt: each((way, body) => `registerMCPPrompt("${way}", {}, async () => { ${body} });`),
  resource: each((way, body) => `registerMCPResource("bad://${way}", {}, async () => { ${body} });`),
};

/** Of each place a stream that is open meanwhile; and a script that has nothing to do with any of it. */
const SCRIPTS = {
  ...Object.fromEntries(
    Object.entries(PLACES).map(([place, source]) => [`${place}.js`, `registerWebStream("/${place}/open");\n${source}`]),
  ),
  "calm.js": `registerWebStream("/calm/open");
register("/calm", async () => { await sendStreamMessage("/calm/open", "x"); return "calm"; });
registerQueryHandler("calm: String", () => "calm");
registerMCPTool("calm", {}, () => "calm");`,
};

let engine: Engine;
let mcp: McpClient;
let calm: Client;
const open = new Map<string, Client>();

const connect = async (path: string): Promise<Client> => new Client(await engine.fetch(path)).ready();

beforeAll(async () => {
  engine = await startEngine({
    scripts: SCRIPTS,
    config: "[limits]\nuninterruptedMs = 600\nwallMs = 1500\nstreamIdleMs = 1500\nmemoryBytes = 67108864\n",
  });
  // A machine that has other things to do is late with some of them.
  for (const file of Object.keys(SCRIPTS))
    await engine.waitForLog(new RegExp(`"script loaded".*"${file.slice(0, -3)}"`));
  mcp = new McpClient({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
  await mcp.connect(new StreamableHTTPClientTransport(new URL(`${engine.url}/mcp`)));
  calm = await connect("/calm/open");
  for (const place of Object.keys(PLACES)) open.set(place, await connect(`/${place}/open`));
}, 30_000);
afterAll(async () => {
  await mcp?.close();
  await engine?.stop();
});

async function told(answer: Response): Promise<readonly unknown[]> {
  const body = (await answer.json()) as { code: string; id: string; detail: string };
  return [body.code, `${body.detail} ${body.id}`, answer.status >= 500];
}

const problem = async (path: string): Promise<readonly unknown[]> => told(await engine.fetch(path));

/** How each place is called: the code that its caller was told, what it was told, and that it was told as a failure. */
const CALLS: { readonly [place: string]: (way: Way) => Promise<readonly unknown[]> } = {
  handler: (way) => problem(`/handler/${way}`),
  authorizer: (way) => problem(`/authorizer/${way}`),
  async resolver(way) {
    const answer = await engine.fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: `{ ${way} calm }` }),
    });
    const { data, errors } = (await answer.json()) as {
      data: object;
      errors: { message: string; extensions: { code: string; id: string } }[];
    };
    expect(data).toEqual({ [way]: null, calm: "calm" });
    const [error] = errors;
    return [error?.extensions.code, `${error?.message} ${error?.extensions.id}`, errors.length === 1];
  },
  async generator(way) {
    const after = engine.mark();
    const answer = await engine.fetch(`/generator/${way}`, { headers: { accept: "text/event-stream" } });
    if (answer.status !== 200) return told(answer);
    // The head is sent: all that is left to say is that the answer is not whole, to this client. Why stands in the log.
    const client = new Client(answer);
    await client.until(({ data }) => data.length > 0);
    expect((await engine.fetch(`/generator/${way}/go`)).status).toBe(204);
    const end = await client.ended;
    expect(client.data).toEqual(["1"]);
    const [id, code] = [answer.headers.get("x-request-id") ?? "no id", WAYS[way][1]];
    const reason = code === "script_failed" ? "script error" : code;
    await engine.waitForLog((line) => line.includes(id) && line.includes(reason), { after });
    return [code, id, end instanceof Error];
  },
  subscription: (way) => subscribed(`${way}2`, [1]),
  subscriber: (way) => subscribed(`${way}3`, []),
  async socket(way) {
    using client = await SocketClient.open(`${engine.url}/socket/${way}`);
    const { problem: told } = (await client.send("x").nextJson()) as {
      problem: { code: string; detail: string; id: string };
    };
    const open = client.ws.readyState === 1;
    return [told.code, `${told.detail} ${told.id}`, open];
  },
  async tool(way) {
    const { content, isError } = await mcp.callTool({ name: way });
    const [{ text = "" } = {}] = content as { text?: string }[];
    return [/\b[a-z]+_[a-z]+\b/.exec(text)?.[0], text, isError];
  },
  prompt: (way) => refused(mcp.getPrompt({ name: way })),
  resource: (way) => refused(mcp.readResource({ uri: `bad://${way}` })),
};

/** By server-sent events: the values that come first, and then the error. */
async function subscribed(field: string, values: readonly number[]): Promise<readonly unknown[]> {
  const answer = await engine.fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query: `subscription { ${field} }` }),
  });
  const client = new Client(answer);
  await client.ended;
  const results = client.events.flatMap(({ type, data }) => (type === "next" ? [JSON.parse(data)] : [])) as {
    data?: Record<string, unknown>;
    errors?: { message: string; extensions: { code: string; id: string } }[];
  }[];
  const last = results.pop();
  // A value that was yielded right before the isolate stood still may not have left it.
  expect(results.map(({ data }) => data?.[field])).toEqual(values.slice(0, results.length));
  const [error] = last?.errors ?? [];
  return [error?.extensions.code, `${error?.message} ${error?.extensions.id}`, last?.errors?.length === 1];
}

async function refused(call: Promise<unknown>): Promise<readonly unknown[]> {
  const error = (await call.then(
    () => ({}),
    (thrown: unknown) => thrown,
  )) as { data?: { code?: string }; message?: string };
  return [error.data?.code, error.message, true];
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** By all bystanders together: each time a message went to the calm stream. */
let asked = 0;

async function costsNobodyElse(place: string, way: Way): Promise<void> {
  let busy = true;
  const wrong: unknown[] = [];
  const bystander = (async () => {
    while (busy) {
      const answers = [
        await engine.fetch("/calm").then((answer) => answer.text()),
        await mcp.callTool({ name: "calm" }).then(({ content }) => (content as { text: string }[])[0]?.text),
      ];
      wrong.push(...answers.filter((answer) => answer !== "calm"));
      asked++;
    }
  })();
  const call = CALLS[place] as (typeof CALLS)[string];
  const [code, text, failed] = await call(way).finally(() => {
    busy = false;
  });
  await bystander;
  const due = asked;
  expect([code, failed]).toEqual([WAYS[way][1], true]);
  expect(text).not.toContain("hunter2");
  expect(text).toMatch(ID);
  expect(wrong).toEqual([]);
  await calm.until(({ events }) => events.length >= due);
}

const TITLE = "a script that %s costs its caller an error with a code, and nobody else anything";

describe.each(Object.keys(CALLS))("in a %s", (place) => {
  test.each(ways.filter((way) => way !== "hangs"))(TITLE, (way) => costsNobodyElse(place, way), 20_000);
});

// Who only waits needs no processor: all of them at the same time.
describe.each(Object.keys(CALLS))("in a %s", (place) => {
  test.concurrent.each(["hangs"] as const)(TITLE, (way) => costsNobodyElse(place, way), 20_000);
});

test("streams that were open meanwhile are open, also those of the scripts that were killed", async () => {
  for (const [place, client] of open) {
    const state = await Promise.race([client.ended.then(() => "ended"), Bun.sleep(20).then(() => "open")]);
    expect([place, state]).toEqual([place, "open"]);
  }
});
