/** One request under way: what the dispatcher is given of it. */
import { normalisePeer } from "./address.ts";
import type { UpgradeOptions } from "../../sdk/plugin.ts";
import type { Invocation, ScriptRoute } from "./dispatch.ts";
import type { EngineSocket } from "./socket.ts";

/** What the server knows beside the request itself. */
export interface Connection {
  /** The address at the other end of the socket; costs more than all else on the way, and is gone after the answer. */
  peer(request: Request): string;
  /** `http://127.0.0.1:8080`: stands in for a missing `Host` (HTTP/1.0). */
  readonly origin: string;
  /** Nothing has to move on this request's connection: its invocation has limits of its own. */
  hold(request: Request): void;
  /** Makes the request's connection a WebSocket, and sends the answer of 101 with these headers. @throws ProblemError */
  upgrade(request: Request, socket: EngineSocket, headers: Headers): void;
  /** The most that a message of a WebSocket may take. */
  readonly maxMessageBytes: number;
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/** The invocation itself, so that a request makes one object. `headers`, `signal` and `ip` cost nothing until asked for. */
export class Exchange implements Invocation {
  id = "";
  /** Set before the exchange is dispatched; a plugin's route has none. */
  route!: ScriptRoute;
  url = "";
  path = "";
  params = NO_PARAMS;
  body: Invocation["body"] = null;
  clientRequestId: string | undefined = undefined;
  /** What the plugin that answers wants to make of the connection. */
  upgrade: UpgradeOptions | null = null;
  /** What answers is the dispatcher, and nothing before it can fail. */
  dispatched = false;
  readonly method: string;
  readonly #request: Request;
  readonly #connection: Connection;
  #ip: string | null = null;
  #state: Map<string, unknown> | null = null;

  constructor(request: Request, connection: Connection) {
    this.#request = request;
    this.#connection = connection;
    this.method = request.method;
  }

  get headers(): Headers {
    return this.#request.headers;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  get state(): Map<string, unknown> {
    return (this.#state ??= new Map());
  }

  upgradeTo(options: UpgradeOptions): void {
    if (this.upgrade !== null) throw new Error("upgrade() was called twice for one request");
    this.upgrade = options;
  }

  hold(): void {
    this.#connection.hold(this.#request);
  }

  get ip(): string {
    return (this.#ip ??= normalisePeer(this.#connection.peer(this.#request)));
  }

  /** The caller behind a trusted proxy. */
  set ip(ip: string) {
    this.#ip = ip;
  }
}
