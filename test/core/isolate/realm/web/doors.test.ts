import { expect, test } from "bun:test";
import { openRealm } from "./harness.ts";

/**
 * Runs inside the realm before everything else. `check(value, path)` walks all that can be reached from a value and
 * records what is of another realm: a prototype chain that does not end in this realm's, or a function that can compile
 * code. It keeps its own copies of what it uses, since the tests replace the originals.
 */
const WALKER = `
globalThis.walker = (() => {
  const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor, apply } = Reflect;
  const [objects, functions] = [Object.prototype, Function.prototype];
  const seen = new Set(), bad = [];
  const [setHas, setAdd] = [Set.prototype.has, Set.prototype.add];
  const PromiseCtor = Promise, { then } = Promise.prototype, ignore = () => {};
  const isObject = (v) => (typeof v === "object" && v !== null) || typeof v === "function";
  function check(root, path) {
    const queue = [[root, path, 0]];
    for (let at = 0; at < queue.length; at++) {
      const [value, name, depth] = queue[at];
      if (!isObject(value) || apply(setHas, seen, [value])) continue;
      apply(setAdd, seen, [value]);
      let end = value;
      try { for (let p = getPrototypeOf(value); p !== null; p = getPrototypeOf(p)) end = p; } catch { continue; }
      if (end !== value && end !== objects) bad[bad.length] = name + " ends elsewhere";
      if (typeof value === "function") {
        try { if (apply(value.constructor, undefined, ["return process"])()) bad[bad.length] = name + " compiles"; } catch (e) {
          if (isObject(e) && getPrototypeOf(e) !== null) { const c = e.constructor?.constructor; if (c !== undefined && c !== functions.constructor) bad[bad.length] = name + " throws a stranger"; }
        }
      }
      if (depth > 6) continue;
      const add = (v, n) => { queue[queue.length] = [v, n, depth + 1]; };
      try { add(getPrototypeOf(value), name + ".__proto__"); } catch {}
      if (value instanceof PromiseCtor) apply(then, value, [ignore, ignore]);
      const keys = ownKeys(value);
      for (let i = 0; i < keys.length && i < 500; i++) {
        const n = name + "." + String(keys[i]);
        const d = getOwnPropertyDescriptor(value, keys[i]);
        if (d === undefined) continue;
        if (d.get) add(d.get, n + ".get");
        if (d.set) add(d.set, n + ".set");
        try { add(value[keys[i]], n); } catch (e) { add(e, n + " error"); }
      }
    }
  }
  return { check, bad, count: () => seen.size };
})();`;

/** Objects of every interface, made in the realm. */
const INSTANCES = `[
  new URL("http://a:b@x/y?q=1#z"), new URL("http://x/?a=1").searchParams, new URLSearchParams("a=1").entries(), new Headers({ a: "1" }),
  new Headers({ a: "1" }).entries(), new Request("http://x/", { method: "POST", body: "x" }), new Response("x"), Response.json({}),
  new Blob(["x"]), new File(["x"], "y"), new FormData(), new FormData().keys(), new AbortController(), AbortSignal.abort(), new Event("x"),
  new CustomEvent("x", { detail: {} }), new EventTarget(), new DOMException("x", "AbortError"), new TextEncoder().encode("x"),
  new TextDecoder(), crypto, crypto.subtle, performance, performance.toJSON(), new ReadableStream(), new WritableStream(), new TransformStream(),
  new TextEncoderStream(), new TextDecoderStream(), structuredClone({ a: [new Map([[1, new Date()]])] }), new Response("x").body,
  new Response("x").text(), new Response("x").arrayBuffer(), crypto.subtle.digest("SHA-1", new Uint8Array(1)), crypto.randomUUID(), atob("YQ=="),
]`;

