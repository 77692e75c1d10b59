/** The life of isolates, from outside: kills and what is sent again, pauses, growth, places, crashes, reloads, the end. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { Problem } from "../../sdk/errors.ts";
import { startEngine, type Engine } from "./engine.ts";
import { figures, processTree } from "./processes.ts";

const until = async (what: string, holds: () => Promise<boolean> | boolean): Promise<void> => {
  const last = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > last) throw new Error(`it never came to: ${what}`);
    await Bun.sleep(10);
  }
};
const children = (engine: Engine): readonly number[] => processTree(engine.pid).slice(1);
/** Children that are isolates; the builder is kept warm for a while, too. */
function isolates(engine: Engine): readonly number[] {
  return children(engine).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--isolate");
    } catch {
      return false; // it has ended
    }
  });
}
const lives = (pid: number): boolean => figures(pid) !== null;
const problem = async (pending: Promise<Response>): Promise<Problem & { retryAfter: string | null }> => {
  const response = await pending;
  return { ...((await response.json()) as Problem), retryAfter: response.headers.get("retry-after") };
};
/** Answers with a number that says how often this realm was called: another isolate begins anew. */
const counter = (name: string): string => `let count = 0; registerWebHandler("GET /${name}", () => String(++count));`;
const call = async (engine: Engine, path: string): Promise<string> => (await engine.fetch(path)).text();

describe("a kill", () => {
  const share = `
    let seen = 0, others = 0, go;
    const gone = new Promise((r) => { go = r; });
    registerWebHandler("GET /share/wait", async () => { seen++; await gone; return "waited"; });
    registerWebHandler("GET /share/go", () => { go(); return "went"; });
    registerWebHandler("POST /share/wait", async () => { others++; await gone; return "waited"; });
    registerWebHandler("POST /share/never", () => new Promise(() => {}));
    registerWebHandler("GET /share/set", async (ctx) => { await ctx.kv.set("n", 1); others++; await gone; return "set"; });
    registerWebHandler("POST /share/quick", async (ctx) => "got " + ctx.request.method);
    registerWebHandler("POST /share/length", async (ctx) => String((await ctx.request.arrayBuffer()).byteLength));
    registerWebHandler("GET /share/loop", () => { for (;;); });
    registerWebHandler("GET /share/late/timer", async () => { await new Promise((r) => setTimeout(r, 80)); for (;;); });
    registerWebHandler("GET /share/late/call", async (ctx) => { for (let i = 0; i < 40; i++) await ctx.kv.get("n"); for (;;); });
    registerWebHandler("GET /share/others", () => String(others));
    registerWebHandler("GET /share/seen", () => String(seen));`;
  const config = "[isolates]\nperScript = 1\n[limits]\nuninterruptedMs = 600\n";

  test("takes the culprit only: others are sent again where that is safe, and told so where it is not", async () => {
    await using engine = await startEngine({ scripts: { "share.ts": share }, config });
    expect(await call(engine, "/share/seen")).toBe("0");
    const entered = [
      engine.fetch("/share/wait"),
      engine.fetch("/share/wait", { method: "POST" }),
      engine.fetch("/share/set"),
    ] as const;
    await until("three that wait", async () => {
      return (await call(engine, "/share/seen")) === "1" && (await call(engine, "/share/others")) === "2";
    });
    const loop = problem(engine.fetch("/share/loop"));
    await Bun.sleep(60);
    // These reach an isolate that does not yield any more: they are not entered.
    const late = engine.fetch("/share/quick", { method: "POST" });
    const lateBody = engine.fetch("/share/length", { method: "POST", body: new Uint8Array(3000) });
    expect(await loop).toMatchObject({
      code: "uninterrupted_exceeded",
      limit: { name: "uninterruptedMs", value: 600 },
    });
    expect(await problem(entered[1])).toMatchObject({ code: "isolate_restarted", status: 503, retryAfter: "1" });
    expect(await problem(entered[2])).toMatchObject({ code: "isolate_restarted", status: 503, retryAfter: "1" });
    expect(await (await late).text()).toBe("got POST");
    expect(await (await lateBody).text()).toBe("3000");
    await until("the one that is sent again", async () => (await call(engine, "/share/seen")) === "1");
    expect(await call(engine, "/share/others")).toBe("0");
    await call(engine, "/share/go");
    expect(await (await entered[0]).text()).toBe("waited");
    expect(await call(engine, "/share/seen")).toBe("1");
  });

  test.each(["timer", "call"])("knows the culprit also when it loops after a %s", async (after) => {
    await using engine = await startEngine({ scripts: { "share.ts": share }, config });
    expect(await call(engine, "/share/seen")).toBe("0");
    const innocent = problem(engine.fetch("/share/never", { method: "POST" }));
    const guilty = problem(engine.fetch(`/share/late/${after}`));
    expect(await guilty).toMatchObject({ code: "uninterrupted_exceeded", limit: { name: "uninterruptedMs" } });
    expect(await innocent).toMatchObject({ code: "isolate_restarted", status: 503 });
  });

  test("three in a minute pause the script, others serve on, and a new version ends the pause", async () => {
    const scripts = { "share.ts": share, "other.ts": counter("other") };
    await using engine = await startEngine({ scripts, config });
    for (let i = 0; i < 3; i++)
      expect((await problem(engine.fetch("/share/loop"))).code).toBe("uninterrupted_exceeded");
    const paused = await problem(engine.fetch("/share/seen"));
    expect(paused).toMatchObject({ code: "script_paused", status: 503 });
    expect(Number(paused.retryAfter)).toBeWithin(1, 3);
    expect(await call(engine, "/other")).toBe("1");
    const ready = (await (await engine.fetch("/health/ready")).json()) as { checks?: { paused?: string[] } };
    expect(JSON.stringify(ready)).toContain('"share"');
    const mark = engine.mark();
    await engine.write("scripts/share.ts", `${share}\n// changed`);
    await engine.waitForLog(/reloaded/, { after: mark });
    expect(await call(engine, "/share/seen")).toBe("0");
  });

  test("a pause ends by itself", async () => {
    await using engine = await startEngine({ scripts: { "share.ts": share }, config });
    for (let i = 0; i < 3; i++) await problem(engine.fetch("/share/loop"));
    expect((await engine.fetch("/share/seen")).status).toBe(503);
    await until("a script that runs again", async () => (await engine.fetch("/share/seen")).status === 200);
  });
});

