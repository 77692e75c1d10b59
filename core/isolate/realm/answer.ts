/** Turns what a handler returned into frames: docs/scripts.md, "What a handler may answer". */
import {
  CHUNK,
  DONE,
  END,
  FAILURE,
  HEADERS_HTML,
  HEADERS_JSON,
  HEADERS_NONE,
  HEADERS_TEXT,
  RESULT,
  RESULT_HEAD,
  WINDOW_BYTES,
} from "../frames.ts";
import { isEnvelope, isIterable, openEnvelope, pieceOf, TYPE_OF } from "./answer-kinds.ts";
import { log } from "./console.ts";
import { describe } from "./errors.ts";
import { EVENT_OPENING, eventHeaders, eventOf, wantsEvents } from "./event-answer.ts";
import { countStream, sendWithin, windowBytes } from "./flow.ts";
import { emit } from "./host.ts";
import { htmlText, isHtml } from "./jsx.ts";
import { bytesOf, isBytes, jsonStringify, part, PromiseCtor } from "./primordials.ts";
import { dropLive, type Live } from "./state.ts";
import { startTimer, stopTimersOf } from "./timers.ts";
import { isResponse, openResponse, pumpStream, utf8Encode, type OpenResponse } from "./web/index.ts";

const { floor, min } = Math;
const asyncIterator: typeof Symbol.asyncIterator = Symbol.asyncIterator;

const MOST_IN_A_TURN = 256;

/** Added to the status of RESULT and FAILURE when work of the invocation goes on. */
const LINGERS = 0x10000;

/** Ends the invocation inside the realm once nothing of it is left. */
export function settle(live: Live): void {
  if (live.over || !live.answered || live.streaming || live.closing || (live.waiting > 0 && !live.cancelled)) return;
  live.over = true;
  stopTimersOf(live);
  dropLive(live);
}

/** Like `settle`, for work that outlived the answer: the engine is told. */
export function settleLate(live: Live): void {
  if (live.over) return;
  settle(live);
  if (live.over) emit(DONE, live.id, 0, "");
}

/** `lasting`: the bytes are no script's. */
function sendWhole(
  live: Live,
  status: number,
  headers: string,
  body: string | Uint8Array | undefined,
  lasting = false,
): void {
  if (typeof body === "string") {
    if (body.length > WINDOW_BYTES) sendChunks(live, status, headers, utf8Encode(body), true);
    else sendOnce(live, status, headers, body);
  } else if (body !== undefined && body.length > WINDOW_BYTES) sendChunks(live, status, headers, body, lasting);
  else sendOnce(live, status, headers, body, lasting);
}

/** In one message, which the isolate refuses when it is too long for one. */
export function sendOnce(
  live: Live,
  status: number,
  headers: string,
  body: string | Uint8Array | undefined,
  lasting = false,
): void {
  live.answered = true;
  settle(live);
  emit(RESULT, live.id, live.over ? status : status + LINGERS, headers, body, lasting);
}

/** A long body goes out piece by piece, as fast as the client takes it. */
function sendChunks(live: Live, status: number, headers: string, bytes: Uint8Array, lasting: boolean): void {
  const { length } = bytes;
  let at = 0;
  startStream(live, status, headers, length);
  const more = (): void => {
    try {
      const window = windowBytes();
      while (at < length && live.ahead < window && !live.cancelled) {
        const piece = part(bytes as Uint8Array<ArrayBuffer>, at, min(at + floor(window / 4), length));
        at += piece.length;
        live.ahead += piece.length;
        emit(CHUNK, live.id, 0, "", piece, lasting);
      }
    } catch (error) {
      // The script still has these bytes, and may give their buffer away while they are sent.
      reportStream(live, error);
      return;
    }
    if (at >= length || live.cancelled) endStream(live, 0);
    else live.resume = more;
  };
  more();
}

function startStream(live: Live, status: number, headers: string, length: number): void {
  live.answered = true;
  live.streaming = true;
  countStream(1);
  emit(RESULT_HEAD, live.id, status, length < 0 ? headers : `${headers}\n${length}`);
}

function endStream(live: Live, failed: number): void {
  if (!live.streaming) return;
  live.streaming = false;
  countStream(-1);
  live.stopAnswer = null;
  emit(END, live.id, failed, "");
  settleLate(live);
}

function sendStream(live: Live, status: number, headers: string, stream: ReadableStream<Uint8Array>): void {
  startStream(live, status, headers, -1);
  const pump = pumpStream(stream, {
    chunk(bytes) {
      if (live.cancelled || bytes.length === 0) return undefined;
      return sendPieces(live, bytes);
    },
    done: () => endStream(live, 0),
    failed(error) {
      reportStream(live, error);
    },
  });
  live.stopAnswer = () => pump.cancel(undefined);
}

function sendPieces(live: Live, bytes: Uint8Array): Promise<void> | undefined {
  const wait = sendWithin(
    live,
    bytes,
    (piece) => emit(CHUNK, live.id, 0, "", piece),
    () => live.cancelled,
  );
  if (wait === undefined && ++live.burst < MOST_IN_A_TURN) return undefined;
  live.burst = 0;
  return wait ?? pause(live);
}

