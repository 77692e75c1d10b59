/** `cors`, `security-headers` and `assets` in the binary: with real scripts, a real socket and each other. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFile, symlink } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { startEngine, type Engine } from "./engine.ts";

const APP = "https://app.example";
const CONFIG = `[server]
trustedProxies = ["127.0.0.1"]
[plugins.cors]
origins = ["${APP}"]
[plugins.assets.mounts]
site = "/"
`;
const SITE = `import { registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /api", () => ({ api: true }));
registerWebHandler("POST /both.txt", () => "posted");
registerWebHandler("GET /page", () => <p>page</p>);
registerWebHandler("GET /framed", () =>
  new Response("<p>", { headers: { "content-type": "text/html", "x-frame-options": "ALLOWALL" } }));
`;

let engine: Engine;

beforeAll(async () => {
  engine = await startEngine({
    config: CONFIG,
    files: { "secret.txt": "TOP SECRET" },
    scripts: {
      "site/index.tsx": SITE,
      "site/assets/index.html": "<h1>home</h1>",
      "site/assets/both.txt": "file",
      "site/assets/api": "hidden by the route",
      "site/assets/.env": "TOP SECRET",
      "shop/index.ts": "export {};",
      "shop/assets/logo.svg": "<svg/>",
      "shop/assets/large.bin": "0123456789".repeat(200_000),
    },
  });
  await symlink(join(engine.dir, "secret.txt"), join(engine.dir, "scripts/site/assets/link.txt"));
});
afterAll(() => engine.stop());

/** Sends the target as it is; the status line and the body come back. */
function raw(target: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const chunks: Buffer[] = [];
  const socket = connect(engine.port, "127.0.0.1", () => {
    socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  });
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
  socket.on("error", reject);
  return promise;
}

test("a whole site at /, another script's assets at its name, and routes before both", async () => {
  expect(await (await engine.fetch("/")).text()).toBe("<h1>home</h1>");
  expect(await (await engine.fetch("/shop/logo.svg")).text()).toBe("<svg/>");
  expect(await (await engine.fetch("/api")).json()).toEqual({ api: true });
  expect(await (await engine.fetch("/both.txt")).text()).toBe("file");
  expect(await (await engine.fetch("/both.txt", { method: "POST" })).text()).toBe("posted");
  expect((await engine.fetch("/none")).headers.get("content-type")).toBe("application/problem+json");
});

test("a large file has its length, and parts of it theirs", async () => {
  const whole = await engine.fetch("/shop/large.bin");
  expect((await whole.bytes()).length).toBe(2_000_000);
  expect(whole.headers.get("content-length")).toBe("2000000");
  const part = await engine.fetch("/shop/large.bin", { headers: { range: "bytes=-4" } });
  expect([part.status, await part.text(), part.headers.get("content-range")]).toEqual([
    206,
    "6789",
    "bytes 1999996-1999999/2000000",
  ]);
  const head = await engine.fetch("/shop/large.bin", { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "2000000"]);
});

test("nothing outside an assets folder comes out, however it is asked for", async () => {
  for (const target of [
    "/../secret.txt",
    "/../../../secret.txt",
    "/%2e%2e/%2e%2e/%2e%2e/secret.txt",
    "/..%2f..%2f..%2fsecret.txt",
    "/..%5c..%5c..%5csecret.txt",
    "/..\\..\\..\\secret.txt",
    "/%252e%252e/index.tsx",
    "/../index.tsx",
    "/shop/../../index.ts",
    "/shop/..%2findex.ts",
    "/link.txt",
    "/.env",
    "/%2eenv",
    "//etc/passwd",
    "/%00",
    "http://localhost/../secret.txt",
    "secret.txt",
    "*",
  ]) {
    const answer = await raw(target);
    expect([target, /^HTTP\/1\.1 (400|404) /.test(answer), /SECRET|root:|registerWebHandler/.test(answer)]).toEqual([
      target,
      true,
      false,
    ]);
  }
});

test("assets come with their script, and go with it", async () => {
  let after = engine.mark();
  await engine.write("scripts/late/assets/a.txt", "late");
  await engine.write("scripts/late/index.ts", "export {};");
  await engine.waitForLog(/script loaded.*"script":"late"/, { after });
  expect(await (await engine.fetch("/late/a.txt")).text()).toBe("late");
  after = engine.mark();
  await engine.remove("scripts/late");
  await engine.waitForLog(/script removed.*"script":"late"/, { after });
  expect((await engine.fetch("/late/a.txt")).status).toBe(404);
});

test("security headers are on what scripts, plugins and the engine itself answer, and HSTS only behind TLS", async () => {
  for (const path of ["/api", "/", "/none"]) {
    const { headers } = await engine.fetch(path);
    expect([path, headers.get("x-content-type-options")]).toEqual([path, "nosniff"]);
    expect(headers.get("strict-transport-security")).toBeNull();
  }
  for (const path of ["/", "/page"])
    expect((await engine.fetch(path)).headers.get("x-frame-options")).toBe("SAMEORIGIN");
  expect((await engine.fetch("/framed")).headers.get("x-frame-options")).toBe("ALLOWALL");
  const behind = { headers: { "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7", host: "app.example" } };
  const { headers } = await engine.fetch("/api", behind);
  expect(headers.get("strict-transport-security")).toBe("max-age=31536000");
});

test("CORS: a preflight needs no route, a refusal may be read, another origin gets nothing", async () => {
  const preflight = await engine.fetch("/both.txt", {
    method: "OPTIONS",
    headers: { origin: APP, "access-control-request-method": "POST" },
  });
  expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, APP]);
  expect(preflight.headers.get("x-content-type-options")).toBe("nosniff");
  const missing = await engine.fetch("/none", { headers: { origin: APP } });
  expect([missing.status, missing.headers.get("access-control-allow-origin")]).toEqual([404, APP]);
  const other = await engine.fetch("/api", { headers: { origin: "https://evil.example" } });
  expect([other.headers.get("access-control-allow-origin"), other.headers.get("vary")]).toEqual([null, "Origin"]);
});

test("a built-in plugin, dropped as a stranger's file, is the same plugin", async () => {
  const source = await readFile(join(import.meta.dir, "../../plugins/cors.ts"), "utf8");
  const dropped = source.replace("../sdk/plugin.ts", "@aiwebengine/sdk/plugin").replace('"1.0.0"', '"9.9.9"');
  const after = engine.mark();
  await engine.write("plugins/cors.ts", dropped);
  await engine.waitForLog(/plugins changed/, { after });
  const { headers } = await engine.fetch("/api", { headers: { origin: APP } });
  expect(headers.get("access-control-allow-origin")).toBe(APP);
  expect(headers.get("access-control-expose-headers")).toBe("x-request-id");
});
