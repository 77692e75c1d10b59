/** Frames to bytes and back (core/isolate/frames.ts says what a frame is); used at both ends of the socket. */
import { FLAG_TEXT, HEAD_BYTES } from "./frames.ts";

const FIRST_BYTES = 64 * 1024;
const KEEP_BYTES = 1024 * 1024;
/** From here on a copy costs more than a write of its own. */
const DIRECT_BYTES = 32 * 1024;

/** Gathers all frames of one turn of the event loop and hands them on as one write. */
export class FrameWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #used = 0;
  #scheduled = false;
  /** Written, not yet taken by the socket. */
  #backlog: Buffer[] = [];
  #backlogBytes = 0;
  #closed = false;
  readonly #send: (bytes: Buffer) => number;
  readonly #afterFlush: (() => void) | undefined;

  /** `send` answers how many bytes it took; the remainder waits for `drain()`. */
  constructor(send: (bytes: Buffer) => number, afterFlush?: () => void) {
    this.#send = send;
    this.#afterFlush = afterFlush;
  }

  /** Bytes that wait because the other side does not read. */
  get waiting(): number {
    return this.#backlogBytes + this.#used;
  }

  write(type: number, id: number, a: number, text: string, body?: string | Uint8Array): void {
    if (this.#closed) return;
    if (typeof body === "object" && body.length >= DIRECT_BYTES) return this.#writeDirect(type, id, a, text, body);
    const bodyMost = body === undefined ? 0 : typeof body === "string" ? body.length * 3 : body.length;
    const start = this.#head(type, id, a, text, bodyMost);
    let at = this.#used;
    if (typeof body === "string") {
      this.#buffer[start + 5] = FLAG_TEXT;
      if (body !== "") at += this.#buffer.utf8Write(body, at);
    } else if (body !== undefined) {
      this.#buffer.set(body, at);
      at += body.length;
    }
    this.#buffer.writeUInt32LE(at - start - 4, start);
    this.#used = at;
    this.wake();
  }

  /** Everything before the body; answers where the frame starts. The length is not known yet. */
  #head(type: number, id: number, a: number, text: string, more: number): number {
    const start = this.#reserve(HEAD_BYTES + text.length * 3 + more);
    const buffer = this.#buffer;
    const textBytes = text === "" ? 0 : buffer.utf8Write(text, start + HEAD_BYTES);
    buffer[start + 4] = type;
    buffer[start + 5] = 0;
    buffer.writeUInt32LE(id >>> 0, start + 6);
    buffer.writeUInt32LE(a >>> 0, start + 10);
    buffer.writeUInt32LE(textBytes, start + 14);
    this.#used = start + HEAD_BYTES + textBytes;
    return start;
  }

  /** A long body goes to the socket from where it lies; only what the socket does not take at once is copied. */
  #writeDirect(type: number, id: number, a: number, text: string, body: Uint8Array): void {
    const start = this.#head(type, id, a, text, 0);
    this.#buffer.writeUInt32LE(this.#used - start - 4 + body.length, start);
    this.flush();
    this.#pass(Buffer.from(body.buffer, body.byteOffset, body.length));
    this.wake();
  }

  /** Makes sure that a flush comes at the end of this turn: one write instead of hundreds. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    this.flush();
    this.#afterFlush?.();
  };

  flush(): void {
    if (this.#used === 0 || this.#closed) return;
    const bytes = this.#buffer.subarray(0, this.#used);
    this.#used = 0;
    this.#pass(bytes);
    if (this.#buffer.length > KEEP_BYTES) this.#buffer = Buffer.allocUnsafe(FIRST_BYTES);
  }

  #pass(bytes: Buffer): void {
    const taken = this.#backlogBytes > 0 ? 0 : Math.max(0, this.#send(bytes));
    if (taken < bytes.length) this.#keep(bytes.subarray(taken));
  }

  /** The socket takes bytes again. */
  drain(): void {
    while (this.#backlog.length > 0) {
      const bytes = this.#backlog[0] as Buffer;
      const taken = Math.max(0, this.#send(bytes));
      this.#backlogBytes -= taken;
      if (taken < bytes.length) {
        this.#backlog[0] = bytes.subarray(taken);
        return;
      }
      this.#backlog.shift();
    }
    this.flush();
  }

  close(): void {
    this.#closed = true;
    this.#backlog = [];
    this.#backlogBytes = 0;
    this.#used = 0;
  }

  #keep(bytes: Buffer): void {
    this.#backlog.push(Buffer.from(bytes));
    this.#backlogBytes += bytes.length;
  }

  #reserve(bytes: number): number {
    const needed = this.#used + bytes;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.#used);
      this.#buffer = grown;
    }
    return this.#used;
  }
}

