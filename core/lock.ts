/** One engine per `data/`: makes the folder, and holds it until the process ends, however it ends. */
import { Database, SQLiteError } from "bun:sqlite";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { StartError } from "./errors.ts";

/** The folder cannot be used. `message` says why and what to do. */
export class DataDirError extends StartError {
  override readonly name = "DataDirError";
}

export interface DataDirLock {
  /** Tells a second engine where this one serves. */
  announce(url: string): void;
  release(): void;
}

/** What `data/run/engine.json` says of the engine that holds the folder. */
interface Holder {
  readonly pid: number;
  readonly startedAt: string;
  readonly url?: string;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there; give it the folder, or start with another --dir",
  EPERM: "this user may not write there; give it the folder, or start with another --dir",
  EROFS: "the file system is read-only; start with another --dir",
  ENOSPC: "the disk is full; make room and start again",
  EDQUOT: "the disk quota is used up; make room and start again",
  ENOTDIR: "a part of the path is a file, not a folder; move it away, or start with another --dir",
  ENOENT: "it is a link that leads nowhere; mend it, or start with another --dir",
  SQLITE_CANTOPEN: "it cannot be opened; check its owner and permissions",
  SQLITE_READONLY: "this user may not write to it; check its owner and permissions",
  SQLITE_NOTADB: "it is not a lock of this engine; remove it and start again",
  EEXIST: "it is a file, not a folder; move it away, or start with another --dir",
};

function cannot(dir: string, error: unknown): DataDirError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return new DataDirError(`Cannot keep data in ${dir}: ${REASONS[code] ?? (code || String(error))}.`, { cause: error });
}

/** Makes the folder and writes the files that make it ours; only the engine's own user can read it. */
function prepare(dir: string): void {
  mkdirSync(join(dir, "run"), { recursive: true, mode: 0o700 });
  try {
    writeFileSync(join(dir, ".gitignore"), "*\n", { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function describe(file: string): string {
  try {
    const { pid, startedAt, url } = JSON.parse(readFileSync(file, "utf8")) as Partial<Record<keyof Holder, unknown>>;
    if (!Number.isSafeInteger(pid)) return "";
    const since =
      typeof startedAt === "string" && !Number.isNaN(Date.parse(startedAt)) ? `, running since ${startedAt}` : "";
    const where = typeof url === "string" && /^https?:\/\/[\w.:[\]-]+\/?$/.test(url) ? `, serving ${url}` : "";
    return ` (process ${pid}${since}${where})`;
  } catch {
    // The holder has not written it yet, or it is damaged: the refusal stands, only the name is missing.
    return "";
  }
}

/**
 * Takes the folder for this process.
 *
 * The lock is SQLite's own exclusive lock on `data/lock`: it works on every platform, and the operating system drops it
 * when the process dies, SIGKILL included. A file with a process id would need guesses about who is still alive, and
 * guesses wrong across containers.
 *
 * @throws DataDirError when another engine holds it or it cannot be written.
 */
export function lockDataDir(dataDir: string, now: () => number = Date.now): DataDirLock {
  const dir = resolve(dataDir);
  const file = join(dir, "run", "engine.json");
  let database: Database | undefined;
  try {
    prepare(dir);
    database = new Database(join(dir, "lock"), { create: true, readwrite: true });
    database.run("PRAGMA locking_mode = EXCLUSIVE");
    database.run("BEGIN EXCLUSIVE");
    return hold(database, file, { pid: process.pid, startedAt: new Date(now()).toISOString() });
  } catch (error) {
    database?.close();
    if (!(error instanceof SQLiteError)) throw cannot(dir, error);
    if (error.code !== "SQLITE_BUSY") throw cannot(join(dir, "lock"), error);
    throw new DataDirError(
      `Another engine uses ${dir}${describe(file)}. Stop it first, or start this one with another --dir.`,
      { cause: error },
    );
  }
}

function hold(database: Database, file: string, holder: Holder): DataDirLock {
  const write = (more: { url?: string }): void => writeFileSync(file, `${JSON.stringify({ ...holder, ...more })}\n`);
  write({});
  return {
    announce: (url) => write({ url }),
    release() {
      // First the name, then the lock: the next engine may write its own name the moment the lock is free.
      rmSync(file, { force: true });
      database.close();
    },
  };
}
