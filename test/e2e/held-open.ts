/**
 * Clients that stay connected while a script is saved over and over: streams, WebSockets, subscriptions, generators and
 * sessions of MCP, each of which must be what it was. The test saves some thirty times, the benchmark a thousand times.
 */
import { Client as McpClient, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { createClient as createSseClient } from "graphql-sse";
import { createClient as createSocketClient } from "graphql-ws";
import { Client } from "../plugins/streams/parser.ts";
import { Client as SocketClient, loadWebSocket } from "../websocket.ts";
import type { Engine } from "./engine.ts";

/** What has not come by then does not come. */
const PATIENCE_MS = 10_000;

/** Everything that a client may hold open. The version is in what clients see of it, so that all of them are told of each. */
export function soakScript(version: number): string {
  return `const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
registerWebStream("/soak", { replay: 10 });
registerWebSocket("/soak/socket", { message: () => "answer ${version}" });
registerSubscriptionHandler("soak: Int!");
registerSubscriptionHandler("ticks: Int!", async function* () { for (let n = 0; ; n++) { yield n; await pause(); } });
register("/soak/ticks", async function* () { for (let n = 0; ; n++) { yield n; await pause(); } });
register("/soak/send", async () => {
  const { delivered: subscribed } = await sendSubscriptionMessage("soak", ${version});
  const { delivered } = await sendStreamMessage(${version});
  return { delivered, subscribed };
}, "POST");
registerMCPTool("version", { description: "version ${version}" }, () => "${version}");
`;
}

export const SOAK_SCRIPTS = {
  "soak.js": soakScript(0),
  "calm.js": `registerWebStream("/calm"); register("/calm/send", async () => sendStreamMessage("/calm", 1), "POST");`,
};

export interface Counts {
  readonly streams: number;
  readonly sockets: number;
  /** Over each of two transports. */
  readonly subscriptions: number;
  /** Of each era. */
  readonly sessions: number;
}

/** What a client was given, as numbers, and why it was given no more. */
interface Given {
  readonly kind: string;
  readonly values: number[];
  end: unknown;
}

interface Session {
  readonly era: string;
  version(): Promise<string>;
  readonly sessionId: string | undefined;
  told: number;
  close(): Promise<void>;
}

interface Held {
  readonly soaking: readonly Given[];
  readonly calm: readonly Given[];
  readonly sockets: readonly (Given & { readonly client: SocketClient })[];
  readonly subscribed: readonly Given[];
  /** Generators, over HTTP and as subscriptions. */
  readonly ticking: readonly Given[];
  readonly sessions: readonly Session[];
}

async function openStream(engine: Engine, path: string): Promise<Given> {
  const client = new Client(await engine.fetch(path, { headers: { accept: "text/event-stream" } }));
  const given: Given = {
    kind: `the stream ${path}`,
    get values() {
      return client.data.map(Number);
    },
    end: undefined,
  };
  void client.ended.then((error) => (given.end = error ?? "ended"));
  return given;
}

async function openSocket(engine: Engine): Promise<Held["sockets"][number]> {
  const client = await SocketClient.open(`${engine.url}/soak/socket`);
  const given = { kind: "a WebSocket", values: [] as number[], end: undefined as unknown, client };
  client.ws.on("message", (data: Buffer) => void given.values.push(Number(String(data).replace("answer ", "-"))));
  void client.closed.then((closed) => (given.end = closed));
  return given;
}

interface Sink {
  next(result: unknown): void;
  error(error: unknown): void;
  complete(): void;
}

function subscribe(kind: string, client: { subscribe(request: object, sink: Sink): unknown }, field: string): Given {
  const given: Given = { kind: `the subscription ${field} by ${kind}`, values: [], end: undefined };
  client.subscribe(
    { query: `subscription { ${field} }` },
    {
      next(result) {
        const { data, errors } = result as { data?: Record<string, number> | null; errors?: unknown };
        if (errors !== undefined) given.end = errors;
        else given.values.push(data?.[field] ?? Number.NaN);
      },
      error: (error) => void (given.end = error),
      complete: () => void (given.end ??= "complete"),
    },
  );
  return given;
}

async function openSession(engine: Engine, era: "current" | "2025"): Promise<Session> {
  const url = new URL(`${engine.url}/mcp`);
  const listChanged = { tools: { onChanged: () => void session.told++, debounceMs: 0 } };
  const info = { name: "soak", version: "1" };
  const current = new McpClient(info, { versionNegotiation: { mode: "auto" }, listChanged });
  const old = new OldClient(info, { listChanged } as never);
  const transport = era === "current" ? new StreamableHTTPClientTransport(url) : new OldTransport(url);
  const client = era === "current" ? current : (old as unknown as typeof current);
  const session: Session = {
    era,
    told: 0,
    get sessionId() {
      return transport.sessionId;
    },
    async version() {
      const { content } = await client.callTool({ name: "version" });
      return (content as { readonly text: string }[])[0]?.text ?? "";
    },
    close: () => client.close(),
  };
  await client.connect(transport as never);
  return session;
}

function many<T>(count: number, one: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, one));
}

/** Waits as long as is worth it. */
async function settles(holds: () => boolean): Promise<boolean> {
  const last = performance.now() + PATIENCE_MS;
  while (!holds() && performance.now() < last) await Bun.sleep(10);
  return holds();
}

interface Sent {
  readonly delivered?: number;
  readonly subscribed?: number;
}