/** A source that never waits would keep everything else from the realm until its window is full: of small pieces, a second. */
function pause(live: Live): Promise<void> | undefined {
  if (live.cancelled) return undefined;
  return new PromiseCtor((resolve) => {
    try {
      startTimer(resolve, 0);
    } catch {
      resolve(); // the script has as many timers as it may
    }
  });
}

function reportStream(live: Live, error: unknown): void {
  if (live.streaming && !live.cancelled) emit(FAILURE, live.id, LINGERS, jsonStringify(describe(error)));
  endStream(live, 1);
}

/** An async iterable is a stream: of events for a client that asks for them. */
function sendIterable(live: Live, iterable: AsyncIterable<unknown>): void {
  if (!wantsEvents(live.context)) sendEach(live, iterable, `["content-type","text/plain;charset=utf-8"]`, pieceOf);
  else sendEach(live, iterable, jsonStringify(eventHeaders()), eventOf, EVENT_OPENING);
}

/** Sends what it yields, value by value; when nobody takes it any more, the iterable is returned. */
export function sendEach(
  live: Live,
  iterable: AsyncIterable<unknown>,
  headers: string,
  bytesOf: (value: unknown) => Uint8Array,
  opening?: Uint8Array,
): void {
  const iterator = iterable[asyncIterator]();
  startStream(live, 200, headers, -1);
  if (opening) void sendPieces(live, opening);
  let stopped = false;
  live.stopAnswer = () => {
    stopped = true;
    // It may wait for a timer before it comes to its `finally`: until then the invocation keeps what it started.
    live.closing = true;
    void leave();
  };
  const leave = async (): Promise<void> => {
    try {
      await iterator.return?.();
    } catch (error) {
      log.error("the answer's iterable failed while it was closed", error);
    }
    live.closing = false;
    settleLate(live);
  };
  const run = async (): Promise<void> => {
    try {
      while (!stopped) {
        const step = await iterator.next();
        if (step.done) break;
        const wait = sendPieces(live, bytesOf(step.value));
        if (wait) await wait;
      }
      endStream(live, 0);
    } catch (error) {
      reportStream(live, error);
    }
  };
  void run();
}

/** `lasting`: a body of bytes is no script's. */
function sendOpened(live: Live, opened: OpenResponse, extra: readonly string[], lasting: boolean): void {
  const { status, body } = opened;
  let headers = opened.headers;
  if (extra.length > 0) headers = joined(headers, extra);
  const text = headers.length === 0 ? HEADERS_NONE : jsonStringify(headers);
  if (body === null) sendWhole(live, status, text, undefined);
  else if (typeof body === "string" || isBytes(body)) sendWhole(live, status, text, body, lasting);
  else sendStream(live, status, text, body as ReadableStream<Uint8Array>);
}

/** No spread: it would run an iterator that a script may have replaced. */
function joined(head: readonly string[], tail: readonly string[]): string[] {
  const all: string[] = [];
  for (let i = 0; i < head.length; i++) all[all.length] = head[i] as string;
  for (let i = 0; i < tail.length; i++) all[all.length] = tail[i] as string;
  return all;
}

function sendPlain(live: Live, kind: keyof typeof TYPE_OF, body: string, extra: readonly string[]): void {
  if (extra.length === 0) sendWhole(live, 200, kind, body);
  else sendWhole(live, 200, jsonStringify(joined(["content-type", TYPE_OF[kind]], extra)), body);
}

/**
 * Sends the handler's value. `extra` are headers that the context gathered (cookies). Bytes are looked at anew: a script
 * may have put a `length` of its own on them. What fails after it has begun, `breakOff` ends.
 */
export function sendAnswer(live: Live, value: unknown, extra: readonly string[]): void {
  if (live.cancelled) {
    live.answered = true;
    settleLate(live);
    return;
  }
  if (typeof value === "string") return sendPlain(live, HEADERS_TEXT, value, extra);
  if (value === undefined)
    return sendWhole(live, 204, extra.length === 0 ? HEADERS_NONE : jsonStringify(extra), undefined);
  if (typeof value === "object" && value !== null) {
    const opened = openResponse(value);
    if (opened) return sendOpened(live, opened, extra, true);
    if (isResponse(value)) throw new TypeError("The body of this Response was already read or sent.");
    if (isHtml(value)) return sendPlain(live, HEADERS_HTML, htmlText(value), extra);
    if (isBytes(value)) {
      return sendOpened(
        live,
        { status: 200, headers: ["content-type", "application/octet-stream"], body: bytesOf(value) },
        extra,
        false,
      );
    }
    if (isIterable(value)) return sendIterable(live, value);
    if (isEnvelope(value)) return sendOpened(live, openEnvelope(value), extra, false);
  }
  const json = jsonStringify(value);
  if (typeof json !== "string") throw new TypeError(`A handler cannot answer with a ${typeof value}.`);
  sendPlain(live, HEADERS_JSON, json, extra);
}

/** Sends what a handler threw. */
export function sendFailure(live: Live, error: unknown): void {
  if (live.answered) return;
  live.answered = true;
  settle(live);
  emit(FAILURE, live.id, live.over ? 0 : LINGERS, jsonStringify(describe(error)));
}

/** An answer failed after it had begun: its caller is told, and waits for nothing more. */
export function breakOff(live: Live, error: unknown): void {
  if (live.streaming) reportStream(live, error);
  else emit(FAILURE, live.id, live.over ? 0 : LINGERS, jsonStringify(describe(error)));
}
