/** An isolate in a thread of the engine: for trusted scripts, development, and platforms without child processes. */
import { isEmbedded } from "../isolate/jail/startup-paths.ts";
import type { ThreadMessage } from "../isolate/thread.ts";
import { Early, type Vessel } from "./vessel.ts";

const PAGE_WORDS = 16;

/** In a binary it lies beside the main file: core/build.ts names it as an entry. */
function workerUrl(): URL {
  const path = isEmbedded(import.meta.url) ? "./isolate/thread.js" : "../isolate/thread.ts";
  return new URL(path, import.meta.url);
}

/** Holds neither CPU nor memory (docs/sandbox.md): `terminate()` waits for a safepoint. */
export async function threadVessel(args: readonly string[] = []): Promise<Vessel> {
  const words = new Int32Array(new SharedArrayBuffer(PAGE_WORDS * 4));
  const worker = new Worker(workerUrl().href);
  const early = new Early();
  worker.onmessage = ({ data }: MessageEvent<unknown>) => {
    if (!early.over && data instanceof Uint8Array)
      early.data(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  };
  worker.onerror = (event) => early.gone(`the isolate's thread failed: ${event.message}`);
  worker.addEventListener("close", () => early.gone("the isolate's thread ended"));
  worker.postMessage({ kind: "start", words, args: [...args] } satisfies ThreadMessage);
  return {
    kind: "thread",
    pid: null,
    words,
    bodies: null,
    receive: (events) => early.listen(events),
    send(bytes) {
      const copy = new Uint8Array(bytes);
      if (!early.over) worker.postMessage({ kind: "bytes", bytes: copy } satisfies ThreadMessage, [copy.buffer]);
      return bytes.length;
    },
    kill() {
      worker.terminate();
      early.gone("the isolate's thread was ended");
    },
  };
}
