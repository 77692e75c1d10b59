/** A client that sends bytes as they are: what no well-behaved HTTP library would. */

export interface RawAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Record<string, string>;
  readonly body: string;
}

const PATIENCE_MS = 8000;

export class RawClient implements AsyncDisposable {
  private received = "";
  private ended = false;
  private wake = Promise.withResolvers<void>();

  private socket: Bun.Socket | null = null;

  private constructor() {}

  static async connect(port: number): Promise<RawClient> {
    const decoder = new TextDecoder("latin1");
    const client = new RawClient();
    client.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, bytes) => client.take(decoder.decode(bytes)),
        close: () => client.end(),
        error: () => client.end(),
      },
    });
    return client;
  }

  /** Text is sent as latin-1: one character, one byte. */
  send(text: string): this {
    this.socket?.write(Buffer.from(text, "latin1"));
    return this;
  }

  /** The next answer; null when the connection ends without one. */
  async answer(): Promise<RawAnswer | null> {
    for (;;) {
      const parsed = parse(this.received, this.ended);
      if (parsed !== null) {
        this.received = this.received.slice(parsed.length);
        return parsed.answer;
      }
      if (this.ended) return null;
      await this.change();
    }
  }

  /** Settles when the connection has ended. */
  async closed(patienceMs = PATIENCE_MS): Promise<void> {
    while (!this.ended) await this.change(patienceMs);
  }

  get isClosed(): boolean {
    return this.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket?.end();
  }

  private async change(patienceMs = PATIENCE_MS): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error(`nothing came; so far: ${JSON.stringify(this.received)}`)),
      patienceMs,
    );
    await Promise.race([this.wake.promise, late]).finally(() => clearTimeout(timer));
  }

  private take(text: string): void {
    this.received += text;
    this.wake.resolve();
    this.wake = Promise.withResolvers();
  }

  private end(): void {
    this.ended = true;
    this.wake.resolve();
    this.wake = Promise.withResolvers();
  }
}

function parse(text: string, ended: boolean): { answer: RawAnswer; length: number } | null {
  const split = text.indexOf("\r\n\r\n");
  if (split === -1) return null;
  const [line = "", ...fields] = text.slice(0, split).split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(line)?.[1]);
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(":")).toLowerCase(),
      field.slice(field.indexOf(":") + 1).trim(),
    ]),
  );
  const start = split + 4;
  const declared = headers["content-length"];
  if (status === 100 || status === 204) return { answer: { status, headers, body: "" }, length: start };
  if (declared === undefined && !ended) return null;
  const end = declared === undefined ? text.length : start + Number(declared);
  return text.length < end ? null : { answer: { status, headers, body: text.slice(start, end) }, length: end };
}

/** Sends and gives the first answer. */
export async function rawRequest(port: number, text: string): Promise<RawAnswer | null> {
  await using client = await RawClient.connect(port);
  return await client.send(text).answer();
}
