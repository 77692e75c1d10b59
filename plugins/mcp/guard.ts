/** Answers of other servers, before the protocol's library reads them: their shape must not cost the engine its time. */
import { ProblemError } from "../../sdk/plugin.ts";
import { MAX_DEPTH } from "./rpc.ts";

const LF = 10;
const CR = 13;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * The same response: broken off where its JSON is nested too deep, and events handed on by whole lines, since the library
 * looks through the beginning of a line again with every piece of it.
 *
 * @param last what a stream of events ends with, given why it broke off: the library would wait for an answer for ever
 */
export function guarded(response: Response, last: (failure: unknown) => string): Response {
  const { body, status, statusText, headers } = response;
  if (body === null) return response;
  const events = (headers.get("content-type") ?? "").startsWith("text/event-stream");
  const reader = body.getReader();
  const depth = new Depth(events);
  let held: Uint8Array[] = [];
  const end = (controller: ReadableStreamDefaultController<Uint8Array>, failure: unknown): void => {
    if (events) held.push(Buffer.from(`\n\ndata: ${last(failure)}\n\n`));
    else if (failure !== undefined) return controller.error(failure);
    if (held.length > 0) controller.enqueue(Buffer.concat(held));
    controller.close();
  };
  const read = async (): Promise<Uint8Array | undefined> => {
    const { done, value } = await reader.read();
    if (done || depth.take(value)) return done ? undefined : value;
    const error = new ProblemError("bad_request", `mcp: an answer is nested deeper than ${MAX_DEPTH} levels.`);
    void reader.cancel(error).catch(() => {}); // the error says it
    throw error;
  };
  const guardedBody = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (;;) {
            const value = await read();
            if (value === undefined) return end(controller, undefined);
            held.push(value);
            if (events && !value.includes(LF) && !value.includes(CR)) continue;
            controller.enqueue(Buffer.concat(held));
            held = [];
            return;
          }
        } catch (error) {
          end(controller, error);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return new Response(guardedBody, { status, statusText, headers });
}

/** How deep the JSON in a stream is nested; of events, each for itself. */
class Depth {
  readonly #events: boolean;
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** Since the last other byte. */
  #lineEnds = 0;

  constructor(events: boolean) {
    this.#events = events;
  }

  /** @returns false where it is too deep */
  take(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === LF || byte === CR) {
        this.#lineEnd(byte === CR && bytes[at + 1] === LF);
        continue;
      }
      this.#lineEnds = 0;
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inText = false;
      } else if (byte === QUOTE) this.#inText = true;
      else if (byte === 91 || byte === 123) {
        if (++this.#depth > MAX_DEPTH) return false;
      } else if (byte === 93 || byte === 125) this.#depth--;
    }
    return true;
  }

  /** An empty line ends an event, and what was open in it. */
  #lineEnd(half: boolean): void {
    if (!half) this.#lineEnds++;
    if (!this.#events || this.#lineEnds < 2) return;
    this.#depth = 0;
    this.#inText = false;
    this.#escaped = false;
  }
}
