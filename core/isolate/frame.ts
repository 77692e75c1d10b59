/** One frame as it was received: where its body lies, and how to take it without copying twice. */
import { HEAD_BYTES } from "./frames.ts";

/** For memory that may be a realm's. */
export const { set: setBytes } = Uint8Array.prototype;

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
  /** The body has memory of its own. */
  #placed = false;
  /** The body lies in shared memory: it is copied before anything reads it, and only then. */
  #shared = false;
  readonly #place: Place;

  constructor(place: Place) {
    this.#place = place;
  }

  get bodyLength(): number {
    return this.#to - this.#from;
  }

  /** A view into what was received. Most frames have a short body or none, and a view costs more than its text. */
  get body(): Buffer {
    if (this.#shared) this.#settle();
    return this.#bytes.subarray(this.#from, this.#to);
  }

  /** The body for whoever keeps it: a copy, where it has no memory of its own. */
  takeBody(): Uint8Array {
    return this.takePlaced() ?? new Uint8Array(this.body);
  }

  /** The memory that `place` gave for the body, or null where the body was short or came in one piece. */
  takePlaced(): Uint8Array | null {
    if (this.#shared) this.#settle();
    return this.#placed ? this.#bytes : null;
  }

  bodyText(): string {
    if (this.#shared) this.#settle();
    return this.#bytes.utf8Slice(this.#from, this.#to);
  }

  /** Takes the frame of `total` bytes that begins at `at`, of which the body may still be to come. */
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
    this.#placed = false;
    this.#shared = false;
  }

  /** Its body is somewhere else. */
  lies(shared: Buffer): void {
    this.#bytes = shared;
    this.#from = 0;
    this.#to = shared.length;
    this.#shared = true;
  }

  #settle(): void {
    const shared = this.#bytes;
    const body = this.#place(this);
    Reflect.apply(setBytes, body, [shared]);
    this.give(body, shared.length);
  }

  /** Its body is these bytes, which belong to whoever takes it. */
  give(body: Uint8Array, length: number): void {
    this.#bytes = body as Buffer;
    this.#from = 0;
    this.#to = length;
    this.#placed = true;
    this.#shared = false;
  }
}

export class ProtocolError extends Error {}

/** Memory for the body of a frame that is to come. It may be a realm's: nothing of it is read or called here. */
export type Place = (frame: Frame) => Uint8Array;
