/** The door that makes a request a WebSocket: handshake, frames of hostile clients, limits, hooks, shutdown. */
import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { PluginRoute, RequestPlugins } from "../../../core/http/dispatch.ts";
import type { RouteEntry } from "../../../core/http/router.ts";
import type { RequestEvent, Socket, UpgradeOptions } from "../../../sdk/plugin.ts";
import { frame, RawSocket } from "./raw-socket.ts";
import { Client, type ClientOptions } from "../../websocket.ts";
import { NO_PLUGINS, serveTest, type TestServer } from "./serve.ts";

/** What became of the socket that a test opened. */
interface Told {
  readonly server: TestServer;
  readonly sockets: Socket[];
  readonly ends: { readonly code: number; readonly reason: string }[];
  end(): Promise<void>;
}

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

function route(handle: PluginRoute["handle"], path = "/socket"): RouteEntry<PluginRoute> {
  const info = { method: "ANY", path, owner: "test", ofPlugin: true, options: {}, schemas: {} };
  return { method: "ANY", path, owner: "test", value: { info, handle } };
}

/** Serves an echo. */
function open(
  options: UpgradeOptions = {},
  more: { readonly plugins?: RequestPlugins; readonly idleSeconds?: number } = {},
): Told {
  const sockets: Socket[] = [];
  const ends: { code: number; reason: string }[] = [];
  const waiting: (() => void)[] = [];
  const handlers: UpgradeOptions = {
    open: (socket) => void sockets.push(socket),
    message: (socket, data) => void socket.send(data),
    close(_socket, code, reason) {
      ends.push({ code, reason });
      for (const resolve of waiting.splice(0)) resolve();
    },
    ...options,
  };
  const server = serveTest({
    entries: [route((event) => event.upgrade(handlers))],
    ...(more.plugins ? { plugins: () => more.plugins as RequestPlugins } : {}),
  });
  servers.push(server);
  return {
    server,
    sockets,
    ends,
    end: () => new Promise((resolve) => (ends.length > 0 ? resolve() : waiting.push(resolve))),
  };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

const connect = (port: number, options?: ClientOptions): Promise<Client> =>
  Client.open(`ws://127.0.0.1:${port}/socket`, options);

const handshake = (...changed: readonly string[]): readonly string[] => {
  const fields = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...Object.fromEntries(changed.map((line) => line.split(": ", 2))),
  };
  return Object.entries(fields).flatMap(([name, value]) => (value === "" ? [] : [`${name}: ${value}`]));
};

describe("a client of npm", () => {
  test("exchanges text and bytes, and says goodbye with its own code", async () => {
    const at = open();
    using client = await connect(at.server.port);
    expect(await client.send("grüße").next()).toBe("grüße");
    expect([...((await client.send(new Uint8Array([0, 255, 1])).next()) as Buffer)]).toEqual([0, 255, 1]);
    client.ws.close(4001, "enough");
    await at.end();
    expect(at.ends).toEqual([{ code: 4001, reason: "enough" }]);
    expect(at.sockets[0]).toMatchObject({ ip: "127.0.0.1", protocol: "", bufferedBytes: 0 });
    expect(at.sockets[0]?.send("late")).toBe("dropped");
    expect(at.server.server.sockets).toBe(0);
  });

  test("is closed with the plugin's code and reason, cut to what a frame holds", async () => {
    const at = open({ message: (socket) => socket.close(4321, "ü".repeat(100)) });
    using client = await connect(at.server.port);
    expect(await client.send("x").closed).toEqual([4321, "ü".repeat(60)]);
  });

  test("agrees on the server's favourite of the protocols that it offers, and on none that the server does not speak", async () => {
    const at = open({ protocols: ["b", "a"] });
    using client = await connect(at.server.port, { protocols: ["a", "b"] });
    expect(client.ws.protocol).toBe("b");
    expect(at.sockets[0]?.protocol).toBe("b");
    using raw = await RawSocket.open(at.server.port, "/socket", handshake("Sec-WebSocket-Protocol: c, d"));
    expect(raw.status).toBe(101);
    expect(raw.head.toLowerCase()).not.toContain("sec-websocket-protocol");
  });
});

