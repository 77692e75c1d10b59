/** A child process that speaks the isolates' protocol with malice (malice.ts), over the socket that the engine gave it. */
import { openPage } from "../../core/isolate/jail/page.ts";
import { Malice } from "./malice.ts";
import { bodiesInMemory } from "../core/pool/shared-bodies.ts";

const early: Buffer[] = [];
let malice: Malice | null = null;
const waiting: Uint8Array[] = [];

function flush(): void {
  while (waiting.length > 0) {
    const bytes = waiting[0] as Uint8Array;
    const taken = Math.max(0, socket.write(bytes));
    if (taken < bytes.length) {
      waiting[0] = bytes.subarray(taken);
      return;
    }
    waiting.shift();
  }
}

const socket = await Bun.connect({
  fd: 0,
  socket: {
    data(_socket: unknown, bytes: Buffer) {
      if (malice) malice.receive(bytes);
      else early.push(Buffer.from(bytes));
    },
    drain: flush,
    close: () => process.exit(0),
    error: () => process.exit(0),
  },
} as unknown as Bun.TCPSocketConnectOptions<undefined>);
malice = new Malice(
  {
    send(bytes) {
      waiting.push(bytes);
      if (waiting.length === 1) flush();
    },
    leave: () => process.exit(3),
  },
  process.pid * 2654435761,
  openPage()?.bodies ?? bodiesInMemory(),
);
for (const bytes of early) malice.receive(bytes);
