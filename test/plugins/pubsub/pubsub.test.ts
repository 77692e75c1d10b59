/** The capability `pubsub`: alone, and through a real Redis that goes away, is slow, or is written to by others. */
import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import fc from "fast-check";
import { definePlugin, type HealthResult, type Json } from "../../../sdk/plugin.ts";
import { readAddress } from "../../../plugins/pubsub/address.ts";
import { readEnvelope } from "../../../plugins/pubsub/envelope.ts";
import pubsub, { type Pubsub } from "../../../plugins/pubsub/index.ts";
import { Link } from "../../../plugins/pubsub/link.ts";
import { encodeCommand, Refusal, Replies, TOO_LONG, type Reply } from "../../../plugins/pubsub/replies.ts";
import { serve, type Served } from "../harness.ts";
import { noRedis, REDIS_SERVER, startRedis } from "./redis.ts";

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

/** An engine with nothing but the plugin. */
class Engine {
  readonly heard: Json[] = [];
  #told: () => void = () => {};

  private constructor(
    readonly served: Served,
    readonly hidden: readonly string[],
    readonly current: () => Pubsub,
  ) {
    this.bus.subscribe("t", (message) => {
      this.heard.push(message);
      this.#told();
    });
  }

  static async start(config: object, facts: { ready: boolean } = { ready: true }): Promise<Engine> {
    const hidden: string[] = [];
    const redaction = { add: (value: string) => (hidden.push(value), () => {}) };
    let bus: (() => Pubsub) | undefined;
    const ear = definePlugin({
      name: "ear",
      version: "1.0.0",
      requires: ["pubsub"],
      setup({ use }) {
        const given = use("pubsub");
        bus = () => given;
      },
    });
    const served = await serve([pubsub, ear], {
      config: { pubsub: config },
      given: {
        redaction,
        engine: {
          get ready() {
            return facts.ready;
          },
        },
      },
    });
    const engine = new Engine(served, hidden, () => bus?.() as Pubsub);
    open.push({ [Symbol.asyncDispose]: () => served.close() });
    return engine;
  }

  get bus(): Pubsub {
    return this.current();
  }

  health(): HealthResult {
    return this.served.host.current.contributions.health.get("pubsub")?.spec() as HealthResult;
  }

