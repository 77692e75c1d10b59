/** MCP from outside: the official clients, of today and of 2025, against the binary; and what must not get through. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { engineCommand, startEngine, type Engine } from "./engine.ts";
import { inspect } from "./inspector.ts";
import { whenLoaded } from "./examples.ts";

const EXAMPLE = join(import.meta.dir, "../../scripts/tools.ts");
const OTHER = `
import { HttpError, registerMCPTool, registerMCPPrompt } from "@aiwebengine/sdk";
registerMCPTool("echo", {}, ({ args }) => JSON.stringify(args));
registerMCPTool("throws", {}, () => { throw new Error("hunter2"); });
registerMCPTool("refuses", {}, () => { throw new HttpError(409, "Not on Sundays."); });
registerMCPTool("spins", {}, () => { for (;;); });
registerMCPTool("lies", { output: { sum: "number" } }, () => ({ sum: "hunter2" }));
registerMCPTool("nonsense", {}, () => ({ content: [{ type: "video" }] }));
registerMCPTool("picture", {}, () => ({ content: [{ type: "image", data: "aGk=", mimeType: "image/png", secret: 1 }] }));
registerMCPTool("waits", {}, async ({ signal, kv, log }) => {
  log.info("waiting");
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  log.info("it was cancelled");
});
registerMCPPrompt("talk", {}, () => ({ messages: [{ role: "assistant", content: "Hello" }] }));
`;

type Call = Awaited<ReturnType<Client["callTool"]>>;
type Text = { readonly text: string }[];

let engine: Engine;
const clients: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  const scripts = { "tools.ts": await readFile(EXAMPLE, "utf8"), "other.js": OTHER };
  engine = await startEngine({
    scripts,
    config: "[plugins.mcp]\nmaxBytes = 20000\nmaxSessions = 40\n[scripts.other.limits]\nuninterruptedMs = 600\n",
  });
  await whenLoaded(engine, scripts);
}, 30_000);
afterAll(async () => {
  await Promise.all(clients.map((client) => client.close().catch(() => {})));
  await engine?.stop();
});

async function current(path = "/mcp"): Promise<Client> {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
  clients.push(client);
  await client.connect(new StreamableHTTPClientTransport(new URL(engine.url + path)));
  return client;
}

async function old(path = "/mcp"): Promise<OldClient> {
  const client = new OldClient({ name: "test", version: "1" });
  clients.push(client);
  await client.connect(new OldTransport(new URL(engine.url + path)) as never);
  return client;
}

for (const [era, connect] of [
  ["a current client", current],
  ["a client of 2025", old as unknown as typeof current],
] as const) {
  describe(era, () => {
    let client: Client;
    beforeAll(async () => {
      client = await connect();
    });

    test("lists tools with schemas, prompts with arguments, resources and templates", async () => {
      const { tools } = await client.listTools();
      const quote = tools.find(({ name }) => name === "quote");
      expect(quote).toMatchObject({
        description: "What a stay costs, in euros.",
        inputSchema: { type: "object", required: ["nights", "room"] },
        outputSchema: { type: "object" },
        annotations: { readOnlyHint: true },
      });
      expect(tools.length).toBe(10);
      const { prompts } = await client.listPrompts();
      expect(prompts.find(({ name }) => name === "invite")?.arguments).toEqual([
        { name: "guest", required: true },
        { name: "tone", required: true },
      ]);
      expect((await client.listResources()).resources).toMatchObject([{ uri: "inn://rooms" }, { uri: "inn://board" }]);
      expect((await client.listResourceTemplates()).resourceTemplates).toMatchObject([
        { uriTemplate: "inn://rooms/{room}", mimeType: "text/plain" },
      ]);
    });

    test("calls a tool, and gets data and text", async () => {
      const result = await client.callTool({ name: "quote", arguments: { room: "tower", nights: 10 } });
      expect(result.structuredContent).toEqual({ euros: 1260, discount: true });
      expect(JSON.parse((result.content as Text)[0]?.text ?? "")).toEqual({ euros: 1260, discount: true });
      const text = await client.callTool({ name: "echo", arguments: { a: [1] } });
      expect(text.content).toEqual([{ type: "text", text: '{"a":[1]}' }]);
      expect((await client.callTool({ name: "picture" })).content).toEqual([
        { type: "image", data: "aGk=", mimeType: "image/png" },
      ]);
    });

    test("gets a prompt, and its completions", async () => {
      const { messages } = await client.getPrompt({ name: "invite", arguments: { guest: "Ada", tone: "warm" } });
      expect(messages).toMatchObject([{ role: "user", content: { type: "text" } }]);
      expect(JSON.stringify(messages)).toContain("Ada an invitation to our inn, in a warm voice");
      const ref = { type: "ref/prompt", name: "invite" } as const;
      const { completion } = await client.complete({ ref, argument: { name: "tone", value: "f" } });
      expect(completion.values).toEqual(["formal"]);
      expect((await client.getPrompt({ name: "talk" })).messages).toMatchObject([{ role: "assistant" }]);
    });

    test("reads a resource, and one of a template", async () => {
      const { contents } = await client.readResource({ uri: "inn://rooms" });
      expect(contents).toMatchObject([{ mimeType: "application/json" }]);
      expect((await client.readResource({ uri: "inn://rooms/attic" })).contents).toMatchObject([
        { uri: "inn://rooms/attic", mimeType: "text/plain", text: "The attic room costs 60 euros a night." },
      ]);
      await expect(client.readResource({ uri: "inn://rooms/cellar" })).rejects.toThrow("cellar");
      await expect(client.readResource({ uri: "inn://none/at/all" })).rejects.toThrow();
    });

    test("input that does not fit is told field by field, before the handler is called", async () => {
      const result = (await client.callTool({ name: "quote", arguments: { room: "cellar", nights: 0 } })) as Call;
      expect(result.isError).toBe(true);
      const text = (result.content as Text)[0]?.text;
      expect(text).toContain("room must be");
      expect(text).toContain("nights must be");
      await expect(client.getPrompt({ name: "invite", arguments: { guest: "Ada", tone: "rude" } })).rejects.toThrow(
        "tone must",
      );
    });

    test("a tool that throws, refuses, lies or loops costs its caller an error, and nobody else anything", async () => {
      const failed = async (name: string): Promise<string> => {
        const result = (await client.callTool({ name })) as Call;
        expect(result.isError).toBe(true);
        expect(JSON.stringify(result)).not.toContain("hunter2");
        return (result.content as Text)[0]?.text ?? "";
      };
      expect(await failed("refuses")).toBe("Not on Sundays.");
      expect(await failed("nonsense")).toContain("could not be used");
      const threw = await failed("throws");
      const id = /id ([0-9a-f-]{36})/.exec(threw)?.[1] ?? "no id";
      expect(await engine.waitForLog(/hunter2/)).toContain("other");
      expect(await engine.waitForLog((line) => line.includes(id) && line.includes("hunter2"))).toContain("other");
      expect(await failed("lies")).toContain("script_failed");
      await engine.waitForLog(/sum must be a number/);
      expect(await failed("spins")).toContain("uninterrupted_exceeded");
      expect((await client.callTool({ name: "echo" })).content).toEqual([{ type: "text", text: "{}" }]);
      await expect(client.callTool({ name: "nobody" })).rejects.toThrow("nobody");
    });

    test("a call that the client cancels aborts the handler's signal", async () => {
      const mark = engine.mark();
      const cancel = new AbortController();
      const { signal } = cancel;
      const call =
        client instanceof Client
          ? client.callTool({ name: "waits" }, { signal })
          : (client as unknown as OldClient).callTool({ name: "waits" }, undefined, { signal });
      call.catch(() => {});
      await engine.waitForLog(/waiting/, { after: mark });
      cancel.abort();
      await expect(call).rejects.toThrow();
      await engine.waitForLog(/it was cancelled/, { after: mark });
    });

    test("an address of one script shows that one's only", async () => {
      const one = await connect("/mcp/tools");
      expect((await one.listTools()).tools.map(({ name }) => name)).toEqual(["quote", "book"]);
      await expect(one.callTool({ name: "echo" })).rejects.toThrow("echo");
      await expect(connect("/mcp/nobody")).rejects.toThrow();
    });
  });
}

describe("changes", () => {
  const one = (name: string): string =>
    `import { registerToolHandler } from "@aiwebengine/sdk";\nregisterToolHandler("${name}", {}, () => "${name}");\n`;

  /** Resolves with the names of the tools when the client has been told that they changed. */
  function changed(): { readonly told: Promise<string[]>; readonly listChanged: object } {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    const onChanged = (_: unknown, tools: readonly { readonly name: string }[] | null): void =>
      resolve((tools ?? []).map(({ name }) => name));
    return { told: promise, listChanged: { tools: { onChanged, debounceMs: 0 } } };
  }

  test("clients of both kinds are told that a script brought a tool, and their sessions go on", async () => {
    const url = new URL(`${engine.url}/mcp`);
    const now = changed();
    const today = new Client(
      { name: "test", version: "1" },
      { versionNegotiation: { mode: "auto" }, listChanged: now.listChanged },
    );
    const then = changed();
    const before = new OldClient({ name: "test", version: "1" }, { listChanged: then.listChanged });
    clients.push(today, before);
    await today.connect(new StreamableHTTPClientTransport(url));
    const transport = new OldTransport(url);
    await before.connect(transport as never);
    const { sessionId } = transport;
    await engine.write("scripts/late.ts", one("late"));
    expect(await now.told).toContain("late");
    expect(await then.told).toContain("late");
    expect((await before.callTool({ name: "late" })).content).toEqual([{ type: "text", text: "late" }]);
    expect(transport.sessionId).toBe(sessionId);
  });

  test("a session survives another generation of plugins", async () => {
    const client = await old();
    const mark = engine.mark();
    await engine.write(
      "plugins/other.ts",
      `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({ name: "other", version: "1.0.0", setup() {} });
`,
    );
    await engine.waitForLog(/plugins changed/, { after: mark });
    expect((await client.callTool({ name: "echo" })).content).toEqual([{ type: "text", text: "{}" }]);
    expect((await client.listTools()).tools.length).toBeGreaterThan(8);
  });

  test("a name that another script has is refused, and the holder named", async () => {
    const mark = engine.mark();
    await engine.write("scripts/thief.ts", one("quote"));
    expect(await engine.waitForLog(/thief/, { after: mark })).toContain('the script \\"tools\\" has it');
    await engine.remove("scripts/thief.ts");
  });

  test.each([
    ['registerToolHandler("a b", {}, () => 1)', "a tool's name is"],
    ['registerToolHandler("a", { input: "string" }, () => 1)', "must be an object of named fields"],
    ['registerToolHandler("a", { annotations: { readOnly: true } }, () => 1)', "is none; there are title"],
    ['registerToolHandler("a", { describe: "x" }, () => 1)', "has no option"],
    ['registerPromptHandler("a", { arguments: { n: "number" } }, () => "")', "must be a text"],
    ['registerResourceHandler("notes", {}, () => "")', "is no URI"],
    ['registerResourceHandler("n://{a}{b}", {}, () => "")', "is no template"],
  ])("%s is refused with a sentence", async (code, why) => {
    const mark = engine.mark();
    const names = "registerToolHandler, registerPromptHandler, registerResourceHandler";
    await engine.write("scripts/wrong.js", `import { ${names} } from "@aiwebengine/sdk";\n${code};\n`);
    expect(await engine.waitForLog((line) => line.includes(why), { after: mark })).toContain(why);
    await engine.remove("scripts/wrong.js");
  });
});

