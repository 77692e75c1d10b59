/** Bytes on their way out of the realm: no further ahead of their reader than a window. */
import { WINDOW_BYTES } from "../frames.ts";
import { byteLength, part, PromiseCtor } from "./primordials.ts";

const { floor, max, min } = Math;
/** Readers who take nothing have the engine hold a window for each: many of them must share. */
const TOGETHER_BYTES = 16 * WINDOW_BYTES;
const LEAST_BYTES = WINDOW_BYTES / 16;

let streams = 0;

/** A streamed answer began or ended. */
export function countStream(by: 1 | -1): void {
  streams += by;
}

/** How far an answer may be ahead of its reader now. */
export function windowBytes(): number {
  return streams * WINDOW_BYTES <= TOGETHER_BYTES ? WINDOW_BYTES : max(LEAST_BYTES, floor(TOGETHER_BYTES / streams));
}

export interface Flow {
  /** Sent, and not yet taken by the reader. */
  ahead: number;
  /** Called when the reader has taken enough, and when nobody waits any more. */
  resume: (() => void) | null;
}

/** Sends piece by piece. Answers a promise when the reader must first take some; `isOver` ends the wait. */
export function sendWithin(
  flow: Flow,
  bytes: Uint8Array,
  send: (piece: Uint8Array) => void,
  isOver: () => boolean,
): Promise<void> | undefined {
  const length = byteLength(bytes);
  let at = 0;
  const isDone = (): boolean => {
    const window = windowBytes();
    while (at < length && flow.ahead < window && !isOver()) {
      const end = min(at + window, length);
      const piece = end === length && at === 0 ? bytes : part(bytes as Uint8Array<ArrayBuffer>, at, end);
      flow.ahead += end - at;
      at = end;
      send(piece);
    }
    return isOver() || (at >= length && flow.ahead < window);
  };
  if (isDone()) return undefined;
  return new PromiseCtor<void>((resolve, reject) => {
    const go = (): void => {
      try {
        if (isDone()) resolve();
        else flow.resume = go;
      } catch (error) {
        // The script still has these bytes, and may give their buffer away while they are sent.
        reject(error);
      }
    };
    flow.resume = go;
  });
}
