/** Every limit, from outside: what passes it gets a problem that names it, and nobody else notices. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Problem } from "../../sdk/errors.ts";
import { startEngine, type Engine } from "./engine.ts";
import { processTree } from "./processes.ts";

/** How late a kill may come on a machine that is busy with other tests. */
const LATE_MS = 600;

const scripts = {
  "slow.ts": `
    let count = 0;
    registerWebHandler("GET /slow/count", () => String(++count));
    registerWebHandler("GET /slow/wait", () => new Promise(() => {}));
    registerWebHandler("GET /slow/late", async (ctx) => {
      const ended = new Promise((resolve) => ctx.signal.addEventListener("abort", () => resolve(ctx.signal.reason.name)));
      console.log("aborted with", await ended);
      try { await ctx.kv.set("late", 1); } catch (error) { console.log("refused with", error.code); }
    });`,
  "loop.ts": `
    registerWebHandler("GET /loop", () => { for (;;); });
    registerWebHandler("GET /loop/microtasks", async () => { for (;;) await null; });
    registerWebHandler("GET /loop/ok", () => "ok");`,
  "burn.ts": `
    const work = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
    registerWebHandler("GET /burn/kv", async (ctx) => { for (;;) { work(20); await ctx.kv.get("x"); } });
    registerWebHandler("GET /burn/timers", async () => { for (;;) { work(20); await new Promise((r) => setTimeout(r)); } });
    registerWebHandler("GET /burn/after", (ctx) => { ctx.waitUntil((async () => { for (;;) { work(20); await ctx.kv.get("x"); } })()); return "ok"; });`,
  "fat.ts": `
    const kept = [];
    registerWebHandler("GET /fat", async () => { for (;;) { kept.push(new Uint8Array(1 << 20).fill(1)); await new Promise((r) => setTimeout(r)); } });`,
  "crowd.ts": `
    registerWebHandler("GET /crowd/wait", () => new Promise(() => {}));
    registerWebHandler("GET /crowd", () => undefined);`,
  "calls.ts": `
    registerWebHandler("GET /calls/kv", async (ctx) => { await Promise.all([1, 2, 3, 4, 5].map((i) => ctx.kv.get("k" + i))); return "ok"; });
    registerWebHandler("GET /calls/three", async (ctx) => { await Promise.all([1, 2, 3].map((i) => ctx.kv.get("k" + i))); return "ok"; });
    registerWebHandler("GET /calls/fetch", async (ctx) => {
      for (let i = 0; i < 3; i++) try { await fetch("http://10.0.0.1/"); } catch (error) { if (error.code === "subrequests_exceeded") throw error; }
    });
    registerWebHandler("GET /calls/long", async (ctx) => { try { await ctx.kv.set("k", "x".repeat(6e6)); } catch (error) { return error.code + ": " + error.message; } });
    registerWebHandler("GET /calls/error", () => { throw Object.assign(new Error("x"), { message: "y".repeat(6e6) }); });
    registerWebHandler("GET /calls/head", () => new Response("x", { headers: { "x-long": "y".repeat(6e6) } }));
    registerWebHandler("GET /calls/timers", () => { for (let i = 0; i < 5; i++) setTimeout(() => {}, 1e6); return "ok"; });`,
  "wide.ts": `
    registerWebHandler("GET /wide/fits", () => "x".repeat(300000));
    registerWebHandler("GET /wide/whole", () => "x".repeat(300001));
    registerWebHandler("GET /wide/long", () => new Response(new Uint8Array(3000000)));
    registerWebHandler("GET /wide/stream", async function* () { for (;;) yield "x".repeat(100000); });`,
  "chatty.ts": `
    registerWebHandler("GET /chatty/lines", async () => { for (let i = 0; i < 20; i++) console.log("line", i); await new Promise((r) => setTimeout(r, 50)); return "ok"; });
    registerWebHandler("GET /chatty/bytes", async () => { console.log("x".repeat(900)); console.log("y".repeat(900)); await new Promise((r) => setTimeout(r, 50)); return "ok"; });
    registerWebHandler("GET /chatty/some", () => { for (let i = 0; i < 10; i++) console.log("few", i); return "ok"; });`,
  "open.ts": `
    registerWebHandler("GET /open", async function* (ctx) { yield "a"; await new Promise((r) => ctx.signal.addEventListener("abort", r)); });
    registerWebHandler("GET /open/silent", async function* () { yield "a"; await new Promise((r) => setTimeout(r, 5000)); yield "b"; });`,
  "other.ts": `registerWebHandler("GET /other", () => "fine");`,
};

