/** Tests of `agent.ts`: the model and the server of tools are stubs, so the whole talk is in the test. */
import { expect, request, stubFetch, stubService, test } from "@aiwebengine/sdk/testing";
import { talk } from "./agent.ts";

const SETTINGS = { model: "small", modelUrl: "https://models.example/v1", toolsUrl: "https://inn.example/mcp" };

/** A model that gives one answer after the other: words, or calls of tools. */
function model(...turns: readonly (readonly object[])[]) {
  const left = [...turns];
  return stubFetch(SETTINGS.modelUrl, () => {
    const events = (left.shift() ?? []).map((delta) => `data: ${JSON.stringify({ choices: [{ delta }] })}\n\n`);
    return new Response(`${events.join("")}data: [DONE]\n\n`, { headers: { "content-type": "text/event-stream" } });
  });
}

function inn(callTool: (name: string, args: object) => object) {
  const quote = { name: "quote", description: "What a stay costs.", inputSchema: { type: "object" } };
  return stubService("mcp", "connect", () => ({
    listTools: async () => [quote],
    callTool: async (name: string, args: object) => callTool(name, args),
    async [Symbol.asyncDispose]() {},
  }));
}

async function ask(question: string): Promise<readonly { readonly event: string; readonly data: unknown }[]> {
  const events: { readonly event: string; readonly data: unknown }[] = [];
  for await (const event of talk(SETTINGS, question, new AbortController().signal)) events.push(event);
  return events;
}

const words = (...all: readonly string[]) => all.map((content) => ({ content }));
const call = (name: string, args: string) => [
  { tool_calls: [{ index: 0, id: "c1", function: { name, arguments: args.slice(0, 5) } }] },
  { tool_calls: [{ index: 0, function: { arguments: args.slice(5) } }] },
];

test("the model is told the tools, uses one, and answers with what it gave", async () => {
  const asked = model(call("quote", '{"room":"attic"}'), words("It is ", "60 euros."));
  const seen: unknown[] = [];
  inn((name, args) => {
    seen.push([name, args]);
    return { content: [{ type: "text", text: "60" }] };
  });
  expect(await ask("What is the attic?")).toEqual([
    { event: "tool", data: { name: "quote", arguments: '{"room":"attic"}' } },
    { event: "token", data: "It is " },
    { event: "token", data: "60 euros." },
  ]);
  expect(seen).toEqual([["quote", { room: "attic" }]]);
  const [first, second] = asked.requests;
  expect(await first?.json()).toMatchObject({ model: "small", stream: true, tools: [{ function: { name: "quote" } }] });
  const { messages } = (await second!.json()) as { readonly messages: readonly unknown[] };
  expect(messages.slice(2)).toMatchObject([
    { role: "assistant", content: null, tool_calls: [{ id: "c1" }] },
    { role: "tool", tool_call_id: "c1", content: "60" },
  ]);
});

test("a tool that fails, and arguments that are no JSON, are told to the model", async () => {
  const asked = model(call("quote", "{}"), call("quote", "attic?"), words("Sorry."));
  inn(() => {
    throw new Error("the inn is closed");
  });
  expect(await ask("What is the attic?")).toHaveLength(3);
  const { messages } = (await asked.requests[2]!.json()) as { readonly messages: readonly { content: string }[] };
  expect(messages[3]?.content).toContain("the inn is closed");
  expect(messages[5]?.content).toContain("could not be used");
});

test("a model that calls tools for ever is stopped", async () => {
  const asked = model(...Array.from({ length: 9 }, () => call("quote", "{}")));
  inn(() => ({ content: [] }));
  expect((await ask("Again?")).at(-1)).toMatchObject({ event: "stopped" });
  expect(asked.requests).toHaveLength(6);
});

test("a question that is none, and an agent without settings, ask nobody", async () => {
  const asked = model();
  const connected = inn(() => ({}));
  expect((await request("/agent", { json: { question: "" } })).status).toBe(422);
  expect((await request("/agent", { json: { question: "What is the attic?" } })).status).toBe(404);
  expect([asked.requests.length, connected.calls.length]).toEqual([0, 0]);
});
