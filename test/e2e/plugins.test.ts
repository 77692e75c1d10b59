/** Dropped plugins on the binary: live without a restart, gone when their file goes, and never in the way of what serves. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { plugin } from "../core/plugin/source.ts";
import { startEngine, type Engine } from "./engine.ts";

const HELLO = `import { registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /hello", () => "hello");
`;

const tea = (kind: string): string => plugin("tea", `ctx.route("GET /tea", () => new Response("${kind}"));`);

describe("dropped plugins", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await startEngine({ scripts: { "hello.ts": HELLO } });
  });
  afterAll(() => engine.stop());

  /** Writes, and waits until the engine says what came of it. */
  async function drop(path: string, content: string | null, says: string): Promise<string> {
    const after = engine.mark();
    if (content === null) await engine.remove(path);
    else await engine.write(path, content);
    return engine.waitForLog(new RegExp(says), { after });
  }

  test("one serves after its save, changes with it, and is gone with its file", async () => {
    await drop("plugins/tea.ts", tea("green"), "plugins changed");
    const answer = await engine.fetch("/tea");
    expect(await answer.text()).toBe("green");
    expect(answer.headers.get("x-request-id")).toHaveLength(36);
    await drop("plugins/tea.ts", tea("black"), "plugins changed");
    expect(await (await engine.fetch("/tea")).text()).toBe("black");
    await drop("plugins/tea.ts", null, "plugins changed");
    expect((await engine.fetch("/tea")).status).toBe(404);
  });

  test("a folder with a helper: a save of the helper is a new generation", async () => {
    await engine.write("plugins/pot/size.ts", 'export const size = "small";');
    const index = `import { size } from "./size.ts";\n${plugin("pot", 'ctx.route("GET /pot", () => new Response(size));')}`;
    await drop("plugins/pot/index.ts", index, "plugins changed");
    expect(await (await engine.fetch("/pot")).text()).toBe("small");
    await drop("plugins/pot/size.ts", 'export const size = "large";', "plugins changed");
    expect(await (await engine.fetch("/pot")).text()).toBe("large");
    await drop("plugins/pot", null, "plugins changed");
  });

  test("a hook is around scripts' answers, refusals and the engine's own", async () => {
    const setup = `ctx.hook("request", async (event, next) => {
      const answer = await next();
      answer.headers.set("x-seen", [event.method, event.path, event.route?.path ?? "none", event.script ?? "none"].join(" "));
      return answer;
    });`;
    await drop("plugins/seen.ts", plugin("seen", setup), "plugins changed");
    const seen = async (path: string): Promise<string | null> => (await engine.fetch(path)).headers.get("x-seen");
    expect(await seen("/hello?x=1")).toBe("GET /hello /hello hello");
    expect(await seen("/nothing")).toBe("GET /nothing none none");
    expect(await seen("/health/live")).toBe("GET /health/live /health/live none");
    expect(await seen("/%ff")).toBe("GET /%ff none none");
    await drop("plugins/seen.ts", null, "plugins changed");
  });

  test("match hooks decide what is matched", async () => {
    const setup = `ctx.hook("match", (url) => (url.pathname.startsWith("/v1/") ? new URL(url.pathname.slice(3), url) : url));`;
    await drop("plugins/versions.ts", plugin("versions", setup), "plugins changed");
    expect(await (await engine.fetch("/v1/hello")).text()).toBe("hello");
    await drop("plugins/versions.ts", null, "plugins changed");
    expect((await engine.fetch("/v1/hello")).status).toBe(404);
  });

  test("invoke hooks are around every call into a script", async () => {
    const setup = `ctx.hook("invoke", async (event, next) => {
      const answer = await next();
      answer.headers.set("x-invoked", [event.kind, event.script, event.registration, event.id.length].join(" "));
      return answer;
    });`;
    await drop("plugins/trace.ts", plugin("trace", setup), "plugins changed");
    expect((await engine.fetch("/hello")).headers.get("x-invoked")).toBe("http hello 0 36");
    await drop("plugins/trace.ts", null, "plugins changed");
  });

  test("a hook that throws is an opaque 500 with its plugin's name in the log", async () => {
    await drop(
      "plugins/bad.ts",
      plugin("bad", 'ctx.hook("request", () => { throw new Error("secret reason"); });'),
      "plugins changed",
    );
    const answer = await engine.fetch("/hello");
    expect(answer.status).toBe(500);
    const body = await answer.text();
    expect(body).not.toContain("secret reason");
    const id = answer.headers.get("x-request-id") ?? "none";
    const line = await engine.waitForLog(new RegExp(`a plugin's hook failed.*${id}|${id}.*a plugin's hook failed`));
    // In the author's own file, not in the bundle.
    expect(JSON.parse(line)).toMatchObject({ plugin: "bad", file: "plugins/bad.ts", line: expect.any(Number) });
    expect((JSON.parse(line) as { frame: string }).frame).toContain("secret reason");
    await drop("plugins/bad.ts", null, "plugins changed");
  });

  test("a hook or a route that gives the wrong thing is told of by its plugin's name", async () => {
    for (const [setup, says] of [
      ['ctx.hook("match", () => "/hello");', "the match hook of the plugin .+bad.+ gave string instead of a URL"],
      ['ctx.route("GET /bad", () => {});', "the route .+GET /bad.+ of the plugin .+bad.+ gave undefined instead of a"],
      ['ctx.route("GET /bad", async () => null);', "the route .+GET /bad.+ of the plugin .+bad.+ gave null instead of"],
    ] as const) {
      await drop("plugins/bad.ts", plugin("bad", setup), "plugins changed");
      const after = engine.mark();
      expect((await engine.fetch("/bad")).status).toBe(500);
      await engine.waitForLog(new RegExp(says), { after });
    }
    await drop("plugins/bad.ts", null, "plugins changed");
  });

  test("what a plugin's timer throws is the plugin's failure, with its place", async () => {
    const setup = 'const timer = setTimeout(() => { throw new Error("late"); }); ctx.defer(() => clearTimeout(timer));';
    const after = engine.mark();
    await drop("plugins/bad.ts", plugin("bad", setup), "plugins changed");
    const line = await engine.waitForLog(/"a plugin failed"/, { after });
    expect(JSON.parse(line)).toMatchObject({ plugin: "bad", file: "plugins/bad.ts", line: expect.any(Number) });
    expect(await (await engine.fetch("/hello")).text()).toBe("hello");
    await drop("plugins/bad.ts", null, "plugins changed");
  });

  const broken: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    ["syntax", "export default {{", /plugins\/oops\.ts/],
    ["a throw at the top level", 'throw new Error("no kettle");', /no kettle/],
    ["a throw in setup", plugin("oops", 'throw new Error("no water");'), /no water/],
    ["an import that is not there", 'import "./gone.ts";\nexport default {};', /gone\.ts/],
    [
      "a route that another plugin has",
      plugin("oops", 'ctx.route("GET /health/live", () => new Response());'),
      /\/health\/live/,
    ],
    [
      "a route that a script has",
      plugin("oops", 'ctx.route("GET /hello", () => new Response());'),
      /the script "hello" holds GET \/hello/,
    ],
    [
      "a route that it has itself",
      plugin("oops", 'for (const n of [1, 2]) ctx.route("GET /twice", () => new Response(String(n)));'),
      /the plugin "oops" cannot have GET \/twice: it has registered GET \/twice already/i,
    ],
    ["a need that nobody meets", plugin("oops", "", 'requires: ["water"],'), /requires "water"/],
  ];
  for (const [what, text, says] of broken) {
    test(`broken by ${what}: refused with the reason, and everything serves on`, async () => {
      const line = await drop("plugins/oops.ts", text, "plugin failed");
      const { problem, file } = JSON.parse(line) as { readonly problem: string; readonly file?: string };
      expect(`${file}: ${problem}`).toMatch(says);
      expect(await (await engine.fetch("/hello")).text()).toBe("hello");
      const after = engine.mark();
      await engine.write("plugins/tea.ts", tea("white"));
      await engine.waitForLog(/plugin failed/, { after });
      await engine.remove("plugins/oops.ts");
      await engine.waitForLog(/plugins changed/, { after });
      expect(await (await engine.fetch("/tea")).text()).toBe("white");
      await drop("plugins/tea.ts", null, "plugins changed");
    });
  }
});

