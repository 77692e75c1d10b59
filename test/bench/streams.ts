/** What open streams cost: memory of the engine, and how long a broadcast takes to reach every client. `[clients]` */
import { startEngine } from "../e2e/engine.ts";
import { totalPss } from "../e2e/processes.ts";

const CLIENTS = Number(process.argv[2] ?? 2000);
const ROUNDS = 5;
const REQUEST = "GET /events HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n\r\n";
const SCRIPT = `registerWebStream("/events");
register("/send", async () => sendStreamMessage({ at: Date.now(), text: "x".repeat(100) }), "POST");`;

const engine = await startEngine({
  scripts: { "bench.js": SCRIPT },
  config: `[plugins.streams]\nmaxConnections = 100000\nmaxPerIp = 100000\n`,
});
try {
  let opened = 0;
  let got = 0;
  let told = (): void => {};
  const connect = (): Promise<unknown> =>
    Bun.connect({
      hostname: "127.0.0.1",
      port: engine.port,
      socket: {
        open: (socket) => void socket.write(REQUEST),
        data(_socket, bytes) {
          const text = bytes.toString("latin1");
          if (text.includes(": open")) opened++;
          if (text.includes("data: ")) got++;
          told();
        },
      },
    });
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      told = () => {
        if (done()) resolve();
      };
      told();
    });
  const send = async (): Promise<number> => {
    got = 0;
    const since = performance.now();
    const [answer] = await Promise.all([engine.fetch("/send", { method: "POST" }), until(() => got === CLIENTS)]);
    const ms = performance.now() - since;
    const { delivered } = (await answer.json()) as { delivered: number };
    if (delivered !== CLIENTS) throw new Error(`${delivered} of ${CLIENTS} were reached`);
    return ms;
  };

  await engine.fetch("/send", { method: "POST" });
  const before = totalPss(engine.pid);
  const since = performance.now();
  for (let at = 0; at < CLIENTS; at += 500) {
    await Promise.all(Array.from({ length: Math.min(500, CLIENTS - at) }, connect));
  }
  await until(() => opened === CLIENTS);
  const connected = performance.now() - since;
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) times.push(await send());
  const after = totalPss(engine.pid);
  console.log(
    JSON.stringify({
      clients: CLIENTS,
      connectMs: Math.round(connected),
      broadcastMs: times.map(Math.round),
      pssBefore: before,
      pssAfter: after,
    }),
  );
} finally {
  await engine.stop();
}
