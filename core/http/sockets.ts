/** All open WebSockets of the server: made of requests, closed before anything else when it stops. */
import type { Server, WebSocketHandler } from "bun";
import { ProblemError } from "../../sdk/errors.ts";
import { GOING_AWAY, type EngineSocket } from "./socket.ts";

export interface SocketLimits {
  /** A longer message ends its connection with 1009. */
  readonly maxMessageBytes: number;
  /** What may wait for a client that reads slowly; more is dropped. */
  readonly maxQueueBytes: number;
  /** A client that is silent for so long, and answers no ping, is gone. */
  readonly idleSeconds: number;
}

/** The server makes these itself, or must not send them with this answer. */
const OWN = [
  "connection",
  "upgrade",
  "content-length",
  "content-type",
  "transfer-encoding",
  "sec-websocket-accept",
  "sec-websocket-extensions",
];

export class Sockets {
  readonly #open = new Set<EngineSocket>();
  #stopping = false;

  get size(): number {
    return this.#open.size;
  }

  /** What `Bun.serve` calls. */
  handlers({ maxMessageBytes, maxQueueBytes, idleSeconds }: SocketLimits): WebSocketHandler<EngineSocket> {
    return {
      maxPayloadLength: maxMessageBytes,
      backpressureLimit: maxQueueBytes,
      closeOnBackpressureLimit: false,
      idleTimeout: idleSeconds,
      sendPings: true,
      // A few bytes of it become as many megabytes as the limit allows, and each socket keeps a window.
      perMessageDeflate: false,
      open: (ws) => ws.data.opened(ws),
      message: (ws, data) => ws.data.received(data),
      drain: (ws) => ws.data.drained(),
      close: (ws, code, reason) => ws.data.ended(code, reason),
      // Elysia has its own, which look for other data.
      ping() {},
      pong() {},
    };
  }

  /**
   * The request's connection is a WebSocket from here on.
   *
   * @throws ProblemError when it cannot be: the client is gone, or the engine stops.
   */
  upgrade(server: Server<EngineSocket>, request: Request, socket: EngineSocket, answer: Headers): void {
    if (this.#stopping) throw new ProblemError("not_ready", "The engine stops.", { retryAfterSeconds: 1 });
    const headers = new Headers(answer);
    for (const name of OWN) headers.delete(name);
    // Without this header Bun agrees on whatever the client offers first.
    headers.set("sec-websocket-protocol", socket.protocol);
    this.#open.add(socket);
    socket.onEnd(() => void this.#open.delete(socket));
    if (server.upgrade(request, { headers, data: socket })) return;
    throw new ProblemError("bad_request", "The connection could not be made a WebSocket.");
  }

  /** Says goodbye to all; none comes after. */
  close(): void {
    this.#stopping = true;
    for (const socket of [...this.#open]) socket.close(GOING_AWAY, "The engine stops.");
  }
}
