/** Attacks on processor time and memory. The isolate must die, in time, and nobody else notice. */
import type { Attack } from "../attack.ts";

/** Which limit strikes first depends on the machine: what is built up while time passes counts as memory too. */
const CPU = ["uninterrupted_exceeded", "cpu_exceeded", "deadline_exceeded", "memory_exceeded"] as const;
const MEMORY = ["isolate_restarted", "script_failed", ...CPU] as const;

/** The handler runs the statements and should never come to an end. */
const cpu = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `cpu-${name}`,
  group: "cpu",
  tries,
  slow: true,
  outcome: CPU,
  body,
  ...more,
});

/** The same; some of these throw in time (which is an answer too), or are cut short by the limit on time. */
const memory = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `memory-${name}`,
  group: "memory",
  tries,
  slow: true,
  outcome: MEMORY,
  body,
  ...more,
});

export const cpus: readonly Attack[] = [
  cpu("loop", "loops without end", `for (;;);`),
  cpu(
    "loop-caught",
    "loops in finally blocks that catch everything",
    `for (;;) { try { for (;;) { Math.random(); } } catch {} finally { continue; } }`,
  ),
  cpu("microtasks", "awaits in a loop without end", `for (;;) await null;`),
  cpu(
    "queue-microtask",
    "queues a microtask from each microtask",
    `const again = () => queueMicrotask(again); again(); await new Promise(() => {});`,
  ),
  cpu(
    "promise-chain",
    "resolves promises from promises without end",
    `const again = () => Promise.resolve().then(again); await again();`,
  ),
  cpu(
    "thenables",
    "resolves thenables with thenables without end",
    `const again = { then(resolve) { resolve(again); } }; await again;`,
  ),
  cpu(
    "async-loop",
    "yields to timers, but never stops",
    `for (;;) { const until = performance.now() + 20; while (performance.now() < until); await new Promise((r) => setTimeout(r, 0)); }`,
  ),
  cpu(
    "timers",
    "keeps two hundred timers busy",
    `for (let i = 0; i < 200; i++) setInterval(() => { for (let k = 0; k < 1e5; k++) Math.sqrt(k); }, 0); await new Promise(() => {});`,
  ),
  cpu(
    "generator",
    "drains an endless generator",
    `function* endless() { for (;;) yield 1; } for (const _ of endless());`,
  ),
  cpu(
    "async-generator",
    "drains an endless async generator",
    `async function* endless() { for (;;) yield 1; } for await (const _ of endless());`,
  ),
  cpu("regex-polynomial", "matches /\\s+$/ on 400,000 spaces", `/\\s+$/.test(" ".repeat(400000) + "x");`),
  cpu(
    "regex-nested",
    "matches /(.*)*,(.*)*,(.*)*;/ on a long line",
    `for (;;) /(.*)(.*)(.*)(.*)(.*)=;/.test("a".repeat(3000));`,
  ),
  cpu("regex-exponential", "matches (a+)+$ again and again", `for (;;) /^(a+)+$/.test("a".repeat(40) + "b");`),
  cpu(
    "regex-replace",
    "replaces with a backtracking pattern on a large string",
    `("a".repeat(200000) + "b").replace(/a*a*a*c/g, "");`,
  ),
  cpu(
    "sort-comparator",
    "sorts with a comparator that never gets done",
    `const a = Array.from({ length: 1e6 }, Math.random); for (;;) a.sort(() => Math.random() - 0.5);`,
  ),
  cpu(
    "typed-sort",
    "sorts a typed array of 64 million bytes over and over",
    `const a = new Float64Array(1e6); for (;;) { for (let i = 0; i < a.length; i++) a[i] = -i; a.sort((x, y) => x - y); }`,
  ),
  cpu("bigint-power", "raises 7n to the power of 2 ** 24", `7n ** (2n ** 24n);`),
  cpu(
    "bigint-multiply",
    "multiplies large bigints without end",
    `let a = 2n ** 100000n + 1n; for (;;) { a = (a * a) % (2n ** 200000n); }`,
  ),
  cpu(
    "bigint-print",
    "prints a bigint of a million digits over and over",
    `const a = 3n ** 1000000n; for (;;) a.toString();`,
  ),
  cpu(
    "json-parse",
    "parses a large JSON text over and over",
    `const text = JSON.stringify(Array.from({ length: 1e5 }, (_, i) => ({ i }))); for (;;) JSON.parse(text);`,
  ),
  cpu(
    "json-stringify",
    "stringifies a wide object over and over",
    `const a = Array.from({ length: 1e5 }, (_, i) => ({ i })); for (;;) JSON.stringify(a);`,
  ),
  cpu("own-keys", "lists the keys of a typed array of 2 ** 30 bytes", `Reflect.ownKeys(new Uint8Array(2 ** 30));`, {
    outcome: MEMORY,
  }),
  cpu(
    "index-of",
    "searches a long string for what is almost there",
    `const hay = "a".repeat(1e7), needle = "a".repeat(5e5) + "b"; for (;;) hay.lastIndexOf(needle);`,
  ),
  cpu("normalize", "normalises long strings", `const s = "\\u1e9b\\u0323".repeat(1e6); for (;;) s.normalize("NFKD");`, {
    outcome: MEMORY,
  }),
  cpu(
    "locale-compare",
    "compares and lower-cases by locale",
    `const a = Array.from({ length: 2e5 }, (_, i) => "é" + i); for (;;) a.sort((x, y) => x.localeCompare(y, "de")).map((x) => x.toLocaleUpperCase("tr"));`,
  ),
  cpu(
    "array-fill",
    "walks a sparse array of 2 ** 32 holes",
    `const a = []; a[2 ** 32 - 2] = 1; a.indexOf(2); a.reverse();`,
    { outcome: MEMORY },
  ),
  cpu(
    "array-like",
    "copies an array-like of 2 ** 53 elements",
    `Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);`,
  ),
  cpu(
    "proxy-keys",
    "walks a proxy whose prototype chain never ends",
    `const p = new Proxy({}, { getPrototypeOf: () => p, has: () => false }); for (;;) { try { for (const k in p); } catch {} try { p instanceof Object; } catch {} }`,
  ),
  cpu(
    "date",
    "parses and prints dates by locale",
    `for (;;) new Date(Math.random() * 1e12).toLocaleString("ar-EG", { dateStyle: "full" });`,
  ),
  cpu(
    "encode-uri",
    "encodes and decodes long strings",
    `const s = "ü".repeat(1e6); for (;;) decodeURIComponent(encodeURIComponent(s));`,
  ),
  cpu(
    "structured-clone",
    "clones a large object over and over",
    `const a = Array.from({ length: 1e5 }, (_, i) => ({ i })); for (;;) structuredClone(a);`,
  ),
  cpu(
    "host-random",
    "spends its time in the host's synchronous operations",
    `const b = new Uint8Array(65536); for (;;) crypto.getRandomValues(b);`,
  ),
  cpu(
    "host-digest",
    "digests a megabyte over and over",
    `const b = new Uint8Array(1 << 20); for (;;) await crypto.subtle.digest("SHA-512", b);`,
  ),
  cpu(
    "host-url",
    "parses long URLs over and over",
    `const s = "http://a/" + "%61/../".repeat(50000); for (;;) new URL(s);`,
  ),
  cpu(
    "host-decode",
    "decodes large bytes over and over",
    `const b = new Uint8Array(8 << 20); const d = new TextDecoder(); for (;;) d.decode(b);`,
    { outcome: MEMORY },
  ),
  cpu("getter", "loops in a getter of the returned value", `return { value: { get a() { for (;;); } } };`),
  cpu("to-json", "loops in toJSON of the returned value", `return { value: { toJSON() { for (;;); } } };`),
  cpu("then", "loops in then of the returned value", `return { value: { then() { for (;;); } } };`),
  cpu(
    "thrown-getter",
    "throws an error whose message loops",
    `return { value: Promise.reject(Object.defineProperty(new Error("x"), "message", { get() { for (;;); } })) };`,
    { outcome: [...CPU, "script_failed", "internal"] },
  ),
  cpu(
    "stream-pull",
    "answers a stream whose pull loops",
    `return { value: new Response(new ReadableStream({ pull() { for (;;); } })) };`,
    { outcome: "survived" },
  ),
  cpu(
    "stream-cancel",
    "loops when its stream is cancelled",
    `return { value: new Response(new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(65536)); }, cancel() { for (;;); } })) };`,
    { outcome: "survived" },
  ),
  cpu(
    "after-answer",
    "loops after its answer went out",
    `setTimeout(() => { for (;;); }, 0); ctx.waitUntil(new Promise(() => {})); return { value: "answered" };`,
    { outcome: "survived" },
  ),
  cpu(
    "wait-until",
    "loops in waitUntil",
    `ctx.waitUntil((async () => { await null; for (;;); })()); return { value: "answered" };`,
    { outcome: "survived" },
  ),
  cpu(
    "abort-listener",
    "loops in the abort listener of its own signal",
    `ctx.signal.addEventListener("abort", () => { for (;;); }); await new Promise(() => {});`,
  ),
  cpu(
    "deadline-ignored",
    "ignores its deadline and works on in small pieces",
    `ctx.signal.addEventListener("abort", () => {}); for (;;) { await new Promise((r) => setTimeout(r, 1)); for (let i = 0; i < 1e5; i++) Math.sqrt(i); }`,
  ),
  cpu("deadline-sleeping", "sleeps past its deadline", `await new Promise(() => {});`),
  cpu("sync-handler", "loops in a handler that is no async function", ``, {
    script: `registerWebHandler("ANY ROUTE", (ctx) => { const gate = t.gate(ctx.query); if (gate) return gate; for (;;); });`,
  }),
];

