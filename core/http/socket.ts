/** One WebSocket, as plugins see it: what they send is bounded, and what of theirs throws ends this socket alone. */
import type { ServerWebSocket } from "bun";
import type { Socket, SocketHandlers } from "../../sdk/plugin.ts";

/** https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
export const GOING_AWAY = 1001;
export const TOO_BIG = 1009;
export const SERVER_ERROR = 1011;
/** https://www.iana.org/assignments/websocket/websocket.xhtml */
export const SERVICE_RESTART = 1012;
const ABNORMAL = 1006;
const MAX_REASON_BYTES = 123;

export interface SocketFacts {
  readonly ip: string;
  /** The agreed one, or empty. */
  readonly protocol: string;
  readonly maxMessageBytes: number;
  readonly handlers: SocketHandlers;
  /** A handler of the plugin threw. */
  readonly onFailure: (error: unknown) => void;
}

export class EngineSocket implements Socket {
  readonly id: string = Bun.randomUUIDv7();
  readonly ip: string;
  readonly protocol: string;
  readonly #facts: SocketFacts;
  #ws: ServerWebSocket<EngineSocket> | null = null;
  #over = false;
  readonly #undo: (() => void)[] = [];

  constructor(facts: SocketFacts) {
    this.#facts = facts;
    this.ip = facts.ip;
    this.protocol = facts.protocol;
  }

  get bufferedBytes(): number {
    return this.#over ? 0 : (this.#ws?.getBufferedAmount() ?? 0);
  }

  send(data: string | Uint8Array): "sent" | "waiting" | "dropped" {
    if (this.#over || this.#ws === null) return "dropped";
    const given = this.#ws.send(data as string | Bun.BufferSource);
    if (given === -1) return "waiting";
    return given === 0 && data.length > 0 ? "dropped" : "sent";
  }

  close(code = 1000, reason = ""): void {
    if (!mayBeSent(code)) {
      throw new RangeError(
        `${code} is no code that a WebSocket may be closed with; take 1000, or one from 4000 to 4999`,
      );
    }
    if (!this.#over) this.#ws?.close(code, cut(reason));
  }

  terminate(): void {
    if (!this.#over) this.#ws?.terminate();
  }

  /** Runs before the plugin hears of the end; not at all when that has come. */
  onEnd(undo: () => void): void {
    if (!this.#over) this.#undo.push(undo);
  }

  opened(ws: ServerWebSocket<EngineSocket>): void {
    this.#ws = ws;
    ws.binaryType = "uint8array";
    this.#run(() => this.#facts.handlers.open?.(this));
  }

  received(data: string | Uint8Array): void {
    if (Buffer.byteLength(data) > this.#facts.maxMessageBytes) {
      return this.close(TOO_BIG, `A message may take ${this.#facts.maxMessageBytes} bytes.`);
    }
    this.#run(() => this.#facts.handlers.message?.(this, data));
  }

  drained(): void {
    this.#run(() => this.#facts.handlers.drain?.(this));
  }

  /** Once, whoever ended it, also where it was never opened. */
  ended(code = ABNORMAL, reason = ""): void {
    if (this.#over) return;
    this.#over = true;
    for (const undo of this.#undo.splice(0)) undo();
    this.#run(() => this.#facts.handlers.close?.(this, code, reason));
  }

  #run(handler: () => void | PromiseLike<void>): void {
    try {
      handler()?.then(undefined, (error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#facts.onFailure(error);
    this.close(SERVER_ERROR, "The engine failed.");
  }
}

/** Neither reserved nor made up by the library that finds no code in a frame. */
function mayBeSent(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/** A close frame has no room for more. */
function cut(reason: string): string {
  if (Buffer.byteLength(reason) <= MAX_REASON_BYTES) return reason;
  // What is left of a character at the end is none.
  return new TextDecoder().decode(Buffer.from(reason).subarray(0, MAX_REASON_BYTES - 3)).replace(/\ufffd+$/, "");
}
