/** One exchange: what goes out, what comes back, how long it may take and how large it may be. */
import { afterEach, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { answering, failure, go, header, rawServer, text, type RawServer } from "./servers.ts";

const open: RawServer[] = [];

afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function serving(make: Promise<RawServer>): Promise<string> {
  const server = await make;
  open.push(server);
  return `http://127.0.0.1:${server.port}/`;
}

/** A server that answers with nothing and gives the request as it stood on the wire. */
async function recording(): Promise<{ url: string; request: Promise<string> }> {
  const done = Promise.withResolvers<string>();
  const url = await serving(
    rawServer((socket) => {
      let bytes = "";
      socket.setEncoding("latin1");
      socket.on("data", (chunk) => {
        bytes += chunk;
        const length = /content-length: (\d+)/i.exec(bytes);
        const head = bytes.indexOf("\r\n\r\n");
        const whole = /transfer-encoding/i.test(bytes)
          ? bytes.endsWith("0\r\n\r\n")
          : head >= 0 && bytes.length >= head + 4 + Number(length?.[1] ?? 0);
        if (!whole) return;
        done.resolve(bytes);
        socket.end("HTTP/1.1 204 No Content\r\n\r\n");
      });
    }),
  );
  return { url, request: done.promise };
}

const head = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`;

function joined(first: string, rest: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(first, "latin1"), rest]);
}

describe("the request on the wire", () => {
  test("has the host of the URL, and the engine's own framing", async () => {
    const { url, request } = await recording();
    await go(`${url}a/b?c=d#e`, { headers: ["X-One", "1", "x-one", "2"] });
    const lines = (await request).split("\r\n");
    expect(lines[0]).toBe("GET /a/b?c=d HTTP/1.1");
    expect(lines).toContain(`host: ${new URL(url).host}`);
    expect(lines).toContain("connection: close");
    expect(lines.filter((line) => line.startsWith("x-one"))).toEqual(["x-one: 1", "x-one: 2"]);
  });

  const OWN = [
    ["Host", "evil.test"],
    ["HOST", "evil.test"],
    ["Connection", "keep-alive, x-one"],
    ["Content-Length", "5"],
    ["Transfer-Encoding", "chunked"],
    ["Transfer-Encoding", "gzip, chunked"],
    ["TE", "trailers"],
    ["Trailer", "x"],
    ["Upgrade", "websocket"],
    ["Expect", "100-continue"],
    ["Keep-Alive", "timeout=5"],
    ["Proxy-Authorization", "Basic x"],
    ["Proxy-Connection", "keep-alive"],
    ["Proxy-Anything", "x"],
  ] as const;
  for (const [name, value] of OWN) {
    test(`${name}: ${value} of a script is left out`, async () => {
      const { url, request } = await recording();
      await go(url, { headers: [name, value], method: "POST", body: new TextEncoder().encode("abc") });
      const bytes = await request;
      expect(bytes.toLowerCase()).not.toContain(`\r\n${name.toLowerCase()}: ${value.toLowerCase()}\r\n`);
      expect(bytes).toContain("content-length: 3\r\n");
      expect(bytes.toLowerCase().match(/\r\nhost:/g)).toHaveLength(1);
    });
  }

  const REFUSED: [string, { headers?: string[]; method?: string; body?: Uint8Array }][] = [
    ["a line break in a value", { headers: ["x", "a\r\nHost: evil"] }],
    ["a lone line feed in a value", { headers: ["x", "a\nb"] }],
    ["NUL in a value", { headers: ["x", "a\0b"] }],
    ["a value beyond Latin-1", { headers: ["x", "€"] }],
    ["a value that ends a line in its low byte", { headers: ["x", "a\u010d\u010ab"] }],
    ["a line break in a name", { headers: ["x\r\ny", "a"] }],
    ["a colon in a name", { headers: ["x:y", "a"] }],
    ["a space in a name", { headers: ["x y", "a"] }],
    ["an empty name", { headers: ["", "a"] }],
    ["a name without a value", { headers: ["x"] }],
    ["201 headers", { headers: Array.from({ length: 402 }, () => "x") }],
    ["65 KiB of headers", { headers: ["x", "y".repeat(66_000)] }],
    ["a space in the method", { method: "GET / HTTP/1.1\r\nX:" }],
    ["an empty method", { method: "" }],
    ["CONNECT", { method: "CONNECT" }],
    ["trace", { method: "trace" }],
    ["GET with a body", { body: new Uint8Array(1) }],
  ];
  for (const [what, changes] of REFUSED) {
    test(`${what} is refused and nothing is sent`, async () => {
      const server = await answering(head("content-length: 0"));
      open.push(server);
      const error = await failure(go(`http://127.0.0.1:${server.port}/`, changes));
      expect(error.code).toBe("bad_request");
      expect(server.connections()).toBe(0);
    });
  }

  test("the usual methods are written in capitals and others as they are", async () => {
    const lower = await recording();
    await go(lower.url, { method: "patch" });
    expect(await lower.request).toStartWith("PATCH / ");
    const own = await recording();
    await go(own.url, { method: "PROPFIND" });
    expect(await own.request).toStartWith("PROPFIND / ");
  });

  test("POST without a body says that its length is 0", async () => {
    const { url, request } = await recording();
    await go(url, { method: "POST" });
    expect(await request).toContain("content-length: 0\r\n");
  });

  test("a range is asked for without compression", async () => {
    const { url, request } = await recording();
    await go(url, { headers: ["range", "bytes=0-1"] });
    expect(await request).toContain("accept-encoding: identity\r\n");
  });

  test("a streamed body goes out in chunks as it comes", async () => {
    const arrived = Promise.withResolvers<void>();
    const url = await serving(
      rawServer((socket) => {
        let bytes = "";
        socket.on("data", (chunk: Buffer) => {
          bytes += chunk.toString("latin1");
          if (bytes.includes("first")) arrived.resolve();
          if (bytes.endsWith("0\r\n\r\n")) socket.end(joined(head("connection: close"), Buffer.from(bytes)));
        });
      }),
    );
    let step = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        // The second part is only made once the server has the first.
        if (step++ === 0) return controller.enqueue(new TextEncoder().encode("first"));
        await arrived.promise;
        controller.enqueue(new TextEncoder().encode("second"));
        controller.close();
      },
    });
    const answer = await text((await go(url, { method: "PUT", body })).body);
    expect(answer).toContain("transfer-encoding: chunked\r\n");
    expect(answer).toEndWith("5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n");
  });

  test("a body is not read faster than the server takes it", async () => {
    const url = await serving(rawServer((socket) => void socket.pause()));
    let pulled = 0;
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
        cancel() {
          cancelled = true;
        },
      },
      { highWaterMark: 0 },
    );
    const error = await failure(go(url, { method: "POST", body }, { timeoutMs: 300 }));
    expect(error.code).toBe("deadline_exceeded");
    expect(pulled).toBeLessThan(20_000_000);
    expect(cancelled).toBe(true);
  });

  test("a body that fails is a network error", async () => {
    const { url } = await recording();
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("secret of the script"));
      },
    });
    const error = await failure(go(url, { method: "POST", body }));
    expect(error.name).toBe("NetworkError");
    expect(error.message).not.toContain("secret");
  });

  test("an answer before the end of the body is given, and the rest of the body is not read", async () => {
    const url = await serving(answering("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"));
    const cancelled = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await Bun.sleep(1);
        controller.enqueue(new Uint8Array(1000));
      },
      cancel: () => cancelled.resolve(),
    });
    const answer = await go(url, { method: "POST", body });
    expect(answer.status).toBe(413);
    expect(await text(answer.body)).toBe("no");
    await cancelled.promise;
  });
});

