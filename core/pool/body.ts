/** A request's body on its way into an isolate: read as fast as the script takes it. */
import { BODY_CHUNK, BODY_END, WINDOW_BYTES } from "../isolate/frames.ts";
import { ProtocolError, type FrameWriter } from "../isolate/wire.ts";
import { ProblemError } from "../../sdk/errors.ts";

const PIECE_BYTES = 256 * 1024;

export class BodyFeed {
  /** An isolate has part of it: no other can have it any more. */
  given = false;
  /** It was too large or too slow, or the client left. */
  failed = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #writer: FrameWriter | null = null;
  #local = 0;
  /** Sent, and not yet read by the script. */
  #ahead = 0;
  #wake: (() => void) | null = null;
  #stopped = false;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
    void this.#run();
  }

  /** From now on it goes to this isolate. */
  open(writer: FrameWriter, local: number): void {
    this.#writer = writer;
    this.#local = local;
    this.#wake?.();
  }

  /** The isolate is gone; the body waits for the next one. */
  detach(): void {
    this.#writer = null;
  }

  /** Nobody wants the rest. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#wake?.();
    this.#reader.cancel().catch(() => {}); // the client may have gone already: nothing is left to cancel
  }

  /** The script read that many bytes. @throws ProtocolError when it never got them. */
  taken(bytes: number): void {
    if (bytes === 0 || bytes > this.#ahead)
      throw new ProtocolError(`${bytes} bytes of a body taken, of ${this.#ahead}`);
    this.#ahead -= bytes;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    let fault = "";
    try {
      for (;;) {
        const { done, value } = await this.#reader.read();
        if (done) break;
        await this.#room();
        if (this.#stopped) return;
        this.#give(value);
      }
    } catch (error) {
      // Too large, too slow, or the client left: the script is told, and the code goes on to the caller.
      fault = error instanceof ProblemError ? error.code : "bad_request";
      this.failed = true;
    }
    await this.#room();
    if (this.#stopped) return;
    this.#stopped = true;
    this.#writer?.write(BODY_END, this.#local, fault === "" ? 0 : 1, fault);
  }

  #give(bytes: Uint8Array): void {
    this.given = true;
    this.#ahead += bytes.length;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      this.#writer?.write(BODY_CHUNK, this.#local, 0, "", bytes.subarray(at, at + PIECE_BYTES), true);
    }
  }

  /** Waits until an isolate is there, and its script has read enough of what it has. */
  async #room(): Promise<void> {
    while (!this.#stopped && (this.#writer === null || this.#ahead >= WINDOW_BYTES)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