  lines(what: string): readonly string[] {
    return this.served.lines.filter((line) => line.includes(what));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await Promise.race([new Promise<void>((resolve) => (this.#told = resolve)), Bun.sleep(10)]);
    }
  }

  /** Joined to the others. */
  async ready(): Promise<this> {
    await this.until(() => this.health().degraded !== true);
    return this;
  }
}

describe("alone", () => {
  test("a message goes to the listeners of its topic, also to those after one that fails", async () => {
    const engine = await Engine.start({});
    const { bus } = engine;
    const end = bus.subscribe("t", () => {
      throw new Error("hunter2");
    });
    const heard: Json[] = [];
    bus.subscribe("t", (message) => heard.push(message));
    bus.subscribe("other", () => heard.push("other"));
    await bus.publish("t", { n: 1 });
    expect([engine.heard, heard]).toEqual([[{ n: 1 }], [{ n: 1 }]]);
    expect(engine.lines("a listener failed")).toHaveLength(1);
    await end();
    await bus.publish("t", 2);
    expect(engine.lines("a listener failed")).toHaveLength(1);
    expect(engine.served.host.current.contributions.health.size).toBe(0);
  });
});

describe("the URL", () => {
  test("says where Redis is, and who comes", () => {
    expect(readAddress("redis://ada:p%40ss@redis.example:7000/0")).toEqual({
      host: "redis.example",
      port: 7000,
      tls: false,
      user: "ada",
      password: "p@ss",
      shown: "redis://redis.example:7000",
    });
    expect(readAddress("rediss://[::1]")).toMatchObject({ host: "::1", port: 6379, tls: true, password: undefined });
  });

  test.each([
    "",
    "redis",
    "redis://",
    "http://redis.example",
    "redis://u:hunter2@h:99999",
    "redis://u:hunter2@h/2",
    "redis://u:hunter2@h?db=1",
    "redis://u:hunter2%zz@h",
  ])("that is none is refused, and not repeated: %j", (url) => {
    expect(() => readAddress(url)).toThrow("plugins.pubsub.redis");
    expect(() => readAddress(url)).not.toThrow("hunter2");
  });
});

describe("answers of Redis", () => {
  function read(chunks: readonly Buffer[], maxBytes = 100): Reply[] {
    const got: Reply[] = [];
    const replies = new Replies(maxBytes, (reply) => got.push(reply));
    for (const chunk of chunks) replies.push(chunk);
    return got;
  }
  const ALL = Buffer.from(
    "+OK\r\n-ERR no\r\n:42\r\n$-1\r\n$0\r\n\r\n$6\r\na\r\nbé\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n*0\r\n*-1\r\n",
  );
  const WANTED = ["OK", new Refusal("ERR no"), 42, null, "", "a\r\nbé", ["x", [1]], [], null];

  test("are read whatever the pieces that they come in", () => {
    const whole = read([ALL]);
    expect(whole).toEqual(WANTED);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < ALL.length; i++) {
          const size = sizes[i % sizes.length] ?? 1;
          chunks.push(ALL.subarray(at, at + size));
          at += size;
        }
        expect(read(chunks)).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  test("that are too long are passed over, and what follows is read", () => {
    const long = Buffer.from(`*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3000\r\n${"x".repeat(3000)}\r\n:7\r\n`);
    expect(read([long])).toEqual([["message", "c", TOO_LONG], 7]);
    const pieces = Array.from({ length: Math.ceil(long.length / 7) }, (_, i) => long.subarray(i * 7, i * 7 + 7));
    expect(read(pieces)).toEqual([["message", "c", TOO_LONG], 7]);
  });

  test.each([
    "HTTP/1.1 400 Bad Request\r\n",
    "$99999999999999999999\r\n",
    "$-2\r\n",
    "*1000000\r\n",
    "*1\r\n".repeat(9),
    ":x\r\n",
    "x".repeat(5000),
  ])("that are none end the reading: %j", (text) => {
    expect(() => read([Buffer.from(text)])).toThrow();
  });

  test("whatever comes, either it is read or it ends", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("*2\r\n", "$3\r\n", "abc\r\n", ":1\r\n", "-E\r\n", "\r\n", "$200\r\n", "\0"), {
          maxLength: 40,
        }),
        (parts) => {
          try {
            read(parts.map((part) => Buffer.from(part)));
          } catch (error) {
            expect((error as Error).message).toMatch(/no answer of Redis|a line without an end/);
          }
        },
      ),
    );
  });

  test("a command has its words as they are", () => {
    expect(encodeCommand("PUBLISH", "c\r\n", "é").toString()).toBe("*3\r\n$7\r\nPUBLISH\r\n$3\r\nc\r\n\r\n$2\r\né\r\n");
  });
});

test("what no engine writes is none of its messages, however deep or long", () => {
  expect(readEnvelope('{"from":"a","topic":"t","message":null}')).toEqual({ from: "a", topic: "t", message: null });
  expect(readEnvelope('{"from":"a"}')).toEqual({ from: "a" });
  const deep = (text: string): string => `{"from":"a","topic":"t","message":${text}}`;
  expect(readEnvelope(deep(`"${"[".repeat(1000)}\\""`))).toBeDefined();
  for (const odd of [
    "",
    "x",
    "null",
    "1",
    "[]",
    "{}",
    '{"from":1}',
    '{"from":""}',
    '{"from":"a","topic":1,"message":1}',
    '{"from":"a","topic":"t"}',
    deep("[".repeat(101) + "]".repeat(101)),
    "[".repeat(1_000_000),
    '{"a":'.repeat(200_000),
    '"\\'.repeat(500_000),
  ]) {
    const since = performance.now();
    expect(readEnvelope(odd)).toBeUndefined();
    expect(performance.now() - since).toBeLessThan(1000);
  }
});

