/** Host errors, dynamic import, stack traces and calls near the stack limit: the holes that were open before. */
import type { Attack, Group } from "../attack.ts";

const make =
  (group: Group, prefix: string) =>
  (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
    name: `${prefix}-${name}`,
    group,
    tries,
    outcome: "findings",
    body,
    ...more,
  });

const host = make("host errors", "host-error");
/** The builder refuses them; `realm.test.ts` runs them in a realm all the same. */
const dynamic = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack =>
  make("dynamic import", "import")(name, tries, body, { outcome: "refused", ...more });
const stack = make("stack traces", "stack");
const limit = make("stack limit", "limit");

/** Names whose call ends or blocks the attack itself, or that later steps need. */
const SKIP =
  "/waitUntil|ctx\\.state|globalThis\\.t\\b|probeThis|queueMicrotask|Promise\\.(all|race)|Function|__proto__|register/";

/** One value of each odd kind, given to every function of the global and of the context. */
const ODD: readonly (readonly [name: string, tries: string, value: string])[] = [
  ["symbol", "a symbol", "Symbol('x')"],
  ["bigint", "a bigint", "2n ** 70n"],
  [
    "throwing-string",
    "an object whose toString throws an object that keeps its thrower",
    "{ toString() { throw new Error('mine'); } }",
  ],
  ["throwing-primitive", "an object whose Symbol.toPrimitive throws", "{ [Symbol.toPrimitive]() { throw null; } }"],
  [
    "revoked-proxy",
    "a revoked proxy",
    "(() => { const r = Proxy.revocable(function () {}, {}); r.revoke(); return r.proxy; })()",
  ],
  ["null", "null", "null"],
  ["huge-number", "a number past every length", "2 ** 53"],
  ["negative", "a negative length", "-1"],
  ["nul-string", "a string with NUL and lone surrogates", "'\\\\u0000\\\\ud800/../'"],
  [
    "detached",
    "a detached buffer",
    "(() => { const b = new Uint8Array(8); structuredClone(b.buffer, { transfer: [b.buffer] }); return b; })()",
  ],
  ["fake-array", "an array-like with a hostile length", "{ get length() { throw new Error('length'); }, 0: 1 }"],
  ["fake-bytes", "an object with the prototype of Uint8Array", "Object.create(Uint8Array.prototype)"],
  ["function", "a function that throws", "() => { throw new Error('called'); }"],
];

const hostErrors: readonly Attack[] = [
  ...ODD.map(([name, tries, value]) =>
    host(
      name,
      `gives every function ${tries}, and walks what is thrown`,
      `
    const skip = ${SKIP};
    for (const f of [...t.functions(globalThis, "globalThis", skip), ...t.functions(ctx, "ctx", skip)]) {
      t.probe(() => Reflect.apply(f.call, f.self, [${value}, ${value}]), f.name);
      t.probe(() => Reflect.apply(f.call, ${value}, [{}]), f.name + " as receiver");
      t.probe(() => Reflect.construct(f.call, [${value}, ${value}]), "new " + f.name);
    }
    await new Promise((r) => setTimeout(r, 20));`,
      name === "symbol" ? { control: true } : {},
    ),
  ),
  host(
    "prototypes",
    "calls every accessor and method of every web prototype on wrong receivers",
    `
    for (const name of Reflect.ownKeys(globalThis)) { const C = globalThis[name]; const P = typeof C === "function" ? C.prototype : undefined; if (!P || typeof P !== "object") continue;
      for (const key of Reflect.ownKeys(P)) { const d = Object.getOwnPropertyDescriptor(P, key); for (const self of [undefined, {}, P, globalThis, new Proxy({}, {})])
        for (const f of [d.get, d.set, d.value]) if (typeof f === "function" && key !== "constructor") t.probe(() => Reflect.apply(f, self, [1]), String(name) + ".prototype." + String(key)); } }`,
  ),
  host(
    "subclass",
    "constructs every class through a hostile new.target",
    `
    const evil = new Proxy(function () {}, { get(target, key) { if (key === "prototype") throw new Error("prototype"); return target[key]; } });
    for (const name of Reflect.ownKeys(globalThis)) { const C = globalThis[name]; if (typeof C !== "function") continue; t.probe(() => Reflect.construct(C, [], evil), String(name)); t.probe(() => Reflect.construct(C, ["http://a/"], evil), String(name)); }`,
  ),
  host(
    "rejected-services",
    "walks rejections of services called with values that cannot cross",
    `
    for (const odd of [() => 1, Symbol("x"), 1n, new Proxy({}, { ownKeys() { throw new Error("keys"); } }), { get a() { throw new Error("a"); } }, NaN, new Map(), ctx, globalThis])
      await t.probeAsync(() => ctx.kv.set("k", odd), "kv.set");`,
  ),
];

