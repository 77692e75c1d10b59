/** Sessions of clients that speak the protocol of 2025: few enough, ended when nobody uses them, one address each. */
import { isInitializeRequest } from "@modelcontextprotocol/server";
import { LateAnswer } from "./answer.ts";
import { bounded } from "./bounded.ts";
import { rpcError } from "./rpc.ts";
import type { MadeServer } from "./server.ts";
import { SessionTransport } from "./transport.ts";

export interface SessionLimits {
  readonly maxSessions: number;
  readonly sessionIdleMs: number;
}

interface Session extends MadeServer {
  readonly id: string;
  readonly scope: string;
  readonly transport: SessionTransport;
  /** Requests under way by id. */
  readonly pending: Map<string | number, LateAnswer>;
  /** Streams that are open. */
  streams: number;
  /** `performance.now()` */
  usedAt: number;
  cancelled: number;
}

/** The transport remembers cancelled requests for as long as the session lives. */
const MAX_CANCELLED = 10_000;
const SWEEP_MS = 30_000;
/** The one revision that has batches. */
const WITH_BATCHES = "2025-03-26";
const MAX_BATCH = 50;

type Message = { readonly [key: string]: unknown };

export class Sessions {
  readonly #open = new Map<string, Session>();
  #limits: SessionLimits;
  #timer: Timer | undefined;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Of the config that serves now. */
  set limits(limits: SessionLimits) {
    this.#limits = limits;
  }

  /** @param body the parsed body of a POST */
  async handle(request: Request, body: unknown, scope: string, newServer: () => MadeServer): Promise<Response> {
    if (Array.isArray(body)) return this.#batch(request, body, scope);
    const id = request.headers.get("mcp-session-id");
    if (id === null) {
      if (request.method === "POST" && isInitializeRequest(body)) return this.#begin(request, body, scope, newServer);
      return rpcError(
        400,
        -32_000,
        "There is no session: send `initialize` first, then its Mcp-Session-Id with each request.",
      );
    }
    const session = this.#find(id, scope);
    if (session === undefined) return rpcError(404, -32_001, "Session not found");
    session.usedAt = performance.now();
    if (request.method === "POST") return this.#post(session, request, body as Message);
    const response = await session.transport.handleRequest(request);
    if (request.method !== "GET" || !response.ok) return response;
    this.#watch(session, request.signal);
    return bounded(response);
  }

