/** Bodies and answers through the bridge: byte for byte, as fast as their readers, and ended when nobody reads. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { startEngine, type Engine } from "./engine.ts";
import { figures } from "./processes.ts";

const MIB = 1024 * 1024;

const scripts = {
  "echo.ts": `
    registerWebHandler("POST /echo/buffer", async (ctx) => new Response(await ctx.request.arrayBuffer()));
    registerWebHandler("POST /echo/stream", (ctx) => new Response(ctx.request.body));
    registerWebHandler("POST /echo/text", async (ctx) => await ctx.request.text());
    registerWebHandler("POST /echo/body", (ctx) => ctx.body);
    registerWebHandler("POST /echo/form", async (ctx) => {
      const form = await ctx.request.formData();
      const out = [];
      for (const [name, value] of form) {
        if (typeof value === "string") out.push([name, value]);
        else out.push([name, value.name, value.type, value.size, (await value.text()).slice(-5)]);
      }
      return out;
    });`,
  "texts.ts": `
    registerWebHandler("GET /texts/surrogate", () => "a\\ud800b");
    registerWebHandler("GET /texts/bom", () => "\\ufeffbom");
    registerWebHandler("GET /texts/emoji", async function* () { yield "\\u{1f600}"; yield "é"; yield new Uint8Array([0xf0, 0x9f]); yield new Uint8Array([0x98, 0x80]); });
    registerWebHandler("GET /texts/big", () => "é😀x".repeat(700000));
    registerWebHandler("GET /texts/bytes", () => { const b = new Uint8Array(5 * 1024 * 1024); for (let i = 0; i < b.length; i++) b[i] = i * 31; return b; });
    registerWebHandler("GET /texts/empty", () => new Response(null));
    registerWebHandler("GET /texts/none", () => undefined);
    registerWebHandler("GET /texts/unchanged", () => new Response(null, { status: 304, headers: { etag: '"x"' } }));
    registerWebHandler("GET /texts/lines", async function* () { yield { a: 1 }; yield [2]; });`,
  "flow.ts": `
    let sent = 0, taken = 0, state = "";
    registerWebHandler("GET /flow/state", () => ({ sent, taken, state }));
    registerWebHandler("GET /flow/fast", async function* () {
      sent = 0; state = "running";
      const piece = new Uint8Array(65536).fill(120);
      try { for (let i = 0; i < 3200; i++) { sent += piece.length; yield piece; } state = "done"; }
      finally { if (state === "running") state = "finally"; }
    });
    registerWebHandler("GET /flow/stream", (ctx) => {
      state = "open";
      ctx.signal.addEventListener("abort", () => { console.log("signal aborted"); });
      return new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1000)); return new Promise((r) => setTimeout(r, 5)); }, cancel() { console.log("stream cancelled"); } }));
    });
    registerWebHandler("GET /flow/generator", async function* () { try { for (;;) { yield "tick"; await new Promise((r) => setTimeout(r, 5)); } } finally { console.log("generator ended"); } });
    registerWebHandler("GET /flow/wait", async (ctx) => { ctx.signal.addEventListener("abort", () => console.log("gave up", ctx.signal.reason.name)); await new Promise(() => {}); });
    registerWebHandler("GET /flow/chunk", () => new Response(new ReadableStream({ start(c) { c.enqueue(new Uint8Array(20 * 1024 * 1024).fill(7)); c.close(); } })));
    registerWebHandler("GET /flow/throws", async function* () { yield "begin"; throw new Error("midway it broke"); });
    registerWebHandler("GET /flow/errors", () => new Response(new ReadableStream({ start(c) { c.enqueue("begin"); }, pull() { throw new Error("the pull failed"); } })));
    registerWebHandler("POST /flow/slow", async (ctx) => {
      taken = 0;
      const reader = ctx.request.body.getReader();
      for (;;) { const { done, value } = await reader.read(); if (done) break; taken += value.length; await new Promise((r) => setTimeout(r, 1)); }
      return String(taken);
    });
    registerWebHandler("POST /flow/ignore", () => "not read");
    registerWebHandler("POST /flow/begin", async (ctx) => { const { value } = await ctx.request.body.getReader().read(); return "had " + (value.length > 0); });`,
  "later.ts": `
    registerWebHandler("GET /later", (ctx) => { ctx.waitUntil((async () => { await new Promise((r) => setTimeout(r, 50)); await ctx.kv.set("done", 1); console.log("later done"); })()); return "now"; });
    registerWebHandler("GET /later/never", (ctx) => { ctx.signal.addEventListener("abort", () => console.log("later cut", ctx.signal.reason.name)); ctx.waitUntil(new Promise(() => {})); return "now"; });
    registerWebHandler("GET /later/fails", (ctx) => { ctx.waitUntil(Promise.reject(new Error("afterwards it failed"))); return "now"; });
    registerWebHandler("GET /later/timer", () => { setTimeout(() => console.log("a dead timer ran"), 20); return "now"; });
    registerWebHandler("GET /later/barrier", async () => { await new Promise((r) => setTimeout(r, 100)); console.log("barrier"); return "now"; });`,
};

const config = `
[isolates]
perScript = 1
[scripts.flow.limits]
requestBytes = 104857600
responseBytes = 1073741824
wallMs = 60000
cpuMs = 30000
[scripts.later.limits]
wallMs = 400
`;

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine({ scripts, config });
});
afterAll(() => engine.stop());

const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
const sleepUntil = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
  for (let i = 0; i < 500; i++) {
    if (await holds()) return;
    await Bun.sleep(10);
  }
  throw new Error(`it never came to: ${what}`);
};
const state = async (): Promise<{ sent: number; taken: number; state: string }> =>
  (await (await engine.fetch("/flow/state")).json()) as { sent: number; taken: number; state: string };
const rss = (): number => figures(engine.pid)?.rssBytes ?? 0;

/** A client that reads nothing until it is told to. */
function rawGet(path: string): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(engine.port, "127.0.0.1", () => {
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
    resolve(socket);
  });
  socket.on("error", reject);
  return promise;
}

