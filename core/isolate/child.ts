/** The isolate as a process: one socket on fd 0, memory shared with the engine, a jail around it, and the runtime inside. */
import { lockHostRealm } from "./host-lock.ts";
import { lockDown } from "./jail/lockdown.ts";
import { openPage } from "./jail/page.ts";
import { selfTest } from "./self-test.ts";
import { readyFrame, startRuntime, type Runtime } from "./runtime.ts";
import { ignoreStopSignals } from "./stop-signals.ts";

/** Never returns control to a script that runs away: the engine kills the process from outside. */
export async function runIsolate(): Promise<void> {
  ignoreStopSignals();
  // What runs once is not worth compiling; the runtime says when that is over.
  Bun.unsafe.setJITPolicy(10);
  const shared = openPage();
  // The engine counts on it for long bodies.
  if (shared === null && process.platform === "linux")
    throw new Error("the memory that the engine shares is not there");
  let runtime: Runtime | null = null;
  const early: Buffer[] = [];
  const socket = await Bun.connect({
    fd: 0,
    socket: {
      data(_socket: unknown, bytes: Buffer) {
        if (runtime) runtime.receive(bytes);
        else early.push(Buffer.from(bytes));
      },
      drain() {
        runtime?.drain();
      },
      close() {
        process.exit(0);
      },
      error() {
        process.exit(0);
      },
    },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  // The value of a rejection may be anything that the script made: it goes to the realm untouched.
  process.on("unhandledRejection", (reason) => runtime?.unhandled(reason));
  process.on("uncaughtException", (error) => runtime?.unhandled(error));
  const report = lockDown({ kind: "isolate" });
  runtime = startRuntime({ send: (bytes) => socket.write(bytes) }, shared?.words ?? null, shared?.bodies ?? null);
  lockHostRealm();
  const leaks = process.argv.includes("--self-test") ? { leaks: await selfTest() } : {};
  socket.write(readyFrame(JSON.stringify({ jail: report, ...leaks })));
  for (const bytes of early) runtime.receive(bytes);
  early.length = 0;
}
