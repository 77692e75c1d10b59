/** What an isolate lives in, seen from the engine: a child process on a socket, or a thread on a port. */
import type { Child } from "./spawner.ts";

export interface VesselEvents {
  data(bytes: Buffer): void;
  drain(): void;
  /** It ended; called at most once. */
  gone(why: string): void;
}

export interface Vessel {
  readonly kind: "process" | "thread";
  readonly pid: number | null;
  /** The page that the isolate writes (core/isolate/frames.ts, `WORD_…`). */
  readonly words: Int32Array | null;
  /** Must be called once, at once. */
  receive(events: VesselEvents): void;
  /** Answers how many bytes were taken. */
  send(bytes: Buffer): number;
  /** At once and for good; any number of times. */
  kill(): void;
}

export function processVessel(child: Child): Promise<Vessel> {
  let events: VesselEvents | null = null;
  let early: Buffer[] = [];
  let over: string | null = null;
  const gone = (why: string): void => {
    if (over !== null) return;
    over = why;
    events?.gone(why);
  };
  void child.exited.then(({ code, signal }) => {
    const words = child.stderr().trim();
    gone(
      `the isolate's process ended (${signal ?? `exit code ${code}`})${words === "" ? "" : `: ${words.slice(-300)}`}`,
    );
  });
  const connected = Bun.connect({
    fd: child.fd,
    socket: {
      data(_socket: unknown, bytes: Buffer) {
        if (events) events.data(bytes);
        else early.push(Buffer.from(bytes));
      },
      drain() {
        events?.drain();
      },
      close() {
        // The exit follows and says more; a child that only closes its socket is ended.
        child.kill();
      },
      error() {
        child.kill();
      },
    },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  return connected.then((socket) => ({
    kind: "process" as const,
    pid: child.pid,
    words: child.words,
    receive(taker) {
      events = taker;
      for (const bytes of early) taker.data(bytes);
      early = [];
      if (over !== null) taker.gone(over);
    },
    send: (bytes) => (over === null ? socket.write(bytes) : bytes.length),
    kill() {
      child.kill();
      socket.terminate();
    },
  }));
}
