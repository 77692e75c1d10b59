/** `aiwebengine mcp`: messages of standard input, a line each, to a server over HTTP, and its answers to standard output. */
import { readEvents, readLines } from "./lines.ts";

export interface ProxyStreams {
  readonly stdin: ReadableStream<Uint8Array>;
  stdout(text: string): void;
  stderr(text: string): void;
}

type Id = string | number;
interface Message {
  readonly id?: Id;
  readonly method?: string;
  readonly params?: { readonly [name: string]: unknown };
  readonly result?: { readonly protocolVersion?: unknown };
}

/** The protocol names its version in the messages of current clients. */
const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
/** A header may hold these as they are. */
const PLAIN = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

/** @returns the exit code: 0 when the agent has closed its end */
export async function proxy(url: URL, { stdin, stdout, stderr }: ProxyStreams): Promise<number> {
  const ended = new AbortController();
  const underWay = new Map<Id, AbortController>();
  const sending = new Set<Promise<void>>();
  let session: string | undefined;
  let version: string | undefined;
  let listening = false;

  const give = (text: string): void => stdout(`${text.replace(/[\r\n]+/g, " ")}\n`);
  const fail = (id: Id | undefined, message: string): void => {
    stderr(`aiwebengine mcp: ${message}\n`);
    if (id !== undefined) give(JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32_000, message } }));
  };

  function headersOf({ method, params }: Message): Record<string, string> {
    const claimed = (params?.["_meta"] as { readonly [key: string]: unknown } | undefined)?.[VERSION_KEY];
    const name = params?.["name"] ?? params?.["uri"];
    const current = typeof claimed === "string";
    const told = current ? claimed : version;
    return {
      ...(told !== undefined && { "mcp-protocol-version": told }),
      ...(session !== undefined && !current && { "mcp-session-id": session }),
      ...(current && method !== undefined && { "mcp-method": method }),
      ...(current && typeof name === "string" && { "mcp-name": encodeHeader(name) }),
    };
  }

  async function send(text: string, message: Message): Promise<void> {
    const { id, method } = message;
    const cancel = new AbortController();
    if (id !== undefined && method !== undefined) underWay.set(id, cancel);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          ...headersOf(message),
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
        },
        body: text,
        signal: cancel.signal,
      });
      session = response.headers.get("mcp-session-id") ?? session;
      const told = await deliver(response, id);
      if (method === "initialize" && told !== undefined) version = told;
      if (method === "notifications/initialized" && session !== undefined && !listening) void listen();
    } catch (error) {
      if (!cancel.signal.aborted) fail(id, `${url.href} cannot be reached: ${(error as Error).message}`);
    } finally {
      if (id !== undefined) underWay.delete(id);
    }
  }

  /** @returns the version that an answer to `initialize` names */
  async function deliver(response: Response, id: Id | undefined): Promise<string | undefined> {
    const type = response.headers.get("content-type") ?? "";
    let told: string | undefined;
    const one = (text: string): void => {
      const { result } = JSON.parse(text) as Message;
      if (typeof result?.protocolVersion === "string") told = result.protocolVersion;
      give(text);
    };
    if (type.startsWith("text/event-stream") && response.body !== null) {
      for await (const data of readEvents(response.body)) one(data);
    } else {
      const text = await response.text();
      if (response.ok) {
        if (type.startsWith("application/json") && text !== "") one(text);
      } else if (id !== undefined) give(answerTo(id, response.status, text));
      else stderr(`aiwebengine mcp: the server answered ${response.status}: ${text.slice(0, 500)}\n`);
    }
    return told;
  }

  /** What the server says of its own: of a session that began with `initialize`. */
  async function listen(): Promise<void> {
    listening = true;
    try {
      const headers = { ...headersOf({}), accept: "text/event-stream" };
      const response = await fetch(url, { headers, signal: ended.signal });
      if (response.ok && response.body !== null) for await (const data of readEvents(response.body)) give(data);
      else await response.body?.cancel();
    } catch (error) {
      if (!ended.signal.aborted)
        stderr(`aiwebengine mcp: no news from the server any more: ${(error as Error).message}\n`);
    } finally {
      listening = false;
    }
  }

  for await (const line of readLines(stdin)) {
    const message = parse(line);
    if (message === null) {
      give(
        JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32_700, message: "The line is no JSON object." } }),
      );
      continue;
    }
    const sent = send(line, message);
    sending.add(sent);
    void sent.finally(() => sending.delete(sent));
    // The session is not known before: what follows must carry it. A notification goes ahead of what comes after it.
    if (message.method === "initialize" || message.id === undefined) await sent;
    // Current clients end a request by leaving it.
    if (message.method === "notifications/cancelled") underWay.get(message.params?.["requestId"] as Id)?.abort();
  }
  await Promise.allSettled(sending);
  ended.abort();
  // A courtesy: a session that is not ended ends by its idle time.
  if (session !== undefined) await fetch(url, { method: "DELETE", headers: headersOf({}) }).catch(() => {});
  return 0;
}

function parse(line: string): Message | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** What a server refuses has its own error where it could be read; the agent must find its request in it. */
function answerTo(id: Id, status: number, text: string): string {
  const message = parse(text) as { readonly error?: unknown } | null;
  const error = message?.error ?? { code: -32_000, message: `The server answered ${status}: ${text.slice(0, 500)}` };
  return JSON.stringify({ jsonrpc: "2.0", id, error });
}

function encodeHeader(name: string): string {
  if (PLAIN.test(name)) return name;
  return `=?base64?${Buffer.from(name).toString("base64")}?=`;
}
