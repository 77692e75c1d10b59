/** An isolate in a thread of the engine: for trusted scripts, development, and platforms without child processes. */
import type { ThreadMessage } from "../isolate/thread.ts";
import type { Vessel, VesselEvents } from "./vessel.ts";

const PAGE_WORDS = 16;

/** Holds neither CPU nor memory (SANDBOX.md, "What was learnt", 4): `terminate()` waits for a safepoint. */
export async function threadVessel(args: readonly string[] = []): Promise<Vessel> {
  const words = new Int32Array(new SharedArrayBuffer(PAGE_WORDS * 4));
  const worker = new Worker(new URL("../isolate/thread.ts", import.meta.url).href);
  let events: VesselEvents | null = null;
  const early: Buffer[] = [];
  let over: string | null = null;
  const gone = (why: string): void => {
    if (over !== null) return;
    over = why;
    events?.gone(why);
  };
  worker.onmessage = ({ data }: MessageEvent<Uint8Array>) => {
    if (over !== null || !(data instanceof Uint8Array)) return;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (events) events.data(bytes);
    else early.push(bytes);
  };
  worker.onerror = (event) => gone(`the isolate's thread failed: ${event.message}`);
  worker.addEventListener("close", () => gone("the isolate's thread ended"));
  worker.postMessage({ kind: "start", words, args: [...args] } satisfies ThreadMessage);
  return {
    kind: "thread",
    pid: null,
    words,
    receive(taker) {
      events = taker;
      for (const bytes of early.splice(0)) taker.data(bytes);
      if (over !== null) taker.gone(over);
    },
    send(bytes) {
      if (over === null) worker.postMessage({ kind: "bytes", bytes: new Uint8Array(bytes) } satisfies ThreadMessage);
      return bytes.length;
    },
    kill() {
      worker.terminate();
      gone("the isolate's thread was ended");
    },
  };
}
