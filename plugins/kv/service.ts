/** The methods of `kv`, and the databases behind them: one per script, opened with its first call. */
import { join } from "node:path";
import { ProblemError, type HealthResult, type Json, type ServiceCall, type ServiceSpec } from "../../sdk/plugin.ts";
import { canonical, checkExpiry, checkKey, checkList, encodeValue, refuse } from "./key.ts";
import type { Store } from "./store.ts";

export interface KvLimits {
  /** Bytes of one value as JSON. */
  readonly valueBytes: number;
  /** Entries of one `list` answer. */
  readonly listEntries: number;
  /** Bytes of keys and values of one `list` answer; the rest comes by `next`. */
  readonly listBytes: number;
  /** Bytes of one script's file. */
  readonly databaseBytes: number;
  /** Databases open at once; the least recently used is closed. */
  readonly openDatabases: number;
  /** Expired entries that one write removes at most. */
  readonly sweep: number;
}

const DEFAULT_LIMITS: KvLimits = {
  valueBytes: 1_048_576,
  listEntries: 1000,
  listBytes: 8_388_608,
  databaseBytes: 1_073_741_824,
  openDatabases: 64,
  sweep: 8,
};

export interface KvOptions {
  /** The engine's `data/`. */
  readonly dataDir: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly limits?: Partial<KvLimits>;
  /** Gets what a script must not see: the cause, with paths. For the engine's log. */
  readonly onError?: (error: unknown, script: string) => void;
}

export interface Kv {
  readonly methods: ServiceSpec["methods"];
  /** Closes the database of a script whose folder is about to be moved or removed. */
  close(script: string): void;
  /** Whether stores can be used at all; one that cannot concerns its own script only. */
  health(): HealthResult;
  dispose(): void;
}

const SCRIPT_NAME = /^[a-z0-9][a-z0-9-]{0,99}$/;

/**
 * Nothing is opened before the first call of a script.
 *
 * Atomicity: SQLite is synchronous here, and no method awaits between its read and its write.
 */
export function createKv(options: KvOptions): Kv {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const now = options.now ?? Date.now;
  /** In order of use, the latest last. */
  const open = new Map<string, Store>();
  /** Scripts whose last call failed for a reason of the file's. */
  const broken = new Set<string>();
  let disposed = false;

  function close(script: string): void {
    const store = open.get(script);
    open.delete(script);
    broken.delete(script);
    try {
      store?.close();
    } catch (error) {
      options.onError?.(error, script);
    }
  }

  /** drizzle is imported with the first call: an engine whose scripts keep nothing never loads it. */
  async function storeOf(script: string): Promise<Store> {
    const { openStore } = await import("./store.ts");
    if (disposed) throw new ProblemError("not_ready", "kv: the engine is shutting down");
    let store = open.get(script);
    if (store === undefined) {
      store = openStore(join(options.dataDir, "scripts", script, "kv"), limits);
      const oldest = open.keys().next().value;
      if (oldest !== undefined && open.size >= limits.openDatabases) close(oldest);
    } else {
      open.delete(script);
    }
    open.set(script, store);
    return store;
  }

  /** Runs one operation; what fails inside is told to the log in full and to the script in one sentence. */
  async function within<T>(call: ServiceCall, work: (store: Store) => T): Promise<T> {
    if (!SCRIPT_NAME.test(call.script)) throw refuse("there is no store for such a script name");
    try {
      const store = await storeOf(call.script);
      // The invocation may have ended meanwhile; what it asked for must not happen after that.
      call.signal.throwIfAborted();
      const result = work(store);
      broken.delete(call.script);
      return result;
    } catch (error) {
      if (error instanceof ProblemError || call.signal.aborted) throw error;
      options.onError?.(error, call.script);
      const full = sqliteCode(error) === "SQLITE_FULL";
      // After anything else the file is opened anew by the next call, so that a repaired one is found.
      if (!full) {
        close(call.script);
        broken.add(call.script);
      }
      throw new ProblemError("internal", full ? FULL : BROKEN, { cause: error });
    }
  }

  function write(store: Store, key: string, text: string | undefined, expiresAt: number | null | undefined): undefined {
    if (text === undefined) store.delete(key, now());
    else store.set(key, text, expiresAt, now());
  }

  return {
    methods: {
      async get(call, ...args) {
        const key = checkKey(args[0]);
        return within(call, (store) => {
          const text = store.get(key, now());
          return text === undefined ? null : (JSON.parse(text) as Json);
        });
      },
      async set(call, ...args) {
        const key = checkKey(args[0]);
        const text = encodeValue(args[1], limits.valueBytes);
        const expiresAt = checkExpiry(args[2], now()) ?? null;
        return within(call, (store) => write(store, key, text, expiresAt));
      },
      async delete(call, ...args) {
        const key = checkKey(args[0]);
        return within(call, (store) => store.delete(key, now()));
      },
      async list(call, ...args) {
        const { from, before, limit } = checkList(args[0], limits.listEntries);
        return within(call, (store) => {
          const { rows, more } = store.list({ from, before, entries: limit, bytes: limits.listBytes }, now());
          const entries = rows.map((row) => ({ key: row.key, value: JSON.parse(row.value) as Json }));
          const page: Json = more ? { entries, next: rows.at(-1)!.key } : { entries };
          return page;
        });
      },
      async increment(call, ...args) {
        const key = checkKey(args[0]);
        const by = args[1] ?? 1;
        if (typeof by !== "number" || !Number.isFinite(by)) throw refuse("increment takes a finite number");
        const expiresAt = checkExpiry(args[2], now()) ?? null;
        return within(call, (store) => {
          const text = store.get(key, now());
          const value: unknown = text === undefined ? 0 : JSON.parse(text);
          if (typeof value !== "number") {
            throw new ProblemError("conflict", "kv: increment needs a number, and the entry holds something else");
          }
          const sum = value + by;
          if (!Number.isFinite(sum)) throw new ProblemError("conflict", "kv: the sum is too large for a number");
          // A counter keeps the expiry of its first increment: that is what a counting window needs.
          write(store, key, JSON.stringify(sum), text === undefined ? expiresAt : undefined);
          return sum;
        });
      },
      async compareAndSet(call, ...args) {
        const key = checkKey(args[0]);
        const expected = encodeValue(args[1], limits.valueBytes);
        const text = encodeValue(args[2], limits.valueBytes);
        const expiresAt = checkExpiry(args[3], now()) ?? null;
        return within(call, (store) => {
          const present = store.get(key, now());
          if (!sameJson(present, expected)) return false;
          write(store, key, text, expiresAt);
          return true;
        });
      },
    },
    close,
    health() {
      if (broken.size === 0) return { ok: true };
      return { ok: open.size > 0, detail: `${broken.size === 1 ? "a store" : `${broken.size} stores`} cannot be used` };
    },
    dispose() {
      disposed = true;
      for (const script of open.keys()) close(script);
    },
  };
}

const FULL =
  "kv: the store is full (its share or the disk), and nothing was written; delete entries, or ask the operator";
const BROKEN = "kv: the store of this script cannot be used now; the engine's log has the cause";

function sqliteCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
  }
  return undefined;
}

/** Deep equality of two JSON texts; undefined is an absent entry. */
function sameJson(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return canonical(JSON.parse(a) as Json) === canonical(JSON.parse(b) as Json);
}
