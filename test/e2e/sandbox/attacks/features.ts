/** Engine features that must be gone or harmless, and requests to private addresses. */
import type { Attack } from "../attack.ts";

const feature = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `feature-${name}`,
  group: "engine features",
  tries,
  outcome: "findings",
  body,
  ...more,
});

/** Names that must not exist in a realm. */
const ABSENT = [
  "ShadowRealm",
  "WebAssembly",
  "SharedArrayBuffer",
  "Atomics",
  "FinalizationRegistry",
  "WeakRef",
  "eval",
  "Bun",
  "process",
  "require",
  "module",
  "exports",
  "global",
  "Buffer",
  "Deno",
  "Loader",
  "$vm",
  "jest",
  "gc",
  "load",
  "print",
  "readFile",
  "quit",
  "Worker",
  "SharedWorker",
  "BroadcastChannel",
  "MessageChannel",
  "MessagePort",
  "postMessage",
  "importScripts",
  "HTMLRewriter",
  "WebSocket",
  "EventSource",
  "XMLHttpRequest",
  "alert",
  "prompt",
  "confirm",
  "self",
  "window",
  "__filename",
  "__dirname",
  "setImmediate",
  "clearImmediate",
  "reportError",
  "document",
  "parent",
  "top",
  "opener",
  "frames",
  "localStorage",
  "Sink",
  "ResolveMessage",
  "BuildMessage",
  "onmessage",
  "addEventListener",
  "describeCoverage",
  "$",
  "emit",
  "ask",
  "__bun",
] as const;
/** Some of these names are harmless when they are plain functions of the realm; the others are a finding when present. */
const HARMLESS = [
  "self",
  "reportError",
  "setImmediate",
  "clearImmediate",
  "addEventListener",
  "MessageChannel",
  "MessagePort",
  "exports",
  "module",
];

const CONSTRUCTORS: readonly (readonly [string, string])[] = [
  ["function", "function () {}"],
  ["async-function", "async function () {}"],
  ["generator-function", "function* () {}"],
  ["async-generator-function", "async function* () {}"],
  ["class", "class {}"],
  ["arrow", "() => {}"],
  ["method", "({ m() {} }).m"],
  ["bound", "(function () {}).bind()"],
  ["proxy", "new Proxy(function () {}, {})"],
  ["native", "Math.max"],
  ["web-class", "Headers"],
];

