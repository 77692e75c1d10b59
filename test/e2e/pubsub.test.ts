/** Two engines on one Redis: what a script of one sends, the clients of the other get, also after Redis was gone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, noRedis, REDIS_SERVER, startRedis, type Redis } from "../plugins/pubsub/redis.ts";
import { Client } from "../plugins/streams/parser.ts";
import { Client as WebSocketClient } from "../websocket.ts";
import { runEngine, startEngine, type Engine } from "./engine.ts";

const PASSWORD = "hunter2-of-redis";
const ROOMS = `registerWebStream("/rooms/:id", { replay: 200 });
registerSubscriptionHandler("said(room: ID!): String!");
register("/tell/:id", async ({ params }) => sendSubscriptionMessage("said", params.id, { room: params.id }), "POST");
register("/say/:id", async ({ params, body }) => sendStreamMessage("/rooms/:id", body, { id: params.id }), "POST");
registerWebSocket("/talk", {
  input: { to: "string", say: "unknown" },
  open: ({ args }) => args.socket,
  message: ({ payload }) => sendStreamMessage("/talk", payload.say, payload.to === "all" ? null : { socket: payload.to }),
});`;
const scripts = { "rooms.js": ROOMS };

function connect(engine: Engine, room: string, lastEventId = ""): Promise<Client> {
  const headers = { accept: "text/event-stream", ...(lastEventId && { "last-event-id": lastEventId }) };
  return engine.fetch(`/rooms/${room}`, { headers }).then((response) => new Client(response).ready());
}

async function say(engine: Engine, room: string, what: unknown): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  return (await engine.fetch(`/say/${room}`, { method: "POST", headers, body: JSON.stringify(what) })).json();
}

async function status(
  engine: Engine,
): Promise<{ readonly status: string; readonly http: number; readonly pubsub: unknown }> {
  const answer = await engine.fetch("/health/ready");
  const body = (await answer.json()) as { status: string; checks: { pubsub: unknown } };
  return { status: body.status, http: answer.status, pubsub: body.checks.pubsub };
}

async function until(engine: Engine, wanted: string): Promise<void> {
  while ((await status(engine)).status !== wanted) await Bun.sleep(50);
}

describe.skipIf(REDIS_SERVER === null)(`two engines on one Redis${noRedis}`, () => {
  let redis: Redis;
  let a: Engine;
  let b: Engine;

  beforeAll(async () => {
    redis = await startRedis(["--requirepass", PASSWORD]);
    const url = `redis://:${PASSWORD}@127.0.0.1:${redis.port}`;
    [a, b] = await Promise.all([
      startEngine({ scripts, config: `[plugins.pubsub]\nredis = "${url}"\n` }),
      startEngine({ scripts, env: { AIWEBENGINE_PLUGINS__PUBSUB__REDIS: url } }),
    ]);
    await until(a, "ok");
    await until(b, "ok");
  }, 30_000);
  afterAll(async () => {
    await Promise.all([a?.stop(), b?.stop()]);
    await redis?.kill();
  });

  test("a client of one gets what a script of the other sends, through the filter, once and in order", async () => {
    const [seven, eight, own] = [await connect(a, "7"), await connect(a, "8"), await connect(b, "7")];
    for (let n = 0; n < 20; n++) {
      expect(await say(b, "7", n)).toEqual({ delivered: 1, connections: 1, failed: 0 });
    }
    await say(b, "8", "other room");
    await seven.until(({ data }) => data.length === 20);
    await eight.until(({ data }) => data.length === 1);
    await own.until(({ data }) => data.length === 20);
    expect(seven.data).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
    expect([own.data, eight.data]).toEqual([seven.data, ["other room"]]);
    expect(seven.parser.lastEventId.split(".").sort()).toEqual(own.parser.lastEventId.split(".").sort());
    await Promise.all([seven.leave(), eight.leave(), own.leave()]);
  });

  test("WebSockets of one get what comes over those of the other, also when it is for one of them alone", async () => {
    using here = await WebSocketClient.open(`${a.url}/talk`);
    using there = await WebSocketClient.open(`${b.url}/talk`);
    using other = await WebSocketClient.open(`${b.url}/talk`);
    const [, id] = [await here.next(), String(await there.next()), await other.next()];
    here.send(JSON.stringify({ to: id, say: "psst" }));
    here.send(JSON.stringify({ to: "all", say: { n: 1 } }));
    expect([await there.next(), await there.nextJson(), await other.nextJson()]).toEqual(["psst", { n: 1 }, { n: 1 }]);
    const none = { delivered: 0, connections: 1, failed: 0 };
    const got = [await here.nextJson(), await here.nextJson(), await here.nextJson()];
    expect(got).toEqual([none, { n: 1 }, { ...none, delivered: 1 }]);
  });

  test("a client that goes from one to the other, while both send, loses and repeats nothing", async () => {
    const all: string[] = [];
    let client = await connect(a, "9");
    let sent = 0;
    const sending = (async () => {
      while (sent < 100) await say(sent % 2 ? a : b, "9", sent++);
    })();
    for (let turn = 0; all.length < 100; turn++) {
      await client.until(({ data }) => data.length >= 7 || all.length + data.length === 100);
      await client.leave();
      await client.ended;
      all.push(...client.data);
      if (all.length < 100) client = await connect(turn % 2 ? a : b, "9", client.parser.lastEventId);
    }
    await sending;
    expect(all.map(Number).sort((x, y) => x - y)).toEqual([...Array(100).keys()]);
  }, 30_000);

  test("subscriptions at one get what a script of the other sends, through the filter", async () => {
    const query = encodeURIComponent('subscription { said(room: "7") }');
    const subscribed = new Client(
      await a.fetch(`/graphql?query=${query}`, { headers: { accept: "text/event-stream" } }),
    );
    // A client is not told when it is subscribed.
    for (let tries = 0; subscribed.events.length === 0; tries++) {
      if (tries > 200) throw new Error("nothing came");
      await b.fetch("/tell/8", { method: "POST" });
      await b.fetch("/tell/7", { method: "POST" });
      await Bun.sleep(20);
    }
    expect(JSON.parse(subscribed.data[0] ?? "")).toEqual({ data: { said: "7" } });
    await subscribed.leave();
  });

  test("while Redis is gone each serves its own clients, says so once, and is joined again when it comes back", async () => {
    const [here, there] = [await connect(a, "7"), await connect(b, "7")];
    const after = a.mark();
    await redis.kill();
    await until(a, "degraded");
    expect(await status(a)).toEqual({
      status: "degraded",
      http: 200,
      pubsub: { ok: true, degraded: true, detail: "Redis cannot be reached" },
    });
    for (let n = 0; n < 5; n++) expect(await say(a, "7", "alone")).toMatchObject({ delivered: 1 });
    await here.until(({ data }) => data.length === 5);
    const line = await a.waitForLog(/Redis cannot be reached/, { after });
    expect(JSON.parse(line)).toMatchObject({ level: "warn", redis: `redis://127.0.0.1:${redis.port}` });
    await redis.start();
    await until(a, "ok");
    await until(b, "ok");
    await say(b, "7", "together");
    await here.until(({ data }) => data.includes("together"));
    await say(a, "7", "again");
    await there.until(({ data }) => data.includes("again"));
    // At most once: what was sent meanwhile may have come late, or not at all.
    expect(here.data.filter((data) => data === "together")).toHaveLength(1);
    expect(there.data.filter((data) => data === "again")).toHaveLength(1);
    expect(there.data.filter((data) => data === "alone").length).toBeLessThanOrEqual(5);
    expect(a.logs.split("Redis cannot be reached")).toHaveLength(2);
    await Promise.all([here.leave(), there.leave()]);
  }, 30_000);

  test("the password is in no log and in no config that is shown", async () => {
    const printed = await runEngine(["config", "print", "--dir", a.dir]);
    expect(printed.stdout).toContain("[hidden]");
    const texts = [a.logs, b.logs, printed.stdout, printed.stderr];
    expect(texts.filter((text) => text.includes(PASSWORD))).toEqual([]);
    const file = join(a.dir, "aiwebengine.toml");
    const config = await Bun.file(file).text();
    const after = a.mark();
    await Bun.write(file, config.replace("127.0.0.1", "127.0.0.1/3?x"));
    await a.waitForLog(/plugins\.pubsub\.redis/, { after });
    expect(a.logs).not.toContain(PASSWORD);
    await Bun.write(file, config);
  });

  test("an engine that is stopped ends at once, and the others go on", async () => {
    const own = await startEngine({
      scripts,
      env: { AIWEBENGINE_PLUGINS__PUBSUB__REDIS: `redis://:${PASSWORD}@127.0.0.1:${redis.port}` },
    });
    await until(own, "ok");
    expect(await own.stop()).toBe(0);
    await say(a, "7", "still there");
    expect((await status(b)).status).toBe("ok");
  });
});

const openssl = Bun.which("openssl");
const withTls = REDIS_SERVER !== null && openssl !== null;

test.skipIf(!withTls)(
  `rediss:// speaks TLS, and takes only a certificate that it can trust${withTls ? "" : " (SKIPPED: needs redis-server and openssl)"}`,
  async () => {
    const dir = await mkdtemp(join(tmpdir(), "aiwebengine-tls-"));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const made = Bun.spawnSync(
      [openssl!, "req", "-x509", ...curve, ...subject, "-keyout", "key.pem", "-out", "cert.pem"],
      { cwd: dir },
    );
    expect(made.exitCode).toBe(0);
    const port = await freePort();
    const [cert, key] = [join(dir, "cert.pem"), join(dir, "key.pem")];
    const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients", "no"];
    await using _redis = await startRedis(["--tls-port", `${port}`, ...files]);
    try {
      const redis = { AIWEBENGINE_PLUGINS__PUBSUB__REDIS: `rediss://localhost:${port}` };
      await using trusting = await startEngine({ scripts, env: { ...redis, NODE_EXTRA_CA_CERTS: cert } });
      await using wary = await startEngine({ scripts, env: redis });
      await until(trusting, "ok");
      expect(await wary.waitForLog(/Redis cannot be reached/)).toContain("CERT");
      expect((await status(wary)).status).toBe("degraded");
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
  30_000,
);