const config = `
[isolates]
perScript = 1
[scripts.slow.limits]
wallMs = 200
[scripts.loop.limits]
uninterruptedMs = 200
[scripts.burn.limits]
cpuMs = 200
wallMs = 5000
[scripts.fat.limits]
memoryBytes = 67108864
[scripts.crowd.limits]
concurrency = 2
wallMs = 800
[scripts.calls.limits]
pendingCalls = 3
subrequests = 2
timers = 3
[scripts.wide.limits]
responseBytes = 300000
[scripts.chatty.limits]
logLines = 10
logBytes = 1500
[scripts.open.limits]
streams = 2
streamIdleMs = 300
`;

let engine: Engine;

async function problem(
  path: string,
): Promise<{ status: number; body: Problem; ms: number; retryAfter: string | null }> {
  const since = performance.now();
  const response = await engine.fetch(path);
  const body = (await response.json()) as Problem;
  return {
    status: response.status,
    body,
    ms: performance.now() - since,
    retryAfter: response.headers.get("retry-after"),
  };
}

beforeAll(async () => {
  engine = await startEngine({ scripts, config });
});
afterAll(() => engine.stop());

describe("wallMs", () => {
  test("ends the invocation with 504, and the isolate serves on", async () => {
    expect(await (await engine.fetch("/slow/count")).text()).toBe("1");
    const children = processTree(engine.pid).length;
    const { status, body, ms } = await problem("/slow/wait");
    expect(status).toBe(504);
    expect(body.code).toBe("deadline_exceeded");
    expect(body.limit).toEqual({ name: "wallMs", value: 200, used: 200, key: "limits.wallMs" });
    expect(ms).toBeWithin(190, 200 + LATE_MS);
    expect(await (await engine.fetch("/slow/count")).text()).toBe("2");
    expect(processTree(engine.pid).length).toBeGreaterThanOrEqual(children);
  });

  test("aborts the signal, and later calls are refused with invocation_ended", async () => {
    const mark = engine.mark();
    expect((await problem("/slow/late")).status).toBe(504);
    await engine.waitForLog(/refused with invocation_ended/, { after: mark });
    expect(engine.logs).toContain("aborted with TimeoutError");
  });
});

describe("uninterruptedMs", () => {
  for (const path of ["/loop", "/loop/microtasks"]) {
    test(`${path} is killed in time, and the script answers again`, async () => {
      const { status, body, ms, retryAfter } = await problem(path);
      expect(status).toBe(504);
      expect(body.code).toBe("uninterrupted_exceeded");
      expect(body.limit).toMatchObject({ name: "uninterruptedMs", value: 200, key: "limits.uninterruptedMs" });
      expect(body.limit?.used).toBeGreaterThanOrEqual(200);
      expect(retryAfter).toBe("1");
      expect(ms).toBeLessThan(200 + LATE_MS);
      expect(await (await engine.fetch("/loop/ok")).text()).toBe("ok");
    });
  }
});

describe("cpuMs", () => {
  for (const path of ["/burn/kv", "/burn/timers"]) {
    test(`${path} yields all the time and is killed all the same`, async () => {
      const { status, body } = await problem(path);
      expect(status).toBe(503);
      expect(body.code).toBe("cpu_exceeded");
      expect(body.limit).toMatchObject({ name: "cpuMs", value: 200, key: "limits.cpuMs" });
    });
  }
});

test("memoryBytes: a script that holds more is killed, and told so", async () => {
  const { status, body } = await problem("/fat");
  expect(status).toBe(503);
  expect(body.code).toBe("memory_exceeded");
  expect(body.limit).toMatchObject({ name: "memoryBytes", value: 67108864, key: "limits.memoryBytes" });
  expect(body.limit?.used).toBeWithin(67108864, 2 * 67108864);
});

test("concurrency: two run, two wait, the fifth is told to come again", async () => {
  expect((await engine.fetch("/crowd")).status).toBe(204);
  const all = await Promise.all([1, 2, 3, 4, 5].map(() => problem("/crowd/wait")));
  const refused = all.filter(({ body }) => body.code === "overloaded");
  expect(refused.length).toBe(1);
  expect(refused[0]?.status).toBe(503);
  expect(refused[0]?.retryAfter).toBe("1");
  expect(refused[0]?.body.limit).toMatchObject({ name: "concurrency", value: 2, key: "limits.concurrency" });
  expect(all.filter(({ body }) => body.code === "deadline_exceeded").length).toBe(4);
});

