/** Starts one child process with nothing but its socket, its page and a descriptor for last words. */

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface StartedChild {
  readonly pid: number;
  /** SIGKILL; does nothing once the child has been reaped. */
  kill(): void;
  readonly exited: Promise<Exit>;
}

/** Descriptors of this process; the caller closes its copies. */
export interface ChildEnds {
  readonly socket: number;
  /** Standard error. Not a pipe of `Bun.spawn`: where a thread restricted by Landlock closed one, Bun would make the threads of its pool there, as restricted. */
  readonly stderr: number;
  /** -1: none. */
  readonly page: number;
}

export function startChild(command: readonly string[], { socket, stderr, page }: ChildEnds): StartedChild {
  const child = Bun.spawn([...command], {
    cwd: process.platform === "win32" ? undefined : "/",
    env: {},
    // What `ps` shows; the program itself may go by /proc/self/exe.
    argv0: "aiwebengine",
    stdio: page < 0 ? [socket, "ignore", stderr] : [socket, "ignore", stderr, page],
  });
  return {
    pid: child.pid,
    // Through the process object: it knows when the child was reaped, and never signals a number that is somebody else's.
    kill: () => child.kill("SIGKILL"),
    exited: child.exited.then(() => ({
      code: child.exitCode,
      signal: child.signalCode === null ? null : String(child.signalCode),
    })),
  };
}
