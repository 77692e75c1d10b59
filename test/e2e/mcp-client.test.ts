/** Scripts as clients of other MCP servers: of this engine, of the official SDK of 2025, and of hostile ones. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { z } from "zod";
import { startEngine, type Engine } from "./engine.ts";
import { whenLoaded } from "./examples.ts";

const EXAMPLE = join(import.meta.dir, "../../scripts/tools.ts");
/** `POST /<script>`: { url, headers, steps: [[method, ...args], …] } → what each gave, or its error. */
const CLIENT = (name: string): string => `
import { mcp, registerWebHandler } from "@aiwebengine/sdk";
const outcome = (work) => work.then((value) => ({ value: value ?? null }), ({ code, name, message }) => ({ code: code ?? name, message }));
registerWebHandler("POST /${name}", async ({ body }) => {
  const { url, headers, steps = [], together } = body;
  const opened = await outcome(mcp.connect(url, headers && { headers }));
  if (!opened.value) return Response.json([opened]);
  const server = opened.value;
  const run = ([method, ...args]) => outcome(server[method](...args));
  if (together) return Response.json(await Promise.all(steps.map(run)));
  const results = [];
  for (const step of steps) results.push(await run(step));
  return Response.json(results);
});
let kept;
registerWebHandler("POST /${name}/keep", async ({ body }) => {
  kept = await mcp.connect(body.url);
  return Response.json({ type: typeof kept.callTool });
});
registerWebHandler("POST /${name}/use", async () => Response.json(await outcome(kept.listTools())));
registerWebHandler("POST /${name}/many", async ({ body }) => {
  const results = [];
  for (let at = 0; at < 9; at++) results.push((await outcome(mcp.connect(body.url))).code ?? "open");
  return Response.json(results);
});
`;

type Outcome = { readonly value?: Record<string, unknown>; readonly code?: string; readonly message?: string };

let engine: Engine;
let before: OldServer;
const servers: { stop(force: boolean): Promise<void> }[] = [];

beforeAll(async () => {
  before = startOldServer();
  const scripts = {
    "tools.ts": await readFile(EXAMPLE, "utf8"),
    ...Object.fromEntries(["client", "poor", "narrow"].map((name) => [`${name}.js`, CLIENT(name)])),
  };
  engine = await startEngine({
    scripts,
    config: `
[fetch]
allowHosts = ["127.0.0.1"]
[scripts.poor.limits]
subrequests = 5
responseBytes = 20000
wallMs = 1500
[scripts.narrow]
hosts = ["example.com"]
[plugins.secrets.allow.TOOLS]
scripts = ["client"]
hosts = ["${new URL(before.url).origin}"]
`,
    env: { SECRET_TOOLS: "hunter2-hunter2" },
  });
  await whenLoaded(engine, scripts);
}, 30_000);
afterAll(async () => {
  await engine?.stop();
  await Promise.all(servers.map((server) => server.stop(true)));
});

async function ask(body: object, path = "/client"): Promise<Outcome[]> {
  const answer = await engine.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Outcome[];
}

interface OldServer {
  readonly url: string;
  readonly sessions: ReadonlySet<string>;
  readonly seen: { readonly method: string; readonly authorization: string | null }[];
}

/** The official server of the SDK of 2025, with sessions. */
function startOldServer(): OldServer {
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();
  const ids = new Set<string>();
  const seen: { method: string; authorization: string | null }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      seen.push({ method: request.method, authorization: request.headers.get("authorization") });
      const known = sessions.get(request.headers.get("mcp-session-id") ?? "");
      if (known !== undefined) return known.handleRequest(request);
      const transport: WebStandardStreamableHTTPServerTransport = new WebStandardStreamableHTTPServerTransport({
        sessionIdGenerator: () => crypto.randomUUID(),
        onsessioninitialized: (id) => {
          sessions.set(id, transport);
          ids.add(id);
        },
        onsessionclosed: (id) => void ids.delete(id),
      });
      const made = new McpServer({ name: "old", version: "1" });
      made.registerTool("add", { inputSchema: { a: z.number(), b: z.number() } }, ({ a, b }) => ({
        content: [{ type: "text", text: String(a + b) }],
      }));
      await made.connect(transport);
      return transport.handleRequest(request);
    },
  });
  servers.push(server);
  return { url: server.url.href, sessions: ids, seen };
}

/** A server of 2025 that answers what `answer` says to everything but the handshake. */
function startHostile(answer: (id: unknown) => Response | Promise<Response>): string {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (request.method !== "POST") return new Response(null, { status: 405 });
      const { id, method } = (await request.json()) as { readonly id?: unknown; readonly method?: string };
      if (method === "server/discover") {
        return Response.json({ jsonrpc: "2.0", id, error: { code: -32_601, message: "no" } });
      }
      if (method === "notifications/initialized") return new Response(null, { status: 202 });
      const result = {
        ...{ protocolVersion: "2025-06-18", capabilities: { tools: {} } },
        serverInfo: { name: "hostile", version: "1" },
      };
      return method === "initialize" ? Response.json({ jsonrpc: "2.0", id, result }) : answer(id);
    },
  });
  servers.push(server);
  return server.url.href;
}

