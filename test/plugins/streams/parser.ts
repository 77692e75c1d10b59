/** Reads text/event-stream as the standard says, to the letter: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */

export interface Received {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

export class EventParser {
  /** What the client would send with its next request. */
  lastEventId = "";
  /** Milliseconds; undefined until the server says it. */
  retry: number | undefined;
  readonly comments: string[] = [];
  readonly #decoder = new TextDecoder("utf-8");
  #text = "";
  #afterReturn = false;
  #data = "";
  #type = "";
  #id = "";

  /** The events that are complete with these bytes. */
  push(bytes: Uint8Array): Received[] {
    const piece = this.#decoder.decode(bytes, { stream: true });
    if (piece === "") return [];
    // A line may end with CR and LF in two pieces: the LF is no line of its own.
    this.#text += this.#afterReturn && piece.startsWith("\n") ? piece.slice(1) : piece;
    this.#afterReturn = piece.endsWith("\r");
    const events: Received[] = [];
    for (;;) {
      const end = /\r\n|\n|\r/.exec(this.#text);
      if (end === null) return events;
      const line = this.#text.slice(0, end.index);
      this.#text = this.#text.slice(end.index + end[0].length);
      if (line === "") this.#dispatch(events);
      else this.#line(line);
    }
  }

  #line(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return void this.comments.push(line.slice(1));
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#type = value;
    else if (field === "data") this.#data += `${value}\n`;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
  }

  #dispatch(events: Received[]): void {
    this.lastEventId = this.#id;
    const [data, type] = [this.#data, this.#type];
    this.#data = "";
    this.#type = "";
    if (data === "") return;
    events.push({ type: type || "message", data: data.slice(0, -1), lastEventId: this.lastEventId });
  }
}

/** One connection, as EventSource makes it. */
export class Client {
  readonly parser = new EventParser();
  readonly events: Received[] = [];
  /** Settles when the server ends the stream; with the error when it breaks. */
  readonly ended: Promise<unknown>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #told: () => void = () => {};

  constructor(readonly response: Pick<Response, "body" | "status" | "headers">) {
    if (response.status !== 200) throw new Error(`no stream: the answer was ${response.status}`);
    this.#reader = (response.body as ReadableStream<Uint8Array>).getReader();
    this.ended = this.#read().catch((error: unknown) => error);
  }

  async #read(): Promise<void> {
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.events.push(...this.parser.push(value));
      this.#told();
    }
  }

  get data(): readonly string[] {
    return this.events.map(({ data }) => data);
  }

  /** Resolves as soon as it holds. */
  async until(holds: (client: this) => boolean): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#told = () => {
        if (holds(this)) resolve();
      };
      this.#told();
    });
    return this;
  }

  /** The server accepted, and the client knows from where it would resume. */
  ready(): Promise<this> {
    return this.until(({ parser }) => parser.lastEventId !== "");
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}
