/** The engine from source, in this process: start, requests, changes of config and plugins, refusals, and the end. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { StartError } from "../../core/errors.ts";
import { lockDataDir } from "../../core/lock.ts";
import { startEngine, type Engine, type EngineOptions } from "../e2e/engine.ts";

setDefaultTimeout(30_000);

const start = (options: EngineOptions = {}): Promise<Engine> => startEngine({ ...options, inProcess: true });

function plugin(name: string, setup: string): string {
  return `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({ name: "${name}", version: "1.0.0", setup(ctx) { ${setup} } });
`;
}

const SCRIPT = `import { HttpError, limits, registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /hello", () => "hello");
registerWebHandler("GET /limits", () => ({ wallMs: limits.wallMs }));
registerWebHandler("GET /teapot", () => {
  throw new HttpError(418, "Short and stout.", { headers: { "x-pot": "1", "bad name": "2" } });
});
registerWebHandler("GET /odd", () => { throw new HttpError(499, "Gone already."); });
registerWebHandler("GET /fails", () => { throw new TypeError("a fault of the script"); });
registerWebHandler("GET /inside", async () => (await fetch("http://127.0.0.1:9/secret?x=1")).status);
registerWebHandler("GET /loops", () => { for (;;); });
registerWebHandler("GET /says", () => { console.warn("a word", { n: 1 }); return "said"; });
registerWebHandler("GET /none", () => { throw new HttpError(404, "No such note."); });
`;

/** With the engine's own end, also where a test fails. */
async function folder<T>(files: Record<string, string>, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "awe-engine-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  try {
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What a start is refused with; nothing holds the folder afterwards. */
async function refused(dir: string, ...args: readonly string[]): Promise<string> {
  const error: unknown = await start({ dir, args }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StartError);
  lockDataDir(join(dir, "data")).release();
  return (error as StartError).message;
}

describe("an engine that serves", () => {
  let engine: Engine;
  const problem = async (path: string) => {
    const answer = await engine.fetch(path);
    return { answer, body: (await answer.json()) as Record<string, unknown> };
  };

  beforeAll(async () => {
    engine = await start({
      scripts: { "shop.ts": SCRIPT },
      config: '[limits]\nwallMs = 2000\nuninterruptedMs = 200\n[log]\nformat = "json"\nlevel = "debug"\n',
    });
  });
  afterAll(() => engine.stop());

  test("answers a script's routes, and a path that nobody has with a problem", async () => {
    expect(await (await engine.fetch("/hello")).text()).toBe("hello");
    const { answer, body } = await problem("/nowhere");
    expect([answer.status, body["code"]]).toEqual([404, "not_found"]);
    expect(body["id"]).toBe(answer.headers.get("x-request-id") as string);
  });

  test("an HttpError is its status and sentence; a header that HTTP does not allow is left out", async () => {
    const { answer, body } = await problem("/teapot");
    expect(answer.status).toBe(418);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("x-pot")).toBe("1");
    expect(body).toMatchObject({ title: "I'm a teapot", status: 418, detail: "Short and stout." });
    expect((await problem("/odd")).body).toMatchObject({ status: 499, title: "Request refused" });
    expect((await problem("/none")).body).toMatchObject({ title: (await problem("/nowhere")).body["title"] });
  });

  test("what a script throws is told in the log with its place, and not to the caller", async () => {
    const after = engine.mark();
    const { answer, body } = await problem("/fails");
    expect([answer.status, body["code"]]).toEqual([500, "script_failed"]);
    expect(JSON.stringify(body)).not.toContain("a fault of the script");
    const line = JSON.parse(await engine.waitForLog(/"script error"/, { after })) as Record<string, unknown>;
    expect(line).toMatchObject({ script: "shop", id: body["id"], route: "GET /fails", file: "shop.ts", line: 8 });
    expect(line["frame"]).toMatch(/^> +8 \|.*"a fault of the script"/m);
  });

  test("a fetch into the own network is refused, and the log says where it went, without its path", async () => {
    const after = engine.mark();
    expect((await problem("/inside")).body["code"]).toBe("fetch_blocked");
    const line = await engine.waitForLog(/"fetch failed"/, { after });
    expect(JSON.parse(line)).toMatchObject({ level: "warn", code: "fetch_blocked", origin: "http://127.0.0.1:9" });
    expect(line).not.toContain("secret");
  });

  test("a script that loops costs its isolate and not the engine, and the log knows the culprit", async () => {
    const after = engine.mark();
    const { answer, body } = await problem("/loops");
    expect([answer.status, body["code"]]).toEqual([504, "uninterrupted_exceeded"]);
    const line = JSON.parse(await engine.waitForLog(/"isolate killed"/, { after })) as Record<string, unknown>;
    expect(line).toMatchObject({ script: "shop", id: body["id"], limit: { name: "uninterruptedMs" } });
    expect(await (await engine.fetch("/hello")).text()).toBe("hello");
  });

  test("what a script says is in the log with its invocation", async () => {
    const after = engine.mark();
    const id = (await engine.fetch("/says")).headers.get("x-request-id") as string;
    const line = JSON.parse(await engine.waitForLog(/a word/, { after })) as Record<string, unknown>;
    expect(line).toMatchObject({ level: "warn", script: "shop", source: "script", id, route: "GET /says" });
  });

  test("a changed limit holds from the next call on; a wrong config changes nothing; a fixed key says restart", async () => {
    const wall = async () => ((await (await engine.fetch("/limits")).json()) as { wallMs: number }).wallMs;
    expect(await wall()).toBe(2000);
    let after = engine.mark();
    await engine.write("aiwebengine.toml", '[limits]\nwallMs = 3000\nuninterruptedMs = 200\n[log]\nformat = "json"\n');
    await engine.waitForLog(/"config changed"/, { after });
    await engine.waitForLog(/"script reloaded"/, { after });
    expect(await wall()).toBe(3000);
    after = engine.mark();
    await engine.write("aiwebengine.toml", '[limits]\nwallMs = 4000\nwalMs = 1\n[log]\nformat = "json"\n');
    expect(await engine.waitForLog(/"config refused"/, { after })).toContain("Did you mean");
    after = engine.mark();
    await engine.write("aiwebengine.toml", '[isolates]\nmode = "thread"\n[log]\nformat = "json"\n');
    expect(await engine.waitForLog(/"config refused"/, { after })).toContain("isolates.mode");
    expect(await wall()).toBe(3000);
  });

  test("a dropped plugin serves, is typed beside the scripts, changes, and is gone with its file", async () => {
    const drop = async (text: string | null, says: RegExp): Promise<string> => {
      const after = engine.mark();
      if (text === null) await engine.remove("plugins/tea.ts");
      else await engine.write("plugins/tea.ts", text);
      return engine.waitForLog(says, { after });
    };
    const kind = async () => (await engine.fetch("/tea")).text();
    const service = `ctx.service("tea", { types: "export interface Tea { brew(): Promise<string> }", methods: { brew: async () => "done" } });`;
    await drop(plugin("tea", `ctx.route("GET /tea", () => new Response("green")); ${service}`), /plugins changed/);
    expect(await kind()).toBe("green");
    await drop(plugin("tea", `ctx.route("GET /tea", () => new Response("black"));`), /plugins changed/);
    expect(await kind()).toBe("black");
    const failed = await drop(plugin("tea", `throw new Error("no water");`), /plugin failed/);
    expect(failed).toContain("no water");
    const clash = await drop(
      plugin("tea", `ctx.route("GET /hello", () => new Response("mine"));`),
      /plugin failed.*holds/,
    );
    expect(clash).toMatch(/the script \\"shop\\" holds GET \/hello/);
    expect([await kind(), await (await engine.fetch("/hello")).text()]).toEqual(["black", "hello"]);
    await drop(null, /plugins changed/);
    expect((await engine.fetch("/tea")).status).toBe(404);
  });

  test("an invoke hook that throws is a failed request in the log, and a problem for the caller", async () => {
    let after = engine.mark();
    await engine.write("plugins/gate.ts", plugin("gate", `ctx.hook("invoke", () => { throw new Error("shut"); });`));
    await engine.waitForLog(/plugins changed/, { after });
    after = engine.mark();
    const { answer, body } = await problem("/hello");
    expect([answer.status, body["code"]]).toEqual([500, "internal"]);
    expect(JSON.stringify(body)).not.toContain("shut");
    expect(await engine.waitForLog(/shut/, { after })).toContain(body["id"] as string);
    after = engine.mark();
    await engine.remove("plugins/gate.ts");
    await engine.waitForLog(/plugins changed/, { after });
    expect((await engine.fetch("/hello")).status).toBe(200);
  });

  test("a script that is gone leaves no route", async () => {
    await engine.write("scripts/brief.js", 'register("/brief", () => "here");\n');
    await engine.waitForLog(/"script loaded".*"brief"|"brief".*"script loaded"/);
    const after = engine.mark();
    await engine.remove("scripts/brief.js");
    await engine.waitForLog(/script removed/, { after });
    expect((await engine.fetch("/brief")).status).toBe(404);
  });
});