describe("a script", () => {
  test("lists and calls what another script offers, by the present protocol", async () => {
    const [tools, quote, wrong, resources, templates, resource, prompts, prompt, missing] = await ask({
      url: `${engine.url}/mcp/tools`,
      steps: [
        ["listTools"],
        ["callTool", "quote", { room: "tower", nights: 10 }],
        ["callTool", "quote", { room: "cellar", nights: 1 }],
        ["listResources"],
        ["listResourceTemplates"],
        ["readResource", "inn://rooms/attic"],
        ["listPrompts"],
        ["getPrompt", "invite", { guest: "Ada", tone: "warm" }],
        ["readResource", "inn://rooms/cellar"],
      ],
    });
    expect(tools?.value).toMatchObject([{ name: "quote", inputSchema: { type: "object" } }, { name: "book" }]);
    expect(quote?.value).toMatchObject({ structuredContent: { euros: 1260, discount: true } });
    expect(wrong?.value).toMatchObject({ isError: true });
    expect(resources?.value).toMatchObject([{ uri: "inn://rooms" }, { uri: "inn://board" }]);
    expect(templates?.value).toMatchObject([{ uriTemplate: "inn://rooms/{room}" }]);
    expect(resource?.value).toMatchObject({ contents: [{ text: "The attic room costs 60 euros a night." }] });
    expect(prompts?.value).toMatchObject([{ name: "invite" }]);
    expect(JSON.stringify(prompt?.value)).toContain("Ada an invitation");
    expect(missing?.code).toBe("not_found");
  });

  test("calls a server of 2025, with a secret that it does not know, and says farewell", async () => {
    before.seen.length = 0;
    const headers = { authorization: "Bearer {{secret:TOOLS}}" };
    const steps = [["callTool", "add", { a: 2, b: 3 }], ["close"], ["close"], ["listTools"]];
    const [sum, closed, again, after] = await ask({ url: before.url, headers, steps });
    expect(sum).toEqual({ value: { content: [{ type: "text", text: "5" }] } });
    expect([closed?.value, again?.value]).toEqual([null as never, null as never]);
    expect(after).toMatchObject({ code: "bad_request", message: expect.stringContaining("is closed") });
    expect(new Set(before.seen.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer hunter2-hunter2"]));
    expect(before.seen.map(({ method }) => method)).not.toContain("GET");
    expect(before.sessions.size).toBe(0);
  });

  test("makes calls at the same time", async () => {
    const steps = Array.from({ length: 10 }, (_, at) => ["callTool", "add", { a: at, b: at }]);
    const sums = await ask({ url: before.url, steps, together: true });
    expect(sums.map(({ value }) => (value?.["content"] as { text: string }[] | undefined)?.[0]?.text)).toEqual(
      Array.from({ length: 10 }, (_, at) => String(at * 2)),
    );
  });

  test("has a connection for as long as its invocation lasts, and eight at a time", async () => {
    const body = { url: `${engine.url}/mcp/tools` };
    expect(await ask(body, "/client/keep")).toEqual({ type: "function" } as never);
    expect(await ask(body, "/client/use")).toMatchObject({ code: "bad_request" } as never);
    const many = await ask(body, "/client/many");
    expect(many).toEqual([...Array(8).fill("open"), "bad_request"]);
    expect(await ask(body, "/client/many")).toEqual(many);
  });

  test("is told why a call failed, in the other server's words", async () => {
    const [none, text] = await ask({
      url: `${engine.url}/mcp/tools`,
      steps: [
        ["callTool", "nobody"],
        ["getPrompt", "invite", { guest: 1 }],
      ],
    });
    expect(none).toMatchObject({ code: "bad_request", message: expect.stringContaining("nobody") });
    expect(text).toMatchObject({
      code: "bad_request",
      message: expect.stringContaining('"guest" of a prompt is text'),
    });
  });
});

describe("what fetch refuses, a connection is refused", () => {
  test("private addresses that nobody allowed, hosts that are not the script's, other schemes", async () => {
    const [local] = await ask({ url: "http://localhost:1/mcp" });
    expect(local?.code).toBe("fetch_blocked");
    const [narrow] = await ask({ url: before.url }, "/narrow");
    expect(narrow).toMatchObject({ code: "fetch_blocked", message: expect.stringContaining("this script's hosts") });
    expect((await ask({ url: "file:///etc/passwd" }))[0]?.code).toBe("fetch_blocked");
    expect((await ask({ url: "http://127.0.0.1:1/" }))[0]?.code).toBe("fetch_blocked");
    expect((await ask({ url: "http://127.0.0.1:2/" }))[0]?.code).toBe("TypeError");
    const headers = { authorization: "{{secret:TOOLS}}" };
    expect((await ask({ url: before.url, headers }, "/poor"))[0]?.message).toContain("plugins.secrets.allow");
  });

  test("more requests, more bytes and more time than the script has", async () => {
    const steps = Array.from({ length: 6 }, () => ["callTool", "add", { a: 1, b: 1 }]);
    const results = await ask({ url: before.url, steps }, "/poor");
    expect(results[0]?.value).toBeDefined();
    expect(results[5]?.code).toBe("subrequests_exceeded");
    const big = startHostile((id) =>
      Response.json({ jsonrpc: "2.0", id, result: { tools: [], pad: "x".repeat(30_000) } }),
    );
    expect((await ask({ url: big, steps: [["listTools"]] }, "/poor"))[0]?.code).toBe("response_too_large");
    const slow = startHostile(() => new Promise(() => {}));
    expect(await ask({ url: slow, steps: [["listTools"]] }, "/poor")).toMatchObject({ status: 504 } as never);
  });
});

describe("a hostile server costs its caller an error, and nobody else anything", () => {
  const deep = (id: unknown): string =>
    `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":${"[".repeat(100_000)}${"]".repeat(100_000)}}}`;
  const events = (text: string): Response => new Response(text, { headers: { "content-type": "text/event-stream" } });
  const json = (text: string): Response => new Response(text, { headers: { "content-type": "application/json" } });
  const answers: readonly [string, (id: unknown) => Response | Promise<Response>, RegExp][] = [
    ["JSON that is nested deep", (id) => json(deep(id)), /nested deeper/],
    ["events that are nested deep", (id) => events(`data: ${deep(id)}\n\n`), /./],
    ["an event over many lines that is nested deep", () => events(`data: ${"[\ndata: ".repeat(50_000)}\n\n`), /./],
    ["no JSON", () => json("{"), /could not be understood/],
    ["no message", () => json("[1]"), /could not be understood/],
    ["a page", () => new Response("<p>hi", { headers: { "content-type": "text/html" } }), /could not be understood/],
    ["401", () => new Response("who are you", { status: 401 }), /could not be understood/],
    [
      "an error with a novel",
      (id) => json(JSON.stringify({ jsonrpc: "2.0", id, error: { code: 1, message: "x".repeat(9999) } })),
      /^mcp: x{300} \(1\)$/,
    ],
    ["tools that are none", (id) => json(JSON.stringify({ jsonrpc: "2.0", id, result: { tools: 7 } })), /./],
    ["an end without an answer", () => events(": bye\n\n"), /./],
    ["a redirect elsewhere", () => Response.redirect("http://localhost:1/", 307), /./],
  ];
  test.each(answers)("%s", async (_, answer, why) => {
    const [outcome] = await ask({ url: startHostile(answer), steps: [["listTools"]] });
    expect(outcome?.value).toBeUndefined();
    expect(outcome?.message).toMatch(why);
    expect((await ask({ url: before.url, steps: [["callTool", "add", { a: 1, b: 1 }]] }))[0]?.value).toBeDefined();
  });

  test("schemas of strangers are not run: what does not fit them comes through", async () => {
    const url = startHostile((id) => {
      const tool = {
        name: "t",
        inputSchema: { type: "object" },
        outputSchema: { type: "object", properties: { a: { type: "string", pattern: "^(a+)+$" } } },
      };
      return Response.json({
        ...{ jsonrpc: "2.0", id },
        result: { tools: [tool], content: [], structuredContent: { a: `${"a".repeat(40)}!` } },
      });
    });
    const [tools, result] = await ask({ url, steps: [["listTools"], ["callTool", "t"]] });
    expect(tools?.value).toMatchObject([{ name: "t" }]);
    expect(result?.value).toMatchObject({ structuredContent: { a: `${"a".repeat(40)}!` } });
  });

  test("what it asks of the client is refused", async () => {
    const asked: unknown[] = [];
    const url = startHostile((id) => {
      asked.push(id);
      const request = {
        jsonrpc: "2.0",
        id: 99,
        method: "sampling/createMessage",
        params: { messages: [], maxTokens: 1 },
      };
      return events(
        `data: ${JSON.stringify(request)}\n\ndata: ${JSON.stringify({ jsonrpc: "2.0", id, result: { tools: [] } })}\n\n`,
      );
    });
    const [tools] = await ask({ url, steps: [["listTools"]] });
    expect(tools?.value).toEqual([] as never);
  });
});
