/** Attacks that crash an engine of JavaScript or drown the bridge. */
import type { Attack } from "../attack.ts";

const crash = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `crash-${name}`,
  group: "crashes",
  tries,
  slow: true,
  outcome: "survived",
  body,
  ...more,
});

const flood = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `flood-${name}`,
  group: "floods",
  tries,
  slow: true,
  outcome: "survived",
  body,
  ...more,
});

export const crashes: readonly Attack[] = [
  crash(
    "recursion",
    "recurses without end, and again in each catch",
    `const f = () => { try { f(); } catch { f(); } }; f();`,
  ),
  crash(
    "recursion-native",
    "recurses through native callbacks",
    `const f = () => [1].map(() => "a".replace(/a/, () => JSON.stringify({ toJSON: f }))); f();`,
  ),
  crash(
    "recursion-proxy",
    "recurses through a proxy chain of a hundred thousand",
    `let p = {}; for (let i = 0; i < 100000; i++) p = new Proxy(p, {}); p.x; Object.getPrototypeOf(p); p instanceof Object; JSON.stringify(p);`,
  ),
  crash(
    "recursion-bound",
    "calls a function bound a million times",
    `let f = () => 1; for (let i = 0; i < 1000000; i++) f = f.bind(null); f();`,
  ),
  crash(
    "prototype-chain",
    "builds a prototype chain of a million",
    `let o = {}; for (let i = 0; i < 1000000; i++) o = Object.create(o); o.missing; for (const k in o);`,
  ),
  crash(
    "rope-chain",
    "flattens a rope of ten million joints",
    `let s = ""; for (let i = 0; i < 1e7; i++) s = s + "x"; s.charCodeAt(5); let r = ""; for (let i = 0; i < 1e6; i++) r = "x" + r; r.indexOf("y");`,
  ),
  crash(
    "promise-chain",
    "builds a promise chain of a million and settles it",
    `let go; let p = new Promise((r) => { go = r; }); for (let i = 0; i < 1000000; i++) p = p.then((x) => x); go(1); await p;`,
  ),
  crash(
    "json-deep",
    "parses and prints arrays nested a million deep",
    `const s = "[".repeat(1e6) + "]".repeat(1e6); t.probe(() => JSON.parse(s), "parse"); let a = []; for (let i = 0; i < 1e6; i++) a = [a]; t.probe(() => JSON.stringify(a), "stringify"); return { value: a };`,
  ),
  crash(
    "clone-deep",
    "clones and stores arrays nested a million deep",
    `let a = []; for (let i = 0; i < 1e6; i++) a = [a]; t.probe(() => structuredClone(a), "clone"); await t.probeAsync(() => ctx.kv.set("k", a), "kv"); console.log(a);`,
  ),
  crash(
    "array-to-string",
    "prints arrays that nest without end",
    `let a = []; for (let i = 0; i < 1e6; i++) a = [a]; t.probe(() => String(a), "String"); t.probe(() => a.flat(Infinity), "flat");`,
  ),
  crash(
    "regex-deep",
    "compiles patterns with a hundred thousand groups",
    `t.probe(() => new RegExp("(".repeat(1e5) + ")".repeat(1e5)).test("x"), "groups"); t.probe(() => new RegExp("a{0,65535}".repeat(1000)).test("a".repeat(1000)), "quantifiers"); t.probe(() => new RegExp("[" + "a-z".repeat(1e6) + "]").test("x"), "class");`,
  ),
  crash(
    "spread",
    "spreads ten million arguments",
    `const f = (...given) => given.length; t.probe(() => f(...new Array(1e7)), "spread"); t.probe(() => String.fromCharCode(...new Uint8Array(1e7)), "fromCharCode"); t.probe(() => Reflect.apply(f, null, { length: 2 ** 31 }), "apply"); t.probe(() => [].concat(...new Array(1e6).fill([1])), "concat");`,
  ),
  crash(
    "error-causes",
    "throws an error with a cause chain of a million",
    `let e = new Error("x"); for (let i = 0; i < 1e6; i++) e = new Error("x", { cause: e }); return { value: Promise.reject(e) };`,
  ),
  crash(
    "oom-caught",
    "runs out of memory inside catch, getters and sort callbacks",
    `const all = []; const eat = () => { try { all.push(new Array(1e7).fill(all)); } catch { eat(); } }; for (;;) { try { [3, 2, 1].sort(() => (eat(), 1)); ({ get a() { eat(); } }).a; } catch {} }`,
  ),
  crash(
    "jit",
    "keeps the compiler busy with functions that change their types",
    `const fs = []; for (let i = 0; i < 2000; i++) { const f = (x) => { let s = 0; for (let k = 0; k < 2000; k++) s += typeof x === "number" ? x + k : x.length ?? k; return s; }; fs.push(f); } for (let round = 0; round < 5; round++) for (const f of fs) for (const x of [1, "x", [], {}, 1.5, () => 1]) f(x);`,
  ),
  crash(
    "unhandled",
    "leaves a hundred thousand rejections unhandled",
    `for (let i = 0; i < 100000; i++) Promise.reject(i % 3 ? new Error("x" + i) : i % 2 ? null : { toString: null }); await new Promise((r) => setTimeout(r, 10));`,
  ),
  crash(
    "throwing-timers",
    "throws in a thousand timers",
    `for (let i = 0; i < 900; i++) setTimeout(() => { throw i % 2 ? new Error("x") : null; }, 0); await new Promise((r) => setTimeout(r, 50));`,
  ),
  crash(
    "throwing-microtasks",
    "throws in ten thousand microtasks",
    `for (let i = 0; i < 10000; i++) queueMicrotask(() => { throw Symbol("x"); }); await new Promise((r) => setTimeout(r, 10));`,
  ),
  crash(
    "throwing-listeners",
    "throws in every kind of listener",
    `const target = new EventTarget(); for (let i = 0; i < 100; i++) target.addEventListener("x", () => { throw new Error("x"); }); t.probe(() => target.dispatchEvent(new Event("x")), "dispatch"); const c = new AbortController(); c.signal.onabort = () => { throw new Error("x"); }; t.probe(() => c.abort(), "abort"); ctx.signal.addEventListener("abort", () => { throw new Error("x"); }); await new Promise((r) => setTimeout(r, 10));`,
  ),
  crash(
    "uncaught-after-answer",
    "throws after its answer, in a timer and in a stream",
    `setTimeout(() => { throw new Error("late"); }, 0); ctx.waitUntil(Promise.reject(new Error("late"))); return { value: new Response(new ReadableStream({ start(c) { c.enqueue("x"); }, pull() { throw new Error("pull"); } })) };`,
    { breaksOff: true },
  ),
  crash(
    "resize-in-callback",
    "shrinks buffers in the middle of native loops",
    `const b = new ArrayBuffer(1 << 20, { maxByteLength: 1 << 21 }); const a = new Uint8Array(b); t.probe(() => a.sort((x, y) => { b.resize(0); return x - y; }), "sort"); b.resize(1 << 20); t.probe(() => a.fill({ valueOf() { b.resize(0); return 1; } }), "fill"); b.resize(1 << 20); t.probe(() => a.set({ get length() { b.resize(0); return 10; } }), "set"); b.resize(1 << 20); t.probe(() => a.copyWithin({ valueOf() { b.resize(1); return 0; } }, 1), "copyWithin"); t.probe(() => new TextDecoder().decode(a), "decode"); t.probe(() => b.transfer?.(), "transfer"); t.probe(() => a[5], "read");`,
  ),
  crash(
    "array-callbacks",
    "changes arrays under sort, splice and concat",
    `const a = Array.from({ length: 10000 }, (_, i) => i); t.probe(() => a.sort((x, y) => { a.length = 0; return x - y; }), "sort"); t.probe(() => a.splice(0, { valueOf() { a.push(...new Array(1000)); return 5; } }), "splice"); const evil = { get [Symbol.isConcatSpreadable]() { a.length = 0; return true; }, length: 1000 }; t.probe(() => a.concat(evil), "concat"); t.probe(() => a.copyWithin(0, 5, { valueOf() { a.length = 0; return 100; } }), "copyWithin");`,
  ),
];