test("200 swaps under load: no request fails", async () => {
  await using engine = await startEngine({ scripts: { "hello.ts": HELLO }, files: { "plugins/tea.ts": tea("0") } });
  let stop = false;
  let asked = 0;
  const failed: string[] = [];
  const load = Array.from({ length: 4 }, async () => {
    while (!stop) {
      for (const path of ["/hello", "/tea"]) {
        const answer = await engine.fetch(path);
        const text = await answer.text();
        asked++;
        if (answer.status !== 200) failed.push(`${path} ${answer.status} ${text}`);
      }
    }
  });
  for (let i = 1; i <= 200; i++) {
    const after = engine.mark();
    await engine.write("plugins/tea.ts", tea(`${i}`));
    await engine.waitForLog(/plugins changed/, { after });
  }
  stop = true;
  await Promise.all(load);
  expect(failed).toEqual([]);
  expect(asked).toBeGreaterThan(400);
  expect(await (await engine.fetch("/tea")).text()).toBe("200");
}, 120_000);

test("an engine whose plugins cannot be set up at the start refuses, names file and line, and ends with 2", async () => {
  const started = startEngine({ files: { "plugins/tea.ts": plugin("tea", 'throw new Error("no water");') } });
  const error = await started.then(
    () => new Error("it started"),
    (reason: unknown) => reason as Error,
  );
  expect(error.message).toContain('plugins/tea.ts:7: The plugin "tea" could not be set up: no water.');
  expect(error.message).toContain("> 7 |");
});

