/**
 * The messages between the engine and an isolate.
 *
 * On the wire (little endian): u32 length of all that follows, u8 type, u8 flags, u32 id, u32 a, u32 length of text,
 * text (UTF-8), body (the remainder). `flags` bit 0: the body is text; bit 1: it lies in shared memory (core/isolate/ring.ts), and
 * instead of it come u32 offset, u32 length, u32 how far the reader is when it has it. A frame from an isolate is hostile until
 * checked.
 */

/** Engine to isolate. */
export const LOAD = 1; // text: LoadInput as JSON
export const INVOKE = 2; // id: invocation, a: registration * 4 + body kind, text: head, body: whole body
export const BODY_CHUNK = 3; // id: invocation, body
export const BODY_END = 4; // id: invocation, a: 0 complete, 1 broken off; text: the problem code then
export const CANCEL = 5; // id: invocation, a: a CANCEL_ reason
export const CREDIT = 6; // id: invocation, a: bytes of the answer's stream that the client took
export const CALL_RESULT = 7; // id: call, a: 0 value, 1 error; text: JSON
export const CALL_CHUNK = 8; // id: call, body: a piece of the answer to fetch
export const CALL_END = 9; // id: call, a: 0 complete, 1 broken off; text: a sentence then
export const CALL_TAKEN = 10; // id: call, a: bytes of an outgoing request's body that were taken
export const RESET = 11; // a fresh realm for the same script; answered by LOADED
export const REST = 12; // nothing to do for a while: garbage is collected now, not in the next burst

/** Isolate to engine. */
export const READY = 32; // text: JailReport as JSON
export const LOADED = 33; // text: LoadReport as JSON
export const RESULT = 34; // id: invocation, a: status, text: headers, body: the whole answer (of data: JSON)
export const RESULT_HEAD = 35; // id: invocation, a: status, text: headers; chunks follow
export const CHUNK = 36; // id: invocation, body
export const END = 37; // id: invocation, a: 0 complete, 1 broken off
export const FAILURE = 38; // id: invocation, text: Failure as JSON
export const CALL = 39; // id: call, a: invocation, text: [service, method, args] as JSON
export const LOG = 40; // id: invocation, a: level, text: [message, data?] as JSON
export const BODY_TAKEN = 41; // id: invocation, a: bytes of the request's body that were read
export const FETCH = 42; // id: call, a: invocation, text: the request as JSON, body: its body when whole
export const FETCH_CHUNK = 43; // id: call, body
export const FETCH_END = 44; // id: call, a: 0 complete, 1 broken off
export const CALL_CREDIT = 45; // id: call, a: bytes of the answer to fetch that were read
export const CALL_CANCEL = 46; // id: call
export const DONE = 47; // id: invocation: nothing of it runs any more (waitUntil has settled, the stream has ended)

/** Inside the child only: the realm speaks to its host, nothing goes on the wire. */
export const TIMER_START = 200; // id: timer, a: milliseconds
export const TIMER_STOP = 201; // id: timer

export const BODY_NONE = 0;
export const BODY_WHOLE = 1;
export const BODY_STREAM = 2;
export const BODY_DATA = 3; // no request: the head is a DataHead as JSON (realm/data-context.ts)

export const CANCEL_CLIENT = 0;
export const CANCEL_DEADLINE = 1;

export const FLAG_TEXT = 1;
export const FLAG_SHARED = 2;

/** Bytes before the text. */
export const HEAD_BYTES = 18;
/** The longest frame that an isolate may send; a longer answer goes in chunks. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** A stream may be this far ahead of its reader. */
export const WINDOW_BYTES = 1024 * 1024;

/** RESULT and RESULT_HEAD: one character stands for the usual headers. */
export const HEADERS_TEXT = "";
export const HEADERS_JSON = "j";
export const HEADERS_HTML = "h";
export const HEADERS_NONE = "n";

/** Words of the page that an isolate shares with the engine. */
export const WORD_TURN = 0; // odd while the isolate runs; even while it waits for events
export const WORD_ENTERED = 1; // the newest invocation whose user code was entered
export const WORD_CURRENT = 2; // the invocation whose code runs in this turn; 0 when it cannot be told
export const WORD_TO_ISOLATE = 3; // how far the isolate has read what is shared for it
export const WORD_FROM_ISOLATE = 4; // written by the engine: how far it has read what the isolate shared

/** `LOG` levels. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;