describe("byte for byte", () => {
  const random = crypto.getRandomValues(Buffer.alloc(65536));
  const mebibyte = Buffer.concat(Array.from({ length: 16 }, (_, i) => Buffer.from(random.map((byte) => byte ^ i))));

  for (const path of ["/echo/buffer", "/echo/stream"]) {
    for (const [name, size] of [
      ["one byte", 1],
      ["64 KiB", 65536],
      ["64 KiB and one", 65537],
      ["1 MiB", MIB],
      ["5 MiB", 5 * MIB],
    ] as const) {
      test(`${path}: ${name} of random bytes comes back`, async () => {
        const body = Buffer.concat(Array.from({ length: Math.ceil(size / MIB) }, () => mebibyte)).subarray(0, size);
        const response = await engine.fetch(path, { method: "POST", body });
        expect(response.status).toBe(200);
        expect(Buffer.compare(await bytesOf(response), body)).toBe(0);
      });
    }
  }

  test("a body without a declared length comes back, too", async () => {
    const parts = [Buffer.from("first "), mebibyte, Buffer.from(" last")];
    const body = new ReadableStream({
      pull(controller) {
        const part = parts.shift();
        if (part) controller.enqueue(part);
        else controller.close();
      },
    });
    const response = await engine.fetch("/echo/stream", { method: "POST", body });
    const back = await bytesOf(response);
    expect(back.length).toBe(MIB + 11);
    expect(Buffer.compare(back.subarray(6, 6 + MIB), mebibyte)).toBe(0);
  });

  test("texts: invalid UTF-8 becomes U+FFFD, a byte order mark is dropped by text() as the standard says", async () => {
    const send = async (body: Uint8Array): Promise<Buffer> =>
      bytesOf(await engine.fetch("/echo/text", { method: "POST", body: body as BodyInit }));
    expect((await send(Buffer.from("é😀"))).toString()).toBe("é😀");
    expect((await send(Buffer.from([0x61, 0xff, 0x62]))).toString("hex")).toBe("61efbfbd62");
    expect((await send(Buffer.from([0xef, 0xbb, 0xbf, 0x61]))).toString("hex")).toBe("61");
  });

  test("a form with files, large and small", async () => {
    const form = new FormData();
    form.append("name", "Zoë 😀");
    form.append("small", new File(["tiny!"], "tiny.txt", { type: "text/plain" }));
    form.append("large", new File(["x".repeat(2 * MIB), "end.."], "größe.bin", { type: "application/octet-stream" }));
    const response = await engine.fetch("/echo/form", { method: "POST", body: form });
    const fields = (await response.json()) as unknown[][];
    expect(fields[0]).toEqual(["name", "Zoë 😀"]);
    expect(fields[1]?.slice(1)).toEqual(["tiny.txt", expect.stringContaining("text/plain"), 5, "tiny!"]);
    expect(fields[2]?.slice(1)).toEqual(["größe.bin", "application/octet-stream", 2 * MIB + 5, "end.."]);
  });

  test("answers: a lone surrogate is U+FFFD, a byte order mark stays, an emoji split over chunks is whole", async () => {
    expect((await bytesOf(await engine.fetch("/texts/surrogate"))).toString("hex")).toBe("61efbfbd62");
    expect((await bytesOf(await engine.fetch("/texts/bom"))).toString("hex")).toBe("efbbbf626f6d");
    expect((await bytesOf(await engine.fetch("/texts/emoji"))).toString()).toBe("😀é😀");
  });

  test("answers of five megabytes, text and bytes", async () => {
    expect(Bun.hash(await (await engine.fetch("/texts/big")).text())).toBe(Bun.hash("é😀x".repeat(700000)));
    const bytes = await bytesOf(await engine.fetch("/texts/bytes"));
    expect(bytes.length).toBe(5 * MIB);
    expect(bytes.every((byte, i) => byte === ((i * 31) & 255))).toBe(true);
  });

  test("204, 304 and an empty answer have no body and no type that nobody gave", async () => {
    const none = await engine.fetch("/texts/none");
    expect([none.status, (await bytesOf(none)).length]).toEqual([204, 0]);
    const unchanged = await engine.fetch("/texts/unchanged");
    expect([unchanged.status, unchanged.headers.get("etag")]).toEqual([304, '"x"']);
    const empty = await engine.fetch("/texts/empty");
    expect([empty.status, empty.headers.get("content-length"), empty.headers.get("content-type")]).toEqual([
      200,
      "0",
      null,
    ]);
  });

  test("an async iterable of values is lines of JSON", async () => {
    expect(await (await engine.fetch("/texts/lines")).text()).toBe('{"a":1}\n[2]\n');
  });

  test("HEAD of a text has its length, HEAD of a stream ends the stream", async () => {
    const head = await engine.fetch("/texts/bytes", { method: "HEAD" });
    expect([head.status, (await bytesOf(head)).length]).toEqual([200, 0]);
    const mark = engine.mark();
    const stream = await engine.fetch("/flow/stream", { method: "HEAD" });
    expect(stream.status).toBe(200);
    await engine.waitForLog(/stream cancelled/, { after: mark });
  });
});

