/** HTTP against the engine's binary: routes, limits from config, bad input over raw sockets, TLS, the end. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { RawClient, rawRequest } from "../core/http/raw.ts";
import { engineCommand, prepareFolder, runEngine, startEngine, type Engine } from "./engine.ts";
import { LogLines } from "./log-lines.ts";

const WEB = `
import { registerWebHandler, HttpError } from "@aiwebengine/sdk";

registerWebHandler("GET /web/:a", ({ params, query, ip, id, url }) => ({ params, query, ip, id, url: url.href }));
registerWebHandler("GET /web/files/*", ({ params }) => params["*"]);
registerWebHandler("POST /web/echo", async ({ request }) => ({ length: (await request.arrayBuffer()).byteLength }));
registerWebHandler("POST /web/same", async ({ request }) => new Response(await request.arrayBuffer()));
registerWebHandler("GET /web/long", ({ query }) => (query.bytes ? new Uint8Array(100000).fill(65) : "A".repeat(100000)));
registerWebHandler("POST /web/twice", async (context) => {
  const copy = context.request.clone();
  (await context.request.bytes()).fill(66);
  const [text, again] = [await copy.text(), new Response("abc")];
  const other = again.clone();
  (await again.bytes()).fill(66);
  return { text, body: context.body ?? null, other: await other.text() };
});
registerWebHandler("POST /web/taken", async (context) => {
  (await context.request.bytes()).fill(66);
  return { body: context.body ?? null };
});
registerWebHandler("POST /web/json", ({ body }) => ({ body, polluted: ({}).polluted === undefined ? "no" : "yes" }));
registerWebHandler("POST /web/form", { body: { "name?": "string", "age?": "number" } }, ({ body }) => body);
registerWebHandler("GET /web/head/:value", ({ params }) => new Response("x", { headers: { "x-a": params.value } }));
registerWebHandler("GET /web/wait/:ms", async ({ params }) => {
  await new Promise((resolve) => setTimeout(resolve, Number(params.ms)));
  return "waited";
});
registerWebHandler("GET /web/fail/now", () => { throw new Error("<script>alert('hunter2')</script>"); });
`;
const SMALL = `
import { registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("POST /small", ({ body }) => body);
`;
const OPTIONAL = `
import { registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /opt/:lang?/about", ({ params }) => params.lang ?? "none");
registerWebHandler("GET /opt/page/:number?", ({ params }) => params.number ?? "1");
`;
const CONFIG = `
[server]
requestTimeoutMs = 300
maxHeaderBytes = 8192
trustedProxies = ["127.0.0.1"]

[limits]
requestBytes = 200000

[scripts.small.limits]
requestBytes = 10
`;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    scripts: { "web.ts": WEB, "small.ts": SMALL, "optional.ts": OPTIONAL },
    config: CONFIG,
  });
  // The first call starts the isolate: no test of slow clients is to measure that.
  await engine.fetch("/web/ready");
  await engine.fetch("/small", { method: "POST", body: "{}" });
}, 30_000);
afterAll(() => engine?.stop());

async function problem(response: Response): Promise<Record<string, unknown>> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const body = (await response.json()) as Record<string, unknown>;
  expect(body).toMatchObject({ status: response.status, id: response.headers.get("x-request-id") });
  return body;
}

const HOST = "Host: example.com\r\n";

describe("a long body", () => {
  test("comes back as it was sent, with its length, in a head that is one packet", async () => {
    for (const length of [1000, 15_000, 16_384, 65_536, 150_000]) {
      const sent = new Uint8Array(length).map((_, at) => at * 7);
      const response = await engine.fetch("/web/same", { method: "POST", body: sent });
      expect(response.headers.get("content-length")).toBe(`${length}`);
      expect(Buffer.compare(await response.bytes(), sent)).toBe(0);
    }
    const { promise: first, resolve } = Promise.withResolvers<string>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: engine.port,
      socket: { data: (_socket, bytes) => resolve(bytes.toString("latin1")) },
    });
    socket.write("GET /web/long HTTP/1.1\r\nHost: a\r\n\r\n");
    const [head = ""] = (await first).split("AAAA");
    socket.terminate();
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*\r\ncontent-length: 100000\r\n[^]*\r\n$/i);
  });

  test("has its length in an answer to HEAD, and none of its bytes", async () => {
    for (const query of ["", "?bytes=1"]) {
      const response = await engine.fetch(`/web/long${query}`, { method: "HEAD" });
      expect([response.headers.get("content-length"), await response.text()]).toEqual(["100000", ""]);
    }
  });

  test("belongs to whoever read it: neither a clone nor `body` changes with it", async () => {
    const post = async (path: string, type: string): Promise<unknown> =>
      (await engine.fetch(path, { method: "POST", body: '"a"', headers: { "content-type": type } })).json();
    expect(await post("/web/twice", "application/json")).toEqual({ text: '"a"', body: "a", other: "abc" });
    expect(await post("/web/twice", "image/png")).toEqual({ text: '"a"', body: null, other: "abc" });
    expect(await post("/web/taken", "application/json")).toEqual({ body: "a" });
    expect(await post("/web/taken", "text/plain")).toEqual({ body: '"a"' });
    expect(await post("/web/taken", "image/png")).toEqual({ body: null });
  });
});

describe("routes", () => {
  test("the most specific wins, parameters are decoded once, a tail takes the rest", async () => {
    expect(await (await engine.fetch("/web/a%2Fb%2520?q=1&q=2&__proto__=3")).json()).toMatchObject({
      params: { a: "a/b%20" },
      query: JSON.parse(`{"q":["1","2"],"__proto__":"3"}`),
    });
    expect(await (await engine.fetch("/web/files/a/b%20c")).text()).toBe("a/b c");
  });
  test("optional parameters may be left out, at the end and in the middle", async () => {
    const paths = ["/opt/about", "/opt/de/about", "/opt/page", "/opt/page/7"];
    const texts = await Promise.all(paths.map(async (path) => (await engine.fetch(path)).text()));
    expect(texts).toEqual(["none", "de", "1", "7"]);
  });
  test("HEAD, OPTIONS, 405 and 404", async () => {
    const head = await engine.fetch("/web/x", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
    const options = await engine.fetch("/web/echo", { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "GET, HEAD, OPTIONS, POST"]);
    const wrong = await engine.fetch("/small", { method: "DELETE" });
    expect(wrong.headers.get("allow")).toBe("OPTIONS, POST");
    expect(await problem(wrong)).toMatchObject({ code: "method_not_allowed" });
    expect(await problem(await engine.fetch("/nothing"))).toMatchObject({ code: "not_found" });
  });
  test("health is live and ready", async () => {
    expect((await engine.fetch("/health/live")).status).toBe(200);
    expect(await (await engine.fetch("/health/ready")).json()).toMatchObject({ status: "ok" });
  });
});

describe("config keys change behaviour", () => {
  test("limits.requestBytes, of the engine and of one script, declared and chunked", async () => {
    const echo = (length: number) => engine.fetch("/web/echo", { method: "POST", body: "x".repeat(length) });
    expect(await (await echo(200_000)).json()).toEqual({ length: 200_000 });
    expect(await problem(await echo(200_001))).toMatchObject({
      code: "body_too_large",
      limit: { name: "requestBytes", value: 200_000, used: 200_001, key: "limits.requestBytes" },
    });
    expect((await engine.fetch("/small", { method: "POST", body: "x".repeat(11) })).status).toBe(413);
    const chunks = `20000\r\n${"x".repeat(0x20000)}\r\n`.repeat(2);
    const head = `POST /web/echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`;
    expect((await rawRequest(engine.port, `${head}${chunks}0\r\n\r\n`))?.status).toBe(413);
  });
  test("a body that does not arrive is the client's fault: the script's log has no error of it", async () => {
    const after = engine.mark();
    const head = `POST /web/json HTTP/1.1\r\n${HOST}Content-Type: application/json\r\n`;
    const chunk = `30000\r\n${"x".repeat(0x30000)}\r\n`;
    const answer = await rawRequest(engine.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`);
    expect(answer?.status).toBe(413);
    expect((await rawRequest(engine.port, `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n`))?.status).toBe(408);
    const client = await RawClient.connect(engine.port);
    client.send(`${head}Content-Length: 150000\r\n\r\n${"x".repeat(100_000)}`);
    await engine.fetch("/web/x");
    await client[Symbol.asyncDispose]();
    await engine.fetch("/web/x");
    await engine.waitForLog(/"status":413/, { after });
    expect(engine.logs.split("\n").slice(after).join("\n")).not.toContain("script error");
  });
  test("server.maxHeaderBytes", async () => {
    expect((await engine.fetch("/web/x", { headers: { "x-a": "a".repeat(7_000) } })).status).toBe(200);
    expect((await engine.fetch("/web/x", { headers: { "x-a": "a".repeat(9_000) } })).status).toBe(431);
  });
  test("server.requestTimeoutMs", async () => {
    for (const framing of ["Content-Length: 100", "Content-Length: 100000", "Transfer-Encoding: chunked"]) {
      const answer = await rawRequest(engine.port, `POST /web/echo HTTP/1.1\r\n${HOST}${framing}\r\n\r\n`);
      expect(answer?.status).toBe(408);
      expect(JSON.parse(answer!.body)).toMatchObject({ limit: { key: "server.requestTimeoutMs", value: 300 } });
    }
  });
  test("server.trustedProxies", async () => {
    const headers = {
      "x-forwarded-for": "6.6.6.6, 203.0.113.9",
      "x-forwarded-proto": "https",
      "x-request-id": "proxy-1",
    };
    const response = await engine.fetch("/web/x", { headers });
    expect(response.headers.get("x-request-id")).toBe("proxy-1");
    expect(await response.json()).toMatchObject({
      id: "proxy-1",
      ip: "203.0.113.9",
      url: `${engine.url.replace("http:", "https:")}/web/x`,
    });
  });
});

describe("bad input", () => {
  const cases: [string, string, number][] = [
    ["no HTTP", "GARBAGE\r\n\r\n", 400],
    [
      "length and chunks at once",
      `POST /web/echo HTTP/1.1\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ["broken chunks", `POST /web/echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`, 400],
    ["a bad percent-encoding", `GET /web/%zz HTTP/1.1\r\n${HOST}\r\n`, 400],
    ["invalid UTF-8, encoded", `GET /web/%ff HTTP/1.1\r\n${HOST}\r\n`, 400],
    ["invalid UTF-8, raw", `GET /web/\xff HTTP/1.1\r\n${HOST}\r\n`, 400],
    ["two Hosts", "GET /web/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
    ["a Host that is none", "GET /web/x HTTP/1.1\r\nHost: [::1\r\n\r\n", 400],
    ["CONNECT", `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ["NUL in a header", `GET /web/x HTTP/1.1\r\n${HOST}X: \0\r\n\r\n`, 400],
  ];
  for (const [what, bytes, status] of cases) {
    test(what, async () => {
      expect((await rawRequest(engine.port, bytes))?.status).toBe(status);
      expect((await engine.fetch("/web/still-here")).status).toBe(200);
    });
  }
  test("__proto__ in JSON pollutes nothing", async () => {
    const response = await engine.fetch("/web/json", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
    });
    expect(await response.json()).toMatchObject({ polluted: "no" });
  });
  test("a form of which nothing was filled in is an empty one", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const answer = await engine.fetch("/web/form", { method: "POST", headers });
    expect([answer.status, await answer.json()]).toEqual([200, {}]);
    const none = await engine.fetch("/web/form", { method: "POST" });
    expect(none.status).toBe(422);
  });

  test("a line break in a header value of an answer splits nothing", async () => {
    const answer = await rawRequest(engine.port, `GET /web/head/a%0D%0AX-Evil:%201 HTTP/1.1\r\n${HOST}\r\n`);
    expect(answer?.status).toBe(500);
    expect(answer?.headers["x-evil"]).toBeUndefined();
    expect(JSON.parse(answer!.body)).toMatchObject({ code: "script_failed" });
  });
  test("a request after a body is a request, inside it is not", async () => {
    await using client = await RawClient.connect(engine.port);
    const inner = `GET /nothing HTTP/1.1\r\n${HOST}\r\n`;
    client.send(`POST /web/echo HTTP/1.1\r\n${HOST}Content-Length: ${inner.length}\r\n\r\n${inner}`);
    expect(JSON.parse((await client.answer())!.body)).toEqual({ length: inner.length });
    client.send(`GET /web/after HTTP/1.1\r\n${HOST}\r\n`);
    expect(JSON.parse((await client.answer())!.body)).toMatchObject({ params: { a: "after" } });
  });
});

test(
  "slow clients are closed, and keep nobody waiting",
  async () => {
    const clients = await Promise.all(Array.from({ length: 60 }, () => RawClient.connect(engine.port)));
    // A third says nothing, a third stops in the head, a third drips a header line now and then.
    clients.forEach((client, i) => i % 3 !== 0 && client.send(`GET /web/x HTTP/1.1\r\n${HOST}`));
    const drip = setInterval(() => clients.forEach((client, i) => i % 3 === 2 && client.send("X: 1\r\n")), 500);
    try {
      expect((await engine.fetch("/web/meanwhile")).status).toBe(200);
      // Bun gives a first head ten seconds, and looks every four.
      await Promise.all(clients.map((client) => client.closed(16_000)));
    } finally {
      clearInterval(drip);
    }
  },
  { timeout: 20_000 },
);

test("a taken port is refused, and its holder named", async () => {
  await using other = await startEngine();
  const dir = `${other.dir}/second`;
  mkdirSync(dir);
  const { code, stderr, stdout } = await runEngine(["serve", "--port", String(engine.port), "--dir", dir]);
  expect(code).toBe(1);
  expect(stdout + stderr).toMatch(new RegExp(`port ${engine.port} on 127\\.0\\.0\\.1 is taken by .*pid ${engine.pid}`));
});

test("SIGTERM lets a request finish, and the engine ends with 0", async () => {
  await using own = await startEngine({ scripts: { "web.ts": WEB } });
  await own.fetch("/web/warm");
  const slow = own.fetch("/web/wait/400");
  await own.fetch("/web/wait/100");
  own.kill("SIGTERM");
  const response = await slow;
  expect([response.status, await response.text()]).toEqual([200, "waited"]);
  expect(await own.exited).toBe(0);
});

test("--dev shows a script's error as a page to a browser, escaped; without it nothing is told", async () => {
  const browser = { headers: { accept: "text/html" } };
  await using dev = await startEngine({ scripts: { "web.ts": WEB }, args: ["--dev"] });
  const shown = await dev.fetch("/web/fail/now", browser);
  const page = await shown.text();
  expect(shown.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(shown.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(page).toContain("web.ts");
  expect(page).not.toContain("<script");
  const hidden = await engine.fetch("/web/fail/now", browser);
  expect(JSON.stringify(await problem(hidden))).not.toContain("hunter2");
});

const openssl = Bun.which("openssl");
test.skipIf(openssl === null)("server.tls serves HTTPS from cert and key files", async () => {
  const dir = await prepareFolder({
    scripts: { "web.ts": WEB },
    config: `[server.tls]\ncert = "cert.pem"\nkey = "key.pem"\n`,
  });
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const made = Bun.spawnSync(
    [openssl!, "req", "-x509", ...curve, ...subject, "-keyout", "key.pem", "-out", "cert.pem"],
    { cwd: dir },
  );
  expect(made.exitCode).toBe(0);
  const child = Bun.spawn([...engineCommand(), "serve", "--port", "0", "--dir", dir], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "" },
  });
  try {
    const lines = new LogLines();
    void Promise.all([lines.read(child.stdout), lines.read(child.stderr)]);
    const url = /https:\/\/127\.0\.0\.1:\d+/.exec(await lines.wait(/https:\/\/127\.0\.0\.1:\d+/))![0];
    const response = await fetch(`${url}/web/x`, { tls: { ca: await Bun.file(`${dir}/cert.pem`).text() } });
    expect(await response.json()).toMatchObject({ url: `${url}/web/x` });
  } finally {
    child.kill();
    await child.exited;
    await rm(dirname(dir), { recursive: true, force: true });
  }
});
