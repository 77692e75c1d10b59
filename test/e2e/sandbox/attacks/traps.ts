/** Values that act when they are touched: proxies, getters, toJSON, thenables, species, fakes, hostile iterators. */
import type { Attack } from "../attack.ts";

/** `value` is returned from the handler as it is; what its traps are given is walked and reported afterwards. */
const returned = (name: string, tries: string, value: string, before = ""): Attack => ({
  ...(/^(?:iterator|stream|resizable)/.test(name) ? { breaksOff: true } : {}),
  name: `trap-return-${name}`,
  group: "traps",
  tries: `returns ${tries}`,
  outcome: "survived",
  body: `${SPY}${before}\n return { value: ${value} };`,
});

const trap = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `trap-${name}`,
  group: "traps",
  tries,
  outcome: "findings",
  body: SPY + body,
  ...more,
});

/** `spy(target)`: a proxy whose every trap walks what it is given, receivers included. */
const SPY = `
    const spy = (target, how = "spy") => new Proxy(target, new Proxy({}, { get(_, name) { return function (...given) { t.walk(this, how + "." + name + " this"); t.walk(given, how + "." + name, 300); return Reflect[name](...given); }; } }));
    const watch = (how) => function (...given) { t.walk(this, how + " this", 300); t.walk(given, how + " arguments", 300); for (const g of given) if (typeof g === "function") t.probe(() => g.constructor, how); return undefined; };
`;