describe("a child that ends", () => {
  const scripts = {
    "held.ts": `
      let n = 0;
      registerWebHandler("GET /held", () => String(++n));
      registerWebHandler("GET /held/wait", async () => { await new Promise((r) => setTimeout(r, 1000)); return "done"; });
      registerWebHandler("POST /held/wait", async () => { await new Promise((r) => setTimeout(r, 1000)); return "done"; });
      registerWebHandler("GET /held/stream", async function* () { for (let i = 0; i < 100; i++) { yield "x"; await new Promise((r) => setTimeout(r, 20)); } });`,
  };

  test("from outside: what is safe is sent again, the rest is told, and a broken stream is broken", async () => {
    await using engine = await startEngine({ scripts, config: "[isolates]\nperScript = 1\nspare = 0\n" });
    expect(await call(engine, "/held")).toBe("1");
    const pids = isolates(engine);
    const safe = engine.fetch("/held/wait");
    const unsafe = engine.fetch("/held/wait", { method: "POST" });
    const stream = await engine.fetch("/held/stream");
    await Bun.sleep(100);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    expect(await problem(unsafe)).toMatchObject({ code: "isolate_restarted", status: 503, retryAfter: "1" });
    expect(await (await safe).text()).toBe("done");
    await expect(stream.text()).rejects.toThrow();
    expect(await call(engine, "/held")).toBe("1");
    expect(pids.some(lives)).toBe(false);
  });

  test("while it is a spare: the next call notices nothing", async () => {
    await using engine = await startEngine({ scripts, config: "[isolates]\nspare = 2\n" });
    await until("two spares", () => isolates(engine).length >= 2);
    for (const pid of isolates(engine)) process.kill(pid, "SIGKILL");
    expect(await call(engine, "/held")).toBe("1");
  });

  test("stopped for good by the system: it is found out and replaced", async () => {
    await using engine = await startEngine({ scripts, config: "[isolates]\nspare = 0\n[limits]\nwallMs = 300\n" });
    expect(await call(engine, "/held")).toBe("1");
    const [pid] = isolates(engine);
    process.kill(pid as number, "SIGSTOP");
    expect((await problem(engine.fetch("/held"))).code).toBe("deadline_exceeded");
    process.kill(pid as number, "SIGKILL");
    await until("another isolate", async () => (await engine.fetch("/held")).status === 200);
  });
});