describe("backpressure", () => {
  test("a client that does not read holds the script's generator back, and the engine's memory stays flat", async () => {
    const before = rss();
    const socket = await rawGet("/flow/fast");
    let last = -1;
    await sleepUntil("a generator that waits", async () => {
      const { sent } = await state();
      const stopped = sent > 0 && sent === last;
      last = sent;
      if (!stopped) await Bun.sleep(100);
      return stopped;
    });
    // The sockets' own buffers and the bridge's window; of 200 MiB.
    expect(last).toBeLessThan(20 * MIB);
    expect(rss() - before).toBeLessThan(32 * MIB);
    socket.destroy();
    await sleepUntil("the generator's finally", async () => (await state()).state === "finally");
  });

  test("a client that reads gets all of it", async () => {
    const response = await engine.fetch("/flow/fast");
    let total = 0;
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) total += chunk.length;
    expect(total).toBe(3200 * 65536);
  });

  test("a single chunk of 20 MiB arrives whole, and waits for its reader in the script", async () => {
    const bytes = await bytesOf(await engine.fetch("/flow/chunk"));
    expect(bytes.length).toBe(20 * MIB);
    expect(bytes.every((byte) => byte === 7)).toBe(true);
    const before = rss();
    const socket = await rawGet("/flow/chunk");
    await Bun.sleep(300);
    expect(rss() - before).toBeLessThan(16 * MIB);
    socket.destroy();
  });

  test("an upload of 100 MB to a slow script is held back, and the engine's memory stays flat", async () => {
    const before = rss();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, rss() - before);
    }, 10);
    const piece = new Uint8Array(100_000);
    let left = 1000;
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(piece);
        else controller.close();
      },
    });
    const response = await engine.fetch("/flow/slow", { method: "POST", body });
    clearInterval(watch);
    expect(await response.text()).toBe("100000000");
    // Half of what it would be if nobody held it back; twice the body takes no more.
    expect(most).toBeLessThan(48 * MIB);
  }, 30_000);

  test("a body that the script does not read does not hold the answer", async () => {
    const response = await engine.fetch("/flow/ignore", { method: "POST", body: new Uint8Array(20 * MIB) });
    expect(await response.text()).toBe("not read");
    const some = await engine.fetch("/flow/begin", { method: "POST", body: new Uint8Array(20 * MIB) });
    expect(await some.text()).toBe("had true");
    expect((await engine.fetch("/flow/state")).status).toBe(200);
  });
});

