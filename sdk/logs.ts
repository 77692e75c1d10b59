/** The logs of scripts, as plugins read them. */

/** Which lines of the logs of scripts. */
export interface LogQuery {
  /** Of one script; else of all. */
  readonly script?: string | undefined;
  /** What one request caused: its `x-request-id`. Invocations that it began name it as their `parentId`. */
  readonly id?: string | undefined;
  /** This level and those above it. */
  readonly level?: LogLevel | undefined;
  /** Not older than this. */
  readonly since?: Date | undefined;
  /** At most so many lines, 200 by default: the newest ones, or with a cursor the first ones after it. */
  readonly limit?: number | undefined;
  /** Of an earlier answer to the same query. */
  readonly cursor?: string | undefined;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

/** As it was written; beside these whatever else it carries (`status`, `error`, `data`, …). */
export interface LogLine {
  /** The number of the line in its log; the requests of a script are a log of their own. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly script: string;
  /** Of the invocation: `http`. */
  readonly kind?: string;
  /** `GET /notes/:id` */
  readonly route?: string;
  /** The invocation. */
  readonly id?: string;
  readonly [field: string]: unknown;
}

export interface LogPage {
  /** Oldest first; the lines of one script in the order in which they were written. */
  readonly lines: readonly LogLine[];
  /** Where the next query goes on. */
  readonly cursor: string;
  /** Lines after the cursor that are gone, or were never written because the disk was full. Some may not have been asked for. */
  readonly dropped: number;
}

/** The logs of scripts, as `aiwebengine logs` reads them; the capability `logs`. A cursor that is none is a `CursorError`. */
export interface LogsCapability {
  query(query: LogQuery): Promise<LogPage>;
  /** Pages of lines as they are written, until the signal; the first holds those that are there already. */
  follow(query: LogQuery, signal: AbortSignal): AsyncIterable<LogPage>;
}
