/** Patched intrinsics: what the bridge lets a patch see, and whether it still answers. */
import type { Attack } from "../attack.ts";

/** Uses everything of the bridge that a request may use. */
const USE = `
    const use = async () => {
      t.walk(ctx.headers, "headers", 500); ctx.query.a; ctx.params.a; t.walk(ctx.url, "url", 500); ctx.cookies?.get?.("a"); ctx.log?.info?.("x"); console.log("x", { a: 1 });
      await t.probeAsync(() => ctx.kv.set("k", { a: [1] }), "kv.set"); await t.probeAsync(() => ctx.kv.get("k"), "kv.get"); await t.probeAsync(() => fetch("http://127.0.0.1:1/"), "fetch");
      await t.probeAsync(() => new Response("x", { headers: { a: "b" } }).text(), "Response"); t.probe(() => structuredClone({ a: [1] }), "structuredClone"); t.probe(() => crypto.randomUUID(), "randomUUID");
      await new Promise((r) => setTimeout(r, 1));
    };
`;

/** Every method of these is replaced by one that walks its receiver and arguments, then does what it did. */
const CLASSES = [
  "Object",
  "Array",
  "Function",
  "Promise",
  "Map",
  "Set",
  "WeakMap",
  "WeakSet",
  "String",
  "Number",
  "RegExp",
  "Symbol",
  "Error",
  "Date",
  "JSON",
  "Reflect",
  "Math",
  "Proxy",
  "Uint8Array",
  "ArrayBuffer",
  "DataView",
  "TextEncoder",
  "TextDecoder",
  "URL",
  "URLSearchParams",
  "Headers",
  "Request",
  "Response",
  "ReadableStream",
  "AbortController",
  "AbortSignal",
  "EventTarget",
  "Event",
  "Blob",
  "FormData",
  "Iterator",
] as const;

const spied = (name: string): Attack => ({
  name: `pollute-spy-${name.toLowerCase()}`,
  group: "pollution",
  tries: `wraps every function of ${name} and its prototype, uses the bridge, and walks what the wrappers see`,
  outcome: "survived",
  body: `${USE}
    const apply = Reflect.apply, construct = Reflect.construct, ownKeys = Reflect.ownKeys, getOwn = Object.getOwnPropertyDescriptor, define = Object.defineProperty; let depth = 0;
    const wrap = (holder, how) => { if (holder === null || (typeof holder !== "object" && typeof holder !== "function")) return; for (const key of ownKeys(holder)) { if (key === "constructor" || key === "prototype") continue; let d; try { d = getOwn(holder, key); } catch { continue; }
      for (const part of ["value", "get", "set"]) { const original = d[part]; if (typeof original !== "function") continue; d[part] = function (...given) { if (depth === 0) { depth++; try { t.walk(this, how + " receiver", 200); t.walk(given, how + " arguments", 200); } finally { depth--; } } return new.target ? construct(original, given, new.target) : apply(original, this, given); }; }
      try { define(holder, key, d); } catch {} } };
    const C = globalThis["${name}"]; wrap(C, "${name}"); if (typeof C === "function") wrap(C.prototype, "${name}.prototype");
    await use(); return { value: "still here" };`,
});

const broken = (name: string): Attack => ({
  name: `pollute-break-${name.toLowerCase()}`,
  group: "pollution",
  selfHarm: true,
  tries: `makes every function of ${name} and its prototype throw, then answers a string`,
  outcome: "survived",
  body: `
    const ownKeys = Reflect.ownKeys, getOwn = Object.getOwnPropertyDescriptor, define = Object.defineProperty; const C = globalThis["${name}"];
    const broken = function () { throw "broken"; }; const holders = [C, C.prototype];
    for (let i = 0; i < 2; i++) { const holder = holders[i]; if (!holder) continue; const keys = ownKeys(holder); for (let k = 0; k < keys.length; k++) { if (keys[k] === "prototype" || keys[k] === "constructor") continue; const d = getOwn(holder, keys[k]); if (!d || !d.configurable) continue;
      try { if (d.get || d.set) define(holder, keys[k], { configurable: true, get: broken, set: broken }); else if (typeof d.value === "function") define(holder, keys[k], { configurable: true, writable: true, value: broken }); } catch {} } }
    return { value: "still here" };`,
});

