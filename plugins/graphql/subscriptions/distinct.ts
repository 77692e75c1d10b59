/** Operations over HTTP, one request for each: yoga speaks the protocol, and what it answers with events is held here. */
import { ProblemError, type RouteEvent } from "../../../sdk/plugin.ts";
import type { Operation } from "../resolve.ts";
import type { Server } from "../server.ts";
import type { Desk } from "./desk.ts";
import { HeldAnswer } from "./held.ts";
import type { Client } from "./hub.ts";
import type { Queue } from "./queue.ts";

export async function answerHttp(
  server: Server,
  desk: Desk,
  event: RouteEvent,
  request: Request,
  operation: Operation,
): Promise<Response> {
  let client: Subscriber | undefined;
  let events: Queue | undefined;
  operation.subscribe = async (coordinate, args) => {
    client = new Subscriber(event.ip);
    events = await desk.subscribe(coordinate, args, operation, { client, request: event });
    return events;
  };
  const response = await server.answer(request, operation);
  if (response.body === null || !response.headers.get("content-type")?.startsWith("text/event-stream")) {
    // Nothing follows: the subscription was refused, or the client takes it in no form.
    void events?.return();
    if (response.status !== 406) return response;
    const detail = "A subscription is answered with text/event-stream: the Accept header must take it.";
    throw new ProblemError("not_acceptable", detail);
  }
  const reader = response.body.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  const held = new HeldAnswer({ next: () => reader.read(), leave: () => reader.cancel().catch(() => {}) });
  client?.hold(held);
  // The server does not cancel a body that it never began to send.
  event.signal.addEventListener("abort", () => held.close(), { once: true });
  return held.response;
}

class Subscriber implements Client {
  #held: HeldAnswer | undefined;
  #over = false;

  constructor(readonly ip: string) {}

  hold(held: HeldAnswer): void {
    this.#held = held;
    if (this.#over) held.close();
  }

  drop(): void {
    this.#over = true;
    this.#held?.drop();
  }

  close(): void {
    this.#over = true;
    this.#held?.close();
  }
}
