/** What an isolate lives in, seen from the engine: a child process on a socket, or a thread on a port. */
import type { SharedBodies } from "../isolate/jail/page.ts";
import type { Child } from "../process/spawner.ts";

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
  /** Memory for long bodies; without it they go as all else goes. */
  readonly bodies: SharedBodies | null;
  /** Must be called once, at once. */
  receive(events: VesselEvents): void;
  /** Answers how many bytes were taken. */
  send(bytes: Buffer): number;
  /** At once and for good; any number of times. */
  kill(): void;
}

/** Events that come before anyone listens. */
export class Early {
  #events: VesselEvents | null = null;
  #bytes: Buffer[] = [];
  #over: string | null = null;

  get over(): boolean {
    return this.#over !== null;
  }

  listen(events: VesselEvents): void {
    this.#events = events;
    for (const bytes of this.#bytes.splice(0)) events.data(bytes);
    if (this.#over !== null) events.gone(this.#over);
  }

  /** `bytes` are the caller's again when it returns. */
  data(bytes: Buffer): void {
    if (this.#events) this.#events.data(bytes);
    else this.#bytes.push(Buffer.from(bytes));
  }

  drain(): void {
    this.#events?.drain();
  }

  gone(why: string): void {
    if (this.#over !== null) return;
    this.#over = why;
    this.#events?.gone(why);
  }
}

export async function processVessel(child: Child): Promise<Vessel> {
  const early = new Early();
  void child.exited.then(({ code, signal }) => {
    const words = child.stderr().trim();
    early.gone(
      `the isolate's process ended (${signal ?? `exit code ${code}`})${words === "" ? "" : `: ${words.slice(-300)}`}`,
    );
  });
  const handler = {
    data: (_socket: unknown, bytes: Buffer) => early.data(bytes),
    drain: () => early.drain(),
    // The exit follows and says more; a child that only closes its socket is ended.
    close: () => child.kill(),
    error: () => child.kill(),
  };
  let socket: Bun.Socket<undefined>;
  try {
    // `fd` is in Bun's documentation, but not in its types.
    socket = await Bun.connect({ fd: child.fd, socket: handler } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  } catch (error) {
    child.kill();
    throw error;
  }
  return {
    kind: "process",
    pid: child.pid,
    words: child.words,
    bodies: child.bodies,
    receive: (events) => early.listen(events),
    send: (bytes) => (early.over ? bytes.length : socket.write(bytes)),
    kill() {
      child.kill();
      socket.terminate();
    },
  };
}
