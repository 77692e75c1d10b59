/** The answer to one request of a session: JSON, or a stream of events once its handler says something meanwhile. */

const PING_MS = 15_000;
const encoder = new TextEncoder();

export class LateAnswer {
  readonly response: Promise<Response>;
  readonly #session: string;
  readonly #streams: boolean;
  readonly #onEnd: () => void;
  readonly #resolve: (response: Response) => void;
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #ping: Timer | undefined;
  #ended = false;

  /**
   * @param streams else what is said meanwhile is lost
   * @param onEnd called once: it was answered, or never will be
   */
  constructor(session: string, streams: boolean, onEnd: () => void) {
    this.#session = session;
    this.#streams = streams;
    this.#onEnd = onEnd;
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.response = promise;
    this.#resolve = resolve;
  }

  /** A notification that belongs to the request. What a handler may say is bounded by `Caller`. */
  tell(message: object): void {
    if (this.#ended || !this.#streams) return;
    this.#open();
    this.#event(JSON.stringify(message));
  }

  async settle(response: Response): Promise<void> {
    if (this.#controller === null) this.#resolve(response);
    else this.#event(await response.text());
    this.end();
  }

  /** Without an answer of the protocol, where there was none. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#ping);
    this.#resolve(new Response(null, { status: 202 }));
    const controller = this.#controller;
    this.#controller = null;
    try {
      controller?.close();
    } catch {
      // The client has left.
    }
    this.#onEnd();
  }

  #open(): void {
    if (this.#controller !== null) return;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      // Leaving is no cancelling (revision 2025-11-25, "Streamable HTTP"): the handler goes on, unheard.
      cancel: () => clearInterval(this.#ping),
    });
    this.#ping = setInterval(() => this.#write(": ping\n\n"), PING_MS).unref();
    const headers = {
      "content-type": "text/event-stream",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
      "mcp-session-id": this.#session,
    };
    this.#resolve(new Response(body, { headers }));
  }

  #event(json: string): void {
    this.#write(`event: message\ndata: ${json}\n\n`);
  }

  #write(text: string): void {
    try {
      this.#controller?.enqueue(encoder.encode(text));
    } catch {
      // The client has left.
    }
  }
}
