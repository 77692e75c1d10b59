/** Streams behind a real nginx with its defaults, which would keep what it has until a buffer is full, and through its compression. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectSocket } from "node:net";
import { createGunzip } from "node:zlib";
import { freePort } from "../plugins/pubsub/redis.ts";
import { Client, EventParser } from "../plugins/streams/parser.ts";
import { Client as WebSocketClient } from "../websocket.ts";
import { startEngine, type Engine } from "./engine.ts";

const NGINX = [process.env["NGINX"], Bun.which("nginx"), "/usr/sbin/nginx"].find(
  (path) => typeof path === "string" && existsSync(path),
);
const missing = NGINX === undefined ? " (SKIPPED: no nginx on this machine; name one in NGINX)" : "";

const SCRIPT = `registerWebStream("/news");
register("/say", async ({ body }) => sendStreamMessage("/news", body), "POST");
register("/ip", ({ ip }) => ip);
registerWebSocket("/room", { message: ({ payload, ip, path }) => ({ payload, ip, path }) });
register("/count", async function* ({ signal, log }) {
  try { for (let n = 1; ; n++) { yield { n }; await new Promise((next) => setTimeout(next, 20)); } } finally { log.info("counted"); }
});`;

function configFor(dir: string, port: number, engine: number): string {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((of) => `${of}_temp_path ${dir}/${of};`);
  // Workers of root would be somebody who may not look into the folder.
  return `${process.getuid?.() === 0 ? "user root;" : ""}
daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 128; }
http {
  access_log off; ${temp.join(" ")}
  gzip on; gzip_min_length 1; gzip_types text/event-stream;
  server {
    listen 127.0.0.1:${port};
    location /room {
      proxy_pass http://127.0.0.1:${engine};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header X-Forwarded-For $remote_addr;
    }
    location / {
      proxy_pass http://127.0.0.1:${engine};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}
`;
}

describe.skipIf(NGINX === undefined)(`behind nginx${missing}`, () => {
  let engine: Engine;
  let dir: string;
  let port: number;
  let nginx: Bun.Subprocess;

  async function answers(): Promise<boolean> {
    return fetch(`http://127.0.0.1:${port}/ip`).then(
      (answer) => answer.ok,
      () => false,
    );
  }
  async function startNginx(): Promise<void> {
    nginx = Bun.spawn([NGINX!, "-p", dir, "-e", `${dir}/error.log`, "-c", `${dir}/nginx.conf`], {
      stdio: ["ignore", "ignore", "ignore"],
    });
    const last = Date.now() + 10_000;
    while (!(await answers())) {
      if (nginx.exitCode !== null || Date.now() > last) throw new Error(await Bun.file(`${dir}/error.log`).text());
      await Bun.sleep(20);
    }
  }

  beforeAll(async () => {
    engine = await startEngine({
      scripts: { "news.js": SCRIPT },
      config: `[server]\ntrustedProxies = ["127.0.0.1"]\n`,
    });
    await engine.waitForLog(/"script loaded".*"news"/);
    dir = await mkdtemp(join(tmpdir(), "aiwebengine-nginx-"));
    port = await freePort();
    await writeFile(`${dir}/nginx.conf`, configFor(dir, port, engine.port));
    await startNginx();
  }, 40_000);
  afterAll(async () => {
    nginx?.kill("SIGTERM");
    await nginx?.exited;
    await engine?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const plain = { accept: "text/event-stream", "accept-encoding": "identity" };
  const connect = async (path: string, headers: Record<string, string> = {}): Promise<Client> =>
    new Client(await fetch(`http://127.0.0.1:${port}${path}`, { headers: { ...plain, ...headers } }));
  const say = async (what: unknown): Promise<unknown> =>
    (
      await engine.fetch("/say", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(what),
      })
    ).json();

  test("an event is there before the next is sent", async () => {
    const client = await (await connect("/news")).ready();
    for (let n = 1; n <= 5; n++) {
      expect(await say(n)).toEqual({ delivered: 1, connections: 1, failed: 0 });
      await client.until(({ events }) => events.length === n);
    }
    // That was for nginx, and is nothing for those behind it.
    expect(client.response.headers.get("x-accel-buffering")).toBeNull();
    await client.leave();
    for (;;) if (((await say("?")) as { connections: number }).connections === 0) break;
  });

  test("a WebSocket of its own pages is one, of other pages it is refused", async () => {
    const origin = `http://127.0.0.1:${port}`;
    using client = await WebSocketClient.open(`${origin}/room`, { origin });
    expect(await client.send("hello").nextJson()).toEqual({ payload: "hello", ip: "127.0.0.1", path: "/room" });
    const other = WebSocketClient.open(`${origin}/room`, { origin: "https://evil.example" });
    expect(await other.catch(String)).toBe("Error: 403");
  });

  test("what a generator yields is there at once, and it ends when the client leaves", async () => {
    const client = await connect("/count");
    await client.until(({ events }) => events.length === 3);
    const after = engine.mark();
    await client.leave();
    await engine.waitForLog(/"counted"/, { after });
  });

  test("through gzip an event is there before the next is sent, too", async () => {
    const parser = new EventParser();
    const events: string[] = [];
    let told = (): void => {};
    const until = (count: number): Promise<void> =>
      new Promise((resolve) => {
        told = () => {
          if (events.length >= count) resolve();
        };
        told();
      });
    const gunzip = createGunzip();
    gunzip.on("data", (bytes: Buffer) => {
      events.push(...parser.push(bytes).map(({ data }) => data));
      told();
    });
    gunzip.on("error", () => {});
    // A client of its own: one that decodes by itself might keep back what it has.
    let head = "";
    let rest: Buffer = Buffer.alloc(0);
    const socket = connectSocket(port, "127.0.0.1", () =>
      socket.write("GET /news HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\naccept-encoding: gzip\r\n\r\n"),
    );
    socket.on("data", (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      if (head === "") {
        const end = rest.indexOf("\r\n\r\n");
        if (end < 0) return;
        head = rest.toString("latin1", 0, end).toLowerCase();
        rest = rest.subarray(end + 4);
      }
      // Chunks, as HTTP/1.1 has them.
      for (;;) {
        const line = rest.indexOf("\r\n");
        const size = Number.parseInt(rest.toString("latin1", 0, Math.max(line, 0)), 16);
        if (line < 0 || rest.length < line + 2 + size + 2) return;
        gunzip.write(rest.subarray(line + 2, line + 2 + size));
        rest = rest.subarray(line + 2 + size + 2);
      }
    });
    for (;;) if (((await say("first")) as { connections: number }).connections === 1) break;
    await until(1);
    const before = events.length;
    for (let n = 1; n <= 5; n++) {
      await say(`${n}`);
      await until(before + n);
    }
    expect(events.slice(-5)).toEqual(["1", "2", "3", "4", "5"]);
    expect(head).toContain("content-encoding: gzip");
    socket.destroy();
  });

  test("a client that comes back after nginx was gone gets what it missed", async () => {
    const client = await (await connect("/news")).ready();
    nginx.kill("SIGTERM");
    await nginx.exited;
    await client.ended;
    for (const n of [1, 2, 3]) await say(n);
    await startNginx();
    const again = await connect("/news", { "last-event-id": client.parser.lastEventId });
    expect((await again.until(({ events }) => events.length === 3)).data).toEqual(["1", "2", "3"]);
    await again.leave();
  }, 20_000);

  test("the client's address is the one that nginx tells", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/ip`, { headers: { "x-forwarded-for": "203.0.113.7" } });
    expect(await answer.text()).toBe("127.0.0.1");
  });
});
