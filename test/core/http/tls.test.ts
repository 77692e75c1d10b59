/** HTTPS from PEM files: it serves, and what is wrong with the files is said at the start. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PluginRoute } from "../../../core/http/dispatch.ts";
import { Client } from "../../websocket.ts";
import { RawClient } from "./raw.ts";
import { serveTest } from "./serve.ts";

// Without it there is no certificate to serve with: the tests show as skipped.
const openssl = Bun.which("openssl");

describe.skipIf(openssl === null)("tls", () => {
  let folder = "";
  const cert = () => join(folder, "cert.pem");
  const key = () => join(folder, "key.pem");

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aiwebengine-tls-"));
    const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    const made = Bun.spawnSync([openssl!, "req", "-x509", ...curve, ...subject, "-keyout", key(), "-out", cert()]);
    if (made.exitCode !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("serves, and the script sees an https URL", async () => {
    await using at = serveTest({ tls: { cert: cert(), key: key() } });
    expect(at.url).toBe(`https://127.0.0.1:${at.port}`);
    const tls = { ca: await Bun.file(cert()).text() };
    const response = await fetch(`${at.url}/hello`, { tls });
    expect(await response.json()).toMatchObject({ url: `${at.url}/hello`, ip: "127.0.0.1" });
  });

  test("serves WebSockets, to pages of its own host", async () => {
    const info = { method: "GET", path: "/socket", owner: "test", ofPlugin: true, options: {}, schemas: {} };
    const value: PluginRoute = {
      info,
      handle: (event) =>
        event.upgrade({ message: (socket, data) => void socket.send(`${event.url.protocol} ${data}`) }),
    };
    await using at = serveTest({ tls: { cert: cert(), key: key() }, entries: [{ ...info, value }] });
    using client = await Client.open(`${at.url}/socket`, { ca: await Bun.file(cert()).text(), origin: at.url });
    expect(await client.send("hello").next()).toBe("https: hello");
  });

  test("a client that speaks plain HTTP to it is closed, and the next one served", async () => {
    await using at = serveTest({ tls: { cert: cert(), key: key() } });
    await using client = await RawClient.connect(at.port);
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.closed();
    expect(at.log).toEqual([]);
    const tls = { rejectUnauthorized: false };
    expect((await fetch(`${at.url}/hello`, { tls })).status).toBe(200);
  });

  test("a missing file is named", () => {
    const missing = join(folder, "missing.pem");
    expect(() => serveTest({ tls: { cert: cert(), key: missing } })).toThrow(`server.tls.key: cannot read ${missing}`);
  });

  test("files that are no certificate and key are named", () => {
    const wrong = join(folder, "wrong.pem");
    writeFileSync(wrong, "not a certificate");
    expect(() => serveTest({ tls: { cert: wrong, key: key() } })).toThrow(/server\.tls: .*wrong\.pem/);
    expect(() => serveTest({ tls: { cert: cert(), key: cert() } })).toThrow(/server\.tls: .*cert\.pem/);
  });
});