const features: readonly Attack[] = [
  feature(
    "absent",
    "looks for every name of the host or of a removed feature",
    `
    const harmless = ${JSON.stringify(HARMLESS)};
    for (const name of ${JSON.stringify(ABSENT)}) { let v; try { v = globalThis[name]; } catch (e) { t.walk(e, name); continue; } if (v === undefined) continue; t.walk(v, name); if (!harmless.includes(name)) t.leak("global", name); }`,
    { control: true },
  ),
  feature(
    "typeof",
    "asks typeof of bare names, which the bundler might bind",
    `
    const seen = [typeof Bun, typeof process, typeof Buffer, typeof global, typeof WebAssembly, typeof ShadowRealm, typeof SharedArrayBuffer, typeof Atomics, typeof FinalizationRegistry, typeof WeakRef].filter((x) => x !== "undefined"); if (seen.length) t.leak("typeof", seen);
    try { t.walk(process, "process"); t.useHost(process, "process"); } catch {} try { t.useHost(Bun, "Bun"); } catch {}
    let where = ""; try { where += __dirname; } catch {} try { where += __filename; } catch {} if (where.includes("/")) t.leak("__dirname", where);`,
  ),
  feature(
    "process-env",
    "reads process.env and Bun.env, which a bundler may inline",
    `let v; try { v = process.env.HOME ?? process.env.CANARY_OF_THE_ENVIRONMENT; } catch {} if (v) t.escape("process.env", v); try { v = Bun.env.CANARY_OF_THE_ENVIRONMENT; } catch {} if (v) t.escape("Bun.env", v);`,
    {
      script: `import { registerWebHandler } from "@aiwebengine/sdk"; registerWebHandler("ANY ROUTE", (ctx) => t.gate(ctx.query) ?? t.run(() => { let v; try { v = process.env.HOME ?? process.env.CANARY_OF_THE_ENVIRONMENT; } catch {} if (v) t.escape("process.env", v); try { v = Bun.env.CANARY_OF_THE_ENVIRONMENT; } catch {} if (v) t.escape("Bun.env", v);
      try { v = process.env.PATH; } catch {} if (v) t.escape("process.env.PATH", v); }).then(() => t.answer()));`,
    },
  ),
  feature(
    "shadow-realm",
    "makes a ShadowRealm and imports a host module in it",
    `if (globalThis.ShadowRealm) { const r = new ShadowRealm(); t.walk(r, "realm"); t.probe(() => r.evaluate("typeof Bun"), "evaluate"); const v = await r.importValue("node:process", "pid"); t.escape("ShadowRealm", v); }`,
    { control: true },
  ),
  feature(
    "webassembly",
    "makes huge WebAssembly memories and compiles code",
    `if (globalThis.WebAssembly) { t.leak("WebAssembly", "present"); }`,
  ),
  feature(
    "shared-memory",
    "finds SharedArrayBuffer through WebAssembly, structuredClone and Atomics",
    `if (globalThis.SharedArrayBuffer || globalThis.Atomics) t.leak("shared memory", "present"); t.probe(() => new Uint8Array(new ArrayBuffer(8)).buffer.constructor, "buffer");`,
  ),
  feature(
    "weak-references",
    "watches garbage collection through WeakRef and FinalizationRegistry",
    `if (globalThis.WeakRef || globalThis.FinalizationRegistry) t.leak("weak references", "present");`,
  ),
  feature(
    "console",
    "calls the profiler and heap snapshot of a native console",
    `for (const name of ["profile", "profileEnd", "takeHeapSnapshot", "record", "recordEnd", "screenshot", "context", "memory", "write", "_stdout", "Console"]) { const f = console[name]; if (f !== undefined) { t.walk(f, name); t.leak("console", name); t.probe(() => f("x"), name); } } t.probe(() => console[Symbol.asyncIterator]?.(), "console input");`,
    { control: true },
  ),
  feature(
    "eval-direct",
    "runs code from a string with eval, direct and indirect",
    `try { const v = eval("1+1"); t.leak("eval", v); } catch (e) { t.walk(e, "eval"); } try { const v = (0, globalThis.eval)("1+1"); t.leak("indirect eval", v); } catch (e) { t.walk(e, "eval"); }`,
  ),
  ...CONSTRUCTORS.map(([name, source]) =>
    feature(
      `constructor-${name}`,
      `runs code from a string with the constructor of ${name}`,
      `
    const f = ${source}; const C = f.constructor; t.walk(C, "constructor"); for (const call of [() => C("return 1"), () => new C("return 1"), () => Reflect.construct(C, ["return 1"], Object), () => C.prototype?.constructor?.("return 1"), () => Object.getPrototypeOf(f).constructor("return 1"), () => class extends C {}, () => new (class extends C {})("return 1")]) {
      let made; try { made = call(); } catch (e) { t.walk(e, "thrown"); continue; } if (typeof made === "function" && /return 1/.test(String(made))) t.leak("code from a string", made); t.tryCode(C, "constructor"); }`,
    ),
  ),
  feature(
    "function-prototype",
    "restores the constructor on the function prototypes and takes it from elsewhere",
    `for (const f of [function () {}, async function () {}, function* () {}, async function* () {}]) { const P = Object.getPrototypeOf(f); t.walk(Object.getOwnPropertyDescriptor(P, "constructor"), "constructor"); try { delete P.constructor; } catch {} try { Object.defineProperty(P, "constructor", { value: undefined }); } catch {} t.tryCode(f.constructor, "after delete"); t.tryCode(Reflect.get(P, "constructor", {}), "Reflect"); }`,
  ),
  feature(
    "string-timers",
    "gives timers code as strings",
    `globalThis.ran = 0; try { setTimeout("ran = 1", 1); } catch (e) { t.walk(e, "timer"); } try { setInterval("ran = 1", 1); } catch (e) { t.walk(e, "timer"); } await new Promise((r) => setTimeout(r, 20)); if (ran) t.leak("timer", "ran a string");`,
  ),
  feature(
    "handler-by-name",
    "names handlers that are host or prototype functions",
    `t.walk(globalThis.errors, "errors");`,
    {
      top: `globalThis.errors = []; for (const name of ["eval", "Function", "constructor", "__proto__", "toString", "globalThis", "Object.prototype.constructor", "process", "x y", ""]) { try { registerWebHandler("GET /feature-handler-by-name/" + errors.length, name); errors.push({ name }); } catch (error) { errors.push(error); } }`,
      outcome: "refused",
    },
  ),
  feature(
    "regexp-statics",
    "reads RegExp's legacy statics, which another invocation or the host may have filled",
    `for (const key of ["$1", "$&", "$_", "$+", "lastMatch", "input", "lastParen", "leftContext", "rightContext", "$\`", "$'"]) { const v = RegExp[key]; if (typeof v === "string" && /Bearer|private/.test(v)) t.leak("RegExp." + key, v); if (t.looksHost(v)) t.leak("RegExp." + key, v); }`,
    { request: { headers: { authorization: "Bearer private" } } },
  ),
  feature(
    "callers",
    "climbs callers through sloppy functions, getters and callbacks",
    `
    const sloppy = Function.prototype.toString; const climb = function climb() { let f = climb, hops = 0; const got = []; while (hops++ < 20) { let c; try { c = f.caller; } catch (e) { got.push(e); break; } if (!c) break; got.push(c); f = c; } try { got.push(arguments.callee.caller, climb.arguments); } catch (e) { got.push(e); } return got; };
    t.walk(climb(), "callers"); t.walk([1].map(climb), "map"); t.walk(JSON.parse("[1]", climb), "reviver"); await new Promise((r) => setTimeout(() => { t.walk(climb(), "timer"); r(); }, 1)); await new Promise((r) => queueMicrotask(function named() { t.walk(climb(), "microtask"); r(); }));
    t.walk("a".replace(/a/, climb), "replace"); const c = new AbortController(); c.signal.onabort = function () { t.walk(climb(), "listener"); }; c.abort();`,
    { control: true },
  ),
  feature(
    "function-source",
    "reads the source of the realm's own functions for host names",
    `for (const f of [...t.functions(globalThis, "globalThis"), ...t.functions(ctx, "ctx")]) { let s = ""; try { s = Function.prototype.toString.call(f.call); } catch {} if (t.looksHost(s)) t.leak(f.name, "its source names the host"); }`,
  ),
  feature(
    "with-scope",
    "looks at the loader's scope with a sloppy with statement",
    `t.walk(globalThis.scoped, "scoped");`,
    {
      top: `globalThis.scoped = []; const names = ["emit", "ask", "host", "bindHost", "realm", "primordials", "exports", "module", "expose", "self", "source"]; for (const name of names) { try { scoped.push((0, globalThis)[name]); } catch (e) { scoped.push(e); } }`,
    },
  ),
  feature(
    "async-context",
    "reaches another invocation's context through the SDK's binding",
    `const before = ctx.id; const all = await Promise.all([1, 2, 3].map(() => new Promise((r) => setTimeout(() => r(ctx.id), 1)))); if (all.some((id) => id !== before)) t.leak("context", all);`,
  ),
  feature(
    "shared-symbols",
    "looks for host objects under registered and well-known symbols",
    `for (const root of [globalThis, ctx, Promise, Error, Function.prototype, Object.prototype, Array.prototype]) for (const s of Object.getOwnPropertySymbols(root)) { let v; try { v = root[s]; } catch (e) { v = e; } t.walk(v, String(s)); }`,
    { control: true },
  ),
  feature(
    "iterator-helpers",
    "drives iterator helpers, Array.fromAsync and disposal with hostile protocols",
    `
    await t.probeAsync(() => Array.fromAsync({ [Symbol.asyncIterator]() { return { next: () => ({ get then() { t.walk(this, "then"); return undefined; }, done: true }) }; } }), "fromAsync"); t.probe(() => Iterator?.from?.({ next() { throw 1; } }).map((x) => x).next(), "Iterator.from"); t.probe(() => Promise.try?.(() => { throw 1; }), "Promise.try"); await t.probeAsync(() => Promise.withResolvers?.().promise && 1, "withResolvers");`,
  ),
];