describe("closed doors", () => {
  const TYPE = { "content-type": "application/json", accept: "application/json, text/event-stream" };
  const LIST = { jsonrpc: "2.0", id: 1, method: "tools/list" };
  const INITIALIZE = {
    ...{ jsonrpc: "2.0", id: 1, method: "initialize" },
    params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
  };
  const post = (body: unknown, headers: Record<string, string> = {}, path = "/mcp"): Promise<Response> => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return engine.fetch(path, { method: "POST", headers: { ...TYPE, ...headers }, body: text });
  };
  const refused = async (given: Promise<Response>, status: number, code: number): Promise<string> => {
    const response = await given;
    const body = (await response.json()) as { jsonrpc: string; error: { code: number; message: string } };
    expect([response.status, body.jsonrpc, body.error.code]).toEqual([status, "2.0", code]);
    return body.error.message;
  };

  test("what is no message is refused in the protocol's own form", async () => {
    expect(await refused(post("{"), 400, -32_700)).toContain("no JSON");
    expect(await refused(post("["), 400, -32_700)).toContain("no JSON");
    expect(await refused(post("[".repeat(9999)), 400, -32_700)).toContain("deeper");
    expect(await refused(post([LIST, LIST]), 400, -32_600)).toContain("batches");
    expect(await refused(post("1"), 400, -32_600)).toContain("object");
    expect(await refused(post(LIST, { "content-type": "text/plain" }), 415, -32_000)).toContain("application/json");
    expect(await refused(post(`"${"x".repeat(20_000)}"`), 413, -32_000)).toContain("plugins.mcp.maxBytes");
    await refused(engine.fetch("/mcp", { method: "PUT", body: "{}" }), 405, -32_000);
    await refused(post({ ...INITIALIZE, params: {} }), 400, -32_000);
  });

  test("without a session, with one that is none, or with that of another address there is nothing", async () => {
    await refused(post(LIST), 400, -32_000);
    await refused(engine.fetch("/mcp"), 400, -32_000);
    await refused(post(LIST, { "mcp-session-id": "x" }), 404, -32_001);
    const begun = await post(INITIALIZE, {}, "/mcp/tools");
    const id = begun.headers.get("mcp-session-id") ?? "";
    expect(id).not.toBe("");
    await refused(post(LIST, { "mcp-session-id": id }), 404, -32_001);
    expect((await post(LIST, { "mcp-session-id": id }, "/mcp/tools")).status).toBe(200);
    expect((await engine.fetch("/mcp/tools", { method: "DELETE", headers: { "mcp-session-id": id } })).status).toBe(
      200,
    );
    await refused(post(LIST, { "mcp-session-id": id }, "/mcp/tools"), 404, -32_001);
    await refused(post(INITIALIZE, {}, "/mcp/nobody"), 404, -32_000);
  });

  test("a name that was rebound to this machine, and a page of another origin, are turned away", async () => {
    expect(await refused(post(LIST, { host: "evil.example" }), 403, -32_000)).toContain("allowedHosts");
    expect(await refused(post(LIST, { origin: "https://evil.example" }), 403, -32_000)).toContain("allowedOrigins");
    await refused(post(LIST, { origin: "null" }), 403, -32_000);
    expect((await post(INITIALIZE, { origin: "http://localhost:3000" })).status).toBe(200);
  });

  test("sessions are bounded: those idle for longest end first", async () => {
    const first = (await post(INITIALIZE)).headers.get("mcp-session-id") ?? "";
    for (let at = 0; at < 45; at++) expect((await post(INITIALIZE)).status).toBe(200);
    await refused(post(LIST, { "mcp-session-id": first }), 404, -32_001);
  });
});

