/** What plugins make of a request that becomes a WebSocket (RFC 6455). */

type Awaitable<T> = T | PromiseLike<T>;

/** A WebSocket of a client. It closes with 1001 when the engine stops. */
export interface Socket {
  /** Unique (UUIDv7). */
  readonly id: string;
  /** The client's address, after `server.trustedProxies`. */
  readonly ip: string;
  /** Which of `UpgradeOptions.protocols` was agreed on; empty for none. */
  readonly protocol: string;
  /** Bytes that wait because the client reads slowly; at most about `server.sockets.maxQueueBytes`. */
  readonly bufferedBytes: number;
  /**
   * A text or a binary message. `waiting`: it is on its way, and `drain` is called when nothing waits any more.
   * `dropped`: the client will never see it, since it reads too slowly or is gone.
   */
  send(data: string | Uint8Array): "sent" | "waiting" | "dropped";
  /**
   * @param code 1000 by default; a plugin's own are 4000 to 4999
   * @param reason cut at 123 bytes
   * @throws RangeError for a code that may not be sent, such as 1005 and 1006
   */
  close(code?: number, reason?: string): void;
  /** Ends the connection without a goodbye: for a client that does not read. */
  terminate(): void;
}

/** What they throw is logged, and ends the socket with 1011. */
export interface SocketHandlers {
  open?(socket: Socket): Awaitable<void>;
  /** Text as a string, binary as bytes. The next message does not wait for a promise. */
  message?(socket: Socket, data: string | Uint8Array): Awaitable<void>;
  /** What waited has been sent. */
  drain?(socket: Socket): Awaitable<void>;
  /** Once for every `upgrade()`, whoever ended it: also, with 1006 and without `open`, where it came to nothing. */
  close?(socket: Socket, code: number, reason: string): Awaitable<void>;
}

export interface UpgradeOptions extends SocketHandlers {
  /** Subprotocols that it speaks, best first: the first that the client offers is agreed on. */
  readonly protocols?: readonly string[];
  /** The most that a message may take, where it is less than `server.sockets.maxMessageBytes`; beyond, 1009. */
  readonly maxMessageBytes?: number;
  /**
   * Asked for pages of other hosts, which without it are refused: browsers send cookies along, and CORS does not guard
   * WebSockets. Clients that send no `Origin` are no pages.
   */
  readonly allowOrigin?: (origin: string) => boolean;
  /**
   * Outlives this generation of plugins: then its handlers must do so too (see `keep`), and whatever they belong to
   * closes it in the end. Else it is closed with 1012 when the generation goes.
   */
  readonly lasting?: boolean;
}
