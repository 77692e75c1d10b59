/** One client of a stream: what waits for it is bounded, and one that does not read is let go. */
import type { Criteria } from "./filter.ts";
import type { Listener } from "./hub.ts";
import type { Position } from "./position.ts";

export interface ConnectionOptions {
  readonly criteria: Criteria;
  readonly ip: string;
  /** What it had of other engines before this one heard of it. */
  readonly ahead?: Position | undefined;
  /** Bytes that may wait. */
  readonly queueBytes: number;
  readonly pingMs: number;
  /** Called once, whoever ended it. */
  readonly onEnd: (connection: Connection) => void;
}

export class Connection implements Listener {
  readonly criteria: Criteria;
  readonly ip: string;
  readonly pingMs: number;
  readonly ahead: Position | undefined;
  readonly body: ReadableStream<Uint8Array>;
  /** Of `performance.now()`. */
  lastSent = performance.now();
  readonly #most: number;
  readonly #onEnd: ConnectionOptions["onEnd"];
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #wake: (() => void) | null = null;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;

  /** `first` is sent at once, whatever its size. */
  constructor(first: readonly Uint8Array[], { criteria, ip, ahead, queueBytes, pingMs, onEnd }: ConnectionOptions) {
    this.criteria = criteria;
    this.ip = ip;
    this.pingMs = pingMs;
    this.ahead = ahead;
    this.#onEnd = onEnd;
    for (const bytes of first) this.#add(bytes);
    this.#most = queueBytes + this.#bytes;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#end(),
      },
      { highWaterMark: 0 },
    );
  }

  #add(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#bytes += bytes.length;
  }

  /** The server asks for more: the client took what it had. */
  #pull(): Promise<void> | undefined {
    if (this.#waiting.length > 0) return void this.#hand();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #hand(): void {
    const bytes = this.#waiting.length === 1 ? (this.#waiting[0] as Uint8Array) : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    this.#controller.enqueue(bytes);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  /** Answers whether the client can still be reached; one with too much waiting is dropped. */
  send(bytes: Uint8Array): boolean {
    if (!this.#open) return false;
    if (this.#bytes + bytes.length > this.#most) {
      this.#end();
      // The connection breaks: what the client has not taken it must not wait for.
      this.#controller.error(new Error("the client reads too slowly"));
      this.#wakeUp();
      return false;
    }
    this.lastSent = performance.now();
    this.#add(bytes);
    if (this.#wake !== null) {
      this.#hand();
      this.#wakeUp();
    }
    return true;
  }

  /** A clean end: the client comes back when it may. */
  close(): void {
    if (!this.#open) return;
    if (this.#waiting.length > 0) this.#hand();
    this.#end();
    this.#controller.close();
    this.#wakeUp();
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#waiting = [];
    this.#bytes = 0;
    this.#onEnd(this);
  }
}