/** Addresses that must be refused; PORT is that of a listener on loopback, which must hear nothing. */
const PRIVATE: readonly (readonly [name: string, url: string])[] = [
  ["loopback", "http://127.0.0.1:PORT/"],
  ["localhost", "http://localhost:PORT/"],
  ["localhost-dot", "http://localhost.:PORT/"],
  ["localhost-subdomain", "http://a.localhost:PORT/"],
  ["any-address", "http://0.0.0.0:PORT/"],
  ["zero", "http://0:PORT/"],
  ["ipv6-loopback", "http://[::1]:PORT/"],
  ["ipv6-any", "http://[::]:PORT/"],
  ["mapped", "http://[::ffff:127.0.0.1]:PORT/"],
  ["mapped-hex", "http://[::ffff:7f00:1]:PORT/"],
  ["compatible", "http://[::127.0.0.1]:PORT/"],
  ["nat64", "http://[64:ff9b::7f00:1]:PORT/"],
  ["six-to-four", "http://[2002:7f00:1::]:PORT/"],
  ["decimal", "http://2130706433:PORT/"],
  ["hex", "http://0x7f000001:PORT/"],
  ["octal", "http://0177.0.0.1:PORT/"],
  ["short", "http://127.1:PORT/"],
  ["fullwidth", "http://１２７.０.０.１:PORT/"],
  ["userinfo", "http://example.com@127.0.0.1:PORT/"],
  ["metadata", "http://169.254.169.254/latest/meta-data/"],
  ["metadata-ipv6", "http://[fd00:ec2::254]/"],
  ["ten", "http://10.0.0.1:PORT/"],
  ["carrier", "http://100.64.0.1:PORT/"],
  ["one-nine-two", "http://192.168.0.1:PORT/"],
  ["one-seven-two", "http://172.16.0.1:PORT/"],
  ["unique-local", "http://[fc00::1]:PORT/"],
  ["link-local", "http://[fe80::1]:PORT/"],
  ["broadcast", "http://255.255.255.255:PORT/"],
  ["multicast", "http://224.0.0.1:PORT/"],
  ["reserved", "http://240.0.0.1:PORT/"],
];