test("nothing of the host can be reached from any global or from any object they make", async () => {
  const realm = openRealm();
  realm.evaluate(WALKER);
  const outcome = await realm.run(`
    walker.check(globalThis, "globalThis");
    const made = ${INSTANCES};
    for (let i = 0; i < made.length; i++) { walker.check(made[i], "made " + i); walker.check(await (made[i] instanceof Promise ? made[i] : 0), "awaited " + i); }
    return [walker.bad, walker.count() > 1000]`);
  expect(outcome).toBe("[[],true]");
});

test("the walk that these tests rest on finds a host object, a host function and a host error", () => {
  const realm = openRealm();
  realm.evaluate(WALKER);
  const look = realm.evaluate(
    "(value) => { const before = walker.bad.length; walker.check({ deep: [value] }, ''); return walker.bad.length > before; }",
  );
  for (const stranger of [{}, () => 1, new Error("x"), new Uint8Array(1), Promise.resolve()]) {
    expect((look as (value: unknown) => boolean)(stranger)).toBe(true);
  }
});

test("every function refuses odd arguments and receivers with errors of the realm", async () => {
  const realm = openRealm();
  realm.evaluate(WALKER);
  const outcome = await realm.run(`
    const made = ${INSTANCES};
    const deep = { toString() { throw new RangeError(); } };
    const recurse = new Proxy({}, { get(t, k) { return k === Symbol.iterator ? undefined : recurse; } });
    const odd = [undefined, null, 0, -1, 1e99, "", "x", "http://x/", "\\0", "\\ud800", 1n, Symbol("s"), {}, [], [[]], [1], () => {}, deep, recurse, new Uint8Array(3), new DataView(new ArrayBuffer(1)),
      { length: 1, byteLength: 1, [Symbol.toStringTag]: "Uint8Array" }, new Proxy(new Uint8Array(1), {}), class extends Uint8Array {}, ...made];
    const functions = [];
    const names = ["URL", "URLSearchParams", "Headers", "Request", "Response", "Blob", "File", "FormData", "AbortController", "AbortSignal", "Event", "CustomEvent", "EventTarget", "DOMException", "TextEncoder", "TextDecoder", "Crypto", "SubtleCrypto", "Performance", "atob", "btoa", "structuredClone", "queueMicrotask"];
    for (const name of names) {
      const f = globalThis[name]; functions.push(f);
      for (const holder of [f, f.prototype]) if (holder) for (const k of Reflect.ownKeys(holder)) {
        const d = Reflect.getOwnPropertyDescriptor(holder, k);
        for (const g of [d.get, d.set, d.value]) if (typeof g === "function") functions.push(g);
      }
    }
    const pending = [];
    const keep = (v, n) => { walker.check(v, n); if (v instanceof Promise) pending.push(v.then((x) => walker.check(x, n), (x) => walker.check(x, n))); };
    let seed = 7; const pick = () => odd[(seed = (seed * 1103515245 + 12345) % 2147483648) % odd.length];
    let calls = 0;
    for (const f of functions) {
      for (let i = 0; i < 60; i++) {
        calls++;
        try { keep(Reflect.apply(f, pick(), [pick(), pick(), pick()].slice(0, i % 4)), f.name); } catch (e) { keep(e, f.name + " error"); }
        try { keep(Reflect.construct(f, [pick(), pick()].slice(0, i % 3)), "new " + f.name); } catch (e) { keep(e, "new " + f.name + " error"); }
      }
    }
    await Promise.all(pending);
    return [[...new Set(walker.bad)], calls > 5000]`);
  expect(outcome).toBe("[[],true]");
});

test("a call to the host near the end of the stack throws an error of the realm", async () => {
  const realm = openRealm();
  realm.evaluate(WALKER);
  const outcome = await realm.run(`
    const uses = [() => new URL("http://x/"), () => new TextEncoder().encode("x"), () => new TextDecoder().decode(new Uint8Array(9)), () => atob("YQ=="), () => crypto.randomUUID(),
      () => crypto.getRandomValues(new Uint8Array(9)), () => performance.now(), () => new URL("http://x/").search = "?y", () => new TextDecoder("latin1").decode(new Uint8Array(2))];
    for (const use of uses) {
      use();
      let left = 300;
      const dive = () => { try { dive(); } catch (e) { if (left-- > 0) try { use(); } catch (f) { walker.check(f, "overflow"); } throw e; } };
      try { dive(); } catch (e) { walker.check(e, "top"); }
    }
    return walker.bad`);
  expect(outcome).toBe("[]");
});

