/** The examples `agent` and `tools` together: a fake model on loopback, its words streamed, its calls by MCP. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { startEngine, type Engine } from "./engine.ts";
import { whenLoaded } from "./examples.ts";

const example = (name: string): Promise<string> => readFile(join(import.meta.dir, "../../scripts", name), "utf8");

interface Asked {
  readonly messages: readonly { readonly role: string; readonly content: string | null }[];
  readonly tools: readonly { readonly function: { readonly name: string } }[];
}

/** Speaks the chat completions API, streaming: asks for a tool first, and then tells what it gave, word by word. */
class FakeModel {
  readonly keys = new Set<string | null>();
  readonly asked: Asked[] = [];
  /** Held after the first word until it is opened. */
  gate = Promise.withResolvers<void>();
  readonly left = Promise.withResolvers<void>();
  readonly #server: ReturnType<typeof Bun.serve>;

  constructor() {
    this.#server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => this.#answer(request) });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}/v1/chat/completions`;
  }

  stop(): Promise<void> {
    return this.#server.stop(true);
  }

  async #answer(request: Request): Promise<Response> {
    this.keys.add(request.headers.get("authorization"));
    const asked = (await request.json()) as Asked;
    this.asked.push(asked);
    const last = asked.messages.at(-1);
    const deltas =
      last?.role === "tool"
        ? ["It", " costs ", last.content ?? ""].map((content) => ({ content }))
        : [
            {
              tool_calls: [
                { index: 0, id: "1", function: { name: "quote", arguments: '{"room":"attic","nights":2}' } },
              ],
            },
          ];
    const { gate } = this;
    const send = async function* (): AsyncGenerator<string> {
      for (const [at, delta] of deltas.entries()) {
        if (at === 1) await gate.promise;
        yield `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`;
      }
      yield "data: [DONE]\n\n";
    };
    request.signal.addEventListener("abort", () => this.left.resolve());
    return new Response(send() as never, { headers: { "content-type": "text/event-stream" } });
  }
}

const model = new FakeModel();
let tools: Engine;
let agent: Engine;

beforeAll(async () => {
  const [server, client] = [{ "tools.ts": await example("tools.ts") }, { "agent.ts": await example("agent.ts") }];
  tools = await startEngine({ scripts: server });
  await whenLoaded(tools, server);
  agent = await startEngine({
    scripts: client,
    config: `
[fetch]
allowHosts = ["127.0.0.1"]
[scripts.agent]
hosts = ["127.0.0.1"]
[scripts.agent.config]
model = "small"
modelUrl = "${model.url}"
toolsUrl = "${tools.url}/mcp/tools"
[plugins.secrets.allow.MODEL_KEY]
scripts = ["agent"]
hosts = ["${new URL(model.url).origin}"]
`,
    env: { SECRET_MODEL_KEY: "hunter2-hunter2" },
  });
  await whenLoaded(agent, client);
}, 30_000);
afterAll(async () => {
  await Promise.all([agent?.stop(), tools?.stop()]);
  await model.stop();
});

async function ask(question: string, signal?: AbortSignal): Promise<Response> {
  return agent.fetch("/agent", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ question }),
    ...(signal && { signal }),
  });
}

test("the model's words come as it says them, after it has used the tool of another script", async () => {
  const answer = await ask("What is the attic for two nights?");
  expect(answer.headers.get("content-type")).toStartWith("text/event-stream");
  let text = "";
  for await (const piece of answer.body!.pipeThrough(new TextDecoderStream() as never) as ReadableStream<string>) {
    text += piece;
    // The model says no more until its first word has arrived here.
    if (text.includes("data: It")) model.gate.resolve();
  }
  expect(text).toContain('event: tool\ndata: {"name":"quote"');
  expect(text).toContain("event: token\ndata: It\n");
  expect(text).toContain('data: {"euros":120,"discount":false}');
  expect(model.asked[0]?.tools.map(({ function: { name } }) => name)).toEqual(["quote", "book"]);
  expect([...model.keys]).toEqual(["Bearer hunter2-hunter2"]);
  expect(agent.logs).not.toContain("hunter2-hunter2");
});

test("who leaves ends what the model was asked", async () => {
  model.gate = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const answer = await ask("What is the attic for two nights?", leaving.signal);
  const reader = answer.body!.getReader();
  const decoder = new TextDecoder();
  for (let text = ""; !text.includes("data: It");)
    text += decoder.decode((await reader.read()).value, { stream: true });
  leaving.abort();
  await reader.read().catch(() => {});
  await model.left.promise;
});

test("a question that does not fit is refused before anybody is asked", async () => {
  const before = model.asked.length;
  expect((await ask("")).status).toBe(422);
  expect(model.asked.length).toBe(before);
});