export const memories: readonly Attack[] = [
  memory("push", "pushes objects without end", `const a = []; for (;;) a.push({ n: a.length, s: "x" + a.length });`),
  memory(
    "push-async",
    "pushes and yields",
    `const a = []; for (;;) { for (let i = 0; i < 1e5; i++) a.push([i]); await new Promise((r) => setTimeout(r, 0)); }`,
  ),
  memory("instant-array", "fills an array of 2 ** 28 numbers at once", `new Array(2 ** 28).fill(1.5);`),
  memory(
    "string-doubling",
    "doubles a string and flattens it",
    `let s = "x".repeat(1024); for (;;) { s += s; s.charCodeAt(s.length >> 1); /y$/.test(s); }`,
  ),
  memory(
    "ropes",
    "keeps ropes that flatten late",
    `const all = []; let s = "x".repeat(1 << 20); for (;;) { s = s + all.length; all.push(s + s); all[all.length - 1].charCodeAt(5); }`,
  ),
  memory(
    "buffers",
    "keeps filled buffers of a megabyte",
    `const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1));`,
  ),
  memory("buffer-instant", "fills a buffer of two gigabytes", `new Uint8Array(2 ** 31).fill(1);`),
  memory(
    "buffer-virtual",
    "keeps buffers that it never touches",
    `const a = []; for (let i = 0; i < 1e5; i++) a.push(new ArrayBuffer(1 << 28)); for (;;) await new Promise((r) => setTimeout(r, 10));`,
  ),
  memory(
    "buffer-resizable",
    "grows resizable buffers and touches their ends",
    `const a = []; for (;;) { const b = new ArrayBuffer(1, { maxByteLength: 1 << 28 }); b.resize(1 << 26); new Uint8Array(b).fill(1); a.push(b); }`,
  ),
  memory(
    "map",
    "fills a map with large keys",
    `const m = new Map(); for (let i = 0; ; i++) m.set("key".repeat(100) + i, { i });`,
  ),
  memory(
    "sets",
    "keeps a set of symbols, registered and not",
    `const s = new Set(); for (let i = 0; ; i++) { s.add(Symbol("x" + i)); Symbol.for("registered".repeat(20) + i); }`,
  ),
  memory(
    "json",
    "parses a bomb of nested arrays",
    `const all = []; const text = "[" + "[1,2,3,4,5,6,7,8],".repeat(1e6) + "1]"; for (;;) all.push(JSON.parse(text));`,
  ),
  memory(
    "flat",
    "flattens arrays that hold themselves many times",
    `let a = [1, 2]; for (let i = 0; i < 26; i++) a = [a, a]; for (;;) a.flat(Infinity);`,
  ),
  memory(
    "captures",
    "keeps every match of a pattern with captures",
    `const all = []; const s = "ab".repeat(1e6); for (;;) all.push([...s.matchAll(/(a)(b)/g)]);`,
  ),
  memory(
    "closures",
    "keeps closures over large arrays",
    `const all = []; for (;;) { const big = new Array(1000).fill(all.length); all.push(() => big); }`,
  ),
  memory(
    "promises",
    "keeps promises that never settle",
    `const all = []; for (;;) { all.push(new Promise(() => {}).then(() => 1)); }`,
  ),
  memory(
    "async-frames",
    "keeps suspended async functions",
    `const wait = async (n) => { const local = [n, n, n]; await new Promise(() => {}); return local; }; for (;;) { for (let i = 0; i < 1e4; i++) wait(i); await null; }`,
  ),
  memory(
    "generators",
    "keeps suspended generators",
    `const all = []; function* g(n) { const a = [n, n]; yield a; yield a; } for (;;) { const x = g(1); x.next(); all.push(x); }`,
  ),
  memory(
    "bigints",
    "keeps large bigints",
    `const all = []; for (let i = 0; ; i++) all.push(2n ** 1000000n + BigInt(i));`,
  ),
  memory(
    "objects-keys",
    "makes an object with endless keys and shapes",
    `const all = []; for (let i = 0; ; i++) { const o = {}; for (let k = 0; k < 100; k++) o["k" + i + "_" + k] = k; all.push(o); }`,
  ),
  memory(
    "functions",
    "keeps bound functions and classes",
    `const all = []; for (;;) { class X { a() {} b() {} static c = 1; } all.push(X, X.prototype.a.bind({})); }`,
  ),
  memory(
    "pad",
    "pads strings to the largest length",
    `const all = []; for (;;) { const s = "x".padEnd(2 ** 29, all.length + "y"); s.charCodeAt(1); all.push(s); /z$/.test(s); }`,
  ),
  memory(
    "join",
    "joins a sparse array of 2 ** 30 holes",
    `const all = []; for (;;) all.push(new Array(2 ** 30).join("xy"));`,
  ),
  memory(
    "split",
    "splits long strings into characters",
    `const all = []; for (;;) all.push("x".repeat(1e7).split(""));`,
  ),
  memory(
    "clone-doubling",
    "clones what doubles each time",
    `let a = new Uint8Array(1 << 20); const all = []; for (;;) { all.push(structuredClone(a)); a = new Uint8Array(a.length * 2); }`,
  ),
  memory(
    "blobs",
    "keeps blobs made of blobs",
    `let b = new Blob(["x".repeat(1 << 20)]); const all = []; for (;;) { b = new Blob([b, b]); all.push(await b.arrayBuffer()); }`,
  ),
  memory(
    "encoder",
    "keeps encoded strings",
    `const all = [], e = new TextEncoder(), s = "é".repeat(1 << 20); for (;;) all.push(e.encode(s));`,
  ),
  memory(
    "host-urls",
    "keeps URLs of a megabyte",
    `const all = []; for (let i = 0; ; i++) all.push(new URL("http://a/" + i + "x".repeat(1 << 20)), new URL("http://a/" + i + "x".repeat(1 << 20)).href);`,
  ),
  memory(
    "stream-queue",
    "enqueues into a stream that nobody reads",
    `new ReadableStream({ start(c) { for (;;) c.enqueue(new Uint8Array(1 << 20).fill(1)); } });`,
  ),
  memory(
    "tee",
    "tees a stream and reads one branch only",
    `const s = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1 << 20).fill(1)); } }); const [a, b] = s.tee(); const r = a.getReader(); for (;;) await r.read();`,
  ),
  memory("body-1gb-string", "returns a string of a gigabyte", `return { value: "x".repeat(2 ** 30) };`, {
    outcome: [...MEMORY, "response_too_large"],
  }),
  memory(
    "body-1gb-bytes",
    "returns a buffer of a gigabyte",
    `return { value: new Response(new Uint8Array(2 ** 30).fill(1)) };`,
    { outcome: [...MEMORY, "response_too_large"] },
  ),
  memory(
    "body-json",
    "returns an object whose JSON is a gigabyte",
    `const s = "x".repeat(1 << 20); return { value: new Array(1024).fill(s) };`,
    { outcome: [...MEMORY, "response_too_large"] },
  ),
  memory(
    "log-huge",
    "logs a string of half a gigabyte",
    `console.log("x".repeat(2 ** 29)); return { value: "logged" };`,
    { outcome: "survived" },
  ),
  memory(
    "kv-huge",
    "stores a value of half a gigabyte",
    `await ctx.kv.set("k", "x".repeat(2 ** 29)); return { value: "stored" };`,
    { outcome: "survived" },
  ),
  memory(
    "error-huge",
    "throws an error with a message of half a gigabyte",
    `return { value: Promise.reject(new Error("x".repeat(2 ** 29))) };`,
    { outcome: "survived" },
  ),
  memory(
    "caught",
    "catches its own out-of-memory errors and goes on",
    `const all = []; for (;;) { try { all.push(new Uint8Array(1 << 24).fill(1)); all.push(new Array(1e6).fill({})); } catch {} }`,
  ),
  memory(
    "global-cache",
    "grows a little at each call",
    `globalThis.kept ??= []; for (let i = 0; i < 40; i++) { kept.push(new Uint8Array(1 << 20).fill(1)); await new Promise((r) => setTimeout(r, 10)); } return { value: "kept" };`,
    { outcome: "survived" },
  ),
];