test("a second engine on the folder is refused and says who holds it; the first serves on", async () => {
  await using engine = await start({ scripts: { "shop.ts": SCRIPT } });
  const second: unknown = await start({ dir: engine.dir }).catch((error: unknown) => error);
  expect(second).toBeInstanceOf(StartError);
  expect((second as StartError).message).toContain(String(process.pid));
  expect(await (await engine.fetch("/hello")).text()).toBe("hello");
});

test("at its end what is under way is answered, and nothing listens or holds the folder any more", async () => {
  await folder({ "scripts/slow.js": SLOW }, async (dir) => {
    const engine = await start({ dir });
    const slow = engine.fetch("/slow");
    await engine.waitForLog(/under way/);
    const [answer] = await Promise.all([slow, engine.stop()]);
    expect(await answer.text()).toBe("done");
    await expect(engine.fetch("/slow")).rejects.toThrow();
    expect(existsSync(join(dir, "data/run/engine.json"))).toBe(false);
    lockDataDir(join(dir, "data")).release();
  });
});

const SLOW = `register("/slow", async () => {
  console.log("under way");
  await new Promise((done) => setTimeout(done, 300));
  return "done";
});
`;

test("a thread instead of a process serves the same, where config says so", async () => {
  await using engine = await start({ scripts: { "shop.ts": SCRIPT }, args: ["--set", "isolates.mode=thread"] });
  expect(await (await engine.fetch("/hello")).text()).toBe("hello");
  expect((await engine.fetch("/fails")).status).toBe(500);
});