describe("how many", () => {
  test("none before the first call, more while it is busy, none after isolates.idleMs", async () => {
    const busy = `
      const work = () => { const end = performance.timeOrigin + performance.now() + 60; while (performance.timeOrigin + performance.now() < end); };
      const me = Math.random();
      registerWebHandler("GET /busy", () => { work(); return String(me); });`;
    await using engine = await startEngine({
      scripts: { "busy.ts": busy },
      // On a crowded machine busy isolates step back behind everybody: they are not to be killed for that here.
      config: "[isolates]\nspare = 0\nperScript = 3\nidleMs = 400\n[limits]\nuninterruptedMs = 20000\ncpuMs = 20000\n",
    });
    expect(isolates(engine).length).toBe(0);
    const realms = new Set<string>();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < 10; i++) realms.add(await call(engine, "/busy"));
      }),
    );
    expect(realms.size).toBeWithin(2, 4);
    await until("no isolates", () => isolates(engine).length === 0);
    expect((await engine.fetch("/busy")).status).toBe(200);
  }, 20_000);

  test("isolates.max: the one not used for longest makes room, and a busy one in the end", async () => {
    const scripts: Record<string, string> = {};
    for (const name of ["a", "b", "c"]) {
      scripts[`${name}.ts`] =
        `${counter(name)} registerWebHandler("GET /${name}/wait", async () => { await new Promise((r) => setTimeout(r, 200)); return "${name}"; });`;
    }
    await using engine = await startEngine({ scripts, config: "[isolates]\nspare = 0\nmax = 2\n" });
    expect(await call(engine, "/a")).toBe("1");
    expect(await call(engine, "/b")).toBe("1");
    expect(await call(engine, "/a")).toBe("2");
    expect(await call(engine, "/c")).toBe("1");
    expect(isolates(engine).length).toBe(2);
    expect(await call(engine, "/a")).toBe("3");
    expect(await call(engine, "/b")).toBe("1");
    const all = await Promise.all(["a", "b", "c", "a", "b", "c"].map((name) => call(engine, `/${name}/wait`)));
    expect(all).toEqual(["a", "b", "c", "a", "b", "c"]);
    await until("two isolates at most", () => isolates(engine).length <= 2);
  });

  test("a script that never rests leaves a place to others in the end", async () => {
    const scripts = {
      "one.ts": `registerWebHandler("GET /one", async () => { await new Promise((r) => setTimeout(r, 50)); return "1"; });`,
      "two.ts": counter("two"),
    };
    await using engine = await startEngine({ scripts, config: "[isolates]\nspare = 0\nmax = 1\n" });
    let running = true;
    const load = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (running) expect(await call(engine, "/one")).toBe("1");
      }),
    );
    await Bun.sleep(200);
    expect(await call(engine, "/two")).toBe("1");
    running = false;
    await load;
  });

  test("a spare is kept warm", async () => {
    await using engine = await startEngine({ scripts: { "a.ts": counter("a") }, config: "[isolates]\nspare = 1\n" });
    await until("a spare", () => isolates(engine).length === 1);
    const [spare] = isolates(engine);
    expect(await call(engine, "/a")).toBe("1");
    await until("another spare", () => isolates(engine).length === 2);
    expect(isolates(engine)).toContain(spare as number);
  });

  test("an isolate near its memory limit is replaced in peace", async () => {
    const script = `const kept = []; registerWebHandler("GET /leak", () => { kept.push(new Uint8Array(2 << 20).fill(1)); return String(kept.length); });`;
    await using engine = await startEngine({
      scripts: { "leak.ts": script },
      config: "[limits]\nmemoryBytes = 100663296\n",
    });
    let last = 0;
    let replaced = 0;
    for (let i = 0; i < 110; i++) {
      // Slow enough that a watchdog on a crowded machine comes in between: nine calls from the soft limit to the hard one.
      const response = await engine.fetch("/leak");
      expect(response.status).toBe(200);
      const count = Number(await response.text());
      if (count <= last) replaced++;
      last = count;
      await Bun.sleep(30);
    }
    expect(replaced).toBeGreaterThan(1);
    expect(engine.logs).not.toContain("isolate killed");
  });
});