describe("the answer", () => {
  test("has its status, sentence and headers, each Set-Cookie on its own, without those of the connection", async () => {
    const url = await serving(
      answering(
        "HTTP/1.1 418 I'm a teapot\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Latin: \xe9\r\n" +
          "Connection: close\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok",
      ),
    );
    const answer = await go(url);
    expect(answer.status).toBe(418);
    expect(answer.statusText).toBe("I'm a teapot");
    expect(answer.headers.join("|")).toStartWith("set-cookie|a=1|set-cookie|b=2|x-latin|");
    expect(header(answer.headers, "connection")).toBeUndefined();
    expect(header(answer.headers, "keep-alive")).toBeUndefined();
    expect(header(answer.headers, "content-length")).toBe("2");
    expect(await text(answer.body)).toBe("ok");
  });

  test("early hints are passed over", async () => {
    const url = await serving(answering(`HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${head("content-length: 2")}ok`));
    expect(await text((await go(url)).body)).toBe("ok");
  });

  for (const status of [204, 205, 304]) {
    test(`${status} has no body`, async () => {
      const url = await serving(answering(`HTTP/1.1 ${status} X\r\nETag: x\r\n\r\n`));
      expect((await go(url)).body).toBeNull();
    });
  }

  test("HEAD keeps the length of what it does not carry, however large", async () => {
    const url = await serving(answering(head("content-length: 99999999999")));
    const answer = await go(url, { method: "HEAD" });
    expect(answer.body).toBeNull();
    expect(header(answer.headers, "content-length")).toBe("99999999999");
  });

  const plain = "hello ".repeat(1000);
  const CODINGS: [string, Uint8Array][] = [
    ["gzip", gzipSync(plain)],
    ["GZIP", gzipSync(plain)],
    ["x-gzip", gzipSync(plain)],
    ["br", brotliCompressSync(plain)],
    ["deflate", deflateSync(plain)],
    ["gzip, br", brotliCompressSync(gzipSync(plain))],
    ["identity", Buffer.from(plain)],
  ];
  for (const [coding, bytes] of CODINGS) {
    test(`Content-Encoding: ${coding} is decoded`, async () => {
      const lines = `content-encoding: ${coding}\r\ncontent-length: ${bytes.byteLength}`;
      const answer = await go(await serving(answering(joined(head(lines), bytes))));
      expect(await text(answer.body)).toBe(plain);
      const decoded = coding !== "identity";
      expect(header(answer.headers, "content-encoding")).toBe(decoded ? undefined : coding);
    });
  }

  test("an unknown coding stays as it is", async () => {
    const answer = await go(await serving(answering(`${head("content-encoding: own\r\ncontent-length: 2")}ok`)));
    expect(header(answer.headers, "content-encoding")).toBe("own");
    expect(await text(answer.body)).toBe("ok");
  });

  test("an empty body may say that it is compressed", async () => {
    const answer = await go(await serving(answering(head("content-encoding: gzip\r\ncontent-length: 0"))));
    expect(await text(answer.body)).toBe("");
  });

  const BROKEN: [string, string][] = [
    ["no HTTP at all", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["nothing", ""],
    ["a length and chunks at once", `${head("content-length: 5\r\ntransfer-encoding: chunked")}0\r\n\r\n`],
    ["a length below zero", head("content-length: -1")],
    ["two lengths", `${head("content-length: 1\r\ncontent-length: 2")}ab`],
    ["a folded header", head("x: a\r\n b")],
    ["a head without end", `${head(`x: ${"a".repeat(200_000)}`)}`],
    ["a change of protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"],
    ["a status beyond all", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"],
    ["eleven codings", head(`content-encoding: ${Array(11).fill("gzip").join(", ")}`)],
  ];
  for (const [what, bytes] of BROKEN) {
    test(`${what} is a network error`, async () => {
      const error = await failure(go(await serving(answering(bytes))));
      expect(error.name).toBe("NetworkError");
    });
  }

  test("a body that is not wanted and never ends does no harm", async () => {
    const { serve } = endless("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", new Uint8Array(65_536));
    const error = await failure(go(await serving(rawServer(serve))));
    expect(error.message).toContain("redirects");
    const { serve: again } = endless(head("content-length: 999999999"), new Uint8Array(65_536));
    expect((await go(await serving(rawServer(again)), { method: "HEAD" })).body).toBeNull();
  });

  const BROKEN_BODIES: [string, string | Uint8Array][] = [
    ["one that ends early", `${head("content-length: 10")}abc`],
    ["a chunk without a size", `${head("transfer-encoding: chunked")}zz\r\nabc`],
    ["chunks without an end", `${head("transfer-encoding: chunked")}3\r\nabc\r\n`],
    ["broken gzip", `${head("content-encoding: gzip\r\ncontent-length: 3")}abc`],
    ["broken brotli", `${head("content-encoding: br\r\ncontent-length: 3")}\xff\xff\xff`],
    [
      "gzip that ends early",
      joined(head("content-encoding: gzip\r\nconnection: close"), gzipSync(plain).subarray(0, 20)),
    ],
  ];
  for (const [what, bytes] of BROKEN_BODIES) {
    test(`a body that is ${what} fails while it is read`, async () => {
      const url = await serving(answering(bytes));
      const error = await failure(go(url).then((answer) => text(answer.body)));
      expect(error.name).toBe("NetworkError");
    });
  }

  test("a refused connection is a network error that shows no address", async () => {
    const server = await answering("");
    server.close();
    const where = { resolve: async () => ["127.0.0.1"] };
    const error = await failure(go(`http://name.test:${server.port}/`, {}, where));
    expect(error.name).toBe("NetworkError");
    expect(error.message).toContain("refused");
    expect(error.message).not.toContain("127.0.0.1");
  });
});

/** Writes without end, as fast as it is taken, and counts. */
function endless(first: string, chunk: Uint8Array): { serve: (socket: Socket) => void; sent: () => number } {
  let sent = 0;
  return {
    sent: () => sent,
    serve(socket) {
      socket.once("data", () => {
        socket.write(first, "latin1");
        const pump = () => {
          while (!socket.destroyed) {
            sent += chunk.byteLength;
            if (!socket.write(chunk)) return void socket.once("drain", pump);
          }
        };
        pump();
      });
    },
  };
}

describe("size", () => {
  test("a length beyond the cap is refused before the body", async () => {
    const url = await serving(answering(`${head("content-length: 101")}${"x".repeat(101)}`));
    const error = await failure(go(url, {}, { maxResponseBytes: 100 }));
    expect(error).toMatchObject({
      code: "response_too_large",
      limit: { name: "responseBytes", value: 100, used: 101, key: "limits.responseBytes" },
    });
  });

  test("a body of exactly the cap is given", async () => {
    const url = await serving(answering(`${head("connection: close")}${"x".repeat(100)}`));
    expect((await text((await go(url, {}, { maxResponseBytes: 100 })).body)).length).toBe(100);
  });

  test("a body without a length is cut off at the cap", async () => {
    const { serve, sent } = endless(head("connection: close"), new Uint8Array(65_536));
    const answer = await go(await serving(rawServer(serve)), {}, { maxResponseBytes: 1_000_000 });
    const error = await failure(text(answer.body));
    expect(error.code).toBe("response_too_large");
    expect(sent()).toBeLessThan(20_000_000);
  });

  test("a bomb is counted after it is decoded", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.byteLength).toBeLessThan(100_000);
    const lines = `content-encoding: gzip\r\ncontent-length: ${bomb.byteLength}`;
    const answer = await go(await serving(answering(joined(head(lines), bomb))), {}, { maxResponseBytes: 1_000_000 });
    expect((await failure(text(answer.body))).code).toBe("response_too_large");
  });

  test("a bomb within a bomb is counted at every layer", async () => {
    const inner = gzipSync(Buffer.alloc(50_000_000));
    const bomb = gzipSync(Buffer.concat(Array.from({ length: 40 }, () => inner)));
    const answer = await go(
      await serving(answering(joined(head("content-encoding: gzip, gzip\r\nconnection: close"), bomb))),
      {},
      { maxResponseBytes: 1_000_000 },
    );
    expect((await failure(text(answer.body))).code).toBe("response_too_large");
  });

  test("compressed input that decodes to nothing ends at the cap, too", async () => {
    // Empty stored blocks after a gzip header: valid for ever, and not a byte comes out.
    const block = Buffer.from([0x00, 0x00, 0x00, 0xff, 0xff]);
    const chunk = Buffer.concat(Array.from({ length: 10_000 }, () => block));
    const start = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03";
    const { serve } = endless(head("content-encoding: gzip\r\nconnection: close") + start, chunk);
    const answer = await go(await serving(rawServer(serve)), {}, { maxResponseBytes: 1_000_000 });
    expect((await failure(text(answer.body))).code).toBe("response_too_large");
  });

  test("an answer is not read faster than the script reads it", async () => {
    const { serve, sent } = endless(head("connection: close"), new Uint8Array(65_536));
    const controller = new AbortController();
    const where = { maxResponseBytes: 1e12, signal: controller.signal };
    const answer = await go(await serving(rawServer(serve)), {}, where);
    const reader = answer.body!.getReader();
    await reader.read();
    await Bun.sleep(150);
    const settled = sent();
    await Bun.sleep(150);
    expect(sent() - settled).toBeLessThan(1_000_000);
    expect(settled).toBeLessThan(30_000_000);
    controller.abort();
  });
});

