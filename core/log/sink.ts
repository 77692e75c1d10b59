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

export function createSink({ fd, notice, maxBuffered = 4 * 1024 * 1024 }: SinkOptions): Sink {
  const writer = Bun.file(fd).writer();
  let waiting = "";
  /** Set while the reader has not taken what was handed to the writer. */
  let blocked: Promise<void> | undefined;
  let untold = 0;
  let dropped = 0;
  let broken = false;

  function hand(text: string): void {
    writer.write(text);
    const flushed = writer.flush();
    if (!(flushed instanceof Promise)) return;
    blocked = flushed.then(resume, fail);
  }

  function resume(): void {
    blocked = undefined;
    let text = waiting;
    waiting = "";
    if (untold > 0) text += notice(untold);
    untold = 0;
    if (text !== "") hand(text);
  }

  /** The reader is gone (EPIPE) or the disk is full: the engine serves on, and counts what it could not say. */
  function fail(): void {
    broken = true;
    blocked = undefined;
    dropped += countLines(waiting);
    waiting = "";
  }

  return {
    get dropped() {
      return dropped;
    },
    write(text) {
      if (broken) dropped += countLines(text);
      else if (blocked === undefined) hand(text);
      else if (waiting.length + text.length <= maxBuffered) waiting += text;
      else {
        const lines = countLines(text);
        dropped += lines;
        untold += lines;
      }
    },
    flushSync() {
      const rest = Buffer.from(waiting + (untold > 0 ? notice(untold) : ""));
      waiting = "";
      untold = 0;
      if (!broken) writeAvailable(fd, rest);
    },
    async drain(timeoutMs) {
      const end = Bun.sleep(timeoutMs).then(() => "late");
      while (blocked !== undefined) if ((await Promise.race([blocked, end])) === "late") return;
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
