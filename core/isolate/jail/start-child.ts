/** Starts one child process with nothing but its socket, its page and a pipe for last words. */

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface StartedChild {
  readonly pid: number;
  /** SIGKILL; does nothing once the child has been reaped. */
  kill(): void;
  /** Settles when it has ended and its last words are in. */
  readonly exited: Promise<Exit>;
  lastWords(): string;
}

/** What a crash report keeps. */
const KEPT_BYTES = 4096;
/** A child that writes more than this is flooding: the pipe is closed, and it writes to nobody. */
const READ_BYTES = 1 << 20;

/** `socket` and `page` are descriptors of this process; the caller closes its copies. `page` -1: none. */
export function startChild(command: readonly string[], socket: number, page: number): StartedChild {
  const child = Bun.spawn([...command], {
    cwd: process.platform === "win32" ? undefined : "/",
    env: {},
    // What `ps` shows; the program itself may go by /proc/self/exe.
    argv0: "aiwebengine",
    stdio: page < 0 ? [socket, "ignore", "pipe"] : [socket, "ignore", "pipe", page],
  });
  let tail: Uint8Array = new Uint8Array(0);
  const drained = drain(child.stderr, (chunk) => {
    tail = Buffer.concat([tail, chunk]).subarray(-KEPT_BYTES);
  });
  return {
    pid: child.pid,
    // Through the process object: it knows when the child was reaped, and never signals a number that is somebody else's.
    kill: () => child.kill("SIGKILL"),
    exited: Promise.all([child.exited, drained]).then(() => exitOf(child.exitCode, child.signalCode)),
    lastWords: () => new TextDecoder().decode(tail),
  };
}

function exitOf(code: number | null, signal: string | number | null): Exit {
  return { code, signal: signal === null ? null : String(signal) };
}

async function drain(stream: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void): Promise<void> {
  const reader = stream.getReader();
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    take(value);
    total += value.length;
    if (total > READ_BYTES) return reader.cancel();
  }
}
