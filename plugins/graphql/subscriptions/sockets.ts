/**
 * GraphQL over WebSocket: graphql-ws speaks the protocol, the engine the frames.
 * https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
 */
import { GraphQLError, type ExecutionArgs } from "graphql";
import { CloseCode, GRAPHQL_TRANSPORT_WS_PROTOCOL, makeServer, type ConnectionInitMessage } from "graphql-ws";
import type { GraphQLParams } from "graphql-yoga";
import { ProblemError, type Json, type RouteEvent, type Socket } from "../../../sdk/plugin.ts";
import { problemOf } from "../errors.ts";
import type { Operation } from "../resolve.ts";
import { sent, type Prepared, type Result, type Server } from "../server.ts";
import type { Desk } from "./desk.ts";
import type { Client } from "./hub.ts";

const GOING_AWAY = 1001;

type Begin = (id: string, signal: AbortSignal) => Operation;

/** What goes with a socket to graphql-ws. */
interface Extra {
  readonly connection: Connection;
}

/** What graphql-ws hands on of an operation that it may run. */
interface Args extends ExecutionArgs {
  readonly execute: Prepared["execute"];
}

export class Sockets {
  readonly #protocol: ReturnType<typeof makeServer<ConnectionInitMessage["payload"], Extra>>;

  constructor(
    private readonly server: Server,
    private readonly desk: Desk,
    private readonly begin: Begin,
    private readonly maxBytes: number,
    private readonly allowOrigin: (origin: string) => boolean,
    onFailure: (error: unknown) => void,
  ) {
    const run = (args: unknown): unknown => (args as Args).execute();
    this.#protocol = makeServer<ConnectionInitMessage["payload"], Extra>({
      execute: run as never,
      subscribe: run as never,
      onSubscribe: (context, id, payload) =>
        this.#prepare(
          context.extra.connection,
          Object.keys(context.subscriptions).length,
          payload as GraphQLParams,
          (context.connectionParams ?? null) as Json,
        ),
      onNext: (_, __, ___, ____, result) => sent(result as Result) as never,
      onError: (_, __, ___, errors) => told(errors, onFailure) as never,
    });
  }

  /** @throws ProblemError for what is no handshake, and when there is no place */
  answer(event: RouteEvent): Response {
    this.desk.refuseAtEnd();
    const { hub, bounds } = this.desk;
    const connection = new Connection(event);
    const release = hub.reserve(event.ip, bounds);
    const forget = hub.connect(connection);
    let closed: ((code: number, reason: string) => Promise<void>) | undefined;
    const end = (): void => {
      forget();
      release();
      connection.end();
    };
    try {
      return event.upgrade({
        protocols: [GRAPHQL_TRANSPORT_WS_PROTOCOL],
        maxMessageBytes: this.maxBytes,
        allowOrigin: this.allowOrigin,
        lasting: true,
        open: (socket) => {
          connection.open(socket);
          closed = this.#protocol.opened(connection.protocol(socket), { connection });
        },
        message: (_, data) => connection.receive(data),
        drain: () => connection.drained(),
        async close(_, code, reason) {
          end();
          await closed?.(code, reason);
        },
      });
    } catch (error) {
      end();
      throw error;
    }
  }

  async #prepare(
    connection: Connection,
    underWay: number,
    params: GraphQLParams,
    said: Json,
  ): Promise<Args | readonly GraphQLError[]> {
    const operation = this.begin(Bun.randomUUIDv7(), connection.signal);
    try {
      const most = this.desk.bounds.maxSubscriptionsPerIp;
      if (underWay > most) {
        const detail = `This connection has ${most} operations under way; plugins.graphql.maxSubscriptionsPerIp allows no more.`;
        throw new ProblemError("too_many_requests", detail);
      }
      const payload = said === null ? undefined : said;
      const asking = { client: connection, request: connection.event, payload };
      operation.subscribe = (coordinate, args) => this.desk.subscribe(coordinate, args, operation, asking);
      const prepared = await this.server.prepare(params, operation);
      if ("errors" in prepared) return prepared.errors;
      return { ...prepared.args, execute: prepared.execute };
    } catch (error) {
      return [problemOf(error, operation, "the operation")];
    }
  }
}

/** Of an operation that was not begun. What is no GraphQLError, graphql-ws made of an error that nothing foresaw. */
function told(errors: readonly GraphQLError[], onFailure: (error: unknown) => void): Json {
  const list = errors.map((error) => {
    if (typeof error.extensions["code"] === "string") return error;
    onFailure(error);
    return new GraphQLError("The operation failed. The log says why.", { extensions: { code: "internal" } });
  });
  return (sent({ errors: list }) as { readonly errors: Json }).errors;
}

/** One socket. */
class Connection implements Client {
  readonly #leave = new AbortController();
  #socket: Socket | undefined;
  #receive: ((data: string) => Promise<void>) | undefined;
  /** They have sent, and go on when the client has taken it. */
  #waiting: (() => void)[] = [];

  constructor(readonly event: RouteEvent) {}

  get ip(): string {
    return this.event.ip;
  }

  get signal(): AbortSignal {
    return this.#leave.signal;
  }

  open(socket: Socket): void {
    this.#socket = socket;
  }

  /** As graphql-ws sees it. */
  protocol(socket: Socket): Parameters<ReturnType<typeof makeServer>["opened"]>[0] {
    return {
      protocol: socket.protocol,
      send: (text) => this.#send(socket, text),
      close: (code, reason) => socket.close(code, reason),
      onMessage: (receive) => {
        this.#receive = receive;
      },
    };
  }

  async receive(data: string | Uint8Array): Promise<void> {
    if (typeof data !== "string") return this.#socket?.close(CloseCode.BadRequest, "Invalid message received");
    await this.#receive?.(data);
  }

  #send(socket: Socket, text: string): Promise<void> | void {
    const how = socket.send(text);
    if (how === "sent") return undefined;
    if (how === "dropped") return socket.terminate();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  drained(): void {
    for (const go of this.#waiting.splice(0)) go();
  }

  drop(): void {
    this.#socket?.terminate();
  }

  close(): void {
    this.#socket?.close(GOING_AWAY, "The engine stops.");
  }

  end(): void {
    this.#leave.abort();
    this.drained();
  }
}