describe("time and cancellation", () => {
  const silent = () => serving(rawServer(() => undefined));

  test("a server that does not answer meets the deadline", async () => {
    const error = await failure(go(await silent(), {}, { timeoutMs: 50 }));
    expect(error.code).toBe("deadline_exceeded");
    expect(error.message).toContain("50 ms");
  });

  test("so does a resolver that does not answer", async () => {
    const where = { timeoutMs: 50, resolve: () => new Promise<string[]>(() => undefined) };
    expect((await failure(go("http://slow.test/", {}, where))).code).toBe("deadline_exceeded");
  });

  test("all hops share one deadline", async () => {
    const slow = Bun.serve({
      port: 0,
      async fetch() {
        await Bun.sleep(60);
        return new Response(null, { status: 302, headers: { location: "/" } });
      },
    });
    try {
      const error = await failure(go(`http://127.0.0.1:${slow.port}/`, {}, { timeoutMs: 150 }));
      expect(error.code).toBe("deadline_exceeded");
    } finally {
      await slow.stop(true);
    }
  });

  test("a head that drips for ever meets the deadline", async () => {
    const url = await serving(
      rawServer((socket) => {
        socket.write("HTTP/1.1 200 OK\r\n");
        const drip = setInterval(() => socket.write("x: y\r\n"), 10);
        socket.on("close", () => clearInterval(drip));
      }),
    );
    expect((await failure(go(url, {}, { timeoutMs: 100 }))).code).toBe("deadline_exceeded");
  });

  test("a body that falls silent meets it, too", async () => {
    const url = await serving(
      rawServer((socket) => socket.once("data", () => socket.write(`${head("content-length: 10")}abc`))),
    );
    const answer = await go(url, {}, { timeoutMs: 50 });
    const error = await failure(text(answer.body));
    expect(error.code).toBe("deadline_exceeded");
  });

  test("a body may take longer than the deadline as long as something comes", async () => {
    const url = await serving(
      rawServer((socket) =>
        socket.once("data", async () => {
          socket.write(head("content-length: 6"));
          for (const letter of "slowly") {
            await Bun.sleep(100);
            socket.write(letter);
          }
        }),
      ),
    );
    expect(await text((await go(url, {}, { timeoutMs: 500 })).body)).toBe("slowly");
  });

  test("an abort before the start sends nothing", async () => {
    const server = await answering(head("content-length: 0"));
    open.push(server);
    const reason = new Error("left");
    const where = { signal: AbortSignal.abort(reason) };
    expect(await failure(go(`http://127.0.0.1:${server.port}/`, {}, where))).toBe(reason);
    expect(server.connections()).toBe(0);
  });

  /** A server that says when a request has come and when its connection has gone. */
  async function watched(first: string) {
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const url = await serving(
      rawServer((socket) => {
        socket.once("data", () => {
          socket.write(first);
          asked.resolve();
        });
        socket.once("close", () => gone.resolve());
      }),
    );
    return { url, asked: asked.promise, gone: gone.promise };
  }

  test("an abort while waiting ends the connection, and its reason is the error", async () => {
    const { url, asked, gone } = await watched("HTTP/1.1 ");
    const controller = new AbortController();
    const pending = failure(go(url, {}, { signal: controller.signal }));
    await asked;
    const reason = new Error("left");
    controller.abort(reason);
    expect(await pending).toBe(reason);
    await gone;
  });

  test("an abort while a body is read ends the connection, and its reason is the error", async () => {
    const { url, gone } = await watched(`${head("content-length: 10")}abc`);
    const controller = new AbortController();
    const answer = await go(url, {}, { signal: controller.signal });
    const reader = answer.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("abc");
    const pending = failure(reader.read());
    const reason = new Error("left");
    controller.abort(reason);
    expect(await pending).toBe(reason);
    await gone;
  });

  test("an abort ends the connection of a body that nobody reads", async () => {
    const { url, gone } = await watched(`${head("content-length: 10")}abc`);
    const controller = new AbortController();
    const answer = await go(url, {}, { signal: controller.signal });
    const reason = new Error("left");
    controller.abort(reason);
    await gone;
    expect(await failure(text(answer.body))).toBe(reason);
  });

  test("an abort after a whole body has come, which nobody reads, does no harm", async () => {
    const leave = new AbortController();
    const url = await serving(answering(`${head("content-length: 3")}abc`));
    const answer = await go(url, {}, { signal: leave.signal });
    await Bun.sleep(40); // for the body: nothing tells that it has come
    const reason = new Error("left");
    leave.abort(reason);
    expect(await failure(text(answer.body))).toBe(reason);
  });

  test("cancelling a body ends the connection", async () => {
    const { url, gone } = await watched(`${head("content-length: 10")}abc`);
    const answer = await go(url);
    await answer.body!.cancel();
    await gone;
  });

  test("a signal that was never used keeps no listener", async () => {
    const url = await serving(answering(`${head("content-length: 2")}ok`));
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...args: Parameters<typeof add>) => (listeners++, add(...args))) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    }) as typeof remove;
    await text((await go(url, {}, { signal })).body);
    expect(listeners).toBe(0);
  });
});
