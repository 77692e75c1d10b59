/** Handlers that are called with data, by other scripts and by themselves: what crosses, what comes back, and how often. */
import type { Attack } from "../attack.ts";

const message = (name: string, tries: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `message-${name}`,
  group: "traps",
  tries,
  outcome: "findings",
  body: `const self = (payload) => ctx.messages.send({ script: ctx.script.name, name: "own" }, payload);${body}`,
  ...more,
});

const flood = (name: string, tries: string, body: string, top: string): Attack =>
  message(name, tries, body, { group: "floods", slow: true, outcome: "survived", top });

const handler = (body: string): string => `registerMessageHandler("own", async (ctx) => {
    const self = (payload) => ctx.messages.send({ script: ctx.script.name, name: "own" }, payload);
    ${body}
  });`;

const NESTED = `const nested = (depth) => { let text = ""; for (let i = 0; i < depth; i++) text += "["; for (let i = 0; i < depth; i++) text += "]"; return JSON.parse(text); };`;

export const messages: readonly Attack[] = [
  message("context", "walks the context of a handler that is called with data", `await self({ a: [1, { b: 2 }] });`, {
    top: handler(`
      t.walk(ctx, "context", 20000);
      for (let at = ctx, i = 0; at !== null && i < 20; at = Object.getPrototypeOf(at), i++)
        for (const key of Reflect.ownKeys(at)) t.walk(Object.getOwnPropertyDescriptor(at, key), "ctx^" + i + "." + String(key));`),
  }),
  message(
    "odd-payloads",
    "sends what is no data, and walks what is thrown",
    `
    const cycle = []; cycle.push(cycle);
    for (const odd of [cycle, 1n, Symbol(), () => 1, new Proxy({}, { ownKeys(...given) { t.walk(given, "ownKeys"); return []; } }), { toJSON(...given) { t.walk([this, given], "toJSON"); throw new Error("x"); } }, { get a() { throw t; } }])
      await t.probeAsync(() => self(odd), "send");
    for (const odd of [null, 1, "", "/", "//", "a/b/c", {}, { name: 1 }, { name: "own", script: {} }, [], "x".repeat(100000)]) await t.probeAsync(() => ctx.messages.send(odd, 1), "target");`,
    { top: handler(`return 1;`) },
  ),
  message(
    "odd-values",
    "gives back from a handler what is no data",
    `for (let i = 0; i < 12; i++) t.walk(await self(i), "delivery");`,
    {
      top: handler(`
      const watch = (how) => function (...given) { t.walk([this, given], how, 300); return undefined; };
      const odd = [new Response("x"), (async function* () { yield 1; })(), new Uint8Array(9), 1n, Symbol("x"), () => 1, { toJSON: watch("toJSON") }, { then(...given) { t.walk(given, "then", 300); given[0](1); } }, new Proxy({}, { get(...given) { t.walk(given, "get", 300); } }), { get a() { throw ctx; } }, new Blob(["x"]), new ReadableStream()];
      return odd[ctx.payload % odd.length];`),
    },
  ),
  message(
    "prototype",
    "sends and gives back keys that could reach a prototype",
    `
    const evil = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"kind":"http","id":"x"}');
    await self(evil); await t.probeAsync(() => ctx.messages.send(evil, evil), "target");
    if ({}.polluted !== undefined) throw new Error("polluted");`,
    { top: handler(`if ({}.polluted !== undefined) throw new Error("polluted"); return ctx.payload;`) },
  ),
  message(
    "deep",
    "sends and gives back a value that is nested without end",
    `${NESTED} for (const depth of [1000, 100000, 900000]) await t.probeAsync(() => self(nested(depth)), "deep");`,
    { top: `${NESTED}${handler(`return nested(900000);`)}`, outcome: "survived" },
  ),
  message(
    "large",
    "gives back more than a message may hold",
    `await t.probeAsync(() => self(1), "large"); await t.probeAsync(() => self("x".repeat(5000000)), "large");`,
    { top: handler(`return "x".repeat(5000000);`), outcome: "survived" },
  ),
  flood("self", "messages itself without end", `return { value: await self(1) };`, handler(`return self(1);`)),
  flood(
    "tree",
    "sends twenty messages to itself for each that it gets",
    `return { value: await self(1) };`,
    handler(`return Promise.allSettled(Array.from({ length: 20 }, () => self(1)));`),
  ),
  flood(
    "late",
    "answers at once and goes on messaging itself in waitUntil",
    `return { value: await self(1) };`,
    handler(`ctx.waitUntil(Promise.allSettled([self(1), self(1)])); return 1;`),
  ),
  flood(
    "stuck",
    "messages a handler of its own that never yields",
    `return { value: await self(1) };`,
    handler(`for (;;);`),
  ),
  flood(
    "many",
    "sends a hundred thousand messages without waiting",
    `const all = []; for (let i = 0; i < 100000; i++) all.push(self(i).then(() => 1, () => 0)); await Promise.all(all); return { value: "x" };`,
    handler(`return 1;`),
  ),
];
