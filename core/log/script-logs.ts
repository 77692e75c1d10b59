/**
 * The log of each script on disk, `data/scripts/<name>/log/`: written in batches beside all else, under a cap. Requests
 * have files of their own, so that a busy hour of them leaves what the script itself said where it is.
 */
import { join } from "node:path";
import { Ring, type Chunk, type Loss } from "./ring.ts";

export interface ScriptLogs {
  /** Takes lines of JSON, each with its line break: of the script, or of its requests. Never throws, never waits. */
  add(script: string, chunk: Chunk, requests: boolean): void;
  /** Lets go of a script whose folder is to be moved. */
  release(script: string): void;
  /** Resolves when all that was taken is on disk, or lost. */
  flush(): Promise<void>;
}

export interface ScriptLogsOptions {
  /** The engine's `data/`. */
  readonly dataDir: string;
  /** Bytes that are kept of a script's lines, and of the lines of its requests; 0 keeps none. */
  readonly limits: () => { readonly scriptBytes: number; readonly requestBytes: number };
  /** Lines are lost: the disk is full, or the folder cannot be written, or (without an error) the disk is too slow. */
  readonly onTrouble: (folder: string, error: unknown) => void;
  /** After trouble, which is told once until then. */
  readonly onRecovered: (lost: number) => void;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Lines wait so long for others; it is also what a SIGKILL may cost. */
const BATCH_MS = 100;
/** Or until there are so many characters. */
const BATCH_CHARACTERS = 64 * 1024;
/** Characters that may wait for a slow disk: of one log, and of all. What is more is lost. */
const MOST_WAITING = 1024 * 1024;
const MOST_WAITING_OF_ALL = 16 * MOST_WAITING;
/** Of more requests of one script in a second the first so many are kept: a flood would turn the log over in no time. */
export const REQUESTS_A_SECOND = 2000;
/** A disk that refused is not asked again at once. */
const REST_MS = 1000;
/** Trouble lasts at least so long: who floods a log must not flood the log that tells of it. */
const TROUBLE_MS = 10_000;

/** What else stands in a `script` field names no folder. */
export const SCRIPT_NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;

/** Where a script's log lies. */
export function logFolder(dataDir: string, script: string): string {
  return join(dataDir, "scripts", script, "log");
}
/** Within a log folder. */
export const REQUESTS = "requests";

interface Feed {
  readonly ring: Ring;
  chunks: Chunk[];
  characters: number;
  writing: Promise<void> | null;
  /** Lines that found no room since the last write. */
  overflow: number;
  /** No write before this time. */
  restUntil: number;
  /** The second that `taken` counts the lines of. */
  second: number;
  taken: number;
}

class DiskLogs implements ScriptLogs {
  readonly #options: ScriptLogsOptions;
  readonly #now: () => number;
  readonly #feeds = new Map<string, Feed>();
  readonly #requests = new Map<string, Feed>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting = 0;
  /** Null while all is well. */
  #trouble: { readonly since: number; lost: number } | null = null;

  constructor(options: ScriptLogsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  add(script: string, chunk: Chunk, requests: boolean): void {
    // Also of a log that there is: the limit may have changed since it was opened.
    if (this.#most(requests) === 0) return;
    const feed = (requests ? this.#requests : this.#feeds).get(script) ?? this.#open(script, requests);
    if (feed === null) return;
    const { length } = chunk.text;
    if (requests && this.#isFlood(feed, chunk.lines)) {
      feed.overflow += chunk.lines;
      return this.#later();
    }
    // What comes after a chunk that found no room has none either, or lines would change places.
    if (feed.overflow > 0 || feed.characters + length > MOST_WAITING || this.#waiting + length > MOST_WAITING_OF_ALL) {
      feed.overflow += chunk.lines;
      this.#lose(feed, chunk.lines, undefined);
      return this.#later();
    }
    feed.chunks.push(chunk);
    feed.characters += length;
    this.#waiting += length;
    if (feed.characters >= BATCH_CHARACTERS) this.#write(feed);
    else this.#timer ??= setTimeout(this.#writeAll, BATCH_MS);
  }

  #isFlood(feed: Feed, lines: number): boolean {
    const second = Math.floor(this.#now() / 1000);
    if (feed.second !== second) {
      feed.second = second;
      feed.taken = 0;
    }
    feed.taken += lines;
    return feed.taken - lines >= REQUESTS_A_SECOND;
  }

  release(script: string): void {
    for (const feeds of [this.#feeds, this.#requests]) {
      const feed = feeds.get(script);
      if (!feed) continue;
      feed.ring.close();
      this.#waiting -= feed.characters;
      feed.chunks = [];
      feed.characters = 0;
      feeds.delete(script);
    }
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const feed of [...this.#feeds.values(), ...this.#requests.values()]) {
      while (feed.writing !== null || (feed.chunks.length > 0 && feed.restUntil <= this.#now())) {
        this.#write(feed);
        await feed.writing;
      }
    }
  }

  #most(requests: boolean): number {
    const { scriptBytes, requestBytes } = this.#options.limits();
    return requests ? requestBytes : scriptBytes;
  }

  #open(script: string, requests: boolean): Feed | null {
    if (!SCRIPT_NAME.test(script)) return null;
    const folder = logFolder(this.#options.dataDir, script);
    const ring = new Ring(requests ? join(folder, REQUESTS) : folder, () => this.#most(requests), this.#now);
    const feed: Feed = {
      ring,
      chunks: [],
      characters: 0,
      writing: null,
      overflow: 0,
      restUntil: 0,
      second: 0,
      taken: 0,
    };
    (requests ? this.#requests : this.#feeds).set(script, feed);
    return feed;
  }

  readonly #writeAll = (): void => {
    this.#timer = undefined;
    for (const feed of this.#feeds.values()) this.#write(feed);
    for (const feed of this.#requests.values()) this.#write(feed);
  };

  /** One write at a time for each log; what comes meanwhile is the next one. */
  #write(feed: Feed): void {
    if (feed.writing !== null) return;
    if (feed.chunks.length === 0) {
      feed.ring.skip(feed.overflow);
      feed.overflow = 0;
      return;
    }
    if (feed.restUntil > this.#now()) return this.#later();
    const { chunks, ring } = feed;
    this.#waiting -= feed.characters;
    feed.chunks = [];
    feed.characters = 0;
    feed.writing = ring.append(chunks).then((loss) => this.#written(feed, loss));
    // They came after these, and before the next ones.
    ring.skip(feed.overflow);
    feed.overflow = 0;
  }

  #written(feed: Feed, loss: Loss | null): void {
    feed.writing = null;
    if (loss) {
      feed.restUntil = this.#now() + REST_MS;
      this.#lose(feed, loss.lines, loss.cause);
    } else if (this.#trouble !== null && this.#now() - this.#trouble.since >= TROUBLE_MS) {
      const { lost } = this.#trouble;
      this.#trouble = null;
      this.#options.onRecovered(lost);
    }
    if (!loss && feed.characters >= BATCH_CHARACTERS) this.#write(feed);
    else if (feed.chunks.length > 0) this.#later();
  }

  #later(): void {
    this.#timer ??= setTimeout(this.#writeAll, BATCH_MS);
  }

  #lose({ ring }: Feed, lines: number, error: unknown): void {
    if (this.#trouble === null) {
      this.#trouble = { since: this.#now(), lost: 0 };
      this.#options.onTrouble(ring.folder, error);
    }
    this.#trouble.lost += lines;
  }
}

export function createScriptLogs(options: ScriptLogsOptions): ScriptLogs {
  return new DiskLogs(options);
}
