/**
 * The floor: plain `Bun.serve` plus one hop to a child over a socket pair and back, all messages of a loop turn in one
 * write, and nothing else. What an engine of this build could at best do. Prints its port.
 *
 * With the argument `dressed`, and with what every request of an engine is owed: an id, its headers for the script, three
 * headers of the answer and a line in the log, in the fewest words. What is beyond that is the engine's own doing.
 */
import { dlopen, ptr } from "bun:ffi";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const HEAD = 8;
/** One write of the log. */
const LOG_CHARACTERS = 32 * 1024;

interface Wire {
  write(bytes: Uint8Array): number;
}

/** Frames of u32 length, u32 id, latin-1 text. */
class Hop {
  #out = Buffer.allocUnsafe(1 << 20);
  #used = 0;
  #scheduled = false;
  #rest = Buffer.alloc(0);
  wire: Wire | null = null;

  send(id: number, text: string): void {
    this.#out.writeUInt32LE(text.length, this.#used);
    this.#out.writeUInt32LE(id, this.#used + 4);
    this.#out.write(text, this.#used + HEAD, "latin1");
    this.#used += HEAD + text.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.wire?.write(this.#out.subarray(0, this.#used));
      this.#used = 0;
    });
  }

  receive(input: Buffer, take: (id: number, text: string) => void): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, input]) : input;
    let at = 0;
    while (at + HEAD <= bytes.length) {
      const length = bytes.readUInt32LE(at);
      if (at + HEAD + length > bytes.length) break;
      take(bytes.readUInt32LE(at + 4), bytes.toString("latin1", at + HEAD, at + HEAD + length));
      at += HEAD + length;
    }
    this.#rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : Buffer.alloc(0);
  }
}

async function connect(fd: number, hop: Hop, take: (id: number, text: string) => void): Promise<void> {
  hop.wire = (await Bun.connect({
    fd,
    socket: {
      data: (_socket: unknown, bytes: Buffer) => hop.receive(bytes, take),
      close: () => process.exit(0),
    },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>)) as unknown as Wire;
}

async function child(): Promise<void> {
  const hop = new Hop();
  await connect(0, hop, (id, text) => hop.send(id, text === "" ? "" : "Hello, World!"));
}

type Ask = (text: string, take: (answer: string) => void) => void;

const naked =
  (ask: Ask) =>
  (request: Request): Promise<Response> =>
    new Promise((resolve) => ask(`GET ${request.url}`, (answer) => resolve(new Response(answer))));

function dressed(ask: Ask): (request: Request) => Promise<Response> {
  const log = Bun.file("/dev/null").writer();
  let lines = "";
  const tell = (id: string, path: string, ms: number): void => {
    lines += `{"at":"${new Date().toISOString()}","level":"info","message":"request","id":"${id}","method":"GET","path":"${path}","status":200,"ms":${ms},"ip":"127.0.0.1","script":"hello","kind":"http","route":"GET /hello"}\n`;
    if (lines.length < LOG_CHARACTERS) return;
    void log.write(lines);
    void log.flush();
    lines = "";
  };
  return ({ url, headers }) =>
    new Promise((resolve) => {
      const since = performance.now();
      const id = Bun.randomUUIDv7();
      const path = url.slice(url.indexOf("/", "http://".length));
      ask(`GET\n${url}\n127.0.0.1\n${id}\n\n${JSON.stringify(headers.toJSON())}`, (answer) => {
        const response = new Response(answer);
        response.headers.set("content-type", "text/plain;charset=utf-8");
        response.headers.set("x-request-id", id);
        response.headers.set("x-content-type-options", "nosniff");
        tell(id, path, performance.now() - since);
        resolve(response);
      });
    });
}

async function parent(dress: typeof naked): Promise<void> {
  const libc = dlopen("libc.so.6", {
    socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
  });
  const ends = new Int32Array(2);
  if (libc.symbols.socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ptr(ends)) !== 0) throw new Error("socketpair failed");
  const [mine = -1, theirs = -1] = ends;
  Bun.spawn([process.execPath, import.meta.path, "child"], { stdio: [theirs, "inherit", "inherit"], env: {} });
  libc.symbols.close(theirs);
  const waiting = new Map<number, (text: string) => void>();
  let next = 0;
  const hop = new Hop();
  await connect(mine, hop, (id, text) => {
    waiting.get(id)?.(text);
    waiting.delete(id);
  });
  const ask: Ask = (text, take) => {
    const id = ++next;
    waiting.set(id, take);
    hop.send(id, text);
  };
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: dress(ask) });
  console.log(server.port);
}

await (process.argv[2] === "child" ? child() : parent(process.argv[2] === "dressed" ? dressed : naked));
