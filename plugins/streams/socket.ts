/** One WebSocket of a script: it hears what streams hear, and what waits for it is bounded in the same way. */
import type { Socket } from "../../sdk/plugin.ts";
import type { Criteria } from "./filter.ts";
import type { Listener } from "./hub.ts";

export const GOING_AWAY = 1001;
const NOT_SERVED = { code: GOING_AWAY, reason: "The socket is not served any more." };

export class SocketListener implements Listener {
  readonly criteria: Criteria;
  readonly ahead = undefined;
  /** The server pings. */
  readonly pingMs = Infinity;
  readonly lastSent = 0;
  readonly #socket: Socket;
  readonly #queueBytes: number;

  constructor(socket: Socket, criteria: Criteria, queueBytes: number) {
    this.#socket = socket;
    // Whatever the script says: a message to one socket must not reach another.
    this.criteria = { ...criteria, socket: socket.id };
    this.#queueBytes = queueBytes;
  }

  send(_event: Uint8Array, data: string): boolean {
    return this.tell(data);
  }

  /** Answers whether the client can still be reached; one with too much waiting is dropped. */
  tell(text: string): boolean {
    const { bufferedBytes } = this.#socket;
    const fits = bufferedBytes === 0 || bufferedBytes + Buffer.byteLength(text) <= this.#queueBytes;
    if (fits && this.#socket.send(text) !== "dropped") return true;
    // Also a goodbye would only wait.
    this.#socket.terminate();
    return false;
  }

  close({ code, reason } = NOT_SERVED): void {
    this.#socket.close(code, reason);
  }
}