export const floods: readonly Attack[] = [
  flood(
    "deep-calls",
    "hands kv and the log values that are nested as deeply as can be sent",
    `
    const nested = (depth) => { let value = []; for (let i = 0; i < depth; i++) value = [value]; return value; };
    for (const depth of [900, 8000, 30000]) { console.log("deep", depth); ctx.log.info("deep", nested(depth)); await t.probeAsync(() => ctx.kv.set("deep", nested(depth)), "set"); await t.probeAsync(() => ctx.kv.get("deep"), "get"); }
    return { value: "x" };`,
  ),
  flood(
    "kv-calls",
    "calls kv a hundred thousand times without waiting",
    `const all = []; for (let i = 0; i < 100000; i++) all.push(ctx.kv.get("k" + i).then(() => 1, () => 0)); const ok = (await Promise.all(all)).reduce((a, b) => a + b, 0); return { value: "ok " + ok };`,
  ),
  flood(
    "kv-writes",
    "writes large values without waiting",
    `const v = "x".repeat(100000); const all = []; for (let i = 0; i < 5000; i++) all.push(ctx.kv.set("k" + i, v).catch(() => 0)); await Promise.all(all); return { value: "done" };`,
  ),
  flood(
    "timers",
    "starts a million timers",
    `let refused = 0; for (let i = 0; i < 1000000; i++) { try { setTimeout(() => {}, 1e6); } catch { refused++; } } return { value: "refused " + refused };`,
  ),
  flood(
    "zero-timers",
    "starts timers from timers",
    `const again = () => { try { setTimeout(again, 0); setTimeout(again, 0); } catch {} }; again(); await new Promise((r) => setTimeout(r, 1000));`,
  ),
  flood(
    "wait-until",
    "calls waitUntil a million times",
    `for (let i = 0; i < 1000000; i++) { try { ctx.waitUntil(new Promise(() => {})); } catch {} } return { value: "x" };`,
  ),
  flood(
    "fetch",
    "starts ten thousand requests",
    `const all = []; for (let i = 0; i < 10000; i++) all.push(fetch("http://192.0.2.1:" + (1 + (i % 60000)) + "/", { signal: AbortSignal.timeout(200) }).then(() => 1, () => 0)); await Promise.all(all); return { value: "x" };`,
  ),
  flood(
    "fetch-refused",
    "is refused a hundred thousand times",
    `for (let i = 0; i < 100000; i++) { try { await fetch("http://127.0.0.1/"); } catch {} } return { value: "x" };`,
  ),
  flood(
    "log",
    "logs from a thousand timers at once",
    `for (let i = 0; i < 900; i++) setTimeout(() => { for (let k = 0; k < 1000; k++) console.log("x".repeat(1000)); }, 0); await new Promise((r) => setTimeout(r, 500));`,
  ),
  flood(
    "cookies",
    "sets a million cookies",
    `for (let i = 0; i < 1000000; i++) { try { ctx.cookies.set("c" + (i % 1000), "x"); } catch {} } return { value: "x" };`,
  ),
  flood(
    "signals",
    "makes a million abort signals and listeners",
    `for (let i = 0; i < 1000000; i++) { ctx.signal.addEventListener("abort", () => i); if (i % 100 === 0) AbortSignal.any?.([ctx.signal]); } return { value: "x" };`,
  ),
  flood(
    "abort-timeouts",
    "makes a hundred thousand AbortSignal.timeout",
    `for (let i = 0; i < 100000; i++) { try { AbortSignal.timeout(1e6); } catch {} } return { value: "x" };`,
  ),
  flood(
    "streams",
    "opens and drops a hundred thousand streams",
    `for (let i = 0; i < 100000; i++) { const s = new ReadableStream({ pull(c) { c.enqueue("x"); } }); s.getReader().read(); } return { value: "x" };`,
  ),
  flood(
    "kv-after-end",
    "goes on calling the host after its answer",
    `(async () => { for (;;) { try { await ctx.kv.get("x"); } catch {} await new Promise((r) => setTimeout(r, 0)); } })(); return { value: "x" };`,
  ),
  flood(
    "digests",
    "starts ten thousand digests of a megabyte",
    `const b = new Uint8Array(1 << 20); const all = []; for (let i = 0; i < 10000; i++) all.push(crypto.subtle.digest("SHA-256", b)); await Promise.all(all);`,
  ),
  flood("registrations", "registers a hundred thousand routes while it loads", ``, {
    outcome: "refused",
    script: `registerWebHandler("ANY ROUTE", (ctx) => t.gate(ctx.query) ?? "x"); for (let i = 0; i < 100000; i++) registerWebHandler("GET ROUTE/" + i, () => "x");`,
  }),
  flood(
    "late-registrations",
    "registers routes from its handler without end",
    `for (let i = 0; i < 100000; i++) { try { registerWebHandler("GET /late/" + i, () => 1); } catch {} } return { value: "x" };`,
  ),
];