const imports: readonly Attack[] = [
  dynamic(
    "rejection",
    "walks the rejection of import() of an unknown name",
    `const name = "x"; await t.probeAsync(() => import(name), "import");`,
    { control: true },
  ),
  ...(
    [
      ["node-fs", "node:fs"],
      ["child-process", "node:child_process"],
      ["bun", "bun"],
      ["bun-ffi", "bun:ffi"],
      ["bun-main", "bun:main"],
      ["worker-threads", "worker_threads"],
      ["absolute", "/etc/passwd"],
      ["proc", "/proc/self/environ"],
      ["file-url", "file:///etc/passwd"],
      ["data-url", "data:text/javascript,export default process"],
      ["blob-url", "blob:nodedata:x"],
      ["https", "https://127.0.0.1/x.js"],
      ["empty", ""],
      ["bunfs", "/$bunfs/root/main.js"],
    ] as const
  ).map(([name, specifier]) =>
    dynamic(
      name,
      `imports ${JSON.stringify(specifier)} at run time`,
      `
    const name = ${JSON.stringify(specifier)}; const module = await t.probeAsync(() => import(name), "import"); if (module !== undefined) t.escape("import", Object.keys(module));`,
    ),
  ),
  dynamic(
    "attributes",
    "imports with attributes: macro, text, json, file",
    `
    for (const type of ["macro", "text", "json", "file", "sqlite", "html"]) { const name = "/etc/passwd", options = { with: { type } }; const m = await t.probeAsync(() => import(name, options), type); if (m) t.escape(type, Object.keys(m)); }`,
  ),
  dynamic(
    "hostile-specifier",
    "imports an object whose toString throws, and one that is a proxy",
    `
    for (const odd of [{ toString() { throw new Error("x"); } }, Symbol("x"), new Proxy({}, {}), null, { toString: () => "node:fs" }]) await t.probeAsync(() => import(odd), "import");`,
    { control: true },
  ),
  dynamic(
    "callback",
    "imports from callbacks of native code",
    `
    const name = "x"; let last; "a".replace(/a/, () => { last = import(name); return ""; }); t.swallow(last, "replace");
    [1].forEach(() => { last = import(name); }); t.swallow(last, "forEach"); JSON.stringify({ toJSON() { last = import(name); return 1; } }); t.swallow(last, "toJSON");
    await new Promise((r) => setTimeout(() => { last = import(name); r(); }, 1)); t.swallow(last, "timer"); await new Promise((r) => queueMicrotask(() => { last = import(name); r(); })); t.swallow(last, "microtask");
    await new Promise((r) => setTimeout(r, 20));`,
    { control: true },
  ),
  dynamic(
    "generators",
    "imports inside generators and async generators",
    `
    const name = "x"; function* a() { yield import(name); } async function* b() { yield import(name); } t.swallow(a().next().value, "generator"); await t.probeAsync(() => b().next(), "async generator"); await new Promise((r) => setTimeout(r, 10));`,
    { control: true },
  ),
  dynamic(
    "patched-then",
    "catches the promise that import() uses with a patched then",
    `
    const name = "x", then = Promise.prototype.then; Promise.prototype.then = function (...given) { t.walk(this, "this"); t.walk(given, "given"); return Reflect.apply(then, this, given); };
    try { await t.probeAsync(() => import(name), "import"); } finally { Promise.prototype.then = then; }`,
    { control: true },
  ),
  dynamic(
    "near-limit",
    "imports near the stack limit",
    `const name = "x"; t.nearStackLimit(() => import(name), "import"); await new Promise((r) => setTimeout(r, 30));`,
    { control: true },
  ),
  dynamic(
    "loop",
    "imports ten thousand names at once",
    `const all = []; for (let i = 0; i < 10000; i++) { const name = "x" + i; const p = import(name); if (i % 1000 === 0) t.swallow(p, "import"); else p.catch(() => {}); all.push(p); } await Promise.allSettled(all);`,
  ),
  dynamic("import-meta", "walks import.meta and what it can resolve", ``, {
    script: `export const meta = import.meta; registerHere();
      import { registerWebHandler } from "@aiwebengine/sdk";
      function registerHere() { registerWebHandler("ANY ROUTE", (ctx) => t.gate(ctx.query) ?? t.run(async () => { t.walk(import.meta, "import.meta");
        for (const key of ["url", "path", "dir", "file", "dirname", "filename", "env", "main", "require", "resolve", "resolveSync"]) { const v = import.meta[key]; if (t.looksHost(v)) t.leak("import.meta." + key, v); if (typeof v === "function") t.probe(() => v("node:fs"), key); t.walk(v, key); } }).then(() => t.answer())); }`,
  }),
];

