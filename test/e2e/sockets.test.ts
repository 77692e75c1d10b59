/** WebSockets of a dropped plugin on the binary: over saves, limits, silence and the end of the engine. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { frame, RawSocket } from "../core/http/raw-socket.ts";
import { Client } from "../websocket.ts";
import { startEngine, type Engine } from "./engine.ts";

const LINE = await Bun.file(`${import.meta.dir}/../../docs/examples/plugins/party-line.ts`).text();

const PROBE = `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({
  name: "probe",
  version: "1.0.0",
  setup({ route }) {
    route("GET /probe", (event) => event.upgrade({
      message(socket, data) {
        if (data === "throw") throw new Error("never told");
        if (data !== "flood") return void socket.send(data);
        let kept = 0;
        while (socket.send("x".repeat(10_000)) !== "dropped") kept++;
        socket.send(String(kept));
      },
    }));
  },
});
`;

const CONFIG = `[server.sockets]
maxMessageBytes = 2000
maxQueueBytes = 50000
idleSeconds = 8
`;

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    files: { "plugins/party-line.ts": LINE, "plugins/probe.ts": PROBE },
    config: CONFIG,
  });
});
afterAll(() => engine.stop());

test("the example: guests hear each other, also when one of them came before the plugin was saved", async () => {
  using ada = await Client.open(`${engine.url}/party-line`);
  using short = await Client.open(`${engine.url}/probe`);
  const after = engine.mark();
  await engine.write("plugins/party-line.ts", LINE.replace("1.0.0", "1.0.1"));
  await engine.waitForLog(/plugins changed/, { after });
  // What is not said to last belongs to a generation, of all plugins together.
  expect((await short.closed)[0]).toBe(1012);
  using bob = await Client.open(`${engine.url}/party-line`);
  ada.send("hello bob");
  expect(await bob.next()).toBe("hello bob");
  bob.send("hello ada");
  expect(await ada.next()).toBe("hello ada");
});

test("each socket has one line in the access log, of status 101, with the id that its answer had", async () => {
  const after = engine.mark();
  using raw = await RawSocket.open(engine.port, "/probe");
  const id = /x-request-id: (\S+)/i.exec(raw.head)?.[1];
  expect(await engine.waitForLog(/\/probe/, { after })).toContain("101");
  expect(engine.logs).toContain(id ?? "no id");
  expect(raw.head.toLowerCase()).toContain("x-content-type-options: nosniff");
});

test("server.sockets.maxMessageBytes: a longer message ends its socket with 1009", async () => {
  using client = await Client.open(`${engine.url}/probe`);
  expect(await client.send("x".repeat(2000)).next()).toHaveLength(2000);
  expect((await client.send("x".repeat(2001)).closed)[0]).toBe(1009);
});

test("server.sockets.maxQueueBytes: more is dropped", async () => {
  using raw = await RawSocket.open(engine.port, "/probe");
  raw.send(frame(0x81, "flood"));
  let bytes = 0;
  let last = "";
  while (last.length !== 10_000 || bytes < 50_000) {
    last = (await raw.next())?.payload.toString() ?? "";
    bytes += last.length;
  }
  // The kernel's own buffers come on top of the queue.
  expect(bytes).toBeLessThan(20_000_000);
});

test("a page of another site is refused, and so is a request that does not ask for a socket", async () => {
  const foreign = await Client.open(`${engine.url}/probe`, { origin: "https://evil.example" }).catch(String);
  expect(foreign).toBe("Error: 403");
  const plain = await engine.fetch("/probe");
  expect([plain.status, plain.headers.get("upgrade"), plain.headers.get("sec-websocket-version")]).toEqual([
    426,
    "websocket",
    "13",
  ]);
  expect(await plain.json()).toMatchObject({ code: "upgrade_required" });
});

test("a plugin that throws loses this socket, and the log says where", async () => {
  const after = engine.mark();
  using client = await Client.open(`${engine.url}/probe`);
  const [code, reason] = await client.send("throw").closed;
  expect([code, reason]).toEqual([1011, "The engine failed."]);
  expect(await engine.waitForLog(/never told/, { after })).toContain("plugins/probe.ts");
});

test("server.sockets.idleSeconds: who answers no ping is hung up on; who does stays", async () => {
  using silent = await RawSocket.open(engine.port, "/party-line");
  using polite = await Client.open(`${engine.url}/party-line`);
  while ((await silent.next()) !== null);
  expect(silent.ended).toBe(true);
  expect(polite.ws.readyState).toBe(1);
}, 30_000);

test("the end of the engine is told to sockets first, and one that is deaf does not delay it", async () => {
  const own = await startEngine({ files: { "plugins/probe.ts": PROBE } });
  using client = await Client.open(`${own.url}/probe`);
  using deaf = await RawSocket.open(own.port, "/probe");
  deaf.tcp.pause();
  own.kill("SIGTERM");
  expect((await client.closed)[0]).toBe(1001);
  expect(await own.exited).toBe(0);
  await own.stop();
}, 9000);