/** One frame; it and its body are gone when the callback returns. */
export class Frame {
  type = 0;
  flags = 0;
  id = 0;
  a = 0;
  text = "";
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;

  get bodyLength(): number {
    return this.#to - this.#from;
  }

  /** A view into what was received. Most frames have a short body or none, and a view costs more than its text. */
  get body(): Buffer {
    return this.#bytes.subarray(this.#from, this.#to);
  }

  bodyText(): string {
    return this.#bytes.utf8Slice(this.#from, this.#to);
  }

  /** Takes the frame of `total` bytes that begins at `at`. */
  read(bytes: Buffer, at: number, total: number): void {
    const textBytes = bytes.readUInt32LE(at + 14);
    const bodyAt = at + HEAD_BYTES + textBytes;
    if (bodyAt > at + total) throw new ProtocolError("a text longer than its frame");
    this.type = bytes[at + 4] as number;
    this.flags = bytes[at + 5] as number;
    this.id = bytes.readUInt32LE(at + 6);
    this.a = bytes.readUInt32LE(at + 10);
    this.text = textBytes === 0 ? "" : bytes.utf8Slice(at + HEAD_BYTES, bodyAt);
    this.#bytes = bytes;
    this.#from = bodyAt;
    this.#to = at + total;
  }
}

export class ProtocolError extends Error {}

/** Cuts a stream of bytes into frames. Throws ProtocolError on anything malformed; the caller ends the other side. */
export class FrameReader {
  #pending: Buffer | null = null;
  #filled = 0;
  readonly #most: number;
  readonly #frame = new Frame();

  constructor(mostBytes: number) {
    this.#most = mostBytes;
  }

  push(input: Buffer, take: (frame: Frame) => void): void {
    let bytes = input;
    while (this.#pending) {
      // Still short of the length word, then of the whole frame: never copy the same byte twice.
      const pending = this.#pending;
      const wanted = this.#filled < 4 ? 4 : this.#total(pending, 0);
      const count = Math.min(wanted - this.#filled, bytes.length);
      const room = pending.length < wanted ? this.#grow(wanted) : pending;
      bytes.copy(room, this.#filled, 0, count);
      this.#filled += count;
      bytes = bytes.subarray(count);
      if (this.#filled < 4 || this.#filled < this.#total(room, 0)) {
        if (bytes.length === 0) return;
        continue;
      }
      this.#pending = null;
      const whole = room.subarray(0, this.#filled);
      this.#filled = 0;
      this.#read(whole, 0, whole.length, take);
    }
    let at = 0;
    while (at < bytes.length) {
      const left = bytes.length - at;
      const total = left < 4 ? 0 : this.#total(bytes, at);
      if (left < 4 || left < total) {
        this.#pending = Buffer.allocUnsafe(Math.max(left, 4, Math.min(total, 1024 * 1024)));
        bytes.copy(this.#pending, 0, at);
        this.#filled = left;
        return;
      }
      this.#read(bytes, at, total, take);
      at += total;
    }
  }

  #grow(wanted: number): Buffer {
    const grown = Buffer.allocUnsafe(wanted);
    (this.#pending as Buffer).copy(grown, 0, 0, this.#filled);
    this.#pending = grown;
    return grown;
  }

  #total(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32LE(at);
    if (length < HEAD_BYTES - 4 || length > this.#most) throw new ProtocolError(`a frame of ${length} bytes`);
    return length + 4;
  }

  #read(bytes: Buffer, at: number, total: number, take: (frame: Frame) => void): void {
    this.#frame.read(bytes, at, total);
    take(this.#frame);
  }
}