test("an engine that stops does not wait for those who listen", async () => {
  await using stopping = await startEngine({ scripts: { "other.js": OTHER } });
  const url = new URL(`${stopping.url}/mcp`);
  const before = new OldClient({ name: "test", version: "1" });
  const today = new Client(
    { name: "test", version: "1" },
    { versionNegotiation: { mode: "auto" }, listChanged: { tools: { onChanged() {} } } },
  );
  clients.push(before, today);
  await before.connect(new OldTransport(url) as never);
  await today.connect(new StreamableHTTPClientTransport(url));
  await Promise.all([before.listTools(), today.listTools()]);
  const began = performance.now();
  expect(await stopping.stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(5000);
}, 20_000);

describe("aiwebengine mcp", () => {
  for (const [era, options] of [
    ["a current agent", { versionNegotiation: { mode: "auto" } }],
    ["an agent of 2025", {}],
  ] as const) {
    test(`lets ${era} speak on standard input and output`, async () => {
      const [command = "", ...args] = engineCommand();
      const client = new Client({ name: "test", version: "1" }, options);
      clients.push(client);
      await client.connect(
        new StdioClientTransport({ command, args: [...args, "mcp", "--url", `${engine.url}/mcp`], cwd: engine.dir }),
      );
      const result = await client.callTool({ name: "quote", arguments: { room: "attic", nights: 1 } });
      expect(result.structuredContent).toEqual({ euros: 60, discount: false });
      expect((await client.readResource({ uri: "inn://rooms/attic" })).contents.length).toBe(1);
      await client.close();
    });
  }

  test("says what is wrong with the address, and answers when the server is away", async () => {
    const run = (url: string): { readonly exitCode: number; readonly stdout: Buffer; readonly stderr: Buffer } =>
      Bun.spawnSync([...engineCommand(), "mcp", "--url", url], {
        cwd: engine.dir,
        stdin: Buffer.from('{"jsonrpc":"2.0","id":7,"method":"ping"}\nnonsense\n'),
        stdout: "pipe",
        stderr: "pipe",
      });
    expect([run("ftp://x").exitCode, run("ftp://x").stderr.toString()]).toEqual([
      2,
      expect.stringContaining("ftp://x"),
    ]);
    const { exitCode, stdout } = run("http://127.0.0.1:1/mcp");
    const lines = stdout
      .toString()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { id: number | null });
    expect([exitCode, lines.map(({ id }) => id).toSorted()]).toEqual([0, [7, null].toSorted()]);
  });
});

describe("MCP Inspector on its command line", () => {
  test.each([
    [["tools/list"], "What a stay costs"],
    [["tools/call", "--tool-name", "quote", "--tool-arg", "room=tower", "--tool-arg", "nights=10"], '"euros": 1260'],
    [["prompts/get", "--prompt-name", "invite", "--prompt-args", "guest=Ada", "--prompt-args", "tone=warm"], "Ada"],
    [["resources/read", "--uri", "inn://rooms/attic"], "60 euros"],
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