const fetches: readonly Attack[] = [
  ...PRIVATE.map(([name, url]): Attack => ({
    name: `fetch-${name}`,
    group: "fetch",
    tries: `fetches ${url.replace(":PORT", "")}`,
    outcome: "findings",
    body: `let answer; try { answer = await fetch(${JSON.stringify(url)}, { signal: AbortSignal.timeout(3000) }); } catch (error) { t.walk(error, "error"); t.note(error?.code ?? error?.name ?? ""); } if (answer) t.escape("fetch", answer.status + " " + (await answer.text()));`,
  })),
  ...(
    [
      [
        "schemes",
        "fetches file, data, blob, ftp, unix, s3 and about addresses",
        `for (const url of ["file:///etc/passwd", "file://localhost/etc/passwd", "ftp://127.0.0.1/", "unix:///run/x.sock", "http+unix://x/", "s3://bucket/x", "about:blank", "blob:x", "javascript:1", "node:fs", "bun:main", "root://x"]) { const r = await t.probeAsync(() => fetch(url), url); if (r && r.status !== 0) t.escape(url, await r.text()); }`,
      ],
      [
        "options",
        "gives fetch Bun's own options: unix, proxy, tls, verbose",
        `for (const init of [{ unix: "/run/docker.sock" }, { proxy: "http://127.0.0.1:PORT" }, { proxy: { url: "http://127.0.0.1:PORT" } }, { tls: { rejectUnauthorized: false } }, { verbose: true }, { dispatcher: {} }, { agent: {} }, { keepalive: false, decompress: false }]) { try { const r = await fetch("http://127.0.0.1:PORT/", init); t.escape("fetch", JSON.stringify(init)); } catch (e) { t.walk(e, "error"); } }`,
      ],
      [
        "host-header",
        "smuggles Host, Connection and hop-by-hop headers",
        `for (const headers of [{ host: "127.0.0.1:PORT" }, { connection: "upgrade" }, { "transfer-encoding": "chunked" }, { "content-length": "0" }, { "x-a": "1\\r\\nGET / HTTP/1.1" }]) { await t.probeAsync(() => fetch("http://127.0.0.1:PORT/", { headers, method: "POST", body: "x" }), "fetch"); }`,
      ],
      [
        "url-tricks",
        "hides the address behind backslashes, tabs and credentials",
        `for (const url of ["http:\\\\\\\\127.0.0.1:PORT", "http://127.0.0.1\\t:PORT", "http://a:b@127.0.0.1:PORT", "http:127.0.0.1:PORT", "http:/127.0.0.1:PORT", "http://127.0.0.1:PORT#@example.com", "http://example.com\\\\@127.0.0.1:PORT/", "HTTP://127.0.0.1:PORT"]) { const r = await t.probeAsync(() => fetch(url), url); if (r) t.escape(url, r.status); }`,
      ],
      [
        "changing-url",
        "gives fetch a URL object that changes between the check and the use",
        `let reads = 0; const url = { toString: () => (reads++ ? "http://127.0.0.1:PORT/" : "http://192.0.2.1/") }; const r = await t.probeAsync(() => fetch(url, { signal: AbortSignal.timeout(500) }), "fetch"); if (r) t.escape("fetch", r.status); class Evil extends Request { get url() { return "http://127.0.0.1:PORT/"; } } const q = await t.probeAsync(() => fetch(new Evil("http://192.0.2.1/"), { signal: AbortSignal.timeout(500) }), "Request"); if (q) t.escape("Request", q.status);`,
      ],
    ] as const
  ).map(([name, tries, body]): Attack => ({ name: `fetch-${name}`, group: "fetch", tries, outcome: "findings", body })),
];

export const reach: readonly Attack[] = [...features, ...fetches];
