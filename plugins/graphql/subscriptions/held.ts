/** An answer of events that can be ended before its source ends: broken off, or closed so that the client comes back. */

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  // nginx would keep what it has until its buffer is full.
  "x-accel-buffering": "no",
};

/** Where the bytes come from. */
export interface Bytes {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: Uint8Array | undefined }>;
  /** Nobody reads any more. */
  leave(): unknown;
}

export class HeldAnswer {
  readonly response: Response;
  readonly #bytes: Bytes;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;

  constructor(bytes: Bytes) {
    this.#bytes = bytes;
    const source: UnderlyingDefaultSource<Uint8Array> = {
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => void this.#end(),
    };
    const body = new ReadableStream(source, { highWaterMark: 0 });
    this.response = new Response(body, { headers: HEADERS });
  }

  async #pull(): Promise<void> {
    try {
      const { done, value } = await this.#bytes.next();
      if (!this.#open) return;
      if (value !== undefined && value.length > 0) this.#controller.enqueue(value);
      if (done) this.close();
    } catch (error) {
      this.drop(error);
    }
  }

  /** Without the event that says that all is said: the client comes back when it may. */
  close(): void {
    if (!this.#end()) return;
    this.#controller.close();
  }

  /** The connection breaks: what the client has not taken it must not wait for. */
  drop(error: unknown = new Error("the client reads too slowly")): void {
    if (this.#end()) this.#controller.error(error);
  }

  #end(): boolean {
    if (!this.#open) return false;
    this.#open = false;
    void this.#bytes.leave();
    return true;
  }
}
