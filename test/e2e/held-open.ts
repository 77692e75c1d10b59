/**
 * Clients that stay connected while a script is saved over and over: streams, generators and sessions of MCP, each of which
 * must be what it was. The test saves some thirty times, the benchmark a thousand times.
 */
import { Client as McpClient, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { Client } from "../plugins/streams/parser.ts";
import type { Engine } from "./engine.ts";

/** What has not come by then does not come. */
const PATIENCE_MS = 10_000;

/** Everything that a client may hold open. The version is in what clients see of it, so that all of them are told of each. */
export function soakScript(version: number): string {
  return `registerWebStream("/soak", { replay: 10 });
register("/soak/send", async () => sendStreamMessage("/soak", ${version}), "POST");
register("/soak/ticks", async function* () { for (;;) { yield "tick"; await new Promise((resolve) => setTimeout(resolve, 100)); } });
registerMCPTool("version", { description: "version ${version}" }, () => "${version}");
`;
}

export const SOAK_SCRIPTS = {
  "soak.js": soakScript(0),
  "calm.js": `registerWebStream("/calm"); register("/calm/send", async () => sendStreamMessage("/calm", "x"), "POST");`,
};

export interface Counts {
  readonly streams: number;
  /** Of each era. */
  readonly sessions: number;
}

interface Session {
  readonly era: string;
  version(): Promise<string>;
  readonly sessionId: string | undefined;
  told: number;
  close(): Promise<void>;
}

type Listing = (error: unknown, tools: readonly { readonly description?: string }[] | null) => void;

async function openSession(engine: Engine, era: "current" | "2025"): Promise<Session> {
  const url = new URL(`${engine.url}/mcp`);
  const told: Listing = () => void session.told++;
  const listChanged = { tools: { onChanged: told, debounceMs: 0 } };
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

/** What the soak found; every list is empty where nothing broke that did not have to. */
export interface Broken {
  readonly streams: readonly string[];
  readonly generators: readonly string[];
  readonly sessions: readonly string[];
}

export class HeldOpen {
  #version = 0;
  #calm = 0;

  private constructor(
    readonly engine: Engine,
    readonly soaking: readonly Client[],
    readonly calm: readonly Client[],
    readonly ticking: readonly Client[],
    readonly sessions: readonly Session[],
    readonly ids: readonly (string | undefined)[],
  ) {}

  static async open(engine: Engine, { streams, sessions }: Counts): Promise<HeldOpen> {
    const connect = async (path: string): Promise<Client> =>
      new Client(await engine.fetch(path, { headers: { accept: "text/event-stream" } }));
    const many = <T>(count: number, one: () => Promise<T>): Promise<T[]> =>
      Promise.all(Array.from({ length: count }, one));
    for (const name of ["soak", "calm"]) await engine.waitForLog(new RegExp(`"script loaded".*"${name}"`));
    const soaking = await many(streams, async () => (await connect("/soak")).ready());
    const calm = await many(streams, async () => (await connect("/calm")).ready());
    const ticking = await many(2, () => connect("/soak/ticks"));
    const old = await many(sessions, () => openSession(engine, "2025"));
    const current = await many(sessions, () => openSession(engine, "current"));
    const all = [...old, ...current];
    return new HeldOpen(
      engine,
      soaking,
      calm,
      ticking,
      all,
      all.map((one) => one.sessionId),
    );
  }

  /** Saves once, and uses everything afterwards. */
  async save(): Promise<void> {
    const version = ++this.#version;
    const after = this.engine.mark();
    await this.engine.write("scripts/soak.js", soakScript(version));
    await this.engine.waitForLog(/"script reloaded".*"soak"/, { after });
    const sent = await this.engine.fetch("/soak/send", { method: "POST", signal: AbortSignal.timeout(PATIENCE_MS) });
    const { delivered } = (await sent.json()) as { delivered?: number };
    if (delivered !== this.soaking.length) throw new Error(`${delivered} got a message after ${version} saves`);
    if (version % 10 === 0) {
      await this.engine.fetch("/calm/send", { method: "POST" });
      this.#calm++;
    }
    const one = this.sessions[version % this.sessions.length];
    const got = await one?.version();
    if (got !== `${version}`) throw new Error(`a session of ${one?.era} got version ${got} after ${version} saves`);
  }

  /** Waits for what is still on its way, and says what broke. */
  async broken(): Promise<Broken> {
    const wanted = Array.from({ length: this.#version }, (_, i) => `${i + 1}`);
    const streams: string[] = [];
    for (const [clients, all] of [
      [this.soaking, wanted],
      [this.calm, Array.from({ length: this.#calm }, () => "x")],
    ] as const) {
      for (const client of clients) {
        const late = Bun.sleep(PATIENCE_MS);
        await Promise.race([client.until(({ data }) => data.length >= all.length), client.ended, late]);
        if (JSON.stringify(client.data) !== JSON.stringify(all))
          streams.push(`got ${client.data.length} of ${all.length}`);
      }
    }
    const generators: string[] = [];
    for (const client of this.ticking) {
      const before = client.data.length;
      const ticked = client.until(({ data }) => data.length > before).then(() => true);
      const on = await Promise.race([ticked, client.ended.then(() => false), Bun.sleep(PATIENCE_MS).then(() => false)]);
      if (!on) generators.push(`ended after ${client.data.length} ticks`);
    }
    const sessions: string[] = [];
    for (const [index, one] of this.sessions.entries()) {
      if ((await one.version()) !== `${this.#version}`) sessions.push(`${one.era}: an old version answers`);
      if (one.sessionId !== this.ids[index]) sessions.push(`${one.era}: the session began anew`);
      for (let waited = 0; one.told === 0 && waited < 100; waited++) await Bun.sleep(20);
      if (one.told === 0) sessions.push(`${one.era}: was not told of a change`);
    }
    return { streams, generators, sessions };
  }

  async close(): Promise<void> {
    await Promise.all([...this.soaking, ...this.calm, ...this.ticking].map((client) => client.leave()));
    await Promise.all(this.sessions.map((one) => one.close().catch(() => {})));
  }
}