test("types for editors lie beside the scripts, also those of a project's plugins", async () => {
  const bell = plugin(
    "bell",
    'ctx.service("bell", { types: "export interface Bell { ring(): Promise<string> }", methods: { ring: async () => "ding" } });',
  );
  await folder({ "scripts/shop.ts": SCRIPT, "plugins/bell.ts": bell }, async (dir) => {
    await (await start({ dir })).stop();
    // The writing that was begun is waited for; a second start finds what the first one wrote.
    const engine = await start({ dir });
    const written = join(dir, "scripts/.aiwebengine");
    while (!existsSync(join(written, "sdk.d.ts"))) await Bun.sleep(10);
    await engine.stop();
    const texts = [...new Bun.Glob("**/*.d.ts").scanSync({ cwd: written })].map((file) =>
      readFileSync(join(written, file), "utf8"),
    );
    expect(texts.join("\n")).toContain("ring(): Promise<string>");
  });
});

describe("a start is refused, and holds nothing afterwards,", () => {
  const cases: readonly (readonly [why: string, files: Record<string, string>, args: string[], says: RegExp])[] = [
    [
      "when a plugin's setup throws",
      { "plugins/tea.ts": plugin("tea", 'throw new Error("no water");') },
      [],
      /plugins\/tea\.ts:2: [^]*no water/,
    ],
    ["when a plugin is none", { "plugins/tea.ts": "export default 1;\n" }, [], /plugins\/tea\.ts/],
    [
      "when scripts/ is a file",
      { scripts: "no folder" },
      [],
      /The folder for scripts, .*, cannot be made: it is a file/,
    ],
    ["when plugins/ is a file", { plugins: "none" }, [], /The folder for plugins, .*, cannot be read: it is a file/],
    [
      "when the jail lacks what config requires",
      {},
      ["--set", "isolates.mode=thread", "--set", 'isolates.require=["seccomp"]'],
      /isolates\.require asks for .*seccomp/,
    ],
  ];
  test.each(cases)("%s", async (_, files, args, says) => {
    await folder(files, async (dir) => expect(await refused(dir, ...args)).toMatch(says));
  });

  test("when the port is taken", async () => {
    const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    await folder({}, async (dir) =>
      expect(await refused(dir, "--set", `server.port=${holder.port}`, "--port", String(holder.port))).toContain(
        String(holder.port),
      ),
    );
    holder.stop(true);
  });
});
