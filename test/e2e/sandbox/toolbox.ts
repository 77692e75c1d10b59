/**
 * What every attack has at hand inside its realm, as source text: it walks what it can reach, tries to run code from
 * strings with every constructor it meets, and keeps proofs. The same text runs in scripts and in the open designs of
 * `controls.test.ts`, which shows that it can see.
 */

/** Source of `const t = …`; `canary` is a file that no script may read. */
export function toolbox(canary: string): string {
  return `const t = (${TOOLBOX})(${JSON.stringify(canary)});\n`;
}

/** What an attack answers. */
export interface Findings {
  /** The attack ran to its end; anything else means that the suite did not try what it says. */
  readonly done: boolean;
  /** Each begins with `escaped:` (code ran outside) or `leaked:` (an object or a fact of the host came in). */
  readonly found: readonly string[];
  /** Objects looked at: a walk that saw nothing proves nothing. */
  readonly seen: number;
  /** What the attack noted for the reader. */
  readonly note: string;
}

// It captures what it uses before an attack patches it. `String.raw`: the text holds backslashes.
const TOOLBOX = String.raw`(canary) => {
  "use strict";
  const { getPrototypeOf, getOwnPropertyDescriptor, defineProperty, prototype: objectPrototype } = Object;
  const { ownKeys, apply } = Reflect;
  const stringify = JSON.stringify;
  const callOf = (method) => (self, ...args) => apply(method, self, args);
  const push = callOf(Array.prototype.push), has = callOf(Set.prototype.has), add = callOf(Set.prototype.add);
  const sliceString = callOf(String.prototype.slice), test = callOf(RegExp.prototype.exec);
  const text = String;
  const seen = new Set(), tried = new Set(), found = [];
  const home = objectPrototype;
  const ownFunctions = new Set([
    getPrototypeOf(function () {}).constructor, getPrototypeOf(async function () {}).constructor,
    getPrototypeOf(function* () {}).constructor, getPrototypeOf(async function* () {}).constructor,
  ]);
  let note = "", done = false, count = 0, busy = false;

  const say = (kind, how, what) => {
    if (found.length < 20) push(found, kind + ": " + how + (what === undefined ? "" : " → " + sliceString(text(what), 0, 300)));
  };

  /** Anything of the host that a value lets us do is a proof. */
  const useHost = (host, how) => {
    let proof = "";
    try { proof += " pid " + host.pid; } catch {}
    try { proof += " " + host.execPath; } catch {}
    try { proof += " " + host.main; } catch {}
    try {
      const fs = host.getBuiltinModule("node:fs");
      proof += " read " + fs.readFileSync(canary, "utf8");
      fs.writeFileSync(canary + ".marker", how);
    } catch {}
    say("escaped", how, proof);
  };

  /** Whether a constructor runs code from a string, and what that code sees. */
  const tryCode = (constructor, how) => {
    if (typeof constructor !== "function" || has(tried, constructor)) return;
    add(tried, constructor);
    let made;
    try {
      made = constructor("return typeof process === 'object' && process ? process : typeof Bun === 'object' && Bun ? Bun : 'code'");
    } catch (error) { return; }
    if (typeof made !== "function") return;
    let got;
    try { got = made(); } catch { return; }
    if (got === "code") say("leaked", how, "code from a string ran in a realm without a host");
    else if (got !== null && typeof got === "object" && typeof got.then !== "function") useHost(got, how);
  };

  /** Whether the value's prototype chain ends in another realm's Object.prototype. */
  const isForeign = (value) => {
    let last = value;
    try {
      for (let hops = 0; hops < 1000; hops++) {
        const next = getPrototypeOf(last);
        if (next === null) break;
        last = next;
      }
      return last !== home && typeof last === "object" &&
        getOwnPropertyDescriptor(last, "hasOwnProperty") !== undefined && getOwnPropertyDescriptor(last, "isPrototypeOf") !== undefined;
    } catch (error) { return false; }
  };

  const looksHost = (value) => typeof value === "string" && value.length < 100000 &&
    test(/\/(?:root|home|usr|tmp|work|proc|\$bunfs)\/|node:internal|internal:|bun:/, value) !== null;

  const useForeign = (value, path) => {
    say("leaked", path, "an object of another realm");
    try { tryCode(value.constructor.constructor, path + ".constructor.constructor"); } catch {}
    try { tryCode(value.constructor, path + ".constructor"); } catch {}
    try { tryCode(getPrototypeOf(value).constructor.constructor, path + ".__proto__.constructor.constructor"); } catch {}
  };

  /** Walks everything reachable from a value: properties, symbols, prototypes, accessors and what they give. */
  const walk = (root, how, limit = 4000) => {
    if (busy) return;
    busy = true;
    const queue = [root], paths = [how];
    for (let at = 0; at < queue.length && at < limit; at++) {
      const value = queue[at], path = paths[at];
      if (value === null || (typeof value !== "object" && typeof value !== "function") || has(seen, value)) continue;
      add(seen, value);
      count++;
      if (isForeign(value)) useForeign(value, path);
      if (typeof value === "function" && !has(ownFunctions, value)) {
        try { if (!has(ownFunctions, value.constructor)) tryCode(value.constructor, path + ".constructor"); } catch {}
      }
      const visit = (next, name) => {
        if (next !== null && (typeof next === "object" || typeof next === "function") && !has(seen, next)) {
          push(queue, next);
          push(paths, path.length > 200 ? path : path + "." + name);
        }
      };
      try { visit(getPrototypeOf(value), "__proto__"); } catch (error) { visit(error, "(error)"); }
      let keys = [];
      try { keys = ownKeys(value); } catch (error) { visit(error, "(error)"); }
      const many = keys.length > 500 ? 500 : keys.length;
      for (let i = 0; i < many; i++) {
        const key = keys[i];
        const name = typeof key === "symbol" ? "[" + text(key) + "]" : key;
        let descriptor;
        try { descriptor = getOwnPropertyDescriptor(value, key); } catch (error) { visit(error, name + "(error)"); continue; }
        if (descriptor === undefined) continue;
        // Made anew each time, with nothing but what is visited below: walked itself, it would lead to its own, without end.
        if (isForeign(descriptor)) useForeign(descriptor, path + "." + name + "(descriptor)");
        if ("value" in descriptor) { visit(descriptor.value, name); continue; }
        visit(descriptor.get, name + "(get)");
        visit(descriptor.set, name + "(set)");
        let got;
        try { got = value[key]; } catch (error) { visit(error, name + "(thrown)"); continue; }
        if (got !== null && typeof got === "object" && typeof got.then === "function") swallow(got, path + "." + name);
        visit(got, name);
      }
    }
    busy = false;
  };

  /** Keeps a promise from being unhandled, and walks what it brings. */
  const swallow = (promise, how) => {
    try {
      promise.then((value) => walk(value, how + "(resolved)", 500), (error) => walk(error, how + "(rejected)", 500));
    } catch (error) { walk(error, how + "(then threw)", 500); }
  };

  /** Calls; what comes back, comes out, or is thrown is walked. */
  const probe = (call, how) => {
    let value;
    try { value = call(); } catch (error) { walk(error, how + "(thrown)", 500); return undefined; }
    walk(value, how + "()", 500);
    if (value !== null && typeof value === "object") {
      let then;
      try { then = value.then; } catch {}
      if (typeof then === "function") swallow(value, how + "()");
    }
    return value;
  };

  const probeAsync = async (call, how) => {
    let value;
    try { value = call(); walk(value, how + "(promise)", 500); value = await value; }
    catch (error) { walk(error, how + "(thrown)", 500); return undefined; }
    walk(value, how + "()", 500);
    return value;
  };

  /** Runs a function in the deepest 40 frames that the stack has room for, and walks what is thrown. */
  const nearStackLimit = (call, how) => {
    const thrown = [];
    let left = 40;
    const keep = (error) => { if (thrown.length < 60) thrown[thrown.length] = error; };
    const dive = () => {
      try { dive(); } catch (error) { keep(error); }
      if (left <= 0) return;
      left--;
      try {
        const value = call();
        if (value !== null && typeof value === "object" && typeof value.then === "function") swallow(value, how + " near the stack limit");
      } catch (error) { keep(error); }
    };
    try { dive(); } catch (error) { keep(error); }
    for (let i = 0; i < thrown.length; i++) walk(thrown[i], how + " near the stack limit", 300);
  };

  /** The realm's functions that a script sees by name, with where they are. */
  const functions = (root, rootName, skip = /$^/) => {
    const list = [];
    let names = [];
    for (let at = root; at !== null && at !== home; at = getPrototypeOf(at)) names = [...names, ...ownKeys(at)];
    for (const name of names) {
      const label = rootName + "." + text(name);
      if (test(skip, label) !== null) continue;
      let value;
      try { value = root[name]; } catch (error) { walk(error, label, 200); continue; }
      if (typeof value === "function") push(list, { call: value, self: root, name: label });
      if (value !== null && (typeof value === "object" || typeof value === "function") && value !== root) {
        let inner = [];
        try { inner = ownKeys(value); } catch {}
        for (const key of inner) {
          if (test(skip, label + "." + text(key)) !== null) continue;
          let method;
          try { method = value[key]; } catch (error) { walk(error, label, 200); continue; }
          if (typeof method === "function") push(list, { call: method, self: value, name: label + "." + text(key) });
        }
      }
    }
    return list;
  };

  const api = {
    canary, walk, probe, probeAsync, nearStackLimit, functions, tryCode, isForeign, useHost, looksHost, swallow,
    leak: (how, what) => say("leaked", how, what),
    escape: (how, what) => say("escaped", how, what),
    note: (words) => { note += words + " "; },
    /** What the engine's tests ask before and after the attack itself; undefined for the attack. */
    gate: (query) => (query.warm ? "warm" : query.report ? api.answer() : undefined),
    /** Runs the attack; an error of its own is no finding, but walked. */
    async run(attack) {
      try { await attack(); } catch (error) { walk(error, "thrown by the attack", 500); try { note += "threw " + text(error); } catch {} }
      done = true;
    },
    answer() {
      let list = "";
      for (let i = 0; i < found.length; i++) list += (i ? "," : "") + stringify(found[i]);
      return '{"done":' + done + ',"found":[' + list + '],"seen":' + count + ',"note":' + stringify(note) + "}";
    },
  };
  return api;
}`;