/** Replaces every method and accessor of the language's prototypes by one that records what it was given. */
const POISON = `
  const leaks = [];
  const { apply, ownKeys, getOwnPropertyDescriptor, defineProperty, getPrototypeOf } = Reflect;
  const check = walker.check;
  let armed = false, hits = 0;
  const look = (v) => { if (armed) { armed = false; hits++; try { check(v, "leaked"); } finally { armed = true; } } };
  const spy = (original) => function (...args) { look(this); for (let i = 0; i < args.length; i++) look(args[i]); return apply(original, this, args); };
  const typed = getPrototypeOf(Uint8Array.prototype);
  const targets = [Array.prototype, String.prototype, RegExp.prototype, Map.prototype, Set.prototype, WeakMap.prototype, Promise.prototype, Promise, Function.prototype, Object, Array, JSON, Math, String, Number, typed, Uint8Array.prototype, ArrayBuffer.prototype, ArrayBuffer, DataView.prototype, Date.prototype, Date, Error.prototype, getPrototypeOf(getPrototypeOf([][Symbol.iterator]())), getPrototypeOf([][Symbol.iterator]())];
  const poison = () => {
    for (const target of targets) for (const key of ownKeys(target)) {
      if (key === "constructor" || key === "prototype" || key === "caller" || key === "arguments") continue;
      const d = getOwnPropertyDescriptor(target, key);
      if (!d.configurable) continue;
      if (typeof d.value === "function") defineProperty(target, key, { ...d, value: spy(d.value) });
      else if (d.get) defineProperty(target, key, { ...d, get: spy(d.get) });
    }
    for (const key of ["0", "1", "value", "get", "then", "length", "done", "type", "stream", "headers", "status"]) if (!(key in Object.prototype)) {
      defineProperty(Object.prototype, key, { __proto__: null, configurable: true, get() { look(this); return undefined; }, set(v) { look(this); look(v); defineProperty(this, key, { __proto__: null, value: v, writable: true, enumerable: true, configurable: true }); } });
    }
    defineProperty(Array.prototype, "7", { __proto__: null, configurable: true, set(v) { look(this); look(v); defineProperty(this, "7", { __proto__: null, value: v, writable: true, enumerable: true, configurable: true }); } });
    defineProperty(Function.prototype, Symbol.hasInstance, { __proto__: null, value: undefined });
    globalThis.Reflect = globalThis.Promise = globalThis.Uint8Array = globalThis.Symbol = undefined;
    armed = true;
  };`;

test("methods that a script replaced before first use see nothing of the host", async () => {
  const realm = openRealm();
  realm.evaluate(WALKER);
  const outcome = await realm.run(`${POISON}
    const P = Promise, U = Uint8Array; poison();
    const tries = [];
    const attempt = async (f) => { try { const v = await f(); look(v); tries[tries.length] = "ok"; } catch (e) { look(e); tries[tries.length] = "error"; } };
    await attempt(() => new URL("http://a:b@x/y?q=1&r=%zz#z").searchParams.append("a", "b"));
    await attempt(() => new Headers({ B: "1", a: " 2" }).get("b"));
    await attempt(() => new Response("hé").text());
    await attempt(() => new Response(new FormData()).formData());
    await attempt(() => new Request("http://x/", { method: "POST", body: new URLSearchParams("a=b") }).formData());
    await attempt(() => new Response(new Response("x").body).bytes());
    await attempt(() => new TextDecoder().decode(new TextEncoder().encode("hé")));
    await attempt(() => crypto.subtle.digest("SHA-256", new U(9)));
    await attempt(() => crypto.getRandomValues(new U(9)));
    await attempt(() => structuredClone({ a: [1, new Map([[1, new Date()]])] }));
    await attempt(() => new Blob(["x", new U(2)]).slice(1).text());
    await attempt(() => { const c = new AbortController(); c.signal.onabort = () => {}; c.abort(); return c.signal.reason; });
    await attempt(() => atob(btoa("x")));
    armed = false;
    let text = ""; for (let i = 0; i < walker.bad.length; i++) text += walker.bad[i] + ";";
    return text + (hits > 0) + tries.length`);
  expect(outcome).toBe('"true13"');
});

