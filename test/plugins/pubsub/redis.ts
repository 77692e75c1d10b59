/** A real Redis for tests: started on a port of its own, with nothing on disk. */
import { createServer, connect } from "node:net";

/** Named by REDIS_SERVER, or found; Valkey and others that speak its protocol will do. */
export const REDIS_SERVER = process.env["REDIS_SERVER"] ?? Bun.which("redis-server") ?? Bun.which("valkey-server");

/** For the title of a test that is left out. */
export const noRedis =
  REDIS_SERVER === null ? " (SKIPPED: no redis-server on this machine; name one in REDIS_SERVER)" : "";

export interface Redis extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  /** As if the power failed. */
  kill(): Promise<void>;
  /** Again, on the same port. */
  start(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** One command on a connection of its own; resolves when it was answered. */
  send(...words: readonly (string | Uint8Array)[]): Promise<string>;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** @param options more of `redis-server`: `["--requirepass", "x"]` */
export async function startRedis(options: readonly string[] = [], started = true): Promise<Redis> {
  const port = await freePort();
  let child: Bun.Subprocess | undefined;
  const redis: Redis = {
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...options];
      child = Bun.spawn([REDIS_SERVER ?? "redis-server", ...args], { stdio: ["ignore", "ignore", "ignore"] });
      const last = Date.now() + 10_000;
      while (!(await answers(port))) {
        if (child.exitCode !== null || Date.now() > last) throw new Error("redis-server did not start");
        await Bun.sleep(10);
      }
    },
    async kill() {
      child?.kill("SIGKILL");
      await child?.exited;
    },
    signal: (name) => void child?.kill(name),
    send: (...words) => ask(port, words),
    [Symbol.asyncDispose]: () => redis.kill(),
  };
  if (started) await redis.start();
  return redis;
}

async function answers(port: number): Promise<boolean> {
  return ask(port, ["PING"]).then(
    () => true,
    () => false,
  );
}

function ask(port: number, words: readonly (string | Uint8Array)[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, "127.0.0.1", () => {
    socket.write(`*${words.length}\r\n`);
    for (const word of words) {
      socket.write(`$${Buffer.byteLength(word)}\r\n`);
      socket.write(word);
      socket.write("\r\n");
    }
  });
  socket.once("data", (bytes) => {
    resolve(bytes.toString().trim());
    socket.destroy();
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("no answer")));
  return promise;
}
