/** The isolate as a thread: the same runtime behind a port instead of a socket, and no jail. */
import { lockHostRealm } from "./host-lock.ts";
import type { JailReport } from "./jail/lockdown.ts";
import { JAIL_PARTS } from "./jail/parts.ts";
import { readyFrame, startRuntime, type Runtime } from "./runtime.ts";
import { selfTest } from "./self-test.ts";

export type ThreadMessage =
  | { readonly kind: "start"; readonly words: Int32Array; readonly args: readonly string[] }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

declare const self: Worker;

const jail: JailReport = {
  held: [],
  lacking: JAIL_PARTS.map((part) => ({ part, reason: "a thread shares the engine's process" })),
};

/** The engine's end is in the same process, but its code never handles a thread's objects: bytes only. */
const post = self.postMessage.bind(self);
let runtime: Runtime | null = null;

async function start(words: Int32Array, args: readonly string[]): Promise<void> {
  runtime = startRuntime(
    {
      send(bytes) {
        post(new Uint8Array(bytes));
        return bytes.length;
      },
    },
    words,
    null,
  );
  lockHostRealm();
  const leaks = args.includes("--self-test") ? { leaks: await selfTest() } : {};
  post(new Uint8Array(readyFrame(JSON.stringify({ jail, ...leaks }))));
}

process.on("unhandledRejection", (reason) => runtime?.unhandled(reason));
process.on("uncaughtException", (error) => runtime?.unhandled(error));
self.onmessage = ({ data }: MessageEvent<ThreadMessage>) => {
  if (data.kind === "start") void start(data.words, data.args);
  else runtime?.receive(Buffer.from(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength));
};