const stacks: readonly Attack[] = [
  stack(
    "prepare-own",
    "sets Error.prepareStackTrace and walks what it is given",
    `
    const walkAll = function (...given) { t.walk(this, "this"); t.walk(given, "prepareStackTrace arguments"); for (const site of given[1] ?? []) { t.walk(site, "call site"); for (const name of ["getThis", "getFunction", "getEvalOrigin"]) t.probe(() => site[name]?.(), name); } return "x"; };
    try { Error.prepareStackTrace = walkAll; } catch (error) { t.walk(error, "assignment"); } try { Object.defineProperty(Error, "prepareStackTrace", { value: walkAll, configurable: true, writable: true }); } catch (error) { t.walk(error, "define"); }
    t.probe(() => new Error("x").stack, "stack"); t.probe(() => { null.x; }, "native"); t.walk(Error.prepareStackTrace, "prepareStackTrace");`,
    { control: true },
  ),
  stack(
    "prepare-inherited",
    "puts prepareStackTrace on Function.prototype and Object.prototype",
    `
    const walkAll = function (...given) { t.walk(given, "inherited prepareStackTrace"); return given[1]; };
    try { delete Error.prepareStackTrace; } catch {} for (const home of [Function.prototype, Object.prototype]) { try { home.prepareStackTrace = walkAll; } catch {} t.walk(new Error("x").stack, "stack"); t.walk(new TypeError("x").stack, "stack"); try { delete home.prepareStackTrace; } catch {} }`,
    { control: true },
  ),
  stack(
    "prepare-accessor",
    "defines prepareStackTrace as an accessor that walks its receiver",
    `
    try { Object.defineProperty(Error, "prepareStackTrace", { configurable: true, get() { t.walk(this, "receiver"); return (...given) => { t.walk(given, "given"); return ""; }; } }); } catch {} t.walk(new Error("x").stack, "stack");`,
    { control: true },
  ),
  stack(
    "prepare-subclasses",
    "sets prepareStackTrace on every error class and on a subclass",
    `
    class Mine extends Error {} for (const C of [TypeError, RangeError, SyntaxError, AggregateError, Mine, globalThis.DOMException, globalThis.HttpError]) { if (!C) continue; try { C.prepareStackTrace = (...given) => { t.walk(given, C.name); return given; }; } catch {} t.probe(() => new C([], "x").stack, C.name); }`,
    { control: true },
  ),
  stack(
    "prepare-called",
    "calls the engine's prepareStackTrace with hostile call sites",
    `
    const f = Error.prepareStackTrace; t.walk(f, "f"); if (typeof f === "function") for (const odd of [[], [1], [{}, 1], [new Error("x"), [{}]], [new Error("x"), new Proxy([], {})], [{ get stack() { throw 1; } }, []], [new Error("x"), { length: 1e9 }]]) t.probe(() => f(...odd), "prepareStackTrace");`,
  ),
  stack(
    "capture",
    "captures stack traces on hostile targets",
    `
    const f = Error.captureStackTrace; t.walk(f, "captureStackTrace"); if (f) for (const target of [{}, globalThis, new Proxy({}, { defineProperty(...given) { t.walk(given, "trap"); return true; } }), Object.freeze({}), function () {}, null, 1, ctx]) for (const above of [undefined, f, () => 1, {}]) { t.probe(() => f(target, above), "capture"); t.probe(() => target?.stack, "stack"); }`,
    { control: true },
  ),
  stack(
    "limit-accessor",
    "makes Error.stackTraceLimit hostile",
    `
    for (const odd of [Infinity, -1, NaN, "x", { valueOf() { throw new Error("x"); } }, 1e9]) { try { Error.stackTraceLimit = odd; } catch (e) { t.walk(e, "limit"); } t.probe(() => new Error("x").stack, "stack"); }
    try { Object.defineProperty(Error, "stackTraceLimit", { get() { t.walk(this, "receiver"); return 10; } }); } catch (e) { t.walk(e, "define"); } t.probe(() => new Error("x").stack, "stack"); try { Error.stackTraceLimit = 10; } catch {}`,
    { control: true },
  ),
  stack(
    "host-frames",
    "looks for the host's frames and paths in every stack it can cause",
    `
    const look = (e, how) => { for (const key of ["stack", "sourceURL", "message", "fileName"]) { const v = e?.[key]; if (t.looksHost(v)) t.leak(how + "." + key, v); } t.walk(e, how); };
    try { null.x; } catch (e) { look(e, "null"); } try { new URL("::"); } catch (e) { look(e, "URL"); } try { JSON.parse("{"); } catch (e) { look(e, "JSON"); } try { decodeURI("%"); } catch (e) { look(e, "decodeURI"); }
    try { await fetch("http://127.0.0.1:1/"); } catch (e) { look(e, "fetch"); } try { await ctx.kv.get(Symbol()); } catch (e) { look(e, "kv"); } try { structuredClone(() => 1); } catch (e) { look(e, "clone"); }
    try { (function f() { f(); })(); } catch (e) { look(e, "recursion"); } await new Promise((r) => setTimeout(() => { look(new Error("timer"), "timer"); r(); }, 1)); try { new RegExp("("); } catch (e) { look(e, "RegExp"); } try { Function("x"); } catch (e) { look(e, "Function"); }
    look(new Error("here"), "handler");`,
  ),
  stack(
    "getter-receiver",
    "reads stack, line and column through odd receivers",
    `
    const e = new Error("x"); for (const key of Reflect.ownKeys(e)) { const d = Object.getOwnPropertyDescriptor(e, key); t.walk(d, String(key)); for (const self of [{}, globalThis, undefined]) t.probe(() => d.get?.call(self), String(key)); }
    t.walk(Object.getOwnPropertyDescriptor(Error.prototype, "stack"), "Error.prototype.stack");`,
    { control: true },
  ),
  stack(
    "aggregate-and-cause",
    "walks AggregateError, cause and suppressed errors made by native code",
    `
    await t.probeAsync(() => Promise.any([Promise.reject(1)]), "Promise.any"); t.probe(() => new Error("x", { get cause() { throw new Error("cause"); } }), "cause"); await t.probeAsync(() => Promise.any([]), "any of none");`,
  ),
  stack(
    "unhandled",
    "leaves rejections unhandled with hostile values",
    `
    Promise.reject(new Proxy(new Error("x"), { get(target, key, self) { t.walk([target, key], "trap"); return Reflect.get(target, key); } })); Promise.reject({ get stack() { t.walk(this, "stack receiver"); return "x"; }, get message() { t.walk(this, "message receiver"); return ""; } }); Promise.reject({ toString(...given) { t.walk(given, "toString"); return ""; } });
    globalThis.onunhandledrejection = (event) => t.walk(event, "onunhandledrejection"); await new Promise((r) => setTimeout(r, 20));`,
  ),
  stack(
    "replaced-error",
    "replaces Error and its subclasses, then makes the engine throw",
    `
    for (const name of ["Error", "TypeError", "RangeError"]) globalThis[name] = class { constructor(...given) { t.walk(new.target, name); t.walk(given, name + " arguments"); } };
    t.probe(() => ctx.headers.set("a b", "c"), "headers"); await t.probeAsync(() => fetch("http://127.0.0.1:1/"), "fetch"); await t.probeAsync(() => ctx.kv.get(1n), "kv"); t.probe(() => new URL("::"), "URL");`,
  ),
];

