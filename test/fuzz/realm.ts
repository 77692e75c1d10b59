/**
 * The realm fuzzer: a script that calls everything it can reach with odd arguments, again and again, and reports every
 * object that is not of its own realm. `bun test/fuzz/realm.ts [seconds] [seed]`.
 */
import vm from "node:vm";
import { toolbox, type Findings } from "../e2e/sandbox/toolbox.ts";
import { ScriptInRealm } from "./realm-harness.ts";

export interface RealmFuzzResult {
  readonly seed: number;
  readonly calls: number;
  readonly objects: number;
  /** Rounds that a call of their own kept from ending. */
  readonly stuck: number;
  readonly found: readonly string[];
}

/** Runs inside the realm; `seed` and `milliseconds` come with the request. */
const FUZZER = String.raw`
registerWebHandler("GET /fuzz", async (ctx) => {
  let state = Number(ctx.query.seed) >>> 0 || 1;
  const random = (below) => { state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0; return state % below; };
  const { apply, construct, ownKeys, getOwnPropertyDescriptor } = Reflect;
  // Kept before anything is called: a call may patch or delete them.
  const now = performance.now.bind(performance), wait = (ms) => new Promise((r) => timer(r, ms)), timer = setTimeout, text = String;
  const end = now() + Number(ctx.query.ms);
  const known = new Set(), pool = [], names = [];
  // What these do is to end or to starve the fuzzer itself, not to leak.
  const skipped = /waitUntil|\.freeze$|\.seal$|preventExtensions|setPrototypeOf|__proto__|defineProperty|defineProperties|\.assign$|registerWebHandler|^globalThis\.register|deleteProperty|Reflect\.set$|__define|clearTimeout|clearInterval|\.fill$|\.repeat$|padStart|padEnd|copyWithin|toLocale|Intl\./;
  // A full walk of everything would leave no time for calls.
  const check = (value, name) => { if (t.isForeign(value) || random(400) === 0) t.walk(value, name, 100); };
  const keep = (value, name) => {
    if (value === null || (typeof value !== "object" && typeof value !== "function") || known.has(value)) return;
    if (pool.length > 5000) return;
    known.add(value);
    pool.push(value);
    names.push(name.length > 120 ? name.slice(0, 120) : name);
    check(value, name);
  };
  const collect = (value, name) => {
    keep(value, name);
    if (value === null || (typeof value !== "object" && typeof value !== "function")) return;
    let keys = [];
    try { keys = ownKeys(value); } catch (error) { keep(error, name + "(error)"); }
    for (let i = 0; i < keys.length && i < 200; i++) {
      let d;
      try { d = getOwnPropertyDescriptor(value, keys[i]); } catch (error) { keep(error, name); continue; }
      const at = name + "." + text(keys[i]);
      if (d === undefined || skipped.test(at)) continue;
      keep(d.get, at + "(get)"); keep(d.set, at + "(set)");
      let got = d.value;
      if (d.get) { try { got = value[keys[i]]; } catch (error) { keep(error, at + "(thrown)"); } }
      keep(got, at);
    }
  };
  const restart = () => {
    known.clear(); pool.length = 0; names.length = 0;
    collect(globalThis, "globalThis"); collect(ctx, "ctx"); collect(Object.getPrototypeOf(ctx), "ctx.__proto__"); collect(ctx.kv, "kv"); collect(ctx.log, "log");
    for (let i = 0, n = pool.length; i < n; i++) { collect(pool[i], names[i]); if (typeof pool[i] === "function") collect(pool[i].prototype, names[i] + ".prototype"); }
  };
  const odd = () => {
    switch (random(26)) {
      case 0: return undefined;
      case 1: return null;
      case 2: return random(100) - 50;
      case 3: return 2 ** (random(4) === 0 ? random(54) : random(20));
      case 4: return NaN;
      case 5: return "x".repeat(random(40));
      case 6: return "\ud800\u0000";
      case 7: return Symbol("odd");
      case 8: return BigInt(random(1e9));
      case 9: return [];
      case 10: return {};
      case 11: return () => odd();
      case 12: return new Uint8Array(random(64));
      case 13: return new Proxy({}, { get(...given) { for (const g of given) check(g, "trap"); return undefined; } });
      case 14: return new Proxy(function () {}, {});
      case 15: return { toString() { throw new Error("toString"); }, valueOf() { throw null; } };
      case 16: return { then(...given) { given.forEach((g) => check(g, "then")); } };
      case 17: return "http://a.example/" + random(10);
      case 18: return { [Symbol.iterator]() { return { next(...given) { given.forEach((g) => check(g, "next")); return { done: random(3) === 0, value: random(9) }; } }; } };
      case 19: return new Error("odd");
      case 20: return Object.create(null);
      case 21: return Promise.resolve(random(9));
      case 22: return { signal: {}, method: "POST", headers: [["a", "b"]], body: "x", get type() { check(this, "getter"); return "bytes"; } };
      case 23: return true;
      default: return pool.length === 0 ? 1 : pool[random(pool.length)];
    }
  };
  // What no function call does: syntax that reaches the host, and hooks that the engine looks up.
  const syntax = () => {
    switch (random(5)) {
      case 0: { const name = odd(); const p = import(name); t.swallow(p, "import()"); break; }
      case 1: Error.prepareStackTrace = (...given) => { for (const g of given) { check(g, "prepareStackTrace"); if (Array.isArray(g)) for (const site of g) check(site, "call site"); } return ""; }; break;
      case 2: { let deep = 0; const dive = () => { deep++; dive(); }; try { dive(); } catch (error) { check(error, "recursion"); check(error.stack, "stack"); } break; }
      case 3: { try { null.x; } catch (error) { check(error, "TypeError"); check(error.stack, "stack"); } break; }
      default: { const f = pool[random(pool.length)]; if (typeof f === "function" && !skipped.test(names[pool.indexOf(f)])) t.nearStackLimit(() => apply(f, odd(), [odd()]), names[pool.indexOf(f)]); }
    }
  };
  let calls = 0;
  restart();
  while (now() < end) {
    for (let i = 0; i < 400; i++) {
      const index = random(pool.length), f = pool[index];
      if (typeof f !== "function" || skipped.test(names[index])) continue;
      const given = []; for (let n = random(4); n > 0; n--) given.push(odd());
      calls++;
      let value;
      try { value = random(3) === 0 ? construct(f, given) : apply(f, random(3) === 0 ? odd() : pool[random(pool.length)], given); }
      catch (error) { check(error, names[index] + "(thrown)"); continue; }
      if (value === null || (typeof value !== "object" && typeof value !== "function")) { if (t.looksHost(value)) t.leak(names[index], value); continue; }
      check(value, names[index] + "()");
      let then; try { then = value.then; } catch {}
      if (typeof then === "function" && calls % 7 === 0) t.swallow(value, names[index] + "()");
      if (random(20) === 0) collect(value, names[index] + "()");
    }
    try { syntax(); } catch (error) { check(error, "syntax"); }
    if (random(50) === 0) restart();
    await wait(0);
  }
  await wait(20);
  return "calls " + calls + " " + t.answer();
});
`;