describe("the handshake", () => {
  test.each([
    ["no upgrade at all", ["Upgrade: ", "Connection: "], 426],
    ["another protocol", ["Upgrade: h2c"], 426],
    ["no upgrade option", ["Connection: keep-alive"], 426],
    ["an old version", ["Sec-WebSocket-Version: 8"], 426],
    ["no version", ["Sec-WebSocket-Version: "], 426],
    ["no key", ["Sec-WebSocket-Key: "], 400],
    ["a short key", ["Sec-WebSocket-Key: c2hvcnQ="], 400],
    ["a key of 17 bytes", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU="], 400],
    ["a page of another site", ["Origin: https://evil.example"], 403],
    ["a sandboxed page", ["Origin: null"], 403],
  ])("with %s is refused with a problem", async (_, changed, status) => {
    const at = open();
    using raw = await RawSocket.open(at.server.port, "/socket", handshake(...changed));
    expect(raw.status).toBe(status);
    expect(raw.head).toContain("application/problem+json");
    const names = raw.head.toLowerCase();
    expect([names.includes("upgrade: websocket"), names.includes("sec-websocket-version: 13")]).toEqual(
      status === 426 ? [true, true] : [false, false],
    );
    expect(at.ends).toEqual([]);
    expect(at.server.failures).toEqual([]);
  });

  test("takes the options in any case and among others", async () => {
    const at = open();
    using raw = await RawSocket.open(
      at.server.port,
      "/socket",
      handshake("Upgrade: WebSocket", "Connection: keep-alive, upgrade"),
    );
    expect(raw.status).toBe(101);
  });

  test("of a POST is refused", async () => {
    const at = open();
    const headers = { upgrade: "websocket", connection: "upgrade", "sec-websocket-version": "13" };
    const answer = await fetch(`${at.server.url}/socket`, { method: "POST", headers, body: "x" });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([426, "upgrade_required"]);
  });

  test("takes pages of the same host, and others that the plugin lets in", async () => {
    const at = open({ allowOrigin: (origin) => origin === "https://friend.example" });
    for (const origin of [`http://127.0.0.1:${at.server.port}`, "https://friend.example"]) {
      using client = await connect(at.server.port, { origin });
      expect(await client.send("hello").next()).toBe("hello");
    }
    using other = await RawSocket.open(
      at.server.port,
      "/socket",
      handshake("Origin: https://friend.example.evil.example"),
    );
    expect(other.status).toBe(403);
  });

  test("agrees on no compression", async () => {
    const at = open();
    using raw = await RawSocket.open(
      at.server.port,
      "/socket",
      handshake("Sec-WebSocket-Extensions: permessage-deflate"),
    );
    expect(raw.status).toBe(101);
    expect(raw.head.toLowerCase()).not.toContain("extensions");
  });

  test("twice for one request is the plugin's fault", async () => {
    const server = serveTest({
      entries: [
        route((event) => {
          event.upgrade({});
          return event.upgrade({});
        }),
      ],
    });
    servers.push(server);
    using raw = await RawSocket.open(server.port);
    expect(raw.status).toBe(500);
    expect(String(server.failures[0])).toContain("twice");
  });
});

describe("a hostile client", () => {
  const text = 0x81;
  test.each<[string, readonly Buffer[], number]>([
    ["an unknown opcode", [frame(0x83, "x")], 1002],
    ["an unknown control opcode", [frame(0x8b, "x")], 1002],
    ["a frame without a mask", [frame(text, "x", { masked: false })], 1002],
    ["RSV1 without an extension", [frame(0xc1, "x")], 1002],
    ["RSV2", [frame(0xa1, "x")], 1002],
    ["RSV3", [frame(0x91, "x")], 1002],
    ["a control frame of 126 bytes", [frame(0x89, Buffer.alloc(126))], 1002],
    ["a fragmented ping", [frame(0x09, "x")], 1002],
    ["a continuation of nothing", [frame(0x80, "x")], 1002],
    ["a message inside a fragmented one", [frame(0x01, "a"), frame(text, "b")], 1002],
    ["a close frame of one byte", [frame(0x88, Buffer.from([3]))], 1002],
    ["a close code that nobody may send", [frame(0x88, Buffer.from([3, 237]))], 1002],
    ["HTTP", [Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n")], 1002],
    ["text that is no UTF-8", [frame(text, Buffer.from([0xff, 0xfe]))], 1007],
    ["half a character at the end", [frame(text, Buffer.from([0xc3]))], 1007],
    ["a broken character across fragments", [frame(0x01, Buffer.from([0xc3])), frame(0x80, Buffer.from([0x28]))], 1007],
    ["a reason that is no UTF-8", [frame(0x88, Buffer.from([3, 232, 0xff]))], 1007],
    ["a message that is too long", [frame(text, "x".repeat(1025))], 1009],
    ["the claim of 2^40 bytes", [frame(0x82, "x", { claimed: 2 ** 40 })], 1009],
    [
      "a length with the highest bit set",
      [Buffer.from([0x82, 0xff, 0xff, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0])],
      1009,
    ],
    ["fragments that are too long together", [frame(0x01, "x".repeat(600)), frame(0x80, "x".repeat(600))], 1009],
  ])("who sends %s is shut out with the right code; the others never notice", async (_, frames, code) => {
    const at = open();
    using witness = await RawSocket.open(at.server.port);
    using raw = await RawSocket.open(at.server.port);
    expect(await raw.send(...frames).closeCode()).toBe(code);
    await at.end();
    expect(at.ends).toHaveLength(1);
    expect((await witness.send(frame(text, "still here")).next())?.payload.toString()).toBe("still here");
    expect(at.server.server.sockets).toBe(1);
  });

  test("who fragments, and pings in between, is understood", async () => {
    const at = open();
    using raw = await RawSocket.open(at.server.port);
    raw.send(frame(0x01, "a"), frame(0x89, "p"), frame(0x00, "b"), frame(0x80, "c"));
    expect(await raw.next()).toEqual({ head: 0x8a, payload: Buffer.from("p") });
    expect(await raw.next()).toEqual({ head: text, payload: Buffer.from("abc") });
  });

  test("who sends ten thousand empty fragments has sent one message", async () => {
    const at = open();
    using raw = await RawSocket.open(at.server.port);
    raw.send(frame(0x01, "a"), ...Array.from({ length: 10_000 }, () => frame(0x00)), frame(0x80, "b"));
    expect((await raw.next())?.payload.toString()).toBe("ab");
  });

  test("who sends any frames at all is answered, shut out or waited for: the server lives, and forgets the socket", async () => {
    const at = open();
    using witness = await RawSocket.open(at.server.port);
    const piece = fc.record({
      head: fc.integer({ min: 0, max: 255 }),
      payload: fc.uint8Array({ maxLength: 140 }),
      masked: fc.boolean(),
      claimed: fc.option(fc.constantFrom(0, 1, 125, 126, 1024, 65_535, 65_536, 2 ** 31, 2 ** 53), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { minLength: 1, maxLength: 6 }),
        fc.uint8Array({ maxLength: 20 }),
        async (pieces, rest) => {
          using raw = await RawSocket.open(at.server.port);
          raw.send(
            ...pieces.map(({ head, payload, masked, claimed }) =>
              frame(head, payload, { masked, ...(claimed === undefined ? {} : { claimed }) }),
            ),
            Buffer.from(rest),
          );
          expect((await witness.send(frame(text, "alive")).next())?.payload.toString()).toBe("alive");
        },
      ),
      { numRuns: 100 },
    );
    await until(() => at.server.server.sockets === 1);
    expect(at.server.failures).toEqual([]);
  });

  test("who hangs up without a word is noticed", async () => {
    const at = open();
    using raw = await RawSocket.open(at.server.port);
    raw.tcp.destroy();
    await at.end();
    expect(at.ends).toMatchObject([{ code: 1006 }]);
  });

  test("who does not read holds no more than the queue, and hears the rest when it does", async () => {
    const drained = Promise.withResolvers<void>();
    const at = open({ drain: () => drained.resolve() });
    using raw = await RawSocket.open(at.server.port);
    raw.tcp.pause();
    const [socket] = at.sockets;
    const part = "x".repeat(20_000);
    const answers = new Set<string | undefined>();
    for (let i = 0; i < 2000 && !answers.has("dropped"); i++) answers.add(socket?.send(part));
    expect(answers).toEqual(new Set(["sent", "waiting", "dropped"]));
    expect(socket?.bufferedBytes).toBeLessThan(65_536 + 2 * part.length);
    raw.tcp.resume();
    await drained.promise;
    expect(socket?.bufferedBytes).toBe(0);
    socket?.terminate();
    await at.end();
    expect(at.ends).toMatchObject([{ code: 1006 }]);
  });
});

describe("a plugin", () => {
  test("takes less than the server where it says so", async () => {
    const at = open({ maxMessageBytes: 10 });
    using raw = await RawSocket.open(at.server.port);
    raw.send(frame(0x81, "ü".repeat(5)));
    expect((await raw.next())?.payload.length).toBe(10);
    expect(await raw.send(frame(0x81, "ü".repeat(6))).closeCode()).toBe(1009);
  });

  test.each<[string, UpgradeOptions]>([
    [
      "throws",
      {
        message: () => {
          throw new Error("secret");
        },
      },
    ],
    ["rejects", { message: () => Promise.reject(new Error("secret")) }],
    [
      "throws at once",
      {
        open: () => {
          throw new Error("secret");
        },
      },
    ],
    ["closes with a code that may not be sent", { message: (socket) => socket.close(1006) }],
  ])("that %s ends this socket alone, with 1011 and not a word of why", async (_, handlers) => {
    const at = open(handlers);
    using raw = await RawSocket.open(at.server.port);
    raw.send(frame(0x81, "x"));
    const close = await raw.next();
    expect(close?.payload.readUInt16BE(0)).toBe(1011);
    expect(close?.payload.toString()).not.toContain("secret");
    expect(at.server.failures).toHaveLength(1);
  });

  test.each([1000, 1001, 1003, 1008, 1013, 3000, 4999])("may close with %d", async (code) => {
    const at = open({ message: (socket) => socket.close(code, "why") });
    using raw = await RawSocket.open(at.server.port);
    expect(await raw.send(frame(0x81, "x")).closeCode()).toBe(code);
    expect(at.server.failures).toEqual([]);
  });

  test("may answer empty messages", async () => {
    const at = open({ message: (socket) => void socket.send(socket.send("")) });
    using raw = await RawSocket.open(at.server.port);
    raw.send(frame(0x81, "x"));
    expect((await raw.next())?.payload.length).toBe(0);
    expect((await raw.next())?.payload.toString()).toBe("sent");
  });
});

describe("the hooks around the route", () => {
  const hooked = (request: RequestPlugins["chains"]["request"], ended = NO_PLUGINS.ended): RequestPlugins => ({
    ...NO_PLUGINS,
    ended,
    chains: { match: null, invoke: null, request },
  });

  test("see an answer of 101, and add headers to it", async () => {
    const seen: number[] = [];
    const at = open(
      {},
      {
        plugins: hooked(async (_event: RequestEvent, core) => {
          const answer = await core();
          seen.push(answer.status);
          const headers = new Headers(answer.headers);
          headers.append("set-cookie", "a=1");
          headers.append("set-cookie", "b=2");
          headers.set("content-length", "0");
          return new Response(null, { status: answer.status, headers });
        }),
      },
    );
    const line = at.server.nextLine();
    using raw = await RawSocket.open(at.server.port);
    expect(seen).toEqual([101]);
    expect(raw.head).toContain("set-cookie: a=1");
    expect(raw.head).toContain("set-cookie: b=2");
    expect(raw.head.toLowerCase()).not.toContain("content-length");
    const { id, status, path } = await line;
    expect([status, path]).toEqual([101, "/socket"]);
    expect(raw.head).toContain(`x-request-id: ${id}`);
  });

  test("may refuse: the plugin hears that it came to nothing", async () => {
    const at = open(
      {},
      { plugins: hooked(async (_event, core) => (await core(), new Response("no", { status: 403 }))) },
    );
    using raw = await RawSocket.open(at.server.port);
    expect(raw.status).toBe(403);
    expect(at.ends).toEqual([{ code: 1006, reason: "" }]);
    expect(at.sockets).toEqual([]);
  });

  test("go with their generation: sockets that are not said to last are closed with 1012, the others stay", async () => {
    const generation = new AbortController();
    const plugins = hooked(null, generation.signal);
    const short = open({}, { plugins });
    const long = open({ lasting: true }, { plugins });
    using first = await RawSocket.open(short.server.port);
    using second = await RawSocket.open(long.server.port);
    generation.abort();
    expect(await first.closeCode()).toBe(1012);
    expect((await second.send(frame(0x81, "here")).next())?.payload.toString()).toBe("here");
    using late = await RawSocket.open(short.server.port);
    expect(await late.closeCode()).toBe(1012);
  });
});

describe("when the server stops", () => {
  test("sockets hear it first, with 1001; one that does not answer delays nothing", async () => {
    const at = open();
    using client = await connect(at.server.port);
    using deaf = await RawSocket.open(at.server.port);
    deaf.tcp.pause();
    await at.server.server.stop(5000);
    expect((await client.closed)[0]).toBe(1001);
    expect(at.ends.map(({ code }) => code)).toEqual([1001, 1001]);
  }, 4000);

  test("no request becomes a socket any more", async () => {
    const held = Promise.withResolvers<void>();
    const entered = Promise.withResolvers<void>();
    const ends: number[] = [];
    const server = serveTest({
      entries: [
        route(async (event) => {
          entered.resolve();
          await held.promise;
          return event.upgrade({ close: (_socket, code) => void ends.push(code) });
        }),
      ],
    });
    const opening = RawSocket.open(server.port);
    await entered.promise;
    const stopped = server.server.stop(5000);
    held.resolve();
    using raw = await opening;
    expect(raw.status).toBe(503);
    expect(ends).toEqual([1006]);
    await stopped;
  });
});
