/** The bodies of outgoing requests and of their answers, between an isolate and the network. */
import { CALL_CHUNK, CALL_END, WINDOW_BYTES } from "../isolate/frames.ts";
import { ProtocolError, type Frame, type FrameWriter } from "../isolate/wire.ts";
import { ProblemError } from "../../sdk/errors.ts";
import type { OutboundRequest } from "../fetch/fetch.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import { parseHostile } from "./hostile-json.ts";

/** FETCH: the request without its streamed body. @throws ProtocolError when it is none. */
export function readRequest(frame: Frame, upload: () => ReadableStream<Uint8Array>): OutboundRequest {
  const head = parseHostile(frame.text);
  const raw = (typeof head === "object" && head !== null ? head : {}) as { [key: string]: unknown };
  const { method, url, headers, redirect } = raw;
  if (typeof method !== "string" || typeof url !== "string" || !isTexts(headers)) {
    throw new ProtocolError("an outgoing request that is none");
  }
  const kind = raw["body"];
  return {
    method,
    url,
    headers,
    redirect: redirect === "error" || redirect === "manual" ? redirect : "follow",
    body: kind === 1 ? frame.takeBody() : kind === 2 ? upload() : null,
  };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** The realm sends less than a window ahead, in pieces of up to a window. */
const MOST_AHEAD = 2 * WINDOW_BYTES;

/** A body on its way out. */
export class Upload {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #queue = new ChunkQueue();
  readonly #taken: (bytes: number) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** The network waits for the next piece. */
  #wanted = false;
  /** How it ended: whole, or not. */
  #complete: boolean | null = null;

  /** `taken` tells the realm that it may send that many bytes more. */
  constructor(taken: (bytes: number) => void) {
    this.#taken = taken;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#wanted = true;
          this.#deliver();
        },
        cancel: () => {
          this.#controller = null;
          if (this.#queue.held > 0) this.#taken(this.#queue.held);
          this.#queue.clear();
        },
      },
      { highWaterMark: 0 },
    );
  }

  #deliver(): void {
    const controller = this.#controller;
    if (!this.#wanted || !controller) return;
    const piece = this.#queue.shift();
    if (piece) {
      this.#wanted = false;
      controller.enqueue(piece);
      this.#taken(piece.length);
    } else if (this.#complete !== null) {
      this.#controller = null;
      if (this.#complete) controller.close();
      else controller.error(new ProblemError("invocation_ended", "The script's request body broke off."));
    }
  }

  /** False when nobody takes more of it. */
  get isOpen(): boolean {
    return this.#controller !== null && this.#complete === null;
  }

  /** False when nobody takes it any more. */
  push(piece: Uint8Array, own = false): boolean {
    if (!this.isOpen || piece.length === 0) return false;
    if (this.#queue.held + piece.length > MOST_AHEAD) {
      throw new ProtocolError("an outgoing body that does not wait for the network");
    }
    this.#queue.push(piece, own);
    this.#deliver();
    return true;
  }

  /** False when it has ended before. */
  end(complete: boolean): boolean {
    if (!this.#controller || this.#complete !== null) return false;
    this.#complete = complete;
    this.#deliver();
    return true;
  }
}

/** The body of an answer on its way into the isolate: read as fast as the script takes it. */
export class Download {
  readonly #id: number;
  readonly #body: ReadableStream<Uint8Array>;
  readonly #writer: FrameWriter;
  /** Sent, and not yet read by the script. */
  #ahead = 0;
  #wake: (() => void) | null = null;

  constructor(id: number, body: ReadableStream<Uint8Array>, writer: FrameWriter) {
    this.#id = id;
    this.#body = body;
    this.#writer = writer;
  }

  /** The script read that many bytes. @throws ProtocolError when it never got them. */
  taken(bytes: number): void {
    if (bytes === 0 || bytes > this.#ahead)
      throw new ProtocolError(`${bytes} bytes of an answer taken, of ${this.#ahead}`);
    this.#ahead -= bytes;
    this.#wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const reader = this.#body.getReader();
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
    try {
      while (!signal.aborted) {
        const { done, value } = await reader.read();
        if (done) {
          this.#writer.write(CALL_END, this.#id, 0, "");
          return;
        }
        this.#ahead += value.length;
        this.#writer.write(CALL_CHUNK, this.#id, 0, "", value, true);
        await this.#room(signal);
      }
      await reader.cancel();
    } catch (error) {
      const message =
        error instanceof ProblemError ? error.detail : error instanceof Error ? error.message : "the answer broke off";
      this.#writer.write(CALL_END, this.#id, 1, message);
    }
  }

  async #room(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#ahead >= WINDOW_BYTES) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}
