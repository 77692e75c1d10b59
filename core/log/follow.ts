/** Logs as they are written, from any process: woken by the file system, and by a clock where that tells nothing. */
import { watch, type FSWatcher } from "node:fs";
import { join, sep } from "node:path";
import type { LogsCapability } from "../../sdk/plugin.ts";
import { LogReader, queryLogs, type LogPage, type LogQuery } from "./query.ts";

/** Network file systems tell of no changes, and a folder may not be there yet. */
const POLL_MS = 1000;
const PAGE = 500;

/** Ends a wait when something was written. */
class Waker {
  #watcher: FSWatcher | null = null;
  #wake: (() => void) | null = null;
  #changed = false;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly folder: string,
    private readonly reader: LogReader,
  ) {
    this.#watch();
    this.#timer = setInterval(() => {
      if (this.#watcher === null) this.#watch();
      this.#touch(null);
    }, POLL_MS);
  }

  /** At once when something was written since the last wait. */
  wait(): Promise<void> {
    if (this.#changed) {
      this.#changed = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => (this.#wake = resolve));
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    if (wake) wake();
    else this.#changed = true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#watcher?.close();
    this.wake();
  }

  #touch(script: string | null): void {
    this.reader.touch(script);
    this.wake();
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.folder, { recursive: true }, (_event, path) => {
        const [script = null, folder] = path?.split(sep) ?? [];
        // The rest is a script's data.
        if (folder === undefined || folder === "log") this.#touch(script);
      });
      this.#watcher.on("error", () => {
        this.#watcher?.close();
        this.#watcher = null;
      });
    } catch {
      this.#watcher = null; // not there yet, or no watches left: the clock does it
    }
  }
}

/**
 * Pages of lines as they are written, until the signal; the first holds those that are there already. Pages that hold
 * nothing are left out.
 *
 * @example for await (const { lines } of followLogs(dataDir, { script: "shop" }, signal)) show(lines);
 * @throws CursorError
 */
export async function* followLogs(dataDir: string, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogPage> {
  const reader = new LogReader(dataDir, query);
  const waker = new Waker(join(dataDir, "scripts"), reader);
  const stop = (): void => waker.wake();
  signal.addEventListener("abort", stop);
  try {
    if (query.cursor === undefined) yield await reader.newest();
    while (!signal.aborted) {
      const page = await reader.page(PAGE);
      if (page.lines.length > 0 || page.dropped > 0) yield page;
      if (page.lines.length < PAGE && !signal.aborted) await waker.wait();
    }
  } finally {
    signal.removeEventListener("abort", stop);
    waker.close();
  }
}

/** The logs of the scripts of one engine. */
export function logsOf(dataDir: string): LogsCapability {
  return {
    query: (query) => queryLogs(dataDir, query),
    follow: (query, signal) => followLogs(dataDir, query, signal),
  };
}