describe("a client that leaves", () => {
  test("aborts the signal and cancels the stream", async () => {
    const mark = engine.mark();
    const leave = new AbortController();
    const response = await engine.fetch("/flow/stream", { signal: leave.signal });
    await response.body?.getReader().read();
    leave.abort();
    await engine.waitForLog(/signal aborted/, { after: mark });
    await engine.waitForLog(/stream cancelled/, { after: mark });
  });

  test("runs the generator's finally", async () => {
    const mark = engine.mark();
    const leave = new AbortController();
    const response = await engine.fetch("/flow/generator", { signal: leave.signal });
    await response.body?.getReader().read();
    leave.abort();
    await engine.waitForLog(/generator ended/, { after: mark });
  });

  test("aborts the signal of a handler that has not answered", async () => {
    const mark = engine.mark();
    const leave = new AbortController();
    const pending = engine.fetch("/flow/wait", { signal: leave.signal }).catch(() => null);
    await Bun.sleep(100);
    leave.abort();
    await pending;
    await engine.waitForLog(/gave up AbortError/, { after: mark });
  });

  test("ends the script's own requests", async () => {
    const gone = Promise.withResolvers<void>();
    using upstream = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request) => {
        request.signal.addEventListener("abort", () => gone.resolve());
        return new Response(new ReadableStream({ pull: (c) => (c.enqueue("x"), Bun.sleep(20)) }));
      },
    });
    const proxy = `registerWebHandler("GET /proxy", () => fetch("http://127.0.0.1:${upstream.port}/"));`;
    await using other = await startEngine({
      scripts: { "proxy.ts": proxy },
      args: ["--set", 'fetch.allowHosts=["127.0.0.1"]', "--set", "fetch.allowPrivate=true"],
    });
    const leave = new AbortController();
    const response = await other.fetch("/proxy", { signal: leave.signal });
    await response.body?.getReader().read();
    leave.abort();
    await gone.promise;
  });
});

describe("a stream that fails", () => {
  for (const [path, said] of [
    ["/flow/throws", "midway it broke"],
    ["/flow/errors", "the pull failed"],
  ] as const) {
    test(`${path} ends broken, not as if it were complete, and is logged`, async () => {
      const mark = engine.mark();
      const response = await engine.fetch(path);
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow();
      const line = await engine.waitForLog(new RegExp(said), { after: mark });
      expect(line).toContain(response.headers.get("x-request-id") ?? "no id");
    });
  }
});

describe("waitUntil", () => {
  test("goes on after the answer, with services", async () => {
    const mark = engine.mark();
    expect(await (await engine.fetch("/later")).text()).toBe("now");
    await engine.waitForLog(/later done/, { after: mark });
  });

  test("goes on when the client has left after the answer", async () => {
    const mark = engine.mark();
    const socket = await rawGet("/later");
    socket.resume();
    await new Promise((resolve) => socket.once("data", resolve));
    socket.destroy();
    await engine.waitForLog(/later done/, { after: mark });
  });

  test("ends at the deadline", async () => {
    const mark = engine.mark();
    expect(await (await engine.fetch("/later/never")).text()).toBe("now");
    await engine.waitForLog(/later cut TimeoutError/, { after: mark });
  });

  test("has its errors logged", async () => {
    const mark = engine.mark();
    await engine.fetch("/later/fails");
    await engine.waitForLog(/afterwards it failed/, { after: mark });
  });

  test("timers outside of it die with the invocation", async () => {
    const mark = engine.mark();
    await engine.fetch("/later/timer");
    await engine.fetch("/later/barrier");
    await engine.waitForLog(/barrier/, { after: mark });
    expect(engine.logs).not.toContain("a dead timer ran");
  });
});
