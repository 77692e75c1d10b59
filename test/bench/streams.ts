/** What open streams cost: memory, how long a broadcast takes to reach every client, how many come back a second. `[clients]` */
import { startEngine } from "../e2e/engine.ts";
import { totalPss } from "../e2e/processes.ts";

const CLIENTS = Number(process.argv[2] ?? 2000);
const ROUNDS = 5;
const RECONNECT_MS = 3000;
const SIDE_BY_SIDE = 20;
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
  let lastId = "";
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
          if (text.includes("data: ")) {
            got++;
            lastId = /id: (\S+)\ndata/.exec(text)?.[1] ?? lastId;
          }
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

  /** Comes back with the last message but two: how many events it gets. */
  const comeBack = (): Promise<number> =>
    new Promise((resolve) => {
      const [node = "", number = ""] = lastId.split("-");
      const head = `${REQUEST.trimEnd()}\r\nlast-event-id: ${node}-${Number(number) - 2}\r\n\r\n`;
      let text = "";
      void Bun.connect({
        hostname: "127.0.0.1",
        port: engine.port,
        socket: {
          open: (socket) => void socket.write(head),
          data(socket, bytes) {
            text += bytes.toString("latin1");
            if (!text.includes(`id: ${lastId}\n\n`)) return;
            socket.end();
            resolve(text.split("data: ").length - 1);
          },
        },
      });
    });
  let back = 0;
  let wrong = 0;
  const end = performance.now() + RECONNECT_MS;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      if ((await comeBack()) !== 2) wrong++;
      back++;
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, one));
  const mib = (bytes: number): number => Math.round(bytes / 1024 / 1024);
  const figures = {
    clients: CLIENTS,
    connectMs: Math.round(connected),
    broadcastMs: times.map(Math.round),
    mibBefore: mib(before),
    mibAfter: mib(after),
    reconnectsPerSecond: Math.round((back * 1000) / RECONNECT_MS),
    wrong,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  await engine.stop();
}
