/** Frames to bytes and back (core/isolate/frames.ts says what a frame is); used at both ends of the socket. */
import { Frame, ProtocolError, setBytes, type Place } from "./frame.ts";
import { FLAG_SHARED, FLAG_TEXT, HEAD_BYTES } from "./frames.ts";
import { RING_BYTES, type RingReader, type RingWriter } from "./ring.ts";

const FIRST_BYTES = 64 * 1024;
const KEEP_BYTES = 1024 * 1024;
/** From here on a copy costs more than a write of its own. */
const DIRECT_BYTES = 32 * 1024;
/** Offset, length and mark of a body in shared memory. */
const PLACE_OF_SHARED = 12;
/** Of a body that is written by itself, so much goes along with the frame's head: fewer writes, and fewer wakes at the other side. */
const ALONG_BYTES = 4 * 1024;
/** From here on a body goes by shared memory. */
const SHARE_BYTES = 8 * 1024;
/** What is set aside at first for a frame that is gathered with its body. */
const MOST_AT_ONCE = 1024 * 1024;
/** From here on the body of a frame that is not complete gets memory of its own at once, instead of being gathered with its head. */
const PLACE_BYTES = 32 * 1024;

export { Frame, ProtocolError };

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
  readonly #ring: RingWriter | null;

  /** `send` answers how many bytes it took; the remainder waits for `drain()`. Long bodies go by `ring` while it has room. */
  constructor(send: (bytes: Buffer) => number, afterFlush?: () => void, ring: RingWriter | null = null) {
    this.#send = send;
    this.#afterFlush = afterFlush;
    this.#ring = ring;
  }

  /** Bytes that wait because the other side does not read. */
  get waiting(): number {
    return this.#backlogBytes + this.#used;
  }

  /** `lasting`: nobody changes the bytes of `body` any more, so what the socket does not take at once needs no copy. */
  write(type: number, id: number, a: number, text: string, body?: string | Uint8Array, lasting = false): void {
    if (this.#closed) return;
    if (body !== undefined && body.length >= SHARE_BYTES && this.#ring !== null) {
      if (this.#share(this.#ring, type, id, a, text, body)) return;
    }
    if (body !== undefined && body.length >= DIRECT_BYTES) {
      if (typeof body === "string") return this.#writeDirect(type, FLAG_TEXT, id, a, text, Buffer.from(body), true);
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
      return this.#writeDirect(type, 0, id, a, text, bytes, lasting);
    }
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

  /** False when there is no room for it. */
  #share(ring: RingWriter, type: number, id: number, a: number, text: string, body: string | Uint8Array): boolean {
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    const offset = ring.reserve(length);
    if (offset < 0) return false;
    if (typeof body === "string") ring.bytes.utf8Write(body, offset, length);
    else ring.bytes.set(body, offset);
    const start = this.#head(type, id, a, text, PLACE_OF_SHARED);
    const buffer = this.#buffer;
    buffer[start + 5] = typeof body === "string" ? FLAG_SHARED | FLAG_TEXT : FLAG_SHARED;
    buffer.writeUInt32LE(offset, this.#used);
    buffer.writeUInt32LE(length, this.#used + 4);
    buffer.writeUInt32LE(ring.mark, this.#used + 8);
    this.#used += PLACE_OF_SHARED;
    buffer.writeUInt32LE(this.#used - start - 4, start);
    this.wake();
    return true;
  }

  /** A long body goes to the socket from where it lies. */
  #writeDirect(type: number, flags: number, id: number, a: number, text: string, body: Buffer, lasting: boolean): void {
    const start = this.#head(type, id, a, text, ALONG_BYTES);
    this.#buffer[start + 5] = flags;
    this.#buffer.writeUInt32LE(this.#used - start - 4 + body.length, start);
    this.#used += body.copy(this.#buffer, this.#used, 0, ALONG_BYTES);
    this.flush();
    this.#pass(body.subarray(ALONG_BYTES), lasting);
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
    this.#pass(bytes, false);
    if (this.#buffer.length > KEEP_BYTES) this.#buffer = Buffer.allocUnsafe(FIRST_BYTES);
  }

  #pass(bytes: Buffer, lasting: boolean): void {
    const taken = this.#backlogBytes > 0 ? 0 : Math.max(0, this.#send(bytes));
    if (taken === bytes.length) return;
    const left = bytes.subarray(taken);
    this.#backlog.push(lasting ? left : Buffer.from(left));
    this.#backlogBytes += left.length;
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

const ownMemory: Place = (frame) => Buffer.allocUnsafeSlow(frame.bodyLength);

/** Cuts a stream of bytes into frames. Throws ProtocolError on anything malformed; the caller ends the other side. */
export class FrameReader {
  #pending: Buffer | null = null;
  #filled = 0;
  /** Where the body of the frame goes whose head has come. */
  #body: Uint8Array | null = null;
  #bodyLength = 0;
  readonly #most: number;
  readonly #place: Place;
  readonly #ring: RingReader | null;
  readonly #frame: Frame;

  constructor(mostBytes: number, place: Place = ownMemory, ring: RingReader | null = null) {
    this.#most = mostBytes;
    this.#place = place;
    this.#ring = ring;
    this.#frame = new Frame(place);
  }

  push(input: Buffer, take: (frame: Frame) => void): void {
    let at = 0;
    while (at < input.length) {
      if (this.#body !== null) at += this.#fill(this.#body, input, at, take);
      else if (this.#pending !== null) at += this.#gather(this.#pending, input, at, take);
      else {
        const left = input.length - at;
        const total = left < 4 ? 0 : this.#total(input, at);
        if (left < 4 || left < total) at += this.#begin(input, at, total);
        else {
          this.#read(input, at, total, take);
          at += total;
        }
      }
    }
  }

  #read(bytes: Buffer, at: number, total: number, take: (frame: Frame) => void): void {
    const frame = this.#frame;
    frame.read(bytes, at, total);
    if ((frame.flags & FLAG_SHARED) === 0) return take(frame);
    const ring = this.#ring;
    if (ring === null || frame.bodyLength !== PLACE_OF_SHARED) throw new ProtocolError("a shared body that is none");
    const where = frame.body;
    const [offset, length, mark] = [where.readUInt32LE(0), where.readUInt32LE(4), where.readUInt32LE(8)];
    if (length === 0 || length > this.#most || offset + length > RING_BYTES)
      throw new ProtocolError(`a shared body of ${length} bytes at ${offset}`);
    frame.lies(ring.at(offset, length));
    take(frame);
    ring.free(mark);
  }

  /** The start of a frame that is not complete. Answers how many bytes it took. */
  #begin(bytes: Buffer, at: number, total: number): number {
    const left = bytes.length - at;
    const head = left < HEAD_BYTES ? total : HEAD_BYTES + bytes.readUInt32LE(at + 14);
    if (head <= left && total - head >= PLACE_BYTES) {
      this.#open(bytes, at, total);
      return head;
    }
    this.#pending = Buffer.allocUnsafe(Math.max(left, 4, Math.min(total, MOST_AT_ONCE)));
    this.#filled = bytes.copy(this.#pending, 0, at);
    return left;
  }

  /** The head has come: what follows goes to where it belongs. */
  #open(bytes: Buffer, at: number, total: number): void {
    this.#frame.read(bytes, at, total);
    this.#bodyLength = this.#frame.bodyLength;
    this.#body = this.#place(this.#frame);
    this.#filled = 0;
  }

  #fill(body: Uint8Array, bytes: Buffer, at: number, take: (frame: Frame) => void): number {
    const count = Math.min(this.#bodyLength - this.#filled, bytes.length - at);
    Reflect.apply(setBytes, body, [bytes.subarray(at, at + count), this.#filled]);
    this.#filled += count;
    if (this.#filled === this.#bodyLength) {
      this.#body = null;
      this.#filled = 0;
      this.#frame.give(body, this.#bodyLength);
      take(this.#frame);
    }
    return count;
  }

  /** Still short of the length word, of the head, or of the whole frame. Answers how many bytes it took. */
  #gather(pending: Buffer, bytes: Buffer, at: number, take: (frame: Frame) => void): number {
    const wanted = this.#wanted(pending);
    const count = Math.min(wanted - this.#filled, bytes.length - at);
    const room = pending.length < wanted ? this.#grow(wanted) : pending;
    bytes.copy(room, this.#filled, at, at + count);
    this.#filled += count;
    if (this.#filled < 4) return count;
    const total = this.#total(room, 0);
    if (this.#filled === total) {
      this.#pending = null;
      this.#filled = 0;
      this.#read(room, 0, total, take);
    } else if (this.#filled >= HEAD_BYTES && this.#filled === HEAD_BYTES + room.readUInt32LE(14)) {
      this.#pending = null;
      this.#open(room, 0, total);
    }
    return count;
  }

  /** How many bytes of the frame are gathered before anything can be done with them. */
  #wanted(pending: Buffer): number {
    if (this.#filled < 4) return 4;
    const total = this.#total(pending, 0);
    if (total < PLACE_BYTES) return total;
    if (this.#filled < HEAD_BYTES) return HEAD_BYTES;
    const head = HEAD_BYTES + pending.readUInt32LE(14);
    return total - head >= PLACE_BYTES ? head : total;
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
}
