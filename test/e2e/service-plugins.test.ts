/** `secrets`, `health`, `kv` and `access-log` in the binary: real scripts, a real server to reach, the engine's real log. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import { startEngine, type Engine } from "./engine.ts";

const VALUE = "correct-horse-battery";

/** Sends what it is told to, and tells and logs everything that it can see of it. */
const CALLER = `import { registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("POST /NAME/send", async ({ body, secrets, log }) => {
  const request = new Request(body.url, { headers: body.headers });
  try {
    const answer = await fetch(request);
    const seen = {
      url: answer.url,
      headers: [...answer.headers],
      sent: [...request.headers],
      ref: await secrets.ref("KEY"),
    };
    log.info("seen", { ...seen, body: await answer.text() });
    return seen;
  } catch (error) {
    return { code: error.code, message: error.message, stack: String(error.stack) };
  }
});
registerWebHandler("GET /NAME/has", ({ secrets }) => secrets.has("KEY"));
`;

let api: Server<undefined>;
let engine: Engine;
const sent: { readonly url: string; readonly key: string | null }[] = [];

beforeAll(async () => {
  api = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const key = request.headers.get("x-key");
      sent.push({ url: request.url, key });
      return new Response(`you sent ${key} to ${request.url}`, { headers: { "x-echo": `${key} ${request.url}` } });
    },
  });
  engine = await startEngine({
    env: { SECRET_KEY: VALUE },
    config: `[fetch]
allowHosts = ["127.0.0.1"]
[plugins.secrets.allow.KEY]
scripts = ["shop"]
hosts = ["http://127.0.0.1:${api.port}"]
[plugins.access-log]
skip = ["/health/*"]
`,
    scripts: {
      "shop.js": CALLER.replaceAll("NAME", "shop"),
      "blog.js": CALLER.replaceAll("NAME", "blog"),
      "count.js": 'registerWebHandler("POST /count", ({ kv }) => kv.increment("n"));\n',
    },
  });
});
afterAll(async () => {
  await engine.stop();
  await api.stop(true);
});

async function send(script: string, path: string, headers: object = {}): Promise<{ [key: string]: unknown }> {
  const body = JSON.stringify({ url: `http://127.0.0.1:${api.port}${path}`, headers });
  const init = { method: "POST", body, headers: { "content-type": "application/json" } };
  return (await engine.fetch(`/${script}/send`, init)).json() as never;
}

describe("a secret", () => {
  test("arrives at its host, and the script sees the placeholder everywhere but in a body that repeats it", async () => {
    const seen = await send("shop", "/a/{{secret:KEY}}?k={{secret:KEY}}", { "x-key": "{{secret:KEY}}" });
    expect(sent.at(-1)).toEqual({ url: `http://127.0.0.1:${api.port}/a/${VALUE}?k=${VALUE}`, key: VALUE });
    expect(seen["ref"]).toBe("{{secret:KEY}}");
    expect(JSON.stringify(seen)).not.toContain(VALUE);
    expect(JSON.stringify(seen["headers"])).toContain("{{secret:KEY}}");
  });

  test("is in no log, also where the script logs the body that repeats it", async () => {
    const line = await engine.waitForLog(/"seen"/);
    expect(line).toContain("you sent [redacted]");
    expect(engine.logs).not.toContain(VALUE);
  });

  test("is not for a script that is not named, which learns no more than that", async () => {
    const before = sent.length;
    const { code, message } = await send("blog", "/", { "x-key": "{{secret:KEY}}" });
    expect(code).toBe("forbidden");
    expect(message).toContain('plugins.secrets.allow.KEY = { scripts = ["blog"]');
    expect(await (await engine.fetch("/blog/has")).json()).toBe(false);
    expect(await (await engine.fetch("/shop/has")).json()).toBe(true);
    expect(sent.length).toBe(before);
  });
});

test("ready tells of the disk, of kv and of the isolates, to anyone, and live of nothing", async () => {
  const ready = await engine.fetch("/health/ready");
  expect([ready.status, ready.headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(await ready.json()).toMatchObject({
    status: "ok",
    checks: { disk: { ok: true }, kv: { ok: true }, isolates: expect.any(String), paused: [] },
  });
  expect(await (await engine.fetch("/health/live")).json()).toEqual({ status: "ok" });
});

test("what is left out of the access log has no line, what is refused has one with the caller's own id", async () => {
  await engine.fetch("/health/live");
  await engine.fetch("/nowhere?token=hunter2", { headers: { "x-request-id": "mine" } });
  const line: unknown = JSON.parse(await engine.waitForLog(/"path":"\/nowhere"/));
  expect(line).toMatchObject({ message: "request", status: 404, clientRequestId: "mine", kind: "http" });
  expect(engine.logs).not.toContain("/health/");
  expect(engine.logs).not.toContain("hunter2");
});

test("kv goes on over a change of plugins, in the middle of calls", async () => {
  const count = async (): Promise<number> => (await engine.fetch("/count", { method: "POST" })).json() as never;
  expect(await count()).toBe(1);
  const after = engine.mark();
  const calls = Array.from({ length: 50 }, count);
  const plugin = 'export default { name: "other", version: "1.0.0", setup() {} };';
  await engine.write("plugins/other.js", plugin);
  await engine.waitForLog(/plugins changed/, { after });
  expect((await Promise.all(calls)).sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i + 2));
  expect(await count()).toBe(52);
});
