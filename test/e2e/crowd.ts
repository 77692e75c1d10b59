/** Many clients of one stream on plain sockets, some of which never read: for what a broadcast costs, and whom it reaches. */
import type { Engine } from "./engine.ts";

export const CROWD_SCRIPT = `registerWebStream("/crowd", { replay: 0 });
register("/crowd/send", async ({ query }) => sendStreamMessage("/crowd", "x".repeat(Number(query.bytes))), "POST");`;

const REQUEST = "GET /crowd HTTP/1.1\r\nhost: crowd\r\naccept: text/event-stream\r\n\r\n";
const END = Buffer.from("\n\n");
/** Side by side, so that no one waits in the queue of those who want to connect. */
const AT_ONCE = 200;

export interface Delivered {
  /** From the request that sends to the last client that reads. */
  readonly ms: number;
  readonly delivered: number;
  readonly failed: number;
  readonly connections: number;
}

export class Crowd {
  readonly #engine: Engine;
  readonly #sockets: Bun.Socket[] = [];
  #reading = 0;
  #open = 0;
  #got = 0;
  #told: () => void = () => {};

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async join(count: number): Promise<void> {
    for (let left = count; left > 0; left -= AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, () => this.#connect(true)));
    }
    this.#reading += count;
    await this.#until(() => this.#open === this.#reading);
  }

  /** They are sent to, and take nothing. */
  async joinStuck(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#connect(false)));
  }

  async #connect(reads: boolean): Promise<void> {
    let opened = false;
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.#engine.port,
      socket: {
        open: (own) => void own.write(REQUEST),
        data: (own, bytes) => {
          if (!reads) return void own.pause();
          // Of a large event only the last part ends so.
          if (opened) this.#got += bytes.includes(END) && bytes.includes("x\n\n") ? 1 : 0;
          else if (bytes.includes(": open")) {
            opened = true;
            this.#open++;
          }
          this.#told();
        },
      },
    });
    this.#sockets.push(socket);
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#told = () => {
        if (holds()) resolve();
      };
      this.#told();
    });
  }

  async send(bytes: number): Promise<Delivered> {
    this.#got = 0;
    const since = performance.now();
    const [answer] = await Promise.all([
      this.#engine.fetch(`/crowd/send?bytes=${bytes}`, { method: "POST" }),
      this.#until(() => this.#got >= this.#reading),
    ]);
    return { ms: performance.now() - since, ...((await answer.json()) as Omit<Delivered, "ms">) };
  }

  leave(): void {
    for (const socket of this.#sockets) socket.terminate();
  }
}
