/**
 * What the web globals cost a realm: `bun test/bench/realm-globals.ts`. Prints time and memory of a realm that uses none
 * of them, some, or all, above a bare context; and the speed of the common objects against Bun's own.
 */
import { join } from "node:path";
import vm from "node:vm";
import { makeAsk } from "../../core/isolate/host-ops.ts";
import type { Ask } from "../../core/isolate/realm/host.ts";
import { ASK_CURRENT } from "../../core/isolate/realm/state.ts";

const ROUNDS = 60;
const CALLS = 50_000;

const USES: readonly (readonly [string, string])[] = [
  ["none", "0"],
  ["fetch objects", `new Response("hi").headers; new Request("http://x/").headers; new URL("http://x/").pathname`],
  ["streams", "new ReadableStream()"],
  ["all", "for (const name of Object.getOwnPropertyNames(globalThis)) globalThis[name]"],
];

const SPEEDS: readonly (readonly [string, string])[] = [
  [
    "URL and two parts",
    `const u = new URL("https://example.com:8080/a/b?x=1#z"); n += u.pathname.length + u.search.length`,
  ],
  ["URL searchParams", `n += new URL("https://example.com/a?x=1&y=2").searchParams.get("y").length`],
  [
    "Headers",
    `const h = new Headers({ "content-type": "text/plain", "x-a": "b" }); h.set("x-b", "c"); n += h.get("x-a").length`,
  ],
  ["Response", `n += new Response("hello", { status: 201, headers: { "x-a": "b" } }).headers.get("x-a").length`],
  [
    "Request",
    `n += new Request("http://example.com/x", { method: "POST", headers: { a: "b" }, body: "x" }).method.length`,
  ],
  ["TextEncoder", `n += new TextEncoder().encode("hello world, hi there").length`],
  ["TextDecoder", `n += decoder.decode(bytes).length`],
  ["structuredClone", `n += structuredClone({ a: 1, b: [1, 2, { c: "x" }], d: "y" }).a`],
];

const built = await Bun.build({
  entrypoints: [join(import.meta.dir, "../core/isolate/realm/web/boot.ts")],
  format: "iife",
  target: "browser",
  minify: true,
});
const source = await (built.outputs[0] as Blob).text();

function bareContext(): vm.Context {
  return vm.createContext(vm.constants.DONT_CONTEXTIFY as unknown as vm.Context, {
    codeGeneration: { strings: false, wasm: false },
  });
}

type Boot = (emit: () => void, ask: Ask, exposed: boolean) => unknown;
const host = makeAsk((length) => new Uint8Array(length));
const answer: Ask = (op, a, b, c) => (op === ASK_CURRENT ? 1 : host(op, a, b, c));
const realmScript = new vm.Script(source);
const bootScript = new vm.Script("boot");

function openRealm(): vm.Context {
  const context = bareContext();
  realmScript.runInContext(context);
  (bootScript.runInContext(context) as Boot)(() => {}, answer, false);
  return context;
}

function cost(open: () => vm.Context, use: string): { ms: number; kib: number } {
  const script = new vm.Script(use);
  const kept: vm.Context[] = [];
  const times: number[] = [];
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    const context = open();
    script.runInContext(context);
    times.push(performance.now() - start);
    kept.push(context);
  }
  Bun.gc(true);
  times.sort((a, b) => a - b);
  return { ms: times[ROUNDS >> 1] as number, kib: (process.memoryUsage().heapUsed - before) / 1024 / ROUNDS };
}

const bare = cost(bareContext, "0");
for (const [name, use] of USES) {
  const { ms, kib } = cost(openRealm, use);
  console.log(
    `${name.padEnd(20)} ${(ms - bare.ms).toFixed(2)} ms and ${(kib - bare.kib).toFixed(0)} KiB more than a bare context`,
  );
}

const timer = (code: string): string => `(now) => {
  const decoder = new TextDecoder(), bytes = new TextEncoder().encode("hello world, hi there");
  let n = 0, best = Infinity;
  for (let round = 0; round < 5; round++) {
    const start = now();
    for (let i = 0; i < ${CALLS}; i++) { ${code} }
    best = Math.min(best, now() - start);
  }
  return best / ${CALLS} * 1e6;
}`;
type Timer = (now: () => number) => number;
const realm = openRealm();
for (const [name, code] of SPEEDS) {
  const script = new vm.Script(timer(code));
  const here = (script.runInThisContext() as Timer)(() => performance.now());
  const inside = (script.runInContext(realm) as Timer)(() => performance.now());
  console.log(
    `${name.padEnd(20)} ${inside.toFixed(0).padStart(6)} ns, ${(here / inside).toFixed(2)} of Bun's own speed`,
  );
}
