/** Walks from every value that crosses into a script, looking for a way to the host. */
import type { Attack } from "../attack.ts";

const JSON_BODY = {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: '{"a":[1,{"b":"x"}],"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
};

const walk = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `walk-${name}`,
  group: "walks",
  tries,
  outcome: "findings",
  body,
  ...more,
});

export const walks: readonly Attack[] = [
  walk("global", "walks everything reachable from globalThis", `t.walk(globalThis, "globalThis", 20000);`, {
    control: true,
  }),
  walk(
    "this",
    "walks the receiver of sloppy functions, getters and callbacks",
    `
    t.walk((function () { return this; })(), "this");
    Object.defineProperty(globalThis, "probeThis", { configurable: true, get() { t.walk(this, "getter this"); return 1; } });
    probeThis;
    await new Promise((done) => queueMicrotask(function () { t.walk(this, "microtask this"); done(); }));
    [1].map(function () { t.walk(this, "callback this"); });`,
  ),
  walk("context", "walks the context and all it holds", `t.walk(ctx, "ctx", 20000);`, { control: true }),
  walk(
    "context-prototype",
    "walks the prototypes and hidden keys of the context",
    `
    for (let at = ctx, i = 0; at !== null && i < 20; at = Object.getPrototypeOf(at), i++) {
      for (const key of Reflect.ownKeys(at)) { const d = Object.getOwnPropertyDescriptor(at, key); t.walk(d, "ctx^" + i + "." + String(key)); }
    }`,
  ),
  walk(
    "context-call",
    "calls every function of the context with odd receivers and arguments",
    `
    for (const f of t.functions(ctx, "ctx", /waitUntil|state/)) for (const self of [f.self, undefined, null, 1, {}, globalThis])
      t.probe(() => Reflect.apply(f.call, self, [{}, [], () => 1]), f.name);`,
  ),
  ...[
    "request",
    "url",
    "headers",
    "query",
    "params",
    "cookies",
    "signal",
    "log",
    "config",
    "state",
    "script",
    "kv",
  ].map((key) =>
    walk(
      key.toLowerCase(),
      `walks ctx.${key}`,
      `t.walk(ctx.${key}, "ctx.${key}", 8000); t.walk(Object.getOwnPropertyDescriptor(ctx, "${key}"), "descriptor");`,
    ),
  ),
  walk(
    "primitives",
    "looks whether id, kind, ip, method, path and user are more than primitives",
    `for (const key of ["id", "kind", "ip", "method", "path", "user"]) { const v = ctx[key]; if (v !== null && typeof v !== "string") t.leak(key, typeof v); if (t.looksHost(v)) t.leak(key, v); t.walk(Object(v ?? {}), key, 500); }`,
  ),
  walk(
    "body-json",
    "walks a parsed JSON body with __proto__ in it",
    `
    const body = await ctx.body; t.walk(body, "ctx.body");
    if ({}.polluted !== undefined) t.leak("JSON body", "Object.prototype was polluted");
    if (body && Object.getPrototypeOf(body) !== Object.prototype && Object.getPrototypeOf(body) !== null) t.leak("JSON body", "its prototype was set");`,
    { request: JSON_BODY },
  ),
  walk(
    "body-stream",
    "walks the body as stream, reader, chunk and buffer",
    `
    const stream = ctx.request.body; t.walk(stream, "request.body"); const reader = stream.getReader(); t.walk(reader, "reader");
    const first = await t.probeAsync(() => reader.read(), "reader.read"); t.walk(first?.value?.buffer, "chunk.buffer");`,
    {
      request: { method: "POST", headers: { "content-type": "application/octet-stream" }, body: "x".repeat(100_000) },
    },
  ),
  walk(
    "body-form",
    "walks a form body and its files",
    `
    t.walk(await ctx.form, "form"); t.walk(await ctx.files, "files"); t.walk(await ctx.body, "body");`,
    {
      request: {
        method: "POST",
        headers: { "content-type": "multipart/form-data; boundary=b" },
        body: '--b\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\n1\r\n--b\r\ncontent-disposition: form-data; name="f"; filename="../../x"\r\ncontent-type: text/plain\r\n\r\nhi\r\n--b--\r\n',
      },
    },
  ),
  walk(
    "body-readers",
    "walks what json, text, arrayBuffer, blob and formData of the request give and throw",
    `
    for (const how of ["json", "text", "arrayBuffer", "bytes", "blob", "formData"]) { await t.probeAsync(() => ctx.request.clone()[how](), "request." + how); }
    await t.probeAsync(() => ctx.request.json(), "json"); await t.probeAsync(() => ctx.request.json(), "json again");`,
    {
      request: { method: "POST", headers: { "content-type": "text/plain" }, body: "{not json" },
    },
  ),
  walk(
    "query-proto",
    "sends __proto__ and constructor in the query",
    `
    t.walk(ctx.query, "query"); if ({}.polluted !== undefined) t.leak("query", "Object.prototype was polluted");
    const p = Object.getPrototypeOf(ctx.query); if (p !== null) t.leak("query", "has a prototype");`,
    {
      request: { query: "__proto__[polluted]=1&__proto__=2&constructor=3&toString=4&__proto__=5" },
    },
  ),
  walk(
    "headers-proto",
    "sends __proto__ and constructor as header names",
    `
    t.walk(ctx.headers, "headers"); for (const [k, v] of ctx.headers) t.walk(v, k);
    if ({}.polluted !== undefined || ctx.headers.get("__proto__") === undefined) t.leak("headers", "polluted");`,
    {
      request: { headers: { __proto__x: "1", constructor: "1", "to-string": "1" } },
    },
  ),
  walk(
    "timer-handles",
    "walks what setTimeout and setInterval return",
    `
    const a = setTimeout(() => {}, 1), b = setInterval(() => {}, 1000); t.walk(a, "timeout"); t.walk(b, "interval");
    t.probe(() => a.constructor.constructor, "timer constructor"); t.probe(() => a[Symbol.toPrimitive]?.(), "toPrimitive"); clearTimeout(a); clearInterval(b);`,
  ),
  walk(
    "timer-callback",
    "walks receiver, arguments and caller of a timer's callback",
    `
    await new Promise((done) => setTimeout(function (...given) { t.walk(this, "timer this"); t.walk(given, "timer arguments");
      t.probe(() => arguments.callee.caller, "caller"); done(); }, 1, {}, []));`,
  ),
  walk("arguments", "walks the handler's arguments, callee and caller", `t.note("sloppy handler");`, {
    script: `registerWebHandler("ANY ROUTE", function handler() { const gate = t.gate(arguments[0].query); if (gate) return gate; const self = this, given = arguments;
      return t.run(() => { t.walk(self, "this"); t.walk(given, "arguments", 8000); for (let i = 1; i < given.length; i++) t.walk(given[i], "argument " + i);
        t.probe(() => given.callee.caller, "callee.caller"); t.probe(() => handler.caller, "caller"); t.probe(() => handler.arguments, "arguments"); }).then(() => t.answer()); });`,
  }),
  walk(
    "top-level",
    "walks this, arguments and every name that the loader's function could show",
    `t.walk(globalThis.loaded, "loaded");`,
    {
      top: `globalThis.loaded = []; try { loaded.push(this); } catch {} try { loaded.push(arguments, arguments.callee, arguments.callee.caller); } catch {}
      for (const name of ["exports", "module", "require", "expose", "__filename", "__dirname", "__bun", "__toESM", "__commonJS"]) { try { loaded.push((0, Function.prototype.constructor)("return " + name)()); } catch {} }
      try { loaded.push(typeof exports === "undefined" ? 0 : exports); } catch {} try { loaded.push(typeof module === "undefined" ? 0 : module); } catch {}
      try { loaded.push(typeof require === "undefined" ? 0 : require); } catch {} try { loaded.push(typeof expose === "undefined" ? 0 : expose); } catch {}`,
    },
  ),
  walk("sdk-module", "walks the SDK's module namespace", ``, {
    script: `import * as sdk from "@aiwebengine/sdk";\nsdk.registerWebHandler("ANY ROUTE", (ctx) => t.gate(ctx.query) ?? t.run(() => { t.walk(sdk, "sdk", 8000); if (t.looksHost(import.meta.url)) t.leak("import.meta.url", import.meta.url);
      for (const f of t.functions(sdk, "sdk")) t.probe(() => f.call({}, []), f.name); }).then(() => t.answer()));`,
  }),
  walk(
    "registration",
    "walks what registerWebHandler returns and throws",
    `t.walk(globalThis.given, "given");
    t.probe(() => registerWebHandler("GET /late", () => 1), "late registration");`,
    {
      top: `globalThis.given = [registerWebHandler("GET /walk-registration/other", () => 1)];
      for (const bad of [[], [1], [{}], ["x"], [Symbol()], ["GET /x", 1], ["GET /y", { nonsense: 1 }, () => 1], [new Proxy({}, {}), () => 1]]) { try { registerWebHandler(...bad); } catch (error) { given.push(error); } }`,
      outcome: "survived",
    },
  ),
  walk(
    "outside-invocation",
    "walks the errors of services, fetch and timers while the script loads",
    `t.walk(globalThis.errors, "errors");`,
    {
      top: `globalThis.errors = []; for (const f of [() => fetch("http://127.0.0.1/"), () => setTimeout(() => {}, 1), () => kv.get("a"), () => crypto.randomUUID(), () => console.log("x"), () => new Response("x")]) {
      try { const r = f(); globalThis.errors.push(r); r?.catch?.((e) => globalThis.errors.push(e)); } catch (error) { globalThis.errors.push(error); } }`,
    },
  ),
  walk(
    "kv-answers",
    "walks what kv gives back",
    `
    await t.probeAsync(() => ctx.kv.set("k", { a: [1, "x", null, { b: true }], ["__proto__"]: { polluted: 1 } }), "kv.set");
    await t.probeAsync(() => ctx.kv.get("k"), "kv.get"); await t.probeAsync(() => ctx.kv.list({ prefix: "" }), "kv.list"); await t.probeAsync(() => ctx.kv.increment("n"), "kv.increment");
    if ({}.polluted !== undefined) t.leak("kv", "Object.prototype was polluted");`,
  ),
  walk(
    "kv-errors",
    "walks the errors of kv for odd arguments",
    `
    for (const f of t.functions(ctx.kv, "kv")) for (const odd of [[], [null], [Symbol()], [{}], [1n], ["x".repeat(100000)], ["k", () => 1], ["k", 1n], ["k", { toJSON() { throw 1; } }], ["k", "v", { ttl: -1 }], ["__proto__", 1], ["../../x", 1]])
      await t.probeAsync(() => Reflect.apply(f.call, f.self, odd), f.name);`,
  ),
  walk(
    "kv-unknown-methods",
    "calls services and methods that were never given",
    `
    for (const name of ["constructor", "__proto__", "then", "toString", "close", "db", "$client", "dispose", "methods"]) { t.walk(ctx.kv?.[name], "kv." + name); t.probe(() => ctx.kv[name]("x"), "kv." + name); }
    for (const name of ["db", "process", "services", "host", "emit", "ask", "constructor"]) t.walk(ctx[name], "ctx." + name);`,
  ),
  walk(
    "fetch-errors",
    "walks the rejections of fetch",
    `
    for (const url of ["http://127.0.0.1:1/", "file:///etc/passwd", "not a url", "http://", "ftp://x/", "http://[::1]/", "data:text/plain,x"]) await t.probeAsync(() => fetch(url), "fetch " + url);
    for (const init of [{ method: "BAD METHOD" }, { headers: { "a b": "c" } }, { body: {} }, { signal: {} }, null, 1]) await t.probeAsync(() => fetch("http://127.0.0.1:1/", init), "fetch init");`,
  ),
  walk(
    "console",
    "walks console and what its methods give back",
    `
    t.walk(console, "console"); for (const f of t.functions(console, "console")) t.probe(() => Reflect.apply(f.call, console, ["x"]), f.name);`,
  ),
  walk(
    "crypto",
    "walks crypto, its answers and errors",
    `
    t.walk(crypto, "crypto"); t.probe(() => crypto.randomUUID(), "randomUUID"); t.probe(() => crypto.getRandomValues(new Uint8Array(4)), "getRandomValues");
    for (const bad of [null, {}, new Float32Array(2), new Uint8Array(1e6), Object.create(Uint8Array.prototype), new DataView(new ArrayBuffer(4))]) t.probe(() => crypto.getRandomValues(bad), "getRandomValues");
    for (const f of t.functions(crypto.subtle ?? {}, "subtle")) await t.probeAsync(() => Reflect.apply(f.call, f.self, ["SHA-256", new Uint8Array(3)]), f.name);
    await t.probeAsync(() => crypto.subtle.digest("SHA-999", new Uint8Array(1)), "digest"); await t.probeAsync(() => crypto.subtle.digest("SHA-256", "x"), "digest string");`,
  ),
  walk(
    "abort",
    "walks abort reasons, events and listeners' arguments",
    `
    const c = new AbortController(); c.signal.addEventListener("abort", function (...given) { t.walk(this, "listener this"); t.walk(given, "listener arguments"); });
    c.signal.onabort = function (event) { t.walk(event, "onabort"); }; c.abort(); t.walk(c.signal.reason, "reason"); t.probe(() => c.signal.throwIfAborted(), "throwIfAborted");
    t.walk(AbortSignal.abort().reason, "AbortSignal.abort"); const s = AbortSignal.timeout(1); await new Promise((r) => s.addEventListener("abort", r)); t.walk(s.reason, "timeout reason");`,
  ),
  walk(
    "events",
    "walks events and EventTarget errors",
    `
    const target = new EventTarget(); target.addEventListener("x", { get handleEvent() { return function (...given) { t.walk(this, "this"); t.walk(given, "given"); }; } });
    target.dispatchEvent(new Event("x")); t.probe(() => target.dispatchEvent({}), "dispatch"); t.probe(() => target.addEventListener("x", 1), "listener");`,
  ),
  walk(
    "streams",
    "walks stream controllers, readers and errors",
    `
    const s = new ReadableStream({ start(c) { t.walk(this, "source this"); t.walk(c, "controller"); c.enqueue("x"); }, pull(c) { c.error(new Error("x")); } });
    const reader = s.getReader(); t.walk(reader, "reader"); await t.probeAsync(() => reader.read(), "read"); await t.probeAsync(() => reader.read(), "read 2"); t.swallow(reader.closed, "closed");
    if (typeof TransformStream === "function") { const x = new TransformStream({ transform(chunk, c) { t.walk(c, "transform controller"); c.enqueue(chunk); } }); t.walk(x, "transform"); }
    t.probe(() => new ReadableStream({ type: "bytes", autoAllocateChunkSize: -1 }), "bytes"); t.probe(() => new Response(s), "locked");`,
  ),
  walk(
    "web-classes",
    "walks instances of every web class, and its constructor's errors",
    `
    for (const name of Reflect.ownKeys(globalThis)) { const C = globalThis[name]; if (typeof C !== "function" || typeof name !== "string") continue;
      for (const given of [[], ["https://a.example/x?y=1#z"], [{}], [[]], [null], [new Uint8Array(2)]]) { t.probe(() => new C(...given), "new " + name); } }`,
    { control: true },
  ),
  walk(
    "url-errors",
    "walks URL's errors, which come from native parsing",
    `
    for (const bad of ["", "http://", "http://[", "http://a:99999", "//", "\\u0000", "http://\\ud800", "x".repeat(1e6)]) { t.probe(() => new URL(bad), "URL"); t.probe(() => new URL(bad, bad), "URL base"); t.probe(() => URL.canParse(bad), "canParse"); }
    const u = new URL("https://a.example/"); t.walk(u.searchParams, "searchParams"); for (const key of ["href", "host", "port", "protocol"]) t.probe(() => { u[key] = "http://["; }, key);`,
  ),
  walk(
    "decoder-errors",
    "walks the errors of TextDecoder, atob and decodeURIComponent",
    `
    t.probe(() => new TextDecoder("nonsense"), "label"); t.probe(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([255, 254])), "fatal");
    for (const bad of [{}, 1, "x", Object.create(Uint8Array.prototype), new Proxy(new Uint8Array(2), {})]) t.probe(() => new TextDecoder().decode(bad), "decode");
    t.probe(() => atob("*"), "atob"); t.probe(() => btoa("\\u1234"), "btoa"); t.probe(() => decodeURIComponent("%"), "decodeURIComponent"); t.walk(new TextEncoder().encode("x"), "encode"); t.probe(() => new TextEncoder().encodeInto("x", {}), "encodeInto");`,
  ),
  walk(
    "structured-clone",
    "walks what structuredClone gives and throws",
    `
    t.walk(structuredClone({ a: [1], b: new Map([[1, new Set([2])]]), c: new Date(), d: /x/g, e: new Uint8Array(2), f: new Error("x"), g: 1n }), "clone");
    for (const bad of [() => 1, Symbol(), new Proxy({}, {}), { get a() { throw new Error("x"); } }, new WeakMap(), new Promise(() => {}), globalThis]) t.probe(() => structuredClone(bad), "clone");`,
  ),
  walk(
    "http-error",
    "walks HttpError and what it throws",
    `
    const E = globalThis.HttpError; if (E) { t.walk(E, "HttpError"); t.probe(() => new E(404, "x"), "new"); t.probe(() => new E("x", {}), "odd"); t.probe(() => E(1), "call"); }`,
  ),
  walk(
    "intl-and-iterators",
    "walks Intl, Iterator helpers and Temporal where they exist",
    `
    for (const name of ["Intl", "Iterator", "Temporal", "DisposableStack", "AsyncDisposableStack", "SuppressedError"]) t.walk(globalThis[name], name, 3000);
    t.probe(() => new Intl.DateTimeFormat("xx-invalid-locale-000"), "Intl"); t.walk([].values().map((x) => x), "iterator helper");`,
    { control: true },
  ),
  walk(
    "wait-until",
    "walks what waitUntil returns, with odd values",
    `
    for (const odd of [undefined, 1, {}, Promise.resolve(1), Promise.reject(new Error("x")), { then(...given) { t.walk(given, "then arguments"); for (const g of given) t.probe(() => g(1), "resolve"); } }]) t.probe(() => ctx.waitUntil(odd), "waitUntil");
    await new Promise((r) => setTimeout(r, 5));`,
  ),
  walk("fetch-form", "walks request, env and ctx of the fetch form", ``, {
    script: `export default { async fetch(...given) { const gate = t.gate({ warm: given[0].url.includes("warm=1"), report: given[0].url.includes("report=1") }); if (gate) return new Response(gate); const self = this;
      await t.run(() => { t.walk(given, "given", 8000); t.walk(self, "this"); }); return new Response(t.answer()); } };`,
    path: "/walk-fetch-form/x",
  }),
  walk("middleware", "walks next(), what it gives and what it rejects with", `t.walk(kept, "middleware", 20000);`, {
    top: `
    const kept = [];
    registerMiddleware(async function (context, next) {
      kept.push(this, arguments, next);
      const promise = next();
      kept.push(promise, next());
      kept[kept.length - 1].catch((error) => kept.push(error));
      try { const response = await promise; kept.push(response, response.headers, response.body); return response; } catch (error) { kept.push(error); throw error; }
    });`,
  }),
  walk(
    "absent-plugins",
    "calls what absent plugins would give, and walks what is thrown",
    `
    for (const name of ["registerToolHandler", "registerJobHandler", "enqueue", "registerQueryHandler", "sendStreamMessage"]) { t.walk(globalThis[name], name); t.probe(() => globalThis[name]("x", {}, () => 1), name); t.probe(() => new globalThis[name](), name); }
    t.probe(() => registerMiddleware(), "middleware"); t.probe(() => registerMiddleware(() => 1), "late middleware");`,
  ),
];