export const traps: readonly Attack[] = [
  returned("proxy", "a proxy of an object", `spy({ a: 1 })`),
  returned(
    "proxy-envelope",
    "a proxy that claims to be an envelope",
    `spy({ status: 200, body: "x", headers: { a: "b" } })`,
  ),
  returned("proxy-response", "a proxy of a Response", `spy(new Response("x"))`),
  returned("proxy-promise", "a proxy of a promise", `spy(Promise.resolve("x"))`),
  returned(
    "proxy-array",
    "a proxy of an array with a hostile length",
    `new Proxy([], { get(target, key) { if (key === "length") return 2 ** 32; return target[key]; }, ownKeys: () => ["length", "0"] })`,
  ),
  returned(
    "getters",
    "an object of getters that throw and walk",
    `Object.defineProperty({ get body() { t.walk(this, "this"); throw new Error("body"); }, get headers() { t.walk(this, "this"); return spy({}); } }, "status", { enumerable: true, get() { t.walk(this, "status this"); return 200; } })`,
  ),
  returned(
    "changing-status",
    "an envelope whose status changes at each read",
    `(() => { let reads = 0; return { get status() { return [200, 101, 99, "x", -1, {}][reads++ % 6]; }, body: "x" }; })()`,
  ),
  returned("to-json", "an object whose toJSON walks its receiver and arguments", `{ toJSON: watch("toJSON") }`),
  returned("to-json-throws", "an object whose toJSON throws a proxy", `{ toJSON() { throw spy(new Error("x")); } }`),
  returned(
    "thenable",
    "a thenable that walks resolve and reject, and calls both many times",
    `{ then(resolve, reject) { t.walk([resolve, reject], "then arguments"); t.walk(this, "then this"); for (let i = 0; i < 1000; i++) { resolve("x" + i); reject(new Error("x")); } } }`,
  ),
  returned(
    "thenable-getter",
    "an object whose then is a getter that changes",
    `(() => { let reads = 0; return { get then() { t.walk(this, "then getter"); return reads++ % 2 ? undefined : (resolve) => resolve({ get then() { throw new Error("then"); } }); } }; })()`,
  ),
  returned(
    "thenable-never",
    "a thenable that throws after it resolved",
    `{ then(resolve) { resolve(1); throw new Error("late"); } }`,
  ),
  returned(
    "thenable-nested",
    "a thousand nested thenables",
    `Array.from({ length: 1000 }).reduce((inner) => ({ then(resolve) { resolve(inner); } }), "x")`,
  ),
  returned(
    "promise-subclass",
    "a promise subclass with hostile species and then",
    `new (class Evil extends Promise { static get [Symbol.species]() { t.walk(this, "species"); return function (executor) { t.walk(executor, "executor"); executor(watch("resolve"), watch("reject")); }; } then(...given) { t.walk(given, "then"); return super.then(...given); } })((r) => r("x"))`,
  ),
  returned(
    "response-subclass",
    "a Response subclass with overridden body, headers and status",
    `new (class extends Response { get body() { t.walk(this, "body"); return spy({}); } get headers() { return spy({}); } get status() { return "99"; } })("x")`,
  ),
  returned(
    "response-prototype",
    "an object with Response.prototype and nothing of a Response",
    `Object.create(Response.prototype)`,
  ),
  returned(
    "response-set-prototype",
    "a Response whose prototype was replaced",
    `Object.setPrototypeOf(new Response("x"), { get status() { t.walk(this, "status"); throw 1; } })`,
  ),
  returned(
    "response-own-properties",
    "a Response with own properties over its accessors",
    `Object.defineProperties(new Response("x"), { body: { get: watch("body") }, headers: { get: watch("headers") }, status: { get: watch("status") }, text: { value: watch("text") } })`,
  ),
  returned(
    "species-array",
    "an array with a hostile species and iterator",
    `Object.assign([1, 2, 3], { constructor: { [Symbol.species]: watch("species") }, [Symbol.iterator]: watch("iterator"), map: watch("map"), length: 3 })`,
  ),
  returned(
    "fake-typed-array",
    "an object with Uint8Array.prototype",
    `Object.create(Uint8Array.prototype, { byteLength: { get: watch("byteLength") }, length: { value: 10 } })`,
  ),
  returned(
    "typed-array-getters",
    "a Uint8Array with own length, byteLength, buffer",
    `Object.defineProperties(new Uint8Array(4), { byteLength: { value: 2 ** 31 }, byteOffset: { value: -8 }, buffer: { get: watch("buffer") }, constructor: { get: watch("constructor") } })`,
  ),
  returned(
    "typed-array-subclass",
    "a subclass of Uint8Array with hostile accessors",
    `new (class extends Uint8Array { get length() { return 2 ** 31; } get byteLength() { return 2 ** 31; } get buffer() { t.walk(this, "this"); return new ArrayBuffer(1); } })(4)`,
  ),
  returned(
    "response-typed-array",
    "a Response over a Uint8Array that grows and shrinks",
    `(() => { const b = new ArrayBuffer(8, { maxByteLength: 1 << 20 }); const r = new Response(new Uint8Array(b)); b.resize(1 << 20); b.resize(0); return r; })()`,
  ),
  returned(
    "resizable",
    "a length-tracking view on a buffer that shrinks while it is sent",
    `new Response(new ReadableStream({ pull(c) { const b = new ArrayBuffer(65536, { maxByteLength: 1 << 20 }); c.enqueue(new Uint8Array(b)); b.resize(0); c.close(); } }))`,
  ),
  returned(
    "detached",
    "bytes whose buffer is detached",
    `(() => { const b = new Uint8Array(16); try { structuredClone(b.buffer, { transfer: [b.buffer] }); } catch { b.buffer.transfer?.(); } return b; })()`,
  ),
  returned(
    "iterator-hostile",
    "an async iterable whose next gives what is no result",
    `({ [Symbol.asyncIterator]() { let n = 0; return { next(...given) { t.walk(given, "next"); t.walk(this, "this"); return [1, null, undefined, { done: false, get value() { t.walk(this, "value"); return "x"; } }, { get done() { throw new Error("done"); } }, { done: true }][n++]; }, return: watch("return") }; } })`,
  ),
  returned(
    "iterator-throws",
    "an async iterable that throws a proxy in the middle",
    `(async function* () { yield "a"; throw spy(new Error("x")); })()`,
  ),
  returned(
    "iterator-chunks",
    "an async generator of hostile chunks",
    `(async function* () { yield "a"; yield spy(new Uint8Array(2)); yield { toString: watch("toString") }; yield Symbol("x"); yield 1n; yield null; yield Object.create(Uint8Array.prototype); yield globalThis; })()`,
  ),
  returned(
    "iterator-return",
    "an async iterable whose return never settles",
    `({ [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: false, value: "x".repeat(100000) }), return: () => new Promise(() => {}) }) })`,
  ),
  returned(
    "iterator-getter",
    "an object whose Symbol.asyncIterator is a getter that throws",
    `({ get [Symbol.asyncIterator]() { t.walk(this, "this"); throw new Error("x"); } })`,
  ),
  returned(
    "stream-hostile",
    "a stream whose source walks its controller and enqueues odd chunks",
    `new Response(new ReadableStream({ pull(c) { t.walk(c, "controller"); c.enqueue(spy(new Uint8Array(2))); c.enqueue(Symbol()); c.close(); }, cancel: watch("cancel") }))`,
  ),
  returned(
    "fake-stream",
    "a Response over an object that looks like a stream",
    `new Response({ getReader: () => ({ read: watch("read"), cancel: watch("cancel"), releaseLock: watch("releaseLock") }), [Symbol.asyncIterator]: watch("asyncIterator") })`,
  ),
  returned("cyclic", "a cyclic object", `(() => { const a = {}; a.a = a; return a; })()`),
  returned("bigint", "a bigint inside JSON", `({ a: 1n })`),
  returned("function", "a function with properties", `Object.assign(watch("function"), { status: 200, body: "x" })`),
  returned("symbol", "a symbol", `Symbol("x")`),
  returned("global", "globalThis", `globalThis`),
  returned("context", "the context itself", `ctx`),
  returned("surrogates", "a string of lone surrogates", `"\\ud800".repeat(1000) + "\\udfff"`),
  returned(
    "invalid-date",
    "an invalid date and dates with patched toJSON",
    `({ a: new Date(NaN), b: Object.assign(new Date(), { toJSON: watch("toJSON"), toISOString: watch("toISOString") }) })`,
  ),
  returned(
    "null-prototype",
    "null-prototype objects with __proto__ keys",
    `JSON.parse('{"__proto__":{"status":200},"status":200,"constructor":1}')`,
  ),
  trap("throw-proxy", "throws a proxy of an error", `throw spy(new Error("x"));`),
  ...(
    [
      ["proxy", "a proxy of an error", `spy(new Error("x"))`],
      [
        "getters",
        "an error whose message, name and stack are getters that walk",
        `Object.defineProperties(new Error("x"), { message: { get: watch("message") }, name: { get: watch("name") }, stack: { get: watch("stack") }, cause: { get: watch("cause") }, status: { get: watch("status") }, code: { get: watch("code") } })`,
      ],
      ["null", "null", `null`],
      ["symbol", "a symbol", `Symbol("x")`],
      ["thenable", "a thenable", `{ then: watch("then") }`],
      [
        "class",
        "a class with hostile Symbol.hasInstance and toPrimitive",
        `class { static [Symbol.hasInstance]() { t.leak("hasInstance", "called"); return true; } static [Symbol.toPrimitive](...given) { t.walk(given, "toPrimitive"); throw 1; } }`,
      ],
      [
        "http-error",
        "an HttpError subclass with hostile getters",
        `new (class extends (globalThis.HttpError ?? Error) { get status() { t.walk(this, "status"); return 99; } get message() { return spy({}); } toJSON(...given) { t.walk(given, "toJSON"); } })(404, "x")`,
      ],
      [
        "http-error-odd",
        "an HttpError with a status of 1e9 and CRLF in its message",
        `new (globalThis.HttpError ?? Error)(1e9, "x\\r\\nset-cookie: a=b\\r\\n\\r\\nbody")`,
      ],
      [
        "huge-message",
        "an error with a cyclic cause",
        `(() => { const e = new Error("x"); e.cause = e; return e; })()`,
      ],
      ["response", "a Response", `new Response("thrown", { status: 418 })`],
    ] as const
  ).map(([name, tries, value]): Attack => ({
    name: `trap-throws-${name}`,
    group: "traps",
    tries: `throws ${tries}`,
    outcome: "survived",
    script: `registerWebHandler("ANY ROUTE", async (ctx) => { const gate = t.gate(ctx.query); if (gate) return gate; ${SPY} await t.run(() => {}); throw ${value}; });`,
  })),
  trap(
    "log",
    "logs proxies, getters, toJSON, inspect symbols and cyclic values",
    `
    const inspect = Symbol.for("nodejs.util.inspect.custom"); const cyclic = {}; cyclic.a = cyclic;
    for (const odd of [spy({ a: 1 }), spy([1]), spy(new Error("x")), { get a() { t.walk(this, "a"); return 1; } }, { toJSON: watch("toJSON") }, { [inspect]: watch("inspect") }, { toString: watch("toString") }, cyclic, Symbol("x"), 1n, () => 1, globalThis, ctx, new Map([[cyclic, cyclic]]), Object.create(null), "%s %o %d %j"])
      for (const f of [console.log, console.error, console.table, console.dir, ctx.log?.info, ctx.log?.error]) { t.probe(() => f?.("x", odd), "log"); t.probe(() => f?.(odd, odd), "log"); t.probe(() => ctx.log?.info?.(odd), "log.info"); }`,
  ),
  trap(
    "kv-values",
    "stores values that act when they are touched",
    `
    for (const odd of [spy({ a: 1 }), { get a() { t.walk(this, "a"); return 1; } }, { toJSON: watch("toJSON") }, { then: watch("then") }, Object.assign([1], { toJSON: watch("toJSON") }), new Date(), new (class X { a = 1; })()]) { await t.probeAsync(() => ctx.kv.set("odd", odd), "kv.set"); await t.probeAsync(() => ctx.kv.get(odd), "kv.get"); }`,
  ),
  trap(
    "headers",
    "builds headers from hostile iterables, proxies and records",
    `
    for (const odd of [spy({ a: "b" }), spy([["a", "b"]]), { a: { toString: watch("toString") } }, [["a", "b", "c"]], { [Symbol.iterator]: watch("iterator") }, [{ length: 2, 0: "a", get 1() { return watch("1"); } }], { "a\\nb": "c" }, { a: "\\r\\nx: y" }, { a: "\\u0100" }, spy(new Headers({ a: "b" }))]) { t.probe(() => new Headers(odd), "Headers"); t.probe(() => new Response("x", { headers: odd }), "Response"); t.probe(() => new Request("http://a/", { headers: odd }), "Request"); }`,
  ),
  trap(
    "cookies",
    "sets cookies with hostile names, values and options",
    `
    for (const odd of [["a\\r\\nb", "c"], ["a", "b\\r\\nset-cookie: x=y"], ["a", "b", spy({ path: "/" })], ["a", "b", { path: "/\\r\\nx: y", domain: "a;b" }], ["a", { toString: watch("toString") }], ["__proto__", "x"], ["a", "b", { get maxAge() { t.walk(this, "maxAge"); return Infinity; }, expires: { getTime: watch("getTime"), toUTCString: watch("toUTCString") } }]]) t.probe(() => ctx.cookies.set(...odd), "cookies.set");
    t.probe(() => ctx.cookies.get("__proto__"), "cookies.get"); t.probe(() => ctx.cookies.delete("a\\nb"), "cookies.delete");`,
  ),
  trap(
    "timers",
    "gives timers strings, proxies and hostile delays",
    `
    for (const odd of ["t.escape('timer', 'a string ran')", spy(function () {}), { valueOf: watch("valueOf") }, null, Symbol()]) { t.probe(() => setTimeout(odd, 1), "setTimeout"); t.probe(() => setInterval(odd, 1), "setInterval"); t.probe(() => clearTimeout(odd), "clearTimeout"); t.probe(() => queueMicrotask(odd), "queueMicrotask"); }
    for (const delay of [NaN, -1, Infinity, 2 ** 31, "x", spy({}), { valueOf: watch("valueOf") }]) t.probe(() => setTimeout(() => {}, delay), "delay"); for (let id = -10; id < 10000; id++) clearTimeout(id); await new Promise((r) => setTimeout(r, 10));`,
  ),
  trap(
    "wait-until",
    "gives waitUntil proxies and hostile promises",
    `
    for (const odd of [spy(Promise.resolve(1)), new (class extends Promise { then(...given) { t.walk(given, "then"); } })(() => {}), Object.create(Promise.prototype), { get then() { t.walk(this, "then"); throw 1; } }]) t.probe(() => ctx.waitUntil(odd), "waitUntil"); await new Promise((r) => setTimeout(r, 5));`,
  ),
  trap(
    "abort-signals",
    "mixes fake signals into AbortSignal.any, fetch and Request",
    `
    const fake = Object.create(AbortSignal.prototype, { aborted: { get: watch("aborted") }, addEventListener: { value: watch("addEventListener") }, reason: { get: watch("reason") } });
    for (const odd of [fake, spy(AbortSignal.abort()), spy(new AbortController().signal), {}]) { t.probe(() => AbortSignal.any?.([odd]), "any"); await t.probeAsync(() => fetch("http://127.0.0.1:1/", { signal: odd }), "fetch"); t.probe(() => new Request("http://a/", { signal: odd }), "Request"); }`,
  ),
  trap(
    "fetch-init",
    "gives fetch proxies, getters and hostile bodies",
    `
    for (const odd of [spy({ method: "POST", body: "x" }), { get method() { t.walk(this, "method"); return "GET"; }, get headers() { return spy({}); } }, { method: "POST", body: spy(new Uint8Array(3)) }, { method: "POST", body: { [Symbol.asyncIterator]: watch("iterator") } }, { method: { toString: watch("toString") } }, spy(new Request("http://127.0.0.1:1/"))]) { await t.probeAsync(() => fetch("http://127.0.0.1:1/", odd), "fetch"); await t.probeAsync(() => fetch(odd), "fetch"); }`,
  ),
  trap(
    "url-arguments",
    "gives URL and URLSearchParams proxies and hostile strings",
    `
    for (const odd of [spy({}), { toString: watch("toString") }, { [Symbol.toPrimitive]: watch("toPrimitive") }, spy([["a", "b"]]), { [Symbol.iterator]: watch("iterator") }]) { t.probe(() => new URL(odd), "URL"); t.probe(() => new URL("x", odd), "URL"); t.probe(() => new URLSearchParams(odd), "URLSearchParams"); t.probe(() => new URLSearchParams("a=b").append(odd, odd), "append"); }`,
  ),
  trap(
    "bytes",
    "gives byte functions fakes, subclasses and proxies",
    `
    const fakes = [Object.create(Uint8Array.prototype), spy(new Uint8Array(4)), new (class extends Uint8Array { get byteLength() { return 1e9; } get buffer() { return watch("buffer"); } })(4), { buffer: new ArrayBuffer(8), byteLength: 8, byteOffset: 0 }, new DataView(new ArrayBuffer(4)), Object.defineProperty(new Uint8Array(4), "length", { value: 1e9 }), Object.defineProperty(new Uint8Array(4), "constructor", { get: watch("constructor") })];
    for (const odd of fakes) { t.probe(() => new TextDecoder().decode(odd), "decode"); t.probe(() => crypto.getRandomValues(odd), "random"); await t.probeAsync(() => crypto.subtle.digest("SHA-256", odd), "digest"); t.probe(() => new Blob([odd]), "Blob"); await t.probeAsync(() => new Response(odd).arrayBuffer(), "Response"); t.probe(() => new TextEncoder().encodeInto("abc", odd), "encodeInto"); t.probe(() => structuredClone(odd), "clone"); }`,
  ),
  trap(
    "species",
    "sets species and constructors on built-ins, then uses byte and string functions",
    `
    for (const C of [Array, Map, Set, Promise, RegExp, ArrayBuffer, Uint8Array]) { try { Object.defineProperty(C, Symbol.species, { configurable: true, get() { t.walk(this, "species this"); return function (...given) { t.walk(given, "species arguments"); return new C(...given); }; } }); } catch {} }
    await t.probeAsync(() => new Response("x").text(), "text"); t.probe(() => new TextEncoder().encode("x").slice(0), "slice"); await t.probeAsync(() => ctx.kv.set("a", [1, 2]), "kv"); await t.probeAsync(() => ctx.kv.list({ prefix: "" }), "list"); t.probe(() => structuredClone(new Uint8Array(8)), "clone");`,
  ),
  trap(
    "proxy-context",
    "inherits from the context and calls its members through proxies",
    `
    const wrapped = new Proxy(ctx, {}); for (const key of ["request", "url", "headers", "query", "cookies", "kv", "body", "signal"]) { t.probe(() => wrapped[key], "proxy " + key); t.probe(() => Object.create(ctx)[key], "inherited " + key); t.probe(() => Reflect.get(ctx, key, {}), "receiver " + key); t.probe(() => { ctx[key] = spy({}); }, "assign " + key); }`,
  ),
  trap("middleware-return", "gives a proxy of the Response back from a middleware", ``, {
    outcome: "survived",
    top: `
    registerMiddleware(async (context, next) => {
      const response = await next();
      const watched = (target, how) => new Proxy(target, { get(...given) { t.walk(given, how, 300); const value = Reflect.get(given[0], given[1]); return typeof value === "function" ? value.bind(given[0]) : value; } });
      return context.query.warm || context.query.report ? response : watched(response, "response");
    });`,
  }),
  trap("middleware-thenable", "gives thenables, getters and itself back from a middleware", ``, {
    outcome: "survived",
    top: `
    let turn = 0;
    registerMiddleware(async function own(context, next) {
      const response = await next();
      if (context.query.warm || context.query.report) return response;
      const odd = [{ then(...given) { t.walk(given, "then"); given[0](own); given[1](1); } }, { get status() { t.walk(this, "status"); return 200; }, get body() { throw response; } }, own, next];
      return odd[turn++ % odd.length];
    });`,
  }),
];
