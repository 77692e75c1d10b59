/**
 * The floor: plain `Bun.serve` plus one hop to a child over a socket pair and back, all messages of a loop turn in one
 * write, and nothing else. What an engine of this build could at best do. Prints its port.
 */
import { dlopen, ptr } from "bun:ffi";

const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const HEAD = 8;

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

async function parent(): Promise<void> {
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
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: (request) =>
      new Promise<Response>((resolve) => {
        const id = ++next;
        waiting.set(id, (text) => resolve(new Response(text)));
        hop.send(id, `GET ${request.url}`);
      }),
  });
  console.log(server.port);
}

await (process.argv[2] === "child" ? child() : parent());