  /** Of another address: as if there was none, since who asks there need not learn of it. */
  #find(id: string, scope: string): Session | undefined {
    const session = this.#open.get(id);
    return session?.scope === scope ? session : undefined;
  }

  /** To the clients at one address that listen. */
  announce(scope: string, send: (made: MadeServer) => Promise<void> | undefined): void {
    for (const session of this.#open.values()) {
      if (session.scope === scope) void send(session)?.catch(() => {}); // it has left: its stream tells by itself
    }
  }

  endStreams(): void {
    for (const { transport } of this.#open.values()) transport.closeStandaloneSSEStream();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await Promise.all([...this.#open.values()].map((session) => this.#end(session)));
  }

  async #begin(request: Request, body: unknown, scope: string, newServer: () => MadeServer): Promise<Response> {
    if (!this.#makeRoom()) {
      return rpcError(503, -32_000, "There are too many sessions (plugins.mcp.maxSessions), and all are in use.");
    }
    const id = crypto.randomUUID();
    const pending: Session["pending"] = new Map();
    const transport = new SessionTransport(id, (to, message) => pending.get(to)?.tell(message));
    const { server, subscribed } = newServer();
    const session: Session = {
      ...{ id, scope, server, subscribed, transport, pending, streams: 0, cancelled: 0 },
      usedAt: performance.now(),
    };
    this.#open.set(id, session);
    await server.connect(transport);
    server.onclose = () => this.#forget(session);
    const response = await transport.handleRequest(request, { parsedBody: body });
    if (!response.ok) await this.#end(session);
    else this.#timer ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    return response;
  }

  /** Each message by itself, and their answers together; what handlers say meanwhile has no place there. */
  async #batch(request: Request, messages: readonly unknown[], scope: string): Promise<Response> {
    const session = this.#find(request.headers.get("mcp-session-id") ?? "", scope);
    if (session?.transport.version !== WITH_BATCHES) {
      return rpcError(400, -32_600, `Only ${WITH_BATCHES} has batches: send one message a request.`);
    }
    if (messages.length === 0 || messages.length > MAX_BATCH) {
      return rpcError(400, -32_600, `A batch has 1 to ${MAX_BATCH} messages.`);
    }
    session.usedAt = performance.now();
    const one = async (message: unknown): Promise<unknown> => {
      const known = typeof message === "object" && message !== null && !Array.isArray(message);
      const answer =
        known && !isInitializeRequest(message)
          ? await this.#post(session, request, message as Message, false)
          : rpcError(400, -32_600, "A batch holds messages, and no `initialize`.");
      return answer.status === 202 ? undefined : answer.json();
    };
    const answers = (await Promise.all(messages.map(one))).filter((answer) => answer !== undefined);
    if (answers.length === 0) return new Response(null, { status: 202 });
    return Response.json(answers, { headers: { "mcp-session-id": session.id } });
  }

  async #post(session: Session, request: Request, body: Message, streams = true): Promise<Response> {
    const { transport, pending } = session;
    if (body["method"] === "notifications/cancelled") this.#cancel(session, body);
    const { id, method } = body;
    if (typeof method !== "string" || (typeof id !== "string" && typeof id !== "number")) {
      return transport.handleRequest(request, { parsedBody: body });
    }
    if (pending.has(id)) return rpcError(400, -32_600, "A request with this id is under way in the session.", id);
    // A cancelled request is never answered by the protocol: its HTTP request must end all the same.
    const answer = new LateAnswer(session.id, streams, () => {
      pending.delete(id);
      session.usedAt = performance.now();
    });
    pending.set(id, answer);
    void transport.handleRequest(request, { parsedBody: body }).then((response) => answer.settle(response));
    return answer.response;
  }

  #cancel(session: Session, { params }: Message): void {
    const id = (params as Message | undefined)?.["requestId"] as string | number;
    const answer = session.pending.get(id);
    if (answer === undefined) return;
    // After the library has seen the notification, so that the handler's signal is told first.
    queueMicrotask(() => {
      answer.end();
      session.transport.closeSSEStream(id);
    });
    if (++session.cancelled > MAX_CANCELLED) void this.#end(session);
  }

  #watch(session: Session, signal: AbortSignal): void {
    session.streams++;
    signal.addEventListener("abort", () => {
      session.streams--;
      session.usedAt = performance.now();
    });
  }

  /** Ends the session that has been idle for longest where there are too many. */
  #makeRoom(): boolean {
    if (this.#open.size < this.#limits.maxSessions) return true;
    let oldest: Session | undefined;
    for (const session of this.#open.values()) {
      if (!isIdle(session) || (oldest !== undefined && oldest.usedAt <= session.usedAt)) continue;
      oldest = session;
    }
    if (oldest === undefined) return false;
    void this.#end(oldest);
    return true;
  }

  #sweep(): void {
    const since = performance.now() - this.#limits.sessionIdleMs;
    for (const session of this.#open.values()) {
      if (isIdle(session) && session.usedAt < since) void this.#end(session);
    }
    if (this.#open.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #end(session: Session): Promise<void> {
    this.#forget(session);
    await session.server.close().catch(() => {}); // forgotten already: what it held goes with it
  }

  #forget(session: Session): void {
    this.#open.delete(session.id);
    for (const answer of [...session.pending.values()]) answer.end();
  }
}

function isIdle({ streams, pending }: Session): boolean {
  return streams === 0 && pending.size === 0;
}
