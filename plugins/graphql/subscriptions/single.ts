/**
 * Server-sent events, one connection for all operations of a client: graphql-sse speaks the protocol. What it holds is bounded here,
 * and only tokens of our own reach it.
 * https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md#single-connection-mode
 */
import { createHandler, TOKEN_HEADER_KEY, TOKEN_QUERY_KEY, type Handler } from "graphql-sse";
import type { ExecutionResult } from "graphql";
import type { GraphQLParams } from "graphql-yoga";
import { ProblemError, type RouteEvent } from "../../../sdk/plugin.ts";
import { problemOf } from "../errors.ts";
import type { Operation } from "../resolve.ts";
import { sent, type Server } from "../server.ts";
import type { Desk } from "./desk.ts";
import { HeldAnswer } from "./held.ts";
import type { Carrier, Client } from "./hub.ts";

/** A reservation that nobody takes up. */
const UNUSED_MS = 15_000;
/** Results that may wait in graphql-sse for their client; what follows waits in each operation's own queue. */
const MOST_AHEAD = 16;

/** What comes with a request to graphql-sse. */
interface Asked {
  readonly connection: Connection;
  readonly event: RouteEvent;
  readonly leave: AbortController;
}

type Handle = Handler<Asked, undefined>;
type Begin = (id: string, signal: AbortSignal) => Operation;

const utf8 = new TextEncoder();

export function tokenOf({ request, url }: RouteEvent): string | null {
  return request.headers.get(TOKEN_HEADER_KEY) ?? url.searchParams.get(TOKEN_QUERY_KEY);
}

export class SingleConnections implements Carrier {
  readonly #open = new Map<string, Connection>();
  readonly #handle: Handle;

  constructor(
    private readonly server: Server,
    private readonly desk: Desk,
    private readonly begin: Begin,
    private readonly unusedMs: number = UNUSED_MS,
  ) {
    this.#handle = createHandler<Asked, undefined>({
      authenticate: ({ raw }) => raw.connection.token,
      onSubscribe: ({ raw }, params) => this.#begin(raw, params as GraphQLParams),
      async onNext(_, { raw }, result) {
        await raw.connection.room();
        return sent(result) as unknown as ExecutionResult;
      },
      onComplete: (_, { raw }) => raw.connection.forget(raw.leave),
    });
  }

  /** @throws ProblemError */
  async answer(event: RouteEvent, body: string | null): Promise<Response> {
    const { method } = event;
    if (method === "PUT") return this.#reserve(event);
    const connection = this.#open.get(tokenOf(event) ?? "");
    if (connection === undefined) {
      throw new ProblemError("not_found", "There is no stream of that token: PUT reserves one.");
    }
    const asked: Asked = { connection, event, leave: new AbortController() };
    const [given, init] = await this.#ask(asked, body);
    if (given !== null && typeof given !== "string") {
      return connection.begin(given, event.signal);
    }
    // It was given up before it began.
    if (init.status !== 202) connection.forget(asked.leave);
    return new Response(given, init);
  }

  #ask({ connection, event, leave }: Asked, body: string | null): ReturnType<Handle> {
    const { request, method, url } = event;
    return this.#handle({
      method,
      url: url.href,
      headers: request.headers,
      body: () => body ?? "",
      raw: { connection, event, leave },
      context: undefined,
    });
  }

  async #reserve(event: RouteEvent): Promise<Response> {
    this.desk.refuseAtEnd();
    const { hub, bounds } = this.desk;
    const release = hub.reserve(event.ip, bounds);
    const connection = new Connection(event, bounds.maxSubscriptionsPerIp, this.unusedMs, () => {
      this.#open.delete(connection.token);
      hub.carriers.delete(connection.token);
      forget();
      release();
      if (connection.isReserved) void this.#discard(connection);
    });
    const forget = hub.connect(connection);
    this.#open.set(connection.token, connection);
    hub.carriers.set(connection.token, this);
    const [given, init] = await this.#ask({ connection, event, leave: new AbortController() }, null);
    if (init.status !== 201) connection.close();
    return new Response(given as string | null, init);
  }

  /** graphql-sse lets go of what was reserved only when its events end. */
  async #discard(connection: Connection): Promise<void> {
    const headers = new Headers({ accept: "text/event-stream" });
    const raw = { connection, event: connection.event, leave: new AbortController() };
    const [events] = await this.#handle({ method: "GET", url: "/", headers, body: null, raw, context: undefined });
    if (typeof events === "object") await events?.return();
  }

  /** Always results that follow: a single one that has no data, graphql-sse takes for something else. */
  async #begin({ connection, event, leave }: Asked, params: GraphQLParams): Promise<AsyncIterable<ExecutionResult>> {
    const operation = this.begin(event.id, leave.signal);
    operation.subscribe = (coordinate, args) =>
      this.desk.subscribe(coordinate, args, operation, { client: connection, request: event });
    try {
      connection.enter(leave);
      const prepared = await this.server.prepare(params, operation);
      const result = "errors" in prepared ? prepared : await prepared.execute();
      return Symbol.asyncIterator in result ? (result as AsyncIterable<ExecutionResult>) : only(result);
    } catch (error) {
      return only({ errors: [problemOf(error, operation, "the operation")] });
    }
  }
}

