/** A WebSocket client that sends frames as they are told to it: what no well-behaved library would. */
import { connect, type Socket } from "node:net";

export interface Frame {
  /** First byte: FIN, RSV1 to RSV3, opcode. */
  readonly head: number;
  readonly payload: Buffer;
}

const PATIENCE_MS = 8000;
const HEADERS = [
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** Of a client, so it is masked: with zeros, which leave the payload legible. */
export function frame(
  head: number,
  payload: string | Uint8Array = "",
  { masked = true, claimed }: { readonly masked?: boolean; readonly claimed?: number } = {},
): Buffer {
  const bytes = Buffer.from(payload as string);
  const length = claimed ?? bytes.length;
  const bit = masked ? 0x80 : 0;
  const size =
    length < 126
      ? Buffer.from([bit | length])
      : length < 65_536
        ? Buffer.alloc(3, bit | 126)
        : Buffer.alloc(9, bit | 127);
  if (size.length === 3) size.writeUInt16BE(length, 1);
  if (size.length === 9) size.writeBigUInt64BE(BigInt(length), 1);
  return Buffer.concat([Buffer.from([head]), size, Buffer.alloc(masked ? 4 : 0), bytes]);
}

export class RawSocket implements Disposable {
  /** Status line and headers of the answer. */
  head = "";
  ended = false;
  #bytes = Buffer.alloc(0);
  #wake = Promise.withResolvers<void>();

  private constructor(readonly tcp: Socket) {
    tcp.on("data", (bytes) => this.#change(bytes as Buffer));
    tcp.on("error", () => {});
    tcp.on("close", () => {
      this.ended = true;
      this.#change(Buffer.alloc(0));
    });
  }

  /** Settles with the answer, whatever it is. */
  static async open(port: number, path = "/socket", headers: readonly string[] = HEADERS): Promise<RawSocket> {
    const socket = new RawSocket(connect(port, "127.0.0.1"));
    socket.tcp.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers.join("\r\n")}\r\n\r\n`);
    while (!socket.#bytes.includes("\r\n\r\n")) await socket.#more();
    const end = socket.#bytes.indexOf("\r\n\r\n") + 4;
    socket.head = socket.#bytes.subarray(0, end).toString("latin1");
    socket.#bytes = socket.#bytes.subarray(end);
    return socket;
  }

  get status(): number {
    return Number(this.head.split(" ")[1]);
  }

  send(...frames: readonly Buffer[]): this {
    this.tcp.write(Buffer.concat(frames));
    return this;
  }

  /** The next frame; null when the connection ended. */
  async next(): Promise<Frame | null> {
    for (;;) {
      const found = parse(this.#bytes);
      if (found !== null) {
        this.#bytes = this.#bytes.subarray(found.length);
        return found.frame;
      }
      if (this.ended) return null;
      await this.#more();
    }
  }

  /** The code of the next close frame, after which the server must have hung up; null where it hung up without. */
  async closeCode(): Promise<number | null> {
    for (;;) {
      const next = await this.next();
      if (next === null) return null;
      if (next.head !== 0x88) continue;
      while (!this.ended) await this.#more();
      return next.payload.length < 2 ? 1005 : next.payload.readUInt16BE(0);
    }
  }

  [Symbol.dispose](): void {
    this.tcp.destroy();
  }

  async #more(): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`nothing came; so far ${this.head}${this.#bytes.toString("hex")}`)),
      PATIENCE_MS,
    );
    await Promise.race([this.#wake.promise, late]).finally(() => clearTimeout(timer));
  }

  #change(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }
}

/** Servers do not mask. */
function parse(bytes: Buffer): { readonly frame: Frame; readonly length: number } | null {
  if (bytes.length < 2) return null;
  const short = bytes.readUInt8(1);
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < start) return null;
  const size = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  if (bytes.length < start + size) return null;
  return { frame: { head: bytes.readUInt8(0), payload: bytes.subarray(start, start + size) }, length: start + size };
}
