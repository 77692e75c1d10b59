/** A streamed answer between an isolate and a client: the isolate is held back while the client does not take it. */
import { ChunkQueue } from "./chunk-queue.ts";

/** How long the server is given to write out what it has, before a failure closes the connection. */
const WRITE_OUT_MS = 5;

export interface AnswerStream {
  /** Copies the bytes, unless they are given away (`own`). */
  push(bytes: Uint8Array, own?: boolean): void;
  /** Complete: the client gets what is held, then a clean end. */
  close(): void;
  /** Broken off: the client gets what is held, then a connection that ends too early. */
  fail(error: Error): void;
  /** performance.now() when a chunk last came or was taken. */
  lastMove: number;
  /** Bytes that came and that the client has not taken. */
  readonly held: number;
  /** Bytes that came. */
  readonly total: number;
}

/** `taken` tells how many bytes the client took, `left` that it left. */
export function makeAnswerStream(
  taken: (bytes: number) => void,
  left: () => void,
): { readonly stream: AnswerStream; readonly readable: ReadableStream<Uint8Array> } {
  const queue = new ChunkQueue();
  let total = 0;
  let ended: Error | true | null = null;
  let wake: (() => void) | null = null;
  let gone = false;
  const stream: AnswerStream = {
    lastMove: performance.now(),
    get held() {
      return queue.held;
    },
    get total() {
      return total;
    },
    push(bytes, own) {
      if (ended) return;
      queue.push(bytes, own);
      total += bytes.length;
      stream.lastMove = performance.now();
      wake?.();
    },
    close() {
      ended ??= true;
      wake?.();
    },
    fail(error) {
      ended ??= error;
      wake?.();
    },
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (queue.held === 0 && !ended) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = null;
        }
        if (gone) return;
        const bytes = queue.shift();
        if (bytes) {
          stream.lastMove = performance.now();
          controller.enqueue(bytes);
          taken(bytes.length);
        } else if (ended instanceof Error) {
          // The server drops what it has not written yet when a body fails: the head and what came go out first.
          await Bun.sleep(WRITE_OUT_MS);
          controller.error(ended);
        } else controller.close();
      },
      cancel() {
        gone = true;
        ended ??= true;
        queue.clear();
        wake?.();
        left();
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, readable };
}