describe("calls out", () => {
  test("pendingCalls: three at once are served, the fourth is refused by name", async () => {
    expect(await (await engine.fetch("/calls/three")).text()).toBe("ok");
    const { status, body, retryAfter } = await problem("/calls/kv");
    expect(status).toBe(503);
    expect(body.code).toBe("overloaded");
    expect(body.limit).toEqual({ name: "pendingCalls", value: 3, used: 4, key: "limits.pendingCalls" });
    expect(retryAfter).toBe("1");
  });

  test("subrequests: the third is refused by name", async () => {
    const { status, body } = await problem("/calls/fetch");
    expect(status).toBe(500);
    expect(body.code).toBe("subrequests_exceeded");
    expect(body.limit).toEqual({ name: "subrequests", value: 2, used: 3, key: "limits.subrequests" });
  });

  test("a message that is longer than the bridge takes fails alone: the isolate serves on", async () => {
    expect(await (await engine.fetch("/calls/long")).text()).toMatch(/^bad_request: .*4 MiB/);
    expect((await problem("/calls/error")).body.code).toBe("script_failed");
    expect((await problem("/calls/head")).body.code).toBe("script_failed");
    expect(engine.logs).not.toMatch(/isolate killed.*"script":"calls"|"script":"calls".*isolate killed/);
  });

  test("timers: the fourth is refused, and the log names the limit", async () => {
    const mark = engine.mark();
    expect((await problem("/calls/timers")).body.code).toBe("script_failed");
    await engine.waitForLog(/limits\.timers allows 3/, { after: mark });
  });
});

describe("responseBytes", () => {
  test("an answer of exactly as many passes", async () => {
    expect((await (await engine.fetch("/wide/fits")).text()).length).toBe(300000);
  });
  for (const path of ["/wide/whole", "/wide/long"]) {
    test(`${path} is refused by name`, async () => {
      const { status, body } = await problem(path);
      expect(status).toBe(502);
      expect(body.code).toBe("response_too_large");
      expect(body.limit).toMatchObject({ name: "responseBytes", value: 300000, key: "limits.responseBytes" });
    });
  }
  test("a stream that goes past it breaks off, and the log says why", async () => {
    const mark = engine.mark();
    const response = await engine.fetch("/wide/stream");
    await expect(response.text()).rejects.toThrow();
    await engine.waitForLog(/response_too_large.*limits\.responseBytes/, { after: mark });
  });
});

describe("logs", () => {
  for (const [path, name] of [
    ["/chatty/lines", "logLines"],
    ["/chatty/bytes", "logBytes"],
  ] as const) {
    test(`${name}: an invocation that logs more is ended by name`, async () => {
      const { status, body } = await problem(path);
      expect(status).toBe(500);
      expect(body.code).toBe("output_exceeded");
      expect(body.limit).toMatchObject({ name, key: `limits.${name}` });
    });
  }
  test("an invocation that logs as much as it may goes on, and so does the next", async () => {
    for (let i = 0; i < 2; i++) expect(await (await engine.fetch("/chatty/some")).text()).toBe("ok");
  });
});

describe("streams", () => {
  test("one more than limits.streams is refused, and one that ended makes room", async () => {
    const first = await engine.fetch("/open");
    const leave = new AbortController();
    const second = await engine.fetch("/open", { signal: leave.signal });
    const { status, body, retryAfter } = await problem("/open");
    expect(status).toBe(503);
    expect(body.limit).toEqual({ name: "streams", value: 2, used: 2, key: "limits.streams" });
    expect(retryAfter).toBe("5");
    leave.abort();
    await second.text().catch(() => "");
    let third = await engine.fetch("/open");
    for (let i = 0; i < 100 && third.status !== 200; i++) {
      await Bun.sleep(10);
      third = await engine.fetch("/open");
    }
    expect(third.status).toBe(200);
    await first.body?.cancel();
    await third.body?.cancel();
  });

  test("streamIdleMs: a stream that stands still is broken off, and the log says why", async () => {
    const mark = engine.mark();
    const response = await engine.fetch("/open/silent");
    const since = performance.now();
    await expect(response.text()).rejects.toThrow();
    expect(performance.now() - since).toBeLessThan(300 + LATE_MS);
    await engine.waitForLog(/limits\.streamIdleMs/, { after: mark });
  });
});

test("after all that another script has noticed nothing, and nothing of the engine failed", async () => {
  expect(await (await engine.fetch("/other")).text()).toBe("fine");
  expect(engine.logs).not.toMatch(/the engine failed|unexpected error|request failed/);
});
