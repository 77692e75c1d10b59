/** One script's key-value database: drizzle over bun:sqlite, in one file, every operation synchronous and so atomic. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { Database, type Statement } from "bun:sqlite";
import { and, asc, eq, gt, gte, inArray, isNotNull, isNull, lt, lte, or, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/bun-sqlite";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { STORE_END } from "./key.ts";

/** `bytes` is kept beside the value so that a listing can be measured without reading any value. */
const entries = sqliteTable("entries", {
  key: text().primaryKey(),
  value: text().notNull(),
  bytes: integer().notNull(),
  expiresAt: integer("expires_at"),
});

/** The same table for a new file. Text compares by its UTF-8 bytes (BINARY collation). */
const SCHEMA = `
create table if not exists entries (
  key text primary key not null, value text not null, bytes integer not null, expires_at integer) strict;
create index if not exists entries_expiry on entries (expires_at) where expires_at is not null;`;

const PAGE_BYTES = 4096;

export interface StoreLimits {
  /** The largest the file may grow; a write beyond it fails as a full disk does. */
  readonly databaseBytes: number;
  /** How many expired entries one write removes at most: a write adds one, so a few keep pace. */
  readonly sweep: number;
}

/** A half-open range of keys, and what an answer may hold. */
export interface StoreRange {
  readonly from: string;
  readonly before: string;
  readonly entries: number;
  readonly bytes: number;
}

export interface Store {
  /** The JSON text of a live entry. */
  get(key: string, now: number): string | undefined;
  /** `expiresAt`: a time, null for never, undefined to leave it as it is. */
  set(key: string, value: string, expiresAt: number | null | undefined, now: number): void;
  delete(key: string, now: number): boolean;
  /** `more`: entries of the range were left out. At least one entry is given where there is one. */
  list(range: StoreRange, now: number): { readonly rows: readonly { key: string; value: string }[]; more: boolean };
  close(): void;
}

/** Opens or creates the file. Throws what SQLite or the file system throws. */
export function openStore(path: string, limits: StoreLimits): Store {
  mkdirSync(dirname(path), { recursive: true });
  const client = new Database(path, { create: true, readwrite: true });
  try {
    configure(client, limits);
    return prepare(client, limits);
  } catch (error) {
    client.close();
    throw error;
  }
}

function configure(client: Database, limits: StoreLimits): void {
  // The engine's lock on data/ keeps other writers out; the short wait is for a backup tool that reads.
  client.run("pragma busy_timeout = 250");
  client.run(`pragma page_size = ${PAGE_BYTES}`);
  client.run("pragma journal_mode = wal");
  client.run("pragma synchronous = normal");
  client.run("pragma trusted_schema = off");
  // Many databases may be open at once: 512 KiB of cache each, and a log that shrinks again.
  client.run("pragma cache_size = -512");
  client.run("pragma journal_size_limit = 4194304");
  client.run(`pragma max_page_count = ${Math.max(16, Math.floor(limits.databaseBytes / PAGE_BYTES))}`);
  client.run(SCHEMA);
}

function prepare(client: Database, limits: StoreLimits): Store {
  // A statement that is not finalised keeps the file open after close(), so each one is remembered.
  const statements: Statement[] = [];
  const compile = client.prepare.bind(client);
  client.prepare = ((text: string) => {
    const statement = compile(text);
    statements.push(statement);
    return statement;
  }) as typeof client.prepare;

  const db = drizzle(client);
  const param = sql.placeholder;
  const live = or(isNull(entries.expiresAt), gt(entries.expiresAt, param("now")));
  const value = {
    key: param("key"),
    value: param("value"),
    bytes: param("bytes"),
    expiresAt: param("expiresAt"),
  };
  const fresh = { value: sql`excluded.value`, bytes: sql`excluded.bytes` };

  const get = db
    .select({ value: entries.value })
    .from(entries)
    .where(and(eq(entries.key, param("key")), live))
    .prepare();
  const put = db
    .insert(entries)
    .values(value)
    .onConflictDoUpdate({ target: entries.key, set: { ...fresh, expiresAt: sql`excluded.expires_at` } })
    .prepare();
  const keep = db.insert(entries).values(value).onConflictDoUpdate({ target: entries.key, set: fresh }).prepare();
  const remove = db
    .delete(entries)
    .where(and(eq(entries.key, param("key")), live))
    .returning({ key: entries.key })
    .prepare();
  const measure = db
    .select({ key: entries.key, bytes: entries.bytes })
    .from(entries)
    .where(and(gte(entries.key, param("from")), lt(entries.key, param("before")), live))
    .orderBy(asc(entries.key))
    .limit(param("limit"))
    .prepare();
  const read = db
    .select({ key: entries.key, value: entries.value })
    .from(entries)
    .where(and(gte(entries.key, param("from")), lte(entries.key, param("last")), live))
    .orderBy(asc(entries.key))
    .prepare();
  const sweep = db
    .delete(entries)
    .where(
      inArray(
        entries.key,
        db
          .select({ key: entries.key })
          .from(entries)
          .where(lte(entries.expiresAt, param("now")))
          .orderBy(asc(entries.expiresAt))
          .limit(limits.sweep),
      ),
    )
    .prepare();

  const earliest = db
    .select({ at: entries.expiresAt })
    .from(entries)
    .where(isNotNull(entries.expiresAt))
    .orderBy(asc(entries.expiresAt))
    .limit(1)
    .prepare();
  /** No entry expires before this time, so no write before it need sweep. */
  let due = 0;

  return {
    get: (key, now) => get.get({ key, now })?.value,
    set(key, text, expiresAt, now) {
      if (due <= now) {
        sweep.run({ now });
        due = earliest.get()?.at ?? Infinity;
      }
      if (typeof expiresAt === "number") due = Math.min(due, expiresAt);
      const row = { key, value: text, bytes: Buffer.byteLength(text), expiresAt: expiresAt ?? null };
      if (expiresAt === undefined) keep.run(row);
      else put.run(row);
    },
    delete: (key, now) => remove.all({ key, now }).length > 0,
    list(range, now) {
      const { from, before = STORE_END } = range;
      const measured = measure.all({ from, before, limit: range.entries + 1, now });
      let count = 0;
      for (let bytes = 0; count < Math.min(measured.length, range.entries); count++) {
        const row = measured[count]!;
        bytes += row.bytes + Buffer.byteLength(row.key);
        if (bytes > range.bytes && count > 0) break;
      }
      if (count === 0) return { rows: [], more: false };
      const rows = read.all({ from, last: measured[count - 1]!.key, now });
      return { rows, more: count < measured.length };
    },
    close() {
      for (const statement of statements) statement.finalize();
      client.close(true);
    },
  };
}