const limits: readonly Attack[] = [
  limit(
    "globals",
    "calls every function of the global near the stack limit",
    `
    const skip = ${SKIP}; const list = t.functions(globalThis, "globalThis", skip); for (const f of list) { t.nearStackLimit(() => Reflect.apply(f.call, f.self, []), f.name); await new Promise((r) => setTimeout(r, 0)); }`,
    { outcome: "survived" },
  ),
  limit(
    "constructors",
    "constructs every class near the stack limit",
    `
    for (const name of Reflect.ownKeys(globalThis)) { const C = t.probe(() => globalThis[name], String(name)); if (typeof C === "function") t.nearStackLimit(() => Reflect.construct(C, ["http://a/"]), String(name)); await new Promise((r) => setTimeout(r, 0)); }`,
  ),
  ...(
    [
      [
        "context-functions",
        "every function of the context",
        `for (const f of t.functions(ctx, "ctx", /state/)) t.nearStackLimit(() => Reflect.apply(f.call, f.self, ["x", "y"]), f.name);`,
      ],
      [
        "context-getters",
        "every getter of the context",
        `for (const key of ["request", "url", "headers", "query", "params", "cookies", "signal", "log", "config", "kv", "body", "script"]) t.nearStackLimit(() => ctx[key], key);`,
      ],
      ["console", "console.log", `t.nearStackLimit(() => console.log("x"), "console.log");`],
      [
        "timers",
        "setTimeout and clearTimeout",
        `t.nearStackLimit(() => clearTimeout(setTimeout(() => {}, 1)), "setTimeout");`,
      ],
      ["kv", "kv.get", `t.nearStackLimit(() => ctx.kv.get("x"), "kv.get");`],
      ["fetch", "fetch", `t.nearStackLimit(() => fetch("http://127.0.0.1:1/"), "fetch");`],
      [
        "crypto",
        "crypto",
        `t.nearStackLimit(() => crypto.randomUUID(), "randomUUID"); t.nearStackLimit(() => crypto.getRandomValues(new Uint8Array(4)), "getRandomValues");`,
      ],
      ["url", "URL", `t.nearStackLimit(() => new URL("http://a/?b#c").searchParams.get("b"), "URL");`],
      [
        "coding",
        "TextEncoder, TextDecoder, atob, btoa",
        `t.nearStackLimit(() => new TextDecoder().decode(new TextEncoder().encode("x")), "coding"); t.nearStackLimit(() => atob(btoa("x")), "base64");`,
      ],
      ["clone", "structuredClone", `t.nearStackLimit(() => structuredClone({ a: [1] }), "structuredClone");`],
      [
        "response",
        "Response, Request, Headers, Blob, FormData",
        `t.nearStackLimit(() => new Response("x", { headers: { a: "b" } }), "Response"); t.nearStackLimit(() => new Request("http://a/"), "Request"); t.nearStackLimit(() => new Blob(["x"]).size, "Blob");`,
      ],
      [
        "streams",
        "streams",
        `t.nearStackLimit(() => new ReadableStream({ pull(c) { c.close(); } }).getReader().read(), "stream");`,
      ],
      [
        "error-stack",
        "the stack of an error",
        `t.nearStackLimit(() => new Error("x").stack, "stack"); t.nearStackLimit(() => Function("return 1"), "Function");`,
      ],
      ["import", "import()", `const name = "node:fs"; t.nearStackLimit(() => import(name), "import");`],
    ] as const
  ).map(([name, what, body]) =>
    limit(
      name,
      `calls ${what} near the stack limit`,
      `${body} await new Promise((r) => setTimeout(r, 30));`,
      name === "import" ? { outcome: "refused" } : {},
    ),
  ),
  limit(
    "answer",
    "answers near the stack limit, through a getter of the returned value",
    `return { value: { get a() { t.nearStackLimit(() => JSON.stringify({ a: 1 }), "stringify"); return 1; } } };`,
    { outcome: "survived" },
  ),
];

export const errors: readonly Attack[] = [...hostErrors, ...imports, ...stacks, ...limits];
