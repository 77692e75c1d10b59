/** A request's body on its way into an isolate: read as fast as the script takes it. */
import { BODY_CHUNK, BODY_END, WINDOW_BYTES } from "../isolate/frames.ts";
import type { FrameWriter } from "../isolate/wire.ts";
import { ProblemError } from "../../sdk/errors.ts";
import type { Flight } from "./flight.ts";

interface Feed {
  /** Sent, and not yet read by the script. */
  ahead: number;
  resume: (() => void) | null;
}

const feeds = new WeakMap<Flight, Feed>();
const PIECE_BYTES = 64 * 1024;

/** Starts the transfer; it ends by itself, with the body or with the flight. */
export function giveBody(flight: Flight, local: number, writer: FrameWriter): void {
  const feed: Feed = { ahead: 0, resume: null };
  feeds.set(flight, feed);
  const reader = (flight.invocation.body as ReadableStream<Uint8Array>).getReader();
  let stopped = false;
  flight.stopBody = () => {
    if (stopped) return;
    stopped = true;
    feed.resume?.();
    reader.cancel().catch(() => {}); // the client may have gone already: nothing is left to cancel
  };
  const run = async (): Promise<void> => {
    while (!stopped) {
      const { done, value } = await reader.read();
      if (stopped) return;
      if (done) {
        writer.write(BODY_END, local, 0, "");
        stopped = true;
        return;
      }
      flight.bodyGiven = true;
      for (let at = 0; at < value.length; at += PIECE_BYTES) {
        writer.write(BODY_CHUNK, local, 0, "", value.subarray(at, at + PIECE_BYTES));
      }
      feed.ahead += value.length;
      if (feed.ahead < WINDOW_BYTES) continue;
      await new Promise<void>((resolve) => {
        feed.resume = resolve;
      });
      feed.resume = null;
    }
  };
  run().catch((error: unknown) => {
    if (stopped) return;
    stopped = true;
    // Too large, too slow, or the client left: the script is told, and the code goes on to the caller.
    writer.write(BODY_END, local, 1, error instanceof ProblemError ? error.code : "bad_request");
  });
}

/** The script read that many bytes. */
export function takenBody(flight: Flight, bytes: number): void {
  const feed = feeds.get(flight);
  if (!feed) return;
  feed.ahead -= bytes;
  if (feed.ahead < WINDOW_BYTES) feed.resume?.();
}