test('isolation = "invocation": each call has globals of its own, also at the same time', async () => {
  const script = `
    let count = 0;
    registerWebHandler("GET /fresh", async () => { count++; globalThis.left = (globalThis.left ?? 0) + 1; await new Promise((r) => setTimeout(r, 5)); return count + " " + globalThis.left; });
    registerWebHandler("GET /fresh/stream", async function* () { count++; yield String(count); await new Promise((r) => setTimeout(r, 5)); yield String(count); });`;
  await using engine = await startEngine({
    scripts: { "fresh.ts": script },
    config: '[scripts.fresh]\nisolation = "invocation"\n[isolates]\nperScript = 2\n',
  });
  for (let i = 0; i < 3; i++) expect(await call(engine, "/fresh")).toBe("1 1");
  expect(await Promise.all(Array.from({ length: 20 }, () => call(engine, "/fresh")))).toEqual(Array(20).fill("1 1"));
  expect(await call(engine, "/fresh/stream")).toBe("11");
});

describe("thread mode", () => {
  const script = `
    let count = 0;
    registerWebHandler("GET /t", () => String(++count));
    registerWebHandler("POST /t/echo", async (ctx) => new Response(await ctx.request.arrayBuffer()));
    registerWebHandler("GET /t/stream", async function* () { yield "a"; await new Promise((r) => setTimeout(r, 5)); yield "b"; });
    registerWebHandler("GET /t/wait", () => new Promise(() => {}));
    registerWebHandler("GET /t/loop", () => { for (;;); });
    registerWebHandler("GET /t/kv", async (ctx) => { await ctx.kv.set("k", { n: 1 }); return await ctx.kv.get("k"); });
    registerWebHandler("GET /t/throw", () => { throw new Error("plain"); });`;

  test("serves, streams, ends at deadlines, kills a loop, reloads, and stops", async () => {
    const engine = await startEngine({
      scripts: { "t.ts": script },
      args: ["--set", "isolates.mode=thread", "--set", "limits.wallMs=1000", "--set", "limits.uninterruptedMs=600"],
    });
    expect(await call(engine, "/t")).toBe("1");
    expect(await call(engine, "/t")).toBe("2");
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const body = Buffer.concat(Array.from({ length: 20 }, () => bytes));
    const back = await engine.fetch("/t/echo", { method: "POST", body });
    expect(Buffer.compare(Buffer.from(await back.arrayBuffer()), body)).toBe(0);
    expect(await call(engine, "/t/stream")).toBe("ab");
    expect(await (await engine.fetch("/t/kv")).json()).toEqual({ n: 1 });
    expect((await problem(engine.fetch("/t/throw"))).code).toBe("script_failed");
    expect((await problem(engine.fetch("/t/wait"))).code).toBe("deadline_exceeded");
    expect(await call(engine, "/t")).toBe("3");
    expect((await problem(engine.fetch("/t/loop"))).code).toBe("uninterrupted_exceeded");
    expect(await call(engine, "/t")).toBe("1");
    expect(isolates(engine).length).toBe(0);
    const mark = engine.mark();
    await engine.write("scripts/t.ts", script.replace("String(++count)", '"new"'));
    await engine.waitForLog(/reloaded/, { after: mark });
    expect(await call(engine, "/t")).toBe("new");
    expect(await engine.stop()).toBe(0);
  }, 20_000);
});