const pollute = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `pollute-${name}`,
  group: "pollution",
  tries,
  outcome: "survived",
  body: USE + body,
  ...more,
});

const KEYS = [
  "then",
  "get",
  "set",
  "value",
  "writable",
  "enumerable",
  "configurable",
  "status",
  "headers",
  "body",
  "contentType",
  "id",
  "type",
  "name",
  "method",
  "path",
  "length",
  "0",
  "1",
  "2",
  "stack",
  "message",
  "cause",
  "code",
  "resolve",
  "reject",
  "promise",
  "next",
  "done",
  "return",
  "constructor",
  "toJSON",
  "url",
  "signal",
  "script",
  "handler",
  "schema",
  "limit",
  "kind",
  "text",
  "a",
  "b",
];

export const pollution: readonly Attack[] = [
  ...CLASSES.map(spied),
  ...[
    "Array",
    "Object",
    "Promise",
    "Map",
    "Set",
    "String",
    "RegExp",
    "JSON",
    "Reflect",
    "Function",
    "Symbol",
    "Uint8Array",
  ].map(broken),
  pollute(
    "object-prototype-setters",
    "puts setters for every likely key on Object.prototype, and walks their receivers",
    `
    for (const key of ${JSON.stringify(KEYS)}) { let kept = new WeakMap(); try { Object.defineProperty(Object.prototype, key, { configurable: true, get() { t.walk(this, "get " + key, 200); return undefined; }, set(value) { t.walk(this, "set " + key, 200); t.walk(value, "value of " + key, 200); Object.defineProperty(this, key, { value, writable: true, enumerable: true, configurable: true }); } }); } catch {} }
    try { await use(); } finally { for (const key of ${JSON.stringify(KEYS)}) if (key !== "constructor") delete Object.prototype[key]; } return { value: { a: 1 } };`,
  ),
  pollute(
    "object-prototype-values",
    "puts values for every likely key on Object.prototype and leaves them there",
    `
    for (const key of ["status", "headers", "body", "contentType", "method", "type", "id", "get", "set", "value", "limit", "redirect", "allowPrivate", "ip", "user"]) { try { Object.defineProperty(Object.prototype, key, { configurable: true, writable: true, enumerable: true, value: key === "status" ? 299 : { polluted: true } }); } catch {} } return { value: { a: 1 } };`,
    { selfHarm: true },
  ),
  pollute(
    "array-index-setters",
    "puts index setters on Array.prototype and Object.prototype",
    `
    for (const home of [Array.prototype, Object.prototype]) for (let i = 0; i < 32; i++) Object.defineProperty(home, i, { configurable: true, get() { return undefined; }, set(value) { t.walk(this, "index receiver", 200); t.walk(value, "index value", 200); Object.defineProperty(this, i, { value, writable: true, enumerable: true, configurable: true }); } });
    try { await use(); } finally { for (const home of [Array.prototype, Object.prototype]) for (let i = 0; i < 32; i++) delete home[i]; } return { value: [1, 2] };`,
  ),
  pollute(
    "promise-then",
    "replaces Promise.prototype.then and the constructor's species",
    `
    const then = Promise.prototype.then; Promise.prototype.then = function (...given) { t.walk(this, "then this", 300); t.walk(given, "then arguments", 300); for (const g of given) if (typeof g === "function") t.tryCode(g.constructor, "then"); return Reflect.apply(then, this, given); };
    Object.defineProperty(Promise, Symbol.species, { get() { t.walk(this, "species"); return Promise; } }); await use(); return { value: "still here" };`,
  ),
  pollute(
    "promise-constructor",
    "replaces Promise, its resolve and its prototype's constructor",
    `
    const P = Promise; class Mine extends P { constructor(executor) { t.walk(executor, "executor"); super(executor); } } globalThis.Promise = Mine; P.prototype.constructor = Mine; P.resolve = function (...given) { t.walk(given, "resolve"); return new Mine((r) => r(given[0])); }; await use(); return { value: "still here" };`,
  ),
  pollute(
    "promise-then-throws",
    "makes Promise.prototype.then and catch throw for good",
    `Promise.prototype.then = Promise.prototype.catch = Promise.prototype.finally = function () { throw new Error("no"); }; return { value: "still here" };`,
    { selfHarm: true },
  ),
  pollute(
    "function-call",
    "replaces call, apply, bind and Symbol.hasInstance of Function.prototype",
    `
    const { call, apply, bind } = Function.prototype; const reapply = Reflect.apply;
    for (const [name, original] of [["call", call], ["apply", apply], ["bind", bind]]) Function.prototype[name] = function (...given) { t.walk(this, name + " this", 200); t.walk(given, name + " arguments", 200); return reapply(original, this, given); };
    await use(); return { value: "still here" };`,
  ),
  pollute(
    "symbol-iterator",
    "replaces the iterators of Array, Map, Set and String",
    `
    for (const home of [Array.prototype, Map.prototype, Set.prototype, String.prototype]) { const original = home[Symbol.iterator]; home[Symbol.iterator] = function () { t.walk(this, "iterated", 200); return Reflect.apply(original, this, []); }; } const I = Object.getPrototypeOf([].values()); const next = I.next; I.next = function () { t.walk(this, "next", 100); return Reflect.apply(next, this, []); }; await use(); return { value: "still here" };`,
  ),
  pollute(
    "regexp-exec",
    "replaces RegExp.prototype.exec and the symbol methods of RegExp",
    `
    const exec = RegExp.prototype.exec; RegExp.prototype.exec = function (...given) { t.walk(this, "exec", 100); t.walk(given, "exec arguments", 100); return Reflect.apply(exec, this, given); }; for (const s of [Symbol.replace, Symbol.split, Symbol.match]) { const f = RegExp.prototype[s]; RegExp.prototype[s] = function (...given) { t.walk(given, "regexp", 100); return Reflect.apply(f, this, given); }; } await use(); return { value: "still here" };`,
  ),
  pollute(
    "json",
    "replaces JSON.stringify and JSON.parse",
    `const { stringify, parse } = JSON; JSON.stringify = (...given) => { t.walk(given, "stringify", 300); return '"replaced"'; }; JSON.parse = (...given) => { t.walk(given, "parse", 300); return parse(...given); }; await use(); return { value: { a: 1 } };`,
  ),
  pollute(
    "delete-globals",
    "deletes every global",
    `for (const key of Reflect.ownKeys(globalThis)) { try { delete globalThis[key]; } catch {} } return { value: "still here" };`,
    { selfHarm: true },
  ),
  pollute(
    "replace-globals",
    "replaces every global by a getter that walks and throws",
    `for (const key of Reflect.ownKeys(globalThis)) { if (key === "globalThis") continue; try { Object.defineProperty(globalThis, key, { configurable: true, get() { t.walk(this, "getter"); throw 1; } }); } catch {} } return { value: "still here" };`,
    { selfHarm: true },
  ),
  pollute(
    "freeze",
    "freezes globalThis and every prototype",
    `for (const key of Reflect.ownKeys(globalThis)) { try { const v = globalThis[key]; if (typeof v === "function") { Object.freeze(v); Object.freeze(v.prototype); } } catch {} } try { Object.freeze(globalThis); } catch {} Object.freeze(Object.prototype); return { value: { a: new Date(0) } };`,
    { selfHarm: true },
  ),
  pollute(
    "prototype-chains",
    "moves Array.prototype, Function.prototype and Promise.prototype onto proxies",
    `
    const spy = (how) => new Proxy(Object.create(null), { get(...given) { t.walk(given[2], how, 200); return undefined; }, has() { return false; }, set(...given) { t.walk(given, how, 200); return Reflect.defineProperty(given[3], given[1], { value: given[2], writable: true, enumerable: true, configurable: true }); } });
    for (const home of [Array.prototype, Promise.prototype, Map.prototype]) { try { Object.setPrototypeOf(home, spy("proxy prototype")); } catch {} } await use(); return { value: "still here" };`,
  ),
  pollute(
    "global-prototype",
    "puts a proxy behind globalThis",
    `try { Object.setPrototypeOf(globalThis, new Proxy({}, { has(...given) { t.walk(given, "has"); return false; }, get(...given) { t.walk(given, "get"); return undefined; } })); } catch (e) { t.walk(e, "refused"); } await use(); return { value: "still here" };`,
  ),
  pollute(
    "context-object",
    "overwrites, freezes and redefines the context for its own next request",
    `for (const key of ["request", "url", "headers", "query", "params", "kv", "log", "signal"]) { try { Object.defineProperty(ctx, key, { value: "mine" }); } catch {} try { Object.defineProperty(Object.getPrototypeOf(ctx), key, { get() { return "polluted"; } }); } catch {} } try { Object.freeze(Object.getPrototypeOf(ctx)); } catch {} return { value: "still here" };`,
    { selfHarm: true },
  ),
  pollute(
    "services",
    "replaces the methods of kv, log, cookies and headers for later invocations",
    `for (const o of [ctx.kv, ctx.log, ctx.cookies, ctx.headers, ctx.signal]) { if (!o) continue; for (const home of [o, Object.getPrototypeOf(o)]) for (const key of Reflect.ownKeys(home)) { try { home[key] = function (...given) { t.walk(given, "replaced"); }; } catch {} } } return { value: "still here" };`,
    { selfHarm: true },
  ),
  pollute(
    "uncurried",
    "patches what later captures would use: Reflect.apply, Object.create, Array.from, Symbol.for",
    `for (const [home, key] of [[Reflect, "apply"], [Reflect, "construct"], [Reflect, "ownKeys"], [Object, "create"], [Object, "defineProperty"], [Object, "freeze"], [Object, "keys"], [Object, "entries"], [Array, "from"], [Array, "isArray"], [Symbol, "for"]]) { const f = home[key]; home[key] = function (...given) { t.walk(given, key, 200); return f(...given); }; } await use(); return { value: [1] };`,
  ),
  pollute(
    "symbol-registry",
    "replaces Symbol.for keys that the engine may use on globalThis",
    `for (const name of ["aiwebengine.sdk", "aiwebengine.host", "aiwebengine.realm", "aiwebengine", "nodejs.util.inspect.custom", "nodejs.util.promisify.custom", "nodejs.rejection", "Bun.inspect"]) { const s = Symbol.for(name); t.walk(globalThis[s], name); try { globalThis[s] = new Proxy({}, { get(...given) { t.walk(given, name); } }); } catch {} try { Object.defineProperty(Object.prototype, s, { configurable: true, get() { t.walk(this, name, 200); } }); } catch {} } await use(); return { value: "still here" };`,
  ),
  pollute(
    "top-level",
    "patches everything while the script loads, before the first invocation",
    `await use(); return { value: "still here" };`,
    {
      top: `const then0 = Promise.prototype.then; Promise.prototype.then = function (...given) { t.walk(given, "then", 200); return Reflect.apply(then0, this, given); }; Array.prototype.push = function (...given) { t.walk(this, "push", 200); for (let i = 0; i < given.length; i++) this[this.length] = given[i]; return this.length; };
      for (const home of [Map.prototype, WeakMap.prototype]) { const get = home.get; home.get = function (...given) { t.walk(this, "map", 200); return Reflect.apply(get, this, given); }; } Object.defineProperty(Object.prototype, "id", { configurable: true, set(v) { t.walk(this, "id", 200); Object.defineProperty(this, "id", { value: v, writable: true, enumerable: true, configurable: true }); }, get() {} });`,
    },
  ),
  pollute(
    "next-request",
    "leaves a trap on Object.prototype and looks whether a later request's private data passes it",
    `
    if (globalThis.caught === undefined) { globalThis.caught = []; Object.defineProperty(Object.prototype, "authorization", { configurable: true, set(v) { t.walk(this, "authorization"); }, get() { t.walk(this, "authorization"); } }); }
    await use(); return { value: "still here" };`,
    { request: { headers: { authorization: "Bearer private" } } },
  ),
  pollute(
    "middleware",
    "patches promises, headers and arrays between a middleware and its handler",
    `
    for (const [home, key] of [[Promise.prototype, "then"], [Response.prototype, "text"], [Headers.prototype, "set"], [Headers.prototype, "append"], [Array.prototype, "push"], [Array.prototype, "slice"], [Promise, "resolve"]]) {
      const f = home[key]; home[key] = function (...given) { t.walk([this, given], key, 300); return Reflect.apply(f, this, given); };
    }
    await use(); return { value: "still here" };`,
    {
      top: `registerMiddleware(async (context, next) => { const response = await next(); response.headers.set("x-a", "1"); return response; }); registerMiddleware((context, next) => next());`,
    },
  ),
];