test("the example of docs/plugins.md: route, hook, service, health check, and a count that outlives a save", async () => {
  const example = await Bun.file(`${import.meta.dir}/../../docs/examples/plugins/teapot.ts`).text();
  const script = `import { registerWebHandler, teapot } from "@aiwebengine/sdk";
registerWebHandler("POST /brew", { body: { cups: "number" } }, ({ body }) => teapot.brew(body.cups));
`;
  await using engine = await startEngine({ scripts: { "brew.ts": script }, files: { "plugins/teapot.ts": example } });
  const brew = (cups: number): Promise<Response> =>
    engine.fetch("/brew", {
      method: "POST",
      body: JSON.stringify({ cups }),
      headers: { "content-type": "application/json" },
    });
  expect(await (await engine.fetch("/tea/green")).json()).toEqual({ kind: "green", strength: 3 });
  expect((await engine.fetch("/coffee")).status).toBe(418);
  expect(await (await brew(2)).json()).toBe(2);
  const after = engine.mark();
  await engine.write("plugins/teapot.ts", `${example}// saved again\n`);
  await engine.waitForLog(/plugins changed/, { after });
  expect(await (await brew(3)).json()).toBe(5);
});

test("the example that owns a point: cards of all scripts, one that fails harms none, two of a name are refused", async () => {
  const example = await Bun.file(`${import.meta.dir}/../../docs/examples/plugins/dashboard.ts`).text();
  const shop = (title: string): string => `import { registerCard } from "@aiwebengine/sdk";
registerCard("${title}", async ({ kv }) => ({ orders: await kv.increment("orders") }));
registerCard("stock", () => { throw new Error("no scales"); });
`;
  await using engine = await startEngine({
    scripts: { "shop.ts": shop("orders") },
    files: { "plugins/dashboard.ts": example },
  });
  const cards = async (): Promise<unknown> => (await engine.fetch("/dashboard")).json();
  expect(await cards()).toEqual([
    { script: "shop", title: "orders", value: { orders: 1 } },
    { script: "shop", title: "stock", failed: true },
  ]);
  const after = engine.mark();
  await engine.write("scripts/shop.ts", shop("stock"));
  expect(await engine.waitForLog(/script failed/, { after })).toContain('there is a card \\"stock\\" already');
  expect(await cards()).toMatchObject([{ value: { orders: 2 } }, { failed: true }]);
});

test("--dev shows what failed in a plugin's route or hook, with its file and line", async () => {
  const setup = `ctx.route("GET /route", () => { throw new Error("no water"); });
    ctx.hook("request", (event, next) => { if (event.path === "/hook") throw new Error("no tea"); return next(); });`;
  const files = { "plugins/bad.ts": plugin("bad", setup) };
  await using engine = await startEngine({ files, args: ["--dev"] });
  for (const [path, reason] of [
    ["/route", "no water"],
    ["/hook", "no tea"],
  ] as const) {
    const { dev } = (await (await engine.fetch(path)).json()) as { dev: { frame: string } };
    expect(dev).toMatchObject({ file: "plugins/bad.ts", line: expect.any(Number), stack: `Error: ${reason}` });
    expect(dev.frame).toContain(reason);
  }
});