const withRedis = describe.skipIf(REDIS_SERVER === null);

withRedis(`through Redis${noRedis}`, () => {
  test("a message goes once to the listeners of every engine, in order, and to no other channel", async () => {
    const redis = await startRedis();
    open.push(redis);
    const engines = await Promise.all(
      ["app", "app", "another"].map(async (channel) => (await Engine.start({ redis: redis.url, channel })).ready()),
    );
    const [one, two, other] = engines as [Engine, Engine, Engine];
    for (let n = 0; n < 50; n++) await one.bus.publish("t", { n, text: "é😀\r\n" });
    await two.bus.publish("t", "end");
    await one.until(() => one.heard.length === 51);
    await two.until(() => two.heard.length === 51);
    expect(two.heard.filter((message) => message !== "end")).toEqual(one.heard.slice(0, 50));
    expect(one.heard.at(-1)).toBe("end");
    expect(other.heard).toEqual([]);
    expect(one.lines("joined")).toHaveLength(1);
  });

  test("with a password: it comes in, no line tells it, and the wrong one is told without it", async () => {
    const redis = await startRedis(["--requirepass", "hunter2 @/"]);
    open.push(redis);
    const url = `redis://default:${encodeURIComponent("hunter2 @/")}@127.0.0.1:${redis.port}`;
    const one = await (await Engine.start({ redis: url })).ready();
    const wrong = await Engine.start({ redis: url.replace("hunter2", "hunter3") });
    const none = await Engine.start({ redis: redis.url });
    await wrong.until(() => wrong.lines("cannot be reached").length > 0);
    await none.until(() => none.lines("cannot be reached").length > 0);
    expect(wrong.lines("cannot be reached")[0]).toContain("WRONGPASS");
    expect(none.lines("cannot be reached")[0]).toContain("NOAUTH");
    expect([...one.served.lines, ...wrong.served.lines].join("\n")).not.toMatch(/hunter/);
    expect(one.hidden).toEqual([url, "hunter2 @/", "hunter2%20%40%2F"]);
  });

  test("a user that may listen and not send is no way to others, and the reason is told once", async () => {
    const redis = await startRedis();
    open.push(redis);
    await redis.send("ACL", "SETUSER", "ro", "on", ">readonly", "&aiwebengine", "+subscribe");
    const engine = await Engine.start({ redis: `redis://ro:readonly@127.0.0.1:${redis.port}` });
    await engine.until(() => engine.lines("cannot be reached").length > 0);
    await Bun.sleep(500);
    expect(engine.lines("cannot be reached")).toHaveLength(1);
    expect(engine.lines("cannot be reached")[0]).toContain("NOPERM");
  });

  test("that is not there when the engine starts: it serves itself, says so once, and joins when Redis comes", async () => {
    const redis = await startRedis([], false);
    open.push(redis);
    const one = await Engine.start({ redis: redis.url });
    await one.bus.publish("t", "alone");
    expect(one.heard).toEqual(["alone"]);
    await one.until(() => one.lines("cannot be reached").length > 0);
    expect(one.health()).toEqual({ ok: true, degraded: true, detail: "Redis cannot be reached" });
    await redis.start();
    const two = await (await Engine.start({ redis: redis.url })).ready();
    await one.ready();
    await one.bus.publish("t", "joined");
    await two.until(() => two.heard.includes("joined"));
    expect(one.lines("cannot be reached")).toHaveLength(1);
    expect(one.health()).toEqual({ ok: true });
  });

  test("that is killed and comes back: no message twice, local ones go on, one line each", async () => {
    const redis = await startRedis();
    open.push(redis);
    const [one, two] = [await Engine.start({ redis: redis.url }), await Engine.start({ redis: redis.url })];
    await one.ready();
    await two.ready();
    await redis.kill();
    await one.until(() => one.health().degraded === true);
    for (let n = 0; n < 100; n++) await one.bus.publish("t", n);
    expect(one.heard).toHaveLength(100);
    await redis.start();
    await one.ready();
    await two.ready();
    await one.bus.publish("t", "again");
    await two.until(() => two.heard.includes("again"));
    expect(new Set(two.heard).size).toBe(two.heard.length);
    expect(one.heard).toEqual([...Array(100).keys(), "again"]);
    expect([one.lines("cannot be reached").length, one.lines("joined").length]).toEqual([1, 2]);
  });

  test("that hangs holds no one up: what waits is bounded, the oldest goes, and is counted", async () => {
    const redis = await startRedis();
    open.push(redis);
    const [one, two] = [
      await Engine.start({ redis: redis.url, queueBytes: 10_000 }),
      await Engine.start({ redis: redis.url }),
    ];
    await one.ready();
    await two.ready();
    redis.signal("SIGSTOP");
    const text = "x".repeat(1000);
    const held = (): number => {
      Bun.gc(true);
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    for (let n = 0; n < 20_000; n++) await one.bus.publish("t", { n, text });
    await one.bus.publish("t", "last");
    expect(held() - before).toBeLessThan(2 * 1024 * 1024); // of 20 MB
    redis.signal("SIGCONT");
    await two.until(() => two.heard.includes("last"));
    const numbers = two.heard.flatMap((message) => (message === "last" ? [] : [(message as { n: number }).n]));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(numbers.length).toBeLessThan(20_000);
    expect(numbers.at(-1)).toBe(19_999);
  }, 20_000);

  test("is looked for when the engine serves: a command that only looks at the plugins does not come", async () => {
    const redis = await startRedis();
    open.push(redis);
    const clients = async (): Promise<number> => (await redis.send("CLIENT", "LIST")).split("id=").length - 1;
    const facts = { ready: false };
    const one = await Engine.start({ redis: redis.url }, facts);
    await one.bus.publish("t", 1);
    await Bun.sleep(100);
    expect([await clients(), one.lines("reached")]).toEqual([1, []]);
    facts.ready = true;
    one.served.scripts([]);
    await one.ready();
    expect(await clients()).toBe(3);
  });

  test("a message that is too long is refused for the others, and heard here", async () => {
    const redis = await startRedis();
    open.push(redis);
    const one = await (await Engine.start({ redis: redis.url, maxMessageBytes: 200 })).ready();
    await expect(one.bus.publish("t", "x".repeat(200))).rejects.toThrow("plugins.pubsub.maxMessageBytes");
    expect(one.heard).toHaveLength(1);
  });

  test("what others write there is not taken, not held, and told once", async () => {
    const redis = await startRedis(["--client-output-buffer-limit", "pubsub 0 0 0", "--proto-max-bulk-len", "512mb"]);
    open.push(redis);
    const one = await (await Engine.start({ redis: redis.url })).ready();
    const before = process.memoryUsage().rss;
    const odd = ["", "x", "null", '{"from":1}', "[".repeat(900_000), Uint8Array.of(0xff, 0xfe, 0, 0x80)];
    for (const payload of odd) expect(await redis.send("PUBLISH", "aiwebengine", payload)).toBe(":1");
    // 64 MiB, made over there: this process shall not hold them either. By doubling, since Lua repeats at 40 MiB a second.
    const script = "local s = '[' for i = 1, 26 do s = s .. s end return redis.call('publish', 'aiwebengine', s)";
    expect(await redis.send("EVAL", script, "0")).toBe(":1");
    await redis.send("PUBLISH", "aiwebengine", '{"from":"stranger","topic":"t","message":"honest"}');
    await one.until(() => one.heard.length > 0);
    expect(one.heard).toEqual(["honest"]);
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
    expect(one.lines("what no engine wrote")).toHaveLength(1);
    expect(one.health()).toEqual({ ok: true });
  }, 20_000);

  test("that hangs for long is left, what waits grows stale, and the way is opened anew when it goes on", async () => {
    const redis = await startRedis();
    open.push(redis);
    const options = { channel: "c", maxMessageBytes: 1000, queueBytes: 10_000, address: readAddress(redis.url) };
    const link = new Link(options, { beatMs: 20, silenceMs: 100, waitMs: 50 });
    const told: (string | number)[] = [];
    link.events = {
      onMessage: () => {},
      onStrange: () => {},
      onDown: (reason) => told.push(reason),
      onUp: (lost) => told.push(lost),
    };
    open.push({ [Symbol.asyncDispose]: async () => link.close() });
    const until = async (count: number): Promise<void> => {
      while (told.length < count) await Bun.sleep(5);
    };
    link.open();
    await until(1);
    redis.signal("SIGSTOP");
    await until(2);
    expect(link.trouble).toBe("it does not answer");
    for (let n = 0; n < 3; n++) link.publish("t", n);
    await Bun.sleep(60);
    redis.signal("SIGCONT");
    await until(3);
    expect(told).toEqual([0, "it does not answer", 3]);
    expect(link.trouble).toBeNull();
  }, 20_000);

  test("outlives a generation of plugins; one that goes elsewhere is another", async () => {
    const [redis, elsewhere] = [await startRedis(), await startRedis()];
    open.push(redis, elsewhere);
    const one = await (await Engine.start({ redis: redis.url })).ready();
    const clients = async (of: typeof redis): Promise<number> =>
      (await of.send("CLIENT", "LIST", "TYPE", "pubsub")).split("id=").length - 1;
    const reload = (config: object): Promise<boolean> =>
      one.served.host.reload({
        enabled: () => true,
        optional: () => false,
        check: () => ({ pubsub: config, ear: {} }),
      });
    const config = { redis: redis.url, channel: "aiwebengine", maxMessageBytes: 1000, queueBytes: 1000 };
    expect(await reload(config)).toBe(true);
    await one.ready();
    expect(await clients(redis)).toBe(1);
    expect(await reload({ ...config, redis: elsewhere.url })).toBe(true);
    await one.ready();
    expect(await clients(elsewhere)).toBe(1);
    while ((await clients(redis)) !== 0) await Bun.sleep(10);
    expect(await reload({ ...config, redis: "" })).toBe(true);
    while ((await clients(elsewhere)) !== 0) await Bun.sleep(10);
  });
});

describe("a server that is no Redis", () => {
  async function listen(answer: (socket: Socket) => void): Promise<string> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open.push({
      [Symbol.asyncDispose]: () => {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => server.close(() => resolve()));
      },
    });
    return `redis://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  test.each([
    ["speaks HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "no answer of Redis"],
    ["refuses", "-LOADING Redis is loading\r\n", "LOADING"],
    ["sends a line without end", "+".repeat(10_000), "a line without an end"],
  ])("and %s is left, with the reason", async (_what, text, reason) => {
    const url = await listen((socket) => void socket.on("data", () => void socket.write(text)));
    const engine = await Engine.start({ redis: url });
    await engine.until(() => engine.lines("cannot be reached").length > 0);
    expect(engine.lines("cannot be reached")[0]).toContain(reason);
  });

  test("and takes nothing for a message before the way is open", async () => {
    const url = await listen((socket) => {
      socket.on("data", () =>
        socket.write("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*2\r\n+x\r\n*1\r\n$1\r\ny\r\n+PONG\r\n"),
      );
    });
    const engine = await Engine.start({ redis: url });
    await Bun.sleep(200);
    await engine.bus.publish("t", 1);
    expect(engine.heard).toEqual([1]);
    expect(engine.health().degraded).toBe(true);
  });
});