describe("the end", () => {
  const scripts = {
    "s.ts": `
      registerWebHandler("GET /s", () => "ok");
      registerWebHandler("GET /s/slow", async () => { await new Promise((r) => setTimeout(r, 800)); return "finished"; });
      registerWebHandler("GET /s/stream", async function* () { for (;;) { yield "x"; await new Promise((r) => setTimeout(r, 10)); } });`,
  };

  test("SIGTERM: what is under way is finished, a stream is ended in time, no child is left, exit 0", async () => {
    const engine = await startEngine({ scripts, config: "[server]\nshutdownTimeoutMs = 2000\n" });
    const slow = engine.fetch("/s/slow");
    const stream = await engine.fetch("/s/stream");
    await stream.body?.getReader().read();
    await Bun.sleep(50);
    const pids = children(engine);
    expect(pids.length).toBeGreaterThan(0);
    const since = performance.now();
    engine.kill("SIGTERM");
    expect(await (await slow).text()).toBe("finished");
    expect(await engine.exited).toBe(0);
    expect(performance.now() - since).toBeLessThan(6000);
    expect(pids.some(lives)).toBe(false);
    await engine.stop();
  });

  test("SIGKILL of the engine leaves no child", async () => {
    const engine = await startEngine({ scripts });
    expect(await call(engine, "/s")).toBe("ok");
    const pids = children(engine);
    expect(pids.length).toBeGreaterThan(0);
    engine.kill("SIGKILL");
    await engine.exited;
    await until("no child", () => !pids.some(lives));
    await engine.stop();
  });
});

describe("reloads", () => {
  test("an old version finishes what it began, streams too, and is gone then", async () => {
    const version = (n: number): string => `
      registerWebHandler("GET /v", () => "${n}");
      registerWebHandler("GET /v/stream", async function* () { for (let i = 0; i < 20; i++) { yield "${n}"; await new Promise((r) => setTimeout(r, 20)); } });`;
    await using engine = await startEngine({ scripts: { "v.ts": version(1) }, config: "[isolates]\nspare = 0\n" });
    const stream = await engine.fetch("/v/stream");
    const mark = engine.mark();
    await engine.write("scripts/v.ts", version(2));
    await engine.waitForLog(/reloaded/, { after: mark });
    expect(await call(engine, "/v")).toBe("2");
    expect(await stream.text()).toBe("1".repeat(20));
    // The builder is kept warm for a while after a save: it is no isolate.
    await until("one isolate", () => isolates(engine).length === 1);
  });

  test("a hundred leave no isolate, no descriptor and no memory behind", async () => {
    const version = (n: number): string => `registerWebHandler("GET /v", () => "${n}");`;
    await using engine = await startEngine({ scripts: { "v.ts": version(0) }, config: "[isolates]\nspare = 1\n" });
    const descriptors = (): number => readdirSync(`/proc/${engine.pid}/fd`).length;
    let before = { fds: 0, rss: 0 };
    for (let i = 1; i <= 100; i++) {
      const mark = engine.mark();
      await engine.write("scripts/v.ts", version(i));
      await engine.waitForLog(/reloaded/, { after: mark });
      expect(await call(engine, "/v")).toBe(String(i));
      if (i === 30) before = { fds: descriptors(), rss: figures(engine.pid)?.rssBytes ?? 0 };
    }
    await until("one isolate and a spare", () => isolates(engine).length === 2);
    expect(descriptors() - before.fds).toBeLessThan(12);
    expect((figures(engine.pid)?.rssBytes ?? 0) - before.rss).toBeLessThan(24 * 1024 * 1024);
  }, 60_000);
});
