/** A request's body inside the realm: its media type, and its stream while it arrives. */
import { BODY_TAKEN } from "../frames.ts";
import { emit } from "./host.ts";
import { cut } from "./primordials.ts";
import type { Live } from "./state.ts";
import { makeByteStream } from "./web/index.ts";

/** `type` is in lower case and without parameters. */
export function isJson(type: string): boolean {
  return type === "application/json" || cut(type, -5) === "+json";
}

export function isForm(type: string): boolean {
  return type === "application/x-www-form-urlencoded" || type === "multipart/form-data";
}

/** The stream of a body, of which pieces may have come already. The engine is told how much the script has read. */
export function openBodyStream(live: Live): ReadableStream<Uint8Array> {
  let unread = 0;
  const made = makeByteStream({
    pull() {
      if (unread === 0) return;
      emit(BODY_TAKEN, live.id, unread, "");
      unread = 0;
    },
    cancel() {
      live.pipe = null;
    },
  });
  const { early } = live;
  live.pipe = {
    enqueue(chunk) {
      unread += chunk.length;
      made.pipe.enqueue(chunk);
    },
    close: () => made.pipe.close(),
    error: (reason) => made.pipe.error(reason),
    get desired() {
      return made.pipe.desired;
    },
  };
  for (let i = 0; i < early.length; i++) live.pipe.enqueue(early[i] as Uint8Array);
  early.length = 0;
  if (live.bodyEnd !== undefined) endPipe(live, live.bodyEnd);
  return made.stream;
}

/** Ends the stream. `failure` is a problem code, or null when the body is complete. */
export function endPipe(live: Live, failure: string | null): void {
  if (!live.pipe) return;
  if (failure === null) live.pipe.close();
  else live.pipe.error(new TypeError(`The request body broke off: ${failure}.`));
  live.pipe = null;
}
