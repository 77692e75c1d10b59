/**
 * An agent: a model that may use the tools of an MCP server, and whose words are streamed as they come.
 *
 *     curl -N localhost:8080/agent -H "accept: text/event-stream" --json '{"question":"What is the attic for two nights?"}'
 *
 * It needs a model that speaks the chat completions API, and settings; `hosts` keeps it from going anywhere else:
 *
 *     [scripts.agent]
 *     hosts = ["models.example", "127.0.0.1"]
 *     [scripts.agent.config]
 *     model = "small"
 *     modelUrl = "https://models.example/v1/chat/completions"
 *     toolsUrl = "http://127.0.0.1:8080/mcp/tools"
 *     [plugins.secrets.allow.MODEL_KEY]
 *     scripts = ["agent"]
 *     hosts = ["models.example"]
 *     [fetch]
 *     allowHosts = ["127.0.0.1"]
 */
import { config, HttpError, mcp, registerWebHandler, type McpConnection } from "@aiwebengine/sdk";

/** A model that calls tools for ever is stopped. */
const MAX_TURNS = 6;

interface ToolCall {
  id: string;
  readonly type: "function";
  readonly function: { name: string; arguments: string };
}

interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string | null;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
}

/** A piece of the model's answer; a call of a tool comes in pieces, too. */
interface Delta {
  readonly content?: string | null;
  readonly tool_calls?: readonly {
    readonly index: number;
    readonly id?: string;
    readonly function?: { readonly name?: string; readonly arguments?: string };
  }[];
}

interface Settings {
  readonly model: string;
  readonly modelUrl: string;
  readonly toolsUrl: string;
}

registerWebHandler(
  "POST /agent",
  { summary: "Ask the agent", body: { question: "1 <= string <= 2000" } },
  // What is refused is refused here: once the first event is out, there is no other status.
  ({ body, signal }) => talk(settings(), body.question, signal),
);

function settings(): Settings {
  const { model, modelUrl, toolsUrl } = config;
  if (typeof model === "string" && typeof modelUrl === "string" && typeof toolsUrl === "string")
    return { model, modelUrl, toolsUrl };
  throw new HttpError(404, "There is no model yet: set model, modelUrl and toolsUrl in scripts.agent.config.");
}

/** Events: `token` with words of the model, `tool` with what it uses, `stopped` where it found no end. */
export async function* talk({ model, modelUrl, toolsUrl }: Settings, question: string, signal: AbortSignal) {
  await using server = await mcp.connect(toolsUrl);
  const tools = (await server.listTools()).map(({ name, description, inputSchema }) => ({
    type: "function",
    function: { name, description, parameters: inputSchema },
  }));
  const messages: Message[] = [
    { role: "system", content: "You answer guests of an inn, in one sentence. Prices come from the tools only." },
    { role: "user", content: question },
  ];
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    let said = "";
    const calls: ToolCall[] = [];
    for await (const delta of ask(modelUrl, { model, messages, tools, stream: true }, signal)) {
      collect(calls, delta);
      if (!delta.content) continue;
      said += delta.content;
      yield { event: "token", data: delta.content };
    }
    if (calls.length === 0) return;
    messages.push({ role: "assistant", content: said || null, tool_calls: calls });
    for (const call of calls) {
      yield { event: "tool", data: call.function };
      messages.push({ role: "tool", tool_call_id: call.id, content: await use(server, call) });
    }
  }
  yield { event: "stopped", data: `The model used tools ${MAX_TURNS} times, and never answered.` };
}

/** The model reads what went wrong, and may try something else. */
async function use(server: McpConnection, { function: { name, arguments: text } }: ToolCall): Promise<string> {
  try {
    const args: unknown = JSON.parse(text || "{}");
    const { content } = await server.callTool(name, args as { readonly [name: string]: unknown });
    return content.map((piece) => piece.text ?? `(${piece.type})`).join("\n");
  } catch (error) {
    return `The tool could not be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function collect(calls: ToolCall[], { tool_calls = [] }: Delta): void {
  for (const { index, id, function: piece } of tool_calls) {
    const call = (calls[index] ??= { id: "", type: "function", function: { name: "", arguments: "" } });
    call.id ||= id ?? "";
    call.function.name += piece?.name ?? "";
    call.function.arguments += piece?.arguments ?? "";
  }
}

/** The deltas of the model's first choice. The client leaving ends the request, and with it what it costs. */
async function* ask(url: string, request: object, signal: AbortSignal): AsyncGenerator<Delta> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer {{secret:MODEL_KEY}}" },
    body: JSON.stringify(request),
    signal,
  });
  if (!answer.ok || answer.body === null) throw new HttpError(502, `The model answered ${answer.status}.`);
  for await (const data of readEvents(answer.body)) {
    if (data === "[DONE]") return;
    const { choices } = JSON.parse(data) as { readonly choices?: readonly { readonly delta?: Delta }[] };
    if (choices?.[0]?.delta) yield choices[0].delta;
  }
}

/** The data of server-sent events; such APIs write each on one line. */
async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of body) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("data:")) yield line.slice("data:".length).trim();
  }
}
