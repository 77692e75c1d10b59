/** TLS over a pinned connection: certificates are checked for the name in the URL, never for the address. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "bun";
import { failure, go, text } from "./servers.ts";

const openssl = Bun.which("openssl");

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

let folder: string;
let ca: string;
const servers: Server<undefined>[] = [];

function run(...args: string[]): void {
  const done = Bun.spawnSync([openssl!, ...args], { cwd: folder, stderr: "pipe" });
  if (!done.success) throw new Error(`openssl ${args[0]}: ${done.stderr.toString()}`);
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function issue(id: string, altName: string, days = 2): Certificate {
  writeFileSync(join(folder, `${id}.ext`), `subjectAltName=${altName}\n`);
  run("req", ...NEW_KEY, "-keyout", `${id}.key`, "-out", `${id}.csr`, "-subj", `/CN=${id}`);
  const sign = ["x509", "-req", "-in", `${id}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"];
  run(...sign, "-days", String(days), "-extfile", `${id}.ext`, "-out", `${id}.pem`);
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  return { cert: read(`${id}.pem`), key: read(`${id}.key`) };
}

function serve(tls: Certificate): Server<undefined> {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    tls,
    fetch: (request) => new Response(`hello from ${request.headers.get("host")}`),
  });
  servers.push(server);
  return server;
}

const resolve = async () => ["127.0.0.1"];

describe.skipIf(openssl === null)(openssl === null ? "TLS (skipped: openssl is not here)" : "TLS", () => {
  let named: Server<undefined>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tls-"));
    run("req", "-x509", ...NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority");
    ca = readFileSync(join(folder, "ca.pem"), "utf8");
    named = serve(issue("named", "DNS:a.test,DNS:*.wild.test"));
  });
  afterAll(async () => {
    for (const server of servers) await server.stop(true);
    rmSync(folder, { recursive: true, force: true });
  });

  test("the certificate of the URL's name is accepted at the pinned address", async () => {
    const answer = await go(`https://a.test:${named.port}/`, {}, { resolve, ca });
    expect(await text(answer.body)).toBe(`hello from a.test:${named.port}`);
  });

  test("a name with the dot of the root is checked without it", async () => {
    expect((await go(`https://a.test.:${named.port}/`, {}, { resolve, ca })).status).toBe(200);
  });

  test("a wildcard holds for one level", async () => {
    expect((await go(`https://x.wild.test:${named.port}/`, {}, { resolve, ca })).status).toBe(200);
    expect((await failure(go(`https://x.y.wild.test:${named.port}/`, {}, { resolve, ca }))).name).toBe("NetworkError");
  });

  test("another name at the same address is refused, also right after the first", async () => {
    // A pool keyed by address would hand the second request the first one's checked connection.
    for (let i = 0; i < 3; i++) {
      await text((await go(`https://a.test:${named.port}/`, {}, { resolve, ca })).body);
      const error = await failure(go(`https://b.test:${named.port}/`, {}, { resolve, ca }));
      expect(error.name).toBe("NetworkError");
      expect(error.message).toContain("certificate is for another host");
    }
  });

  test("a Host header of the script changes neither the check nor the request", async () => {
    const headers = ["host", "b.test"];
    const answer = await go(`https://a.test:${named.port}/`, { headers }, { resolve, ca });
    expect(await text(answer.body)).toBe(`hello from a.test:${named.port}`);
    const error = await failure(go(`https://b.test:${named.port}/`, { headers: ["host", "a.test"] }, { resolve, ca }));
    expect(error.name).toBe("NetworkError");
  });

  test("an address in the URL needs a certificate for that address", async () => {
    const error = await failure(go(`https://127.0.0.1:${named.port}/`, {}, { ca }));
    expect(error.message).toContain("certificate is for another host");
    const addressed = serve(issue("addressed", "IP:127.0.0.1"));
    expect((await go(`https://127.0.0.1:${addressed.port}/`, {}, { ca })).status).toBe(200);
  });

  test("an authority that is not trusted is refused, whatever the environment says", async () => {
    const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try {
      const error = await failure(go(`https://a.test:${named.port}/`, {}, { resolve }));
      expect(error.message).toContain("not trusted");
    } finally {
      if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
    }
  });

  test("an expired certificate is refused", async () => {
    const expired = serve(issue("expired", "DNS:a.test", -1));
    const error = await failure(go(`https://a.test:${expired.port}/`, {}, { resolve, ca }));
    expect(error.message).toContain("has expired");
  });

  test("nothing of the request is sent before the certificate is accepted", async () => {
    let pulled = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    await failure(go(`https://b.test:${named.port}/`, { method: "POST", body }, { resolve, ca }));
    expect(pulled).toBe(false);
  });

  test("https to a server without TLS is a network error", async () => {
    const plain = Bun.serve({ port: 0, fetch: () => new Response("x") });
    servers.push(plain);
    expect((await failure(go(`https://a.test:${plain.port}/`, {}, { resolve, ca }))).name).toBe("NetworkError");
  });

  test("http to a server with TLS is a network error or its own answer, never a crash", async () => {
    const outcome = await go(`http://a.test:${named.port}/`, {}, { resolve }).then(
      (answer) => answer.status >= 400,
      (error: Error) => error.name === "NetworkError",
    );
    expect(outcome).toBe(true);
  });
});
