/** One connection to Redis: opened, signed in, and ended when anything is wrong with it. It is never opened again. */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Address } from "./address.ts";
import { encodeCommand, Refusal, Replies, type Reply } from "./replies.ts";

const CONNECT_MS = 5000;
/** What the socket holds of what was written to it; more waits with whoever writes. */
const SOCKET_BYTES = 65_536;

export interface ConnectionEvents {
  /** The socket is open: commands may be sent, and are answered after the sign-in. */
  onOpen(): void;
  /** A refusal is none of these: it ends the connection. */
  onReply(reply: Exclude<Reply, Refusal>): void;
  /** There is room for more again. */
  onRoom(): void;
  /** Once, unless it was closed by its owner. */
  onEnd(reason: string): void;
}

export class RedisConnection {
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  /** Answers to the sign-in that are awaited. */
  #signingIn = 0;
  #ended = false;

  constructor(address: Address, maxBytes: number, events: ConnectionEvents) {
    this.#events = events;
    const { host, port, tls } = address;
    const replies = new Replies(maxBytes, (reply) => this.#take(reply));
    // The name that the certificate is for; an address has none.
    this.#socket = tls
      ? connectTls({ host, port, ...(isName(host) && { servername: host }) })
      : connectPlain({ host, port });
    this.#socket.setNoDelay(true);
    const timer = setTimeout(() => this.#end("it does not answer"), CONNECT_MS);
    this.#socket.on(tls ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      this.#signIn(address);
      if (!this.#ended) events.onOpen();
    });
    this.#socket.on("data", (bytes: Buffer) => {
      try {
        if (!this.#ended) replies.push(bytes);
      } catch (error) {
        this.#end((error as Error).message);
      }
    });
    this.#socket.on("drain", () => {
      if (!this.#ended) events.onRoom();
    });
    this.#socket.on("error", (error: NodeJS.ErrnoException) => this.#end(error.code ?? error.message));
    this.#socket.on("close", () => {
      clearTimeout(timer);
      this.#end("the connection was closed");
    });
  }

  #signIn({ user, password }: Address): void {
    if (password === undefined) return;
    this.#signingIn = 1;
    this.write(user === undefined ? encodeCommand("AUTH", password) : encodeCommand("AUTH", user, password));
  }

  #take(reply: Reply): void {
    if (this.#ended) return;
    if (reply instanceof Refusal) this.#end(`it says ${reply.message.slice(0, 200)}`);
    else if (this.#signingIn > 0) this.#signingIn--;
    else this.#events.onReply(reply);
  }

  get hasRoom(): boolean {
    return !this.#ended && this.#socket.writableLength < SOCKET_BYTES;
  }

  write(command: Buffer): void {
    if (!this.#ended) this.#socket.write(command);
  }

  /** Also while it is being opened. */
  close(): void {
    this.#ended = true;
    this.#socket.destroy();
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.close();
    this.#events.onEnd(reason);
  }
}

function isName(host: string): boolean {
  return !/^[\d.]+$|:/.test(host);
}
