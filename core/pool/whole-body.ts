/** The body of an answer that came in one message, in the form that the server writes with the least work. */
import { FLAG_TEXT } from "../isolate/frames.ts";
import type { Frame } from "../isolate/wire.ts";
import type { AnswerBody } from "./answer.ts";

/**
 * From here on Bun writes an answer that comes later than its request in twenty pieces: each name, colon, value and line
 * break of its head is a system call, and a packet, of its own. A stream's head is gathered.
 */
const STREAM_BYTES = 15 * 1024;

/** `method`: an answer to HEAD keeps the length that it would have. */
export function wholeBody(frame: Frame, method: string | null): AnswerBody {
  const length = frame.bodyLength;
  if (length === 0) return null;
  if (length >= STREAM_BYTES && method !== "HEAD") return streamOf(frame.takeBody());
  return frame.flags & FLAG_TEXT ? frame.bodyText() : frame.takeBody();
}

/** It is all there when the server starts to read it, and no more than its buffer takes: head and body go out as one, with a `Content-Length`. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    },
    { highWaterMark: 2 * bytes.length },
  );
}