test("the engine's own doors work after a script has replaced every method", async () => {
  const realm = openRealm(true);
  realm.evaluate(WALKER);
  const outcome = await realm.run(`${POISON}
    // The library of streams takes its intrinsics when it is first used; a script that ruins them before has no streams.
    const { openResponse, makeHeaders, makeRequest, makeFetchArgs, makeByteStream, pumpStream, makeAbort, utf8Encode, utf8Decode, parseForm, isResponse, makeResponse, makeUrl, newResponse, isStream } = engine;
    const R = Response, stringify = JSON.stringify, U = Uint8Array; new Response("x").body; poison();
    const said = [];
    const say = (v) => { said[said.length] = v; };
    const opened = openResponse(new R("hé", { status: 201, headers: { b: "1", a: "2" } }));
    say(opened.status); say(opened.body); say(opened.headers.length);
    say(makeHeaders(["a", "1"]).get("a"));
    say(isResponse(new R()));
    say(utf8Decode(utf8Encode("hé")));
    say(makeUrl("http://x/y").pathname);
    const sent = makeFetchArgs("http://x/", { method: "post", body: "b", headers: { k: "v" } }); say(sent.method); say(sent.body); say(sent.headers[0]);
    const { signal, abort } = makeAbort(); abort(5); say(signal.reason);
    const request = makeRequest({ method: "POST", url: "http://x/", headers: () => makeHeaders([]), body: utf8Encode('{"a":7}'), signal });
    say((await request.json()).a);
    const form = parseForm(utf8Encode("a=1+2&b=%zz"), "application/x-www-form-urlencoded"); say(form.get("a")); say(form.get("b"));
    const { stream, pipe } = makeByteStream({ pull(p) {}, cancel() {} }); pipe.enqueue(new U(3)); pipe.close(); say(isStream(stream));
    let bytes = 0; pumpStream(stream, { chunk(b) { bytes += 3; }, done() { bytes += 100; }, failed(e) { bytes = -1; } });
    for (let i = 0; i < 50; i++) await null; say(bytes);
    say(openResponse(makeResponse({ status: 200, statusText: "", url: "http://x/", redirected: false, headers: ["a", "1"], body: null })).headers[1]);
    say(newResponse("x", undefined, "a/b").headers.get("content-type"));
    armed = false;
    let text = ""; for (let i = 0; i < walker.bad.length; i++) text += walker.bad[i] + ";";
    for (let i = 0; i < said.length; i++) text += said[i] + ",";
    return text`);
  expect(outcome).toBe('"201,hé,6,1,true,hé,/y,POST,b,k,5,7,1 2,%zz,true,103,1,a/b,"');
});

test("a global is one that a script can replace and delete, and it hides from enumeration", async () => {
  const realm = openRealm();
  const outcome = await realm.run(`
    const own = Object.keys(globalThis); Headers = 1; const replaced = Headers; delete globalThis.Response;
    const d = Object.getOwnPropertyDescriptor(globalThis, "URL"); URL; const after = Object.getOwnPropertyDescriptor(globalThis, "URL");
    return [own.includes("URL"), replaced, typeof Response, typeof d.get, typeof after.value, after.writable, after.enumerable, after.configurable, URL.name]`);
  expect(outcome).toBe('[false,1,"undefined","function","function",true,false,true,"URL"]');
});
