/** Starts the child processes that isolates and builders live in, and ends them. */
import { NO_JAIL_FLAG } from "../isolate/jail/lockdown.ts";
import { openLibc, reason, type Libc } from "../isolate/jail/libc.ts";
import type { PathRule } from "../isolate/jail/landlock.ts";
import { createPage, privatePage, type Page, type SharedBodies } from "../isolate/jail/page.ts";
import { startChild, type Exit } from "../isolate/jail/start-child.ts";
import { startupRules } from "../isolate/jail/startup-paths.ts";
import { readLastWords, type LastWords } from "./last-words.ts";
import { startSpawnerThread, type ChildStarter } from "./spawner-thread.ts";

export type ChildKind = "isolate" | "builder";

export interface Child {
  readonly kind: ChildKind;
  readonly pid: number;
  /** The engine's end of the socket, for `Bun.connect({ fd })`, which then owns it. */
  readonly fd: number;
  /** An isolate's shared page: the child writes here too, and it is hostile. A builder has none, and its words stay 0. */
  readonly words: Int32Array;
  /** For long bodies, as hostile; null where none are shared. */
  readonly bodies: SharedBodies | null;
  readonly exited: Promise<Exit>;
  /** SIGKILL. May be called at any time, any number of times. */
  kill(): void;
  /** The last 4 KiB that it wrote to stderr, complete once `exited` has settled. */
  stderr(): string;
}

export interface Spawner {
  /**
   * `readPaths`: what a builder may read, absolute and real. Given here they bind every thread of the builder; given to
   * its `lockDown` only, they bind its main thread and those started later.
   */
  spawn(kind: ChildKind, args?: readonly string[], readPaths?: readonly string[]): Promise<Child>;
  /** Kills all children and waits for their end. */
  dispose(): Promise<void>;
  /** Whether children are asked to lock themselves down. What then holds is in each one's JailReport. */
  readonly jailed: boolean;
}

export interface SpawnerOptions {
  /** What starts this program: `[binary]`, or `[bun, main.ts]` from source. `--isolate` or `--builder` is appended. */
  readonly command: readonly string[];
  readonly jail: boolean;
}

const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** Linux only. Elsewhere Bun closes what it does not hand on when it starts a child. */
const SOCK_CLOEXEC = 0o2000000;

export async function startSpawner({ command, jail }: SpawnerOptions): Promise<Spawner> {
  const libc = openLibc();
  if (libc === null) throw new Error(`children cannot be started on ${process.platform}: use isolates.mode = "thread"`);
  const jailed = jail && process.platform === "linux";
  const thread = jailed ? await startSpawnerThread(startupRules(command)) : null;
  const children = new Set<Child>();
  let disposed = false;

  const starterFor = (kind: ChildKind, readPaths: readonly string[] | undefined): ChildStarter => {
    if (thread === null) return startHere;
    if (kind === "isolate") return thread.start;
    return readPaths === undefined ? startHere : startBelow(command, readPaths);
  };

  const spawn: Spawner["spawn"] = async (kind, args = [], readPaths) => {
    if (disposed) throw new Error(`a child (${kind}) was asked for after the engine had begun to stop`);
    const full = [...command, `--${kind}`, ...args, ...(jailed ? [] : [NO_JAIL_FLAG])];
    const child = await open(libc, kind, full, starterFor(kind, readPaths));
    children.add(child);
    void child.exited.then(() => children.delete(child));
    if (disposed) child.kill();
    return child;
  };

  const dispose = async (): Promise<void> => {
    disposed = true;
    const live = [...children];
    for (const child of live) child.kill();
    await Promise.all(live.map((child) => child.exited));
    thread?.stop();
  };

  return { spawn, dispose, jailed };
}

const startHere: ChildStarter = async (command, ends) => startChild(command, ends);

/**
 * Landlock can only be narrowed, and a builder's folders lie outside the isolates' domain. So each builder has a thread
 * of its own to come from, which lives as long: a child dies with the thread that started it (PDEATHSIG).
 */
function startBelow(command: readonly string[], readPaths: readonly string[]): ChildStarter {
  return async (full, ends) => {
    const rules = readPaths.map((path): PathRule => ({ path, access: "read" }));
    const thread = await startSpawnerThread([...startupRules(command), ...rules]);
    try {
      const child = await thread.start(full, ends);
      void child.exited.then(() => thread.stop());
      return child;
    } catch (error) {
      thread.stop();
      throw error;
    }
  };
}

async function open(libc: Libc, kind: ChildKind, command: readonly string[], start: ChildStarter): Promise<Child> {
  const socket = socketPair(libc, kind);
  let stderr: SocketPair | undefined;
  let words: LastWords | undefined;
  let page: Page | undefined;
  try {
    stderr = socketPair(libc, kind);
    const said = (words = await readLastWords(stderr.ours));
    page = kind === "isolate" ? createPage() : privatePage();
    const ends = { socket: socket.theirs, stderr: stderr.theirs, page: page.fd };
    const { pid, kill, exited } = await start(command, ends);
    const complete = Promise.all([exited, said.complete]).then(([exit]) => exit);
    const { words: seen, bodies } = page;
    return { kind, pid, fd: socket.ours, words: seen, bodies, exited: complete, kill, stderr: () => said.text() };
  } catch (error) {
    libc.close(socket.ours);
    words?.close();
    throw new Error(`a child (${kind}) could not be started with ${command[0]}`, { cause: error });
  } finally {
    page?.close();
    libc.close(socket.theirs);
    if (stderr) libc.close(stderr.theirs);
  }
}

interface SocketPair {
  readonly ours: number;
  /** The child's. */
  readonly theirs: number;
}

function socketPair(libc: Libc, kind: ChildKind): SocketPair {
  const pair = new Int32Array(2);
  const type = process.platform === "linux" ? SOCK_STREAM | SOCK_CLOEXEC : SOCK_STREAM;
  if (libc.socketpair(AF_UNIX, type, pair) !== 0) {
    throw new Error(
      `no socket for a child (${kind}) could be made: ${reason(libc)}; see the limit of open files (ulimit -n)`,
    );
  }
  const [ours, theirs] = pair as unknown as [number, number];
  return { ours, theirs };
}
