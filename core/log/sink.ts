/**
 * Where log text goes: a file descriptor that may be a slow pipe. The engine never waits for it. What does not fit the
 * buffer is dropped, counted, and said in the log as soon as there is room.
 */
import { writeSync } from "node:fs";

export interface Sink {
  /** Takes whole lines, each ending in a line break. */
  write(text: string): void;
  /** For the last moment (exit, abort): writes what it can without waiting for a reader that does not read. */
  flushSync(): void;
  /** For a clean end: resolves when all is written, or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  /** Lines lost so far. */
  readonly dropped: number;
}

export interface SinkOptions {
  /** 1 is standard output. */
  readonly fd: number;
  /** The line that tells of lost lines, with its line break. */
  readonly notice: (lines: number) => string;
  /** Characters that may wait for the reader. */
  readonly maxBuffered?: number;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/** The writer answers a promise while the pipe is full; a write that fails rejects it, or throws at once. */
function settle(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return Promise.reject(error);
  }
}

export function createSink({ fd, notice, maxBuffered = 4 * 1024 * 1024 }: SinkOptions): Sink {
  let writer = Bun.file(fd).writer();
  let waiting = "";
  /** Set while the reader has not taken what was handed to the writer. */
  let blocked: Promise<void> | undefined;
  /** Lost lines that no notice has told of yet. */
  let untold = 0;
  let dropped = 0;
  /** The reader is gone: nobody is left to tell. */
  let closed = false;

  function lose(text: string): void {
    const lines = countLines(text);
    dropped += lines;
    untold += lines;
  }

  function hand(text: string): void {
    const results = [settle(() => writer.write(text)), settle(() => writer.flush())];
    const pending = results.filter((result) => result instanceof Promise);
    if (pending.length > 0) blocked = Promise.all(pending).then(resume, (error: unknown) => fail(error, text));
  }

  function withNotice(text: string): string {
    const lines = untold;
    untold = 0;
    return notice(lines) + text;
  }

  function resume(): void {
    blocked = undefined;
    const text = waiting + (untold > 0 ? notice(untold) : "");
    waiting = "";
    untold = 0;
    if (text !== "") hand(text);
  }

  /** A full disk may have room again, so the next batch is tried; after EPIPE nobody reads any more. The engine serves on. */
  function fail(error: unknown, text: string): void {
    blocked = undefined;
    closed = error instanceof Error && "code" in error && error.code === "EPIPE";
    lose(text);
    lose(waiting);
    waiting = "";
    if (!closed) writer = Bun.file(fd).writer();
  }

  return {
    get dropped() {
      return dropped;
    },
    write(text) {
      if (closed) lose(text);
      else if (blocked === undefined) hand(untold > 0 ? withNotice(text) : text);
      else if (waiting.length + text.length <= maxBuffered) waiting += text;
      else lose(text);
    },
    flushSync() {
      const rest = Buffer.from(waiting + (untold > 0 ? notice(untold) : ""));
      waiting = "";
      untold = 0;
      if (!closed) writeAvailable(fd, rest);
    },
    async drain(timeoutMs) {
      const { promise: late, resolve } = Promise.withResolvers<"late">();
      const timer = setTimeout(resolve, timeoutMs, "late");
      while (blocked !== undefined) if ((await Promise.race([blocked, late])) === "late") break;
      clearTimeout(timer);
    },
  };
}

/** Writes until the pipe is full: the descriptor does not block, so a reader that is stuck cannot hold the exit. */
function writeAvailable(fd: number, bytes: Buffer): void {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      // EAGAIN: the pipe is full; EPIPE: nobody reads; ENOSPC: no room. There is nobody left to tell.
      if (error instanceof Error && "code" in error) return;
      throw error;
    }
  }
}
