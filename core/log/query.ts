/** What the logs of scripts say: asked once, page by page, or followed. Works beside a running engine and without one. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { LogLevel, LogLine, LogPage, LogQuery } from "../../sdk/plugin.ts";
import { readCursor, writeCursor, type Position } from "./cursor.ts";
import { readNewest, type OpenLog } from "./newest.ts";
import { RingReader, type ReadLine } from "./ring-reader.ts";
import { logFolder, REQUESTS, SCRIPT_NAME } from "./script-logs.ts";
import { isMissing } from "./segments.ts";

export type { LogLine, LogPage, LogQuery };

/** The cursor is none, or of another program. */
export class CursorError extends Error {
  override readonly name = "CursorError";
  constructor() {
    super("The cursor is not one that the logs gave. Leave it out to begin with the newest lines.");
  }
}

const LIMIT = 200;

/** Reads the logs of scripts; stands between two pages where the last one ended. */
export class LogReader {
  readonly #dataDir: string;
  readonly #query: LogQuery;
  readonly #logs = new Map<string, RingReader>();
  readonly #after: ReadonlyMap<string, Position> | null;
  readonly #since: string;

  /** @throws CursorError */
  constructor(dataDir: string, query: LogQuery) {
    this.#dataDir = dataDir;
    this.#query = query;
    this.#after = query.cursor === undefined ? null : readCursor(query.cursor);
    if (this.#after === null && query.cursor !== undefined) throw new CursorError();
    this.#since = query.since?.toISOString() ?? "";
  }

  get cursor(): string {
    // A log that is not asked for, or not there now, is not forgotten.
    const positions = new Map(this.#after);
    for (const [name, { position }] of this.#logs) if (position !== null) positions.set(name, position);
    return writeCursor(positions);
  }

  /** The newest lines; the next page goes on after them. */
  async newest(limit = this.#query.limit ?? LIMIT): Promise<LogPage> {
    await this.#look();
    const open: OpenLog[] = [...this.#logs].map(([name, reader]) => ({ name, reader }));
    const lines = await readNewest(open, limit, this.#since, (line) => this.#match(line));
    return { lines, cursor: this.cursor, dropped: 0 };
  }

  /** The first lines after the last page. */
  async page(limit = this.#query.limit ?? LIMIT): Promise<LogPage> {
    await this.#look();
    const lines: LogLine[] = [];
    let dropped = 0;
    let heads = await Promise.all([...this.#logs].map(([name, reader]) => headOf(name, reader)));
    heads = heads.filter(({ line }) => line !== undefined);
    while (heads.length > 0 && lines.length < limit) {
      const first = heads.reduce((best, one) => (comesBefore(one, best) ? one : best));
      const line = first.line as ReadLine;
      first.reader.take();
      dropped += line.gap;
      const shown = line.at >= this.#since ? this.#match(line) : null;
      if (shown) lines.push(shown);
      first.line = await first.reader.peek();
      if (first.line === undefined) heads = heads.filter((one) => one !== first);
    }
    return { lines, cursor: this.cursor, dropped };
  }

  /** Something was written to the log of a script; null: perhaps to any. */
  touch(script: string | null): void {
    for (const [name, reader] of this.#logs) {
      if (script === null || name === script || name === `${script}/${REQUESTS}`) reader.stale = true;
    }
  }

  /** Finds the logs that there are now. */
  async #look(): Promise<void> {
    const { script } = this.#query;
    const names = script === undefined ? await scriptsWithData(this.#dataDir) : [script];
    for (const name of names) {
      const folder = logFolder(this.#dataDir, name);
      this.#open(name, folder);
      this.#open(`${name}/${REQUESTS}`, join(folder, REQUESTS));
    }
  }

  #open(name: string, folder: string): void {
    if (this.#logs.has(name)) return;
    // One that began after the cursor was given is new from its first line on.
    const after = this.#after === null ? null : (this.#after.get(name) ?? { epoch: 0, seq: 0 });
    this.#logs.set(name, new RingReader(folder, after));
  }

  #match({ seq, level, text }: ReadLine): LogLine | null {
    const { id, level: least = "debug" } = this.#query;
    if (LEVELS.indexOf(level) < LEVELS.indexOf(least)) return null;
    // Before it is parsed: mostly another one.
    if (id !== undefined && !text.includes(id)) return null;
    try {
      const line = { seq, ...(JSON.parse(text) as Omit<LogLine, "seq">) } as LogLine;
      return id === undefined || line.id === id || line["parentId"] === id ? line : null;
    } catch {
      return null; // its head is whole and its end is not: the machine lost power while it was written
    }
  }
}

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

interface Head {
  readonly name: string;
  readonly reader: RingReader;
  line: ReadLine | undefined;
}

async function headOf(name: string, reader: RingReader): Promise<Head> {
  return { name, reader, line: await reader.peek() };
}

/** By time; of one millisecond what the script said before the request that ended then. */
function comesBefore(one: Head, other: Head): boolean {
  const [a, b] = [one.line?.at ?? "", other.line?.at ?? ""];
  if (a !== b) return a < b;
  const [c, d] = [one.name.includes("/"), other.name.includes("/")];
  return c === d ? one.name < other.name : d;
}

/** The names of the scripts that have, or had, something on disk. */
export async function scriptsWithData(dataDir: string): Promise<readonly string[]> {
  try {
    return (await readdir(join(dataDir, "scripts"))).filter((name) => SCRIPT_NAME.test(name)).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * The lines of the logs of scripts that fit a query.
 *
 * @example const { lines, cursor } = await queryLogs(dataDir, { script: "shop", level: "warn", limit: 50 });
 * @throws CursorError
 */
export function queryLogs(dataDir: string, query: LogQuery = {}): Promise<LogPage> {
  const reader = new LogReader(dataDir, query);
  return query.cursor === undefined ? reader.newest() : reader.page();
}