const ROUND_MS = 1000;

/** The negative control: the same fuzzer in a context that nobody hardened. */
async function openRound(seed: number): Promise<void> {
  const surroundings = `globalThis.performance = { now: () => Date.now() }; globalThis.setTimeout = (f) => { Promise.resolve().then(f); };
    let handler; const registerWebHandler = (_, f) => { handler = f; };`;
  const source = `${toolbox("/nonexistent/canary")} ${surroundings} ${FUZZER} handler({ query: { seed: ${seed}, ms: ${ROUND_MS} } })`;
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY as unknown as object, {
    codeGeneration: { strings: false, wasm: false },
  });
  const ignore = (): void => {};
  process.on("unhandledRejection", ignore);
  process.on("uncaughtException", ignore);
  const answer = (await vm.runInContext(source, context)) as string;
  process.stdout.write(answer, () => process.exit(0));
}

/** One realm, for a second; prints what it found as JSON. */
async function round(seed: number): Promise<void> {
  const script = new ScriptInRealm();
  // Rejections that the fuzzer caused go to the realm, as in an isolate.
  process.on("unhandledRejection", (error) => script.unhandled(error));
  process.on("uncaughtException", (error) => script.unhandled(error));
  const report = await script.load(toolbox("/nonexistent/canary") + FUZZER);
  if (!report.startsWith('{"ok":true')) throw new Error(`The fuzzer's script did not load: ${report}`);
  const answer = await script.call(`?seed=${seed}&ms=${ROUND_MS}`);
  process.stdout.write(answer.body, () => process.exit(0));
}

/**
 * Fuzzes for so long, each round in a process of its own: a call may break its realm, or loop in native code for ever,
 * which is its right and not what is looked for.
 */
export async function fuzzRealm(
  milliseconds: number,
  seed: number,
  design: "--round" | "--open" = "--round",
): Promise<RealmFuzzResult> {
  const end = performance.now() + milliseconds;
  const found = new Set<string>();
  let calls = 0;
  let objects = 0;
  let stuck = 0;
  for (let number = 1; performance.now() < end; number++) {
    const child = Bun.spawn([process.execPath, import.meta.path, design, String(seed + number * 7919)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), ROUND_MS * 4);
    const output = await new Response(child.stdout).text();
    await child.exited;
    clearTimeout(timer);
    const text = /^calls (\d+) (\{.*\})$/.exec(output);
    if (text === null) {
      stuck++;
      continue;
    }
    calls += Number(text[1]);
    const findings = JSON.parse(text[2] ?? "{}") as Findings;
    objects += findings.seen;
    for (const one of findings.found) found.add(one);
  }
  return { seed, calls, objects, stuck, found: [...found] };
}

if (import.meta.main) {
  if (process.argv[2] === "--round") await round(Number(process.argv[3]));
  else if (process.argv[2] === "--open") await openRound(Number(process.argv[3]));
  else {
    const seconds = Number(process.argv[2] ?? 60);
    const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
    const result = await fuzzRealm(seconds * 1000, seed);
    const { calls, objects, stuck, found } = result;
    console.log(
      `realm: ${calls} calls, ${objects} objects, ${stuck} rounds cut off, seed ${seed}, ${found.length} found`,
    );
    for (const one of found) console.log(one);
    process.exit(found.length === 0 ? 0 : 1);
  }
}
