/** What a handler returned as a Response, for middleware. Without middleware nothing of this runs. */
import { HEADERS_HTML, HEADERS_JSON, HEADERS_TEXT } from "../frames.ts";
import { isEnvelope, isIterable, openEnvelope, pieceOf, TYPE_OF } from "./answer-kinds.ts";
import type { Context } from "./context.ts";
import { EVENT_OPENING, eventHeaders, eventOf, wantsEvents } from "./event-answer.ts";
import { htmlText, isHtml } from "./jsx.ts";
import { copyBytes, isBytes, jsonStringify, onSettled } from "./primordials.ts";
import { isResponse, makeByteStream, openResponse, reopenResponse } from "./web/index.ts";

const asyncIterator: typeof Symbol.asyncIterator = Symbol.asyncIterator;

function typed(type: string, body: string | Uint8Array): Response {
  return reopenResponse({ status: 200, headers: ["content-type", type], body });
}

/**
 * By the rules of `sendAnswer`. A Response is opened and made anew: its headers can then be changed, wherever it came from.
 * Its bytes are its own, as in any Response; those that the handler gave stay the handler's.
 */
export function toResponse(value: unknown, context: Context): Response {
  if (typeof value === "string") return typed(TYPE_OF[HEADERS_TEXT], value);
  if (value === undefined) return reopenResponse({ status: 204, headers: [], body: null });
  if (typeof value === "object" && value !== null) {
    const opened = openResponse(value);
    if (opened) return reopenResponse(opened);
    if (isResponse(value)) throw new TypeError("The body of this Response was already read or sent.");
    if (isHtml(value)) return typed(TYPE_OF[HEADERS_HTML], htmlText(value));
    if (isBytes(value)) return typed("application/octet-stream", copyBytes(value));
    if (isIterable(value)) {
      const events = wantsEvents(context);
      const headers = events ? eventHeaders() : ["content-type", TYPE_OF[HEADERS_TEXT]];
      return reopenResponse({ status: 200, headers, body: streamOf(value, events) });
    }
    if (isEnvelope(value)) {
      const envelope = openEnvelope(value);
      if (isBytes(envelope.body)) envelope.body = copyBytes(envelope.body);
      return reopenResponse(envelope);
    }
  }
  const json = jsonStringify(value);
  if (typeof json !== "string") throw new TypeError(`A handler cannot answer with a ${typeof value}.`);
  return typed(TYPE_OF[HEADERS_JSON], json);
}

/** A stream that nobody reads has nobody to tell. */
function ignore(): void {}

/** Asks for the next piece when the reader does. */
function streamOf(iterable: AsyncIterable<unknown>, events: boolean): ReadableStream<Uint8Array> {
  const iterator = iterable[asyncIterator]();
  let reading = false;
  const read = async (): Promise<void> => {
    const step = await iterator.next();
    if (step.done) pipe.close();
    else pipe.enqueue(events ? eventOf(step.value) : pieceOf(step.value));
  };
  const { stream, pipe } = makeByteStream({
    pull() {
      if (reading) return;
      reading = true;
      const settle = (): void => {
        reading = false;
        if (pipe.desired > 0) this.pull(pipe);
      };
      onSettled(read(), settle, (error: unknown) => pipe.error(error));
    },
    cancel(reason) {
      const leave = async (): Promise<unknown> => iterator.return?.(reason);
      onSettled(leave(), ignore, ignore);
    },
  });
  if (events) pipe.enqueue(EVENT_OPENING);
  return stream;
}
