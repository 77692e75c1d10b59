/** The ways in which clients reach the schema, all at one path: HTTP, server-sent events in both modes, WebSocket. */
import type { EngineCapability, Json, PluginLog, RouteEvent } from "../../../sdk/plugin.ts";
import type { Operation } from "../resolve.ts";
import type { Server } from "../server.ts";
import { Desk } from "./desk.ts";
import { answerHttp } from "./distinct.ts";
import type { Bounds, Hub } from "./hub.ts";
import { SingleConnections, tokenOf } from "./single.ts";
import { Sockets } from "./sockets.ts";

export interface TransportOptions {
  readonly server: Server;
  readonly hub: Hub;
  readonly config: Bounds & { readonly maxBytes: number };
  readonly engine: EngineCapability;
  readonly log: PluginLog;
  /** Whether pages of another host may open WebSockets: browsers send their cookies along. */
  allowOrigin(origin: string): boolean;
  begin(id: string, user: Json, signal: AbortSignal): Operation;
}

export class Transports {
  readonly #server: Server;
  readonly #desk: Desk;
  readonly #singles: SingleConnections;
  readonly #sockets: Sockets;
  readonly #begin: TransportOptions["begin"];

  constructor({ server, hub, config, engine, begin, log, allowOrigin }: TransportOptions) {
    const anonymous = (id: string, signal: AbortSignal): Operation => begin(id, null, signal);
    const onFailure = (error: unknown): void => log.error("an operation failed", { error });
    this.#server = server;
    this.#begin = begin;
    this.#desk = new Desk(hub, config, () => engine.ready);
    this.#singles = new SingleConnections(server, this.#desk, anonymous);
    this.#sockets = new Sockets(server, this.#desk, anonymous, config.maxBytes, allowOrigin, onFailure);
  }

  /** @param request of the event, with a body that is not too large */
  async answer(event: RouteEvent, request: Request): Promise<Response> {
    if (event.wantsWebSocket) return this.#sockets.answer(event);
    const { method } = event;
    const token = method === "PUT" ? null : tokenOf(event);
    if (method === "PUT" || method === "DELETE" || token !== null) {
      const carrier = this.#desk.hub.carriers.get(token ?? "") ?? this.#singles;
      return carrier.answer(event, method === "POST" ? await request.text() : null);
    }
    return answerHttp(this.#server, this.#desk, event, request, this.#begin(event.id, null, event.signal));
  }
}