async function* only(result: object): AsyncGenerator<ExecutionResult, void, void> {
  yield result;
}

/** One client, from its reservation on. */
class Connection implements Client {
  readonly token: string = crypto.randomUUID();
  readonly #operations = new Set<AbortController>();
  readonly #unused: ReturnType<typeof setTimeout>;
  #held: HeldAnswer | undefined;
  #events: AsyncIterator<string, unknown, undefined> | undefined;
  /** Results that graphql-sse holds. */
  #ahead = 0;
  readonly #waiting: (() => void)[] = [];
  #open = true;

  constructor(
    /** Of the reservation. */
    readonly event: RouteEvent,
    private readonly most: number,
    unusedMs: number,
    private readonly onEnd: () => void,
  ) {
    this.#unused = setTimeout(() => this.close(), unusedMs);
  }

  get ip(): string {
    return this.event.ip;
  }

  /** No client has come for it. */
  get isReserved(): boolean {
    return this.#events === undefined;
  }

  begin(events: AsyncIterator<string, unknown, undefined>, signal: AbortSignal): Response {
    clearTimeout(this.#unused);
    this.#events = events;
    this.#held = new HeldAnswer({ next: () => this.#next(events), leave: () => this.#end() });
    signal.addEventListener("abort", () => this.close(), { once: true });
    if (signal.aborted || !this.#open) this.#held.close();
    return this.#held.response;
  }

  async #next(events: AsyncIterator<string, unknown, undefined>): Promise<{ done: boolean; value?: Uint8Array }> {
    const { done = false, value } = await events.next();
    if (done) return { done };
    if ((value as string).startsWith("event: next")) {
      this.#ahead--;
      this.#waiting.shift()?.();
    }
    return { done, value: utf8.encode(value as string) };
  }

  /** Settles when the client has taken enough for one more. */
  async room(): Promise<void> {
    while (this.#open && this.#ahead >= MOST_AHEAD) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#ahead++;
  }

  /** @throws ProblemError when it has too many */
  enter(operation: AbortController): void {
    if (this.#operations.size >= this.most) {
      const detail = `This connection has ${this.most} operations under way; plugins.graphql.maxSubscriptionsPerIp allows no more.`;
      throw new ProblemError("too_many_requests", detail);
    }
    this.#operations.add(operation);
    if (!this.#open) operation.abort();
  }

  forget(operation: AbortController): void {
    this.#operations.delete(operation);
    operation.abort();
  }

  drop(): void {
    if (this.#held) this.#held.drop();
    else this.#end();
  }

  close(): void {
    if (this.#held) this.#held.close();
    else this.#end();
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#unused);
    for (const operation of this.#operations) operation.abort();
    for (const go of this.#waiting.splice(0)) go();
    void this.#events?.return?.();
    this.onEnd();
  }
}
