/** The engine's log: JSON lines for machines, readable lines for people, in batches, at about a microsecond a line. */
import { quote } from "./log/escape.ts";
import { toMembers, type Fields } from "./log/json.ts";
import { prettyLine } from "./log/pretty.ts";

export type { Fields } from "./log/json.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LEVELS)[number];

/** One answered request. `path` is without the query, which may hold secrets. */
export interface AccessRecord {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Milliseconds; two decimals are kept. */
  readonly ms: number;
  readonly ip: string;
  /** The script that answered, when one did. */
  readonly script?: string | null | undefined;
}

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** For levels that come as data, from a script's `console`. */
  at(level: LogLevel, message: string, fields?: Fields): void;
  /** The same log with fields on every line. A line's own fields cannot take their names. */
  child(fields: Fields): Log;
  /** The line of one request, level `info`. */
  access(record: AccessRecord): void;
  /** Hands over what was collected in this turn: on exit and abort, and in tests. */
  flush(): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "json" | "pretty";
  /** Colours in the pretty format. */
  readonly colours?: boolean;
  /** Gets whole lines, many at once. Must not throw; `createSink` makes one. */
  readonly write: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Lines collect for this long: a few large writes a second instead of thousands of small ones. */
const BATCH_MS = 5;
/** Or until there are this many characters. */
const BATCH_CHARACTERS = 32 * 1024;

/** What all children of one log share: the clock's text, and the lines of this batch. */
class Batch {
  private text = "";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private second = -1;
  private prefix = "";

  constructor(readonly options: LogOptions) {}

  /** ISO time; the part up to the second is formatted once a second. */
  time(): string {
    const now = this.options.now();
    const second = Math.floor(now / 1000);
    if (second !== this.second) {
      this.second = second;
      this.prefix = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const rest = Math.floor(now) - second * 1000;
    return `${this.prefix}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
  }

  add(line: string): void {
    this.text += line;
    if (this.text.length >= BATCH_CHARACTERS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.text === "") return;
    const text = this.text;
    this.text = "";
    this.options.write(text);
  }
}

const OWN: ReadonlySet<string> = new Set(["at", "level", "message"]);

class EngineLog implements Log {
  /** Rendered once: `,"script":"shop"`. */
  private readonly members: string;
  private readonly taken: ReadonlySet<string>;
  private readonly least: number;

  constructor(
    private readonly batch: Batch,
    private readonly fields: Fields,
  ) {
    this.members = toMembers(fields, OWN);
    this.taken = new Set([...OWN, ...Object.keys(fields)]);
    this.least = LEVELS.indexOf(batch.options.level);
  }

  debug(message: string, fields?: Fields): void {
    this.line(0, message, fields);
  }
  info(message: string, fields?: Fields): void {
    this.line(1, message, fields);
  }
  warn(message: string, fields?: Fields): void {
    this.line(2, message, fields);
  }
  error(message: string, fields?: Fields): void {
    this.line(3, message, fields);
  }
  at(level: LogLevel, message: string, fields?: Fields): void {
    this.line(LEVELS.indexOf(level), message, fields);
  }

  child(fields: Fields): Log {
    const renamed = Object.entries(fields).map(([name, value]) => [this.taken.has(name) ? `_${name}` : name, value]);
    return new EngineLog(this.batch, { ...this.fields, ...(Object.fromEntries(renamed) as Fields) });
  }

  access(record: AccessRecord): void {
    if (this.least > 1) return;
    const { batch } = this;
    const ms = Math.round(record.ms * 100) / 100;
    if (batch.options.format === "pretty") {
      const { id, script, ip } = record;
      const message = `${record.method} ${record.path} ${record.status} ${ms}ms`;
      this.pretty("info", message, { script: script ?? undefined, ip, id });
      return;
    }
    const script = record.script === null || record.script === undefined ? "" : `,"script":${quote(record.script)}`;
    batch.add(
      `{"at":"${batch.time()}","level":"info","message":"request"${this.members},"id":${quote(record.id)},"method":${quote(record.method)},"path":${quote(record.path)},"status":${record.status},"ms":${ms},"ip":${quote(record.ip)}${script}}\n`,
    );
  }

  flush(): void {
    this.batch.flush();
  }

  private line(index: number, message: string, fields?: Fields): void {
    const level = LEVELS[index];
    if (index < this.least || level === undefined) return;
    const { batch } = this;
    if (batch.options.format === "pretty") {
      this.pretty(level, message, { ...this.fields, ...fields });
      return;
    }
    const members = fields ? toMembers(fields, this.taken) : "";
    batch.add(`{"at":"${batch.time()}","level":"${level}","message":${quote(message)}${this.members}${members}}\n`);
  }

  private pretty(level: LogLevel, message: string, fields: Fields): void {
    // The date is of no use to somebody who watches.
    const time = this.batch.time().slice(11, 23);
    this.batch.add(prettyLine(time, level, message, fields, this.batch.options.colours ?? false));
  }
}

/**
 * A log that collects lines and writes them in batches.
 *
 * @example const log = createLog({ level: "info", format: "json", write: sink.write, now: Date.now });
 */
export function createLog(options: LogOptions): Log {
  return new EngineLog(new Batch(options), {});
}

/** What `log.format = "auto"` means here. */
export function resolveFormat(format: "auto" | "json" | "pretty", terminal: boolean, dev: boolean): "json" | "pretty" {
  if (format !== "auto") return format;
  return terminal || dev ? "pretty" : "json";
}

/** The line that stands for lines that were lost; for `createSink`. */
export function droppedNotice(options: Pick<LogOptions, "format" | "now">): (lines: number) => string {
  return (lines) => {
    let text = "";
    const write = (line: string): void => void (text += line);
    const log = createLog({ level: "warn", format: options.format, write, now: options.now });
    log.warn("log lines were lost: the reader of the log is too slow", { lines });
    log.flush();
    return text;
  };
}