async function send(engine: Engine): Promise<Sent> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return (await (await engine.fetch("/soak/send", { method: "POST", signal })).json()) as Sent;
}

export class HeldOpen {
  readonly #engine: Engine;
  readonly #held: Held;
  readonly #ids: readonly (string | undefined)[];
  readonly #dispose: readonly (() => unknown)[];
  #version = 0;
  #calm = 0;

  private constructor(engine: Engine, held: Held, dispose: readonly (() => unknown)[]) {
    this.#engine = engine;
    this.#held = held;
    this.#ids = held.sessions.map((one) => one.sessionId);
    this.#dispose = dispose;
  }

  get count(): number {
    return Object.values(this.#held).flat().length;
  }

  static async open(engine: Engine, { streams, sockets, subscriptions, sessions }: Counts): Promise<HeldOpen> {
    for (const name of ["soak", "calm"]) await engine.waitForLog(new RegExp(`"script loaded".*"${name}"`));
    const url = `${engine.url}/graphql`;
    const retryAttempts = 0;
    const webSocketImpl = await loadWebSocket();
    const clients = Array.from({ length: subscriptions }, () => ({
      sse: createSseClient({ url, retryAttempts }),
      ws: createSocketClient({ url: url.replace("http", "ws"), webSocketImpl, retryAttempts }),
    }));
    const over = (field: string): Given[] =>
      clients.flatMap((both) => Object.entries(both).map(([kind, client]) => subscribe(kind, client as never, field)));
    const held: Held = {
      soaking: await many(streams, () => openStream(engine, "/soak")),
      calm: await many(streams, () => openStream(engine, "/calm")),
      sockets: await many(sockets, () => openSocket(engine)),
      subscribed: over("soak"),
      ticking: [...over("ticks"), ...(await many(2, () => openStream(engine, "/soak/ticks")))],
      sessions: [
        ...(await many(sessions, () => openSession(engine, "2025"))),
        ...(await many(sessions, () => openSession(engine, "current"))),
      ],
    };
    const dispose = clients.flatMap(({ sse, ws }) => [() => sse.dispose(), () => ws.dispose()]);
    // A client is not told when it is subscribed: the value 0 is sent until it reaches everybody.
    const last = performance.now() + PATIENCE_MS;
    while ((await send(engine)).subscribed !== held.subscribed.length) {
      if (performance.now() > last) throw new Error("not every client could subscribe");
    }
    return new HeldOpen(engine, held, dispose);
  }

  /** Saves once, and uses everything afterwards. */
  async save(): Promise<void> {
    const version = ++this.#version;
    const { soaking, sockets, subscribed, sessions } = this.#held;
    const after = this.#engine.mark();
    await this.#engine.write("scripts/soak.js", soakScript(version));
    await this.#engine.waitForLog(/"script reloaded".*"soak"/, { after });
    const sent = await send(this.#engine);
    if (sent.delivered !== soaking.length + sockets.length || sent.subscribed !== subscribed.length) {
      throw new Error(`after ${version} saves a message reached ${JSON.stringify(sent)}`);
    }
    if (version % 10 === 0) {
      await this.#engine.fetch("/calm/send", { method: "POST" });
      this.#calm++;
    }
    const socket = sockets[version % sockets.length];
    socket?.client.send("?");
    const answer = -version;
    if (socket && !(await settles(() => socket.values.includes(answer)))) {
      throw new Error(`after ${version} saves a WebSocket has no answer of the version`);
    }
    const session = sessions[version % sessions.length];
    const got = await session?.version();
    if (got !== `${version}`) throw new Error(`after ${version} saves a session of ${session?.era} got ${got}`);
  }

  /** Waits for what is still on its way, and says what broke that did not have to: nothing is as it should be. */
  async broken(): Promise<readonly string[]> {
    const { soaking, calm, sockets, subscribed, ticking, sessions } = this.#held;
    const told: string[] = [];
    for (const one of [...soaking, ...sockets, ...subscribed]) {
      const news = (): number[] => one.values.filter((value) => value >= 1);
      if (!(await settles(() => news().at(-1) === this.#version))) told.push(`${one.kind} misses the last message`);
      if (news().some((value, index) => value !== index + 1)) told.push(`${one.kind} lost or repeated a message`);
    }
    for (const one of calm) {
      if (!(await settles(() => one.values.length === this.#calm))) told.push(`${one.kind} lost or repeated a message`);
    }
    for (const one of ticking) {
      const before = one.values.length;
      if (!(await settles(() => one.values.length > before))) told.push(`${one.kind} stands still`);
      if (one.values.some((value, index) => value !== index)) told.push(`${one.kind} began anew`);
    }
    for (const { kind, end } of [...soaking, ...calm, ...sockets, ...subscribed, ...ticking]) {
      if (end !== undefined) told.push(`${kind} ended: ${JSON.stringify(end)}`);
    }
    for (const [index, one] of sessions.entries()) {
      if ((await one.version()) !== `${this.#version}`)
        told.push(`a session of ${one.era} is answered by an old version`);
      if (one.sessionId !== this.#ids[index]) told.push(`a session of ${one.era} began anew`);
      if (!(await settles(() => one.told > 0))) told.push(`a session of ${one.era} was not told of a change`);
    }
    return told;
  }

  /** The streams end with the engine. */
  async close(): Promise<void> {
    for (const dispose of this.#dispose) dispose();
    for (const { client } of this.#held.sockets) client.ws.terminate();
    await Promise.all(this.#held.sessions.map((one) => one.close().catch(() => {})));
  }
}
