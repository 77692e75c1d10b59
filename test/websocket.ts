/** The WebSocket client of npm's `ws`: by its file, since Bun has a stand-in of its own for the name. */
import { join } from "node:path";

/** What tests use of it. */
export interface WebSocketClient {
  readonly protocol: string;
  readonly readyState: number;
  send(data: string | Uint8Array): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  once(event: string, listener: (...args: never[]) => void): void;
  on(event: string, listener: (...args: never[]) => void): void;
}

export interface ClientOptions {
  readonly protocols?: readonly string[];
  readonly origin?: string;
  /** Of the server's certificate. */
  readonly ca?: string;
  readonly headers?: { readonly [name: string]: string };
}

interface Package {
  readonly WebSocket: new (url: string, protocols: readonly string[], options: object) => WebSocketClient;
}

export type WebSocketClass = Package["WebSocket"];

export async function loadWebSocket(): Promise<WebSocketClass> {
  return ((await import(join(import.meta.dir, "../node_modules/ws/wrapper.mjs"))) as Package).WebSocket;
}

export class Client implements Disposable {
  readonly ws: WebSocketClient;
  /** Settles with the code and the reason. */
  readonly closed: Promise<readonly [code: number, reason: string]>;
  readonly #waiting: ((data: string | Buffer) => void)[] = [];
  readonly #received: (string | Buffer)[] = [];

  private constructor(ws: WebSocketClient) {
    this.ws = ws;
    this.closed = new Promise((resolve) => {
      ws.once("close", (code: number, reason: Buffer) => resolve([code, String(reason)]));
    });
    ws.on("message", (data: Buffer, binary: boolean) => {
      const message = binary ? data : String(data);
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#received.push(message);
      else waiting(message);
    });
  }

  /** @throws Error whose message is the status, such as `403`, when the server refuses. */
  static async open(url: string, { protocols = [], ...options }: ClientOptions = {}): Promise<Client> {
    const WebSocket = await loadWebSocket();
    const ws = new WebSocket(url.replace(/^http/, "ws"), protocols, options);
    const client = new Client(ws);
    await new Promise<void>((resolve, reject) => {
      ws.once("open", resolve);
      ws.on("error", reject);
      ws.once("unexpected-response", (_request: never, answer: { readonly statusCode: number }) => {
        reject(new Error(String(answer.statusCode)));
        ws.terminate();
      });
    });
    return client;
  }

  send(data: string | Uint8Array): this {
    this.ws.send(data);
    return this;
  }

  /** The next message; binary as bytes. */
  next(): Promise<string | Buffer> {
    const [first] = this.#received.splice(0, 1);
    return first === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(first);
  }

  async nextJson(): Promise<unknown> {
    return JSON.parse(String(await this.next()));
  }

  [Symbol.dispose](): void {
    this.ws.terminate();
  }
}
