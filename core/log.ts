/** The engine's log: JSON lines for machines, readable lines for people, in batches, at about a microsecond a line. */
import type { RequestLine } from "../sdk/plugin.ts";
import { createAccessLine } from "./log/access-line.ts";
import { quote } from "./log/escape.ts";
import { Members, type Fields } from "./log/json.ts";
import { prettyLine } from "./log/pretty.ts";
import type { ScriptLogs } from "./log/script-logs.ts";
import type { Secrets } from "./log/secrets.ts";

export type { Fields } from "./log/json.ts";

const LEVELS = ["debug", "info", "warn", "error"] as const;
const INFO = LEVELS.indexOf("info");
export type LogLevel = (typeof LEVELS)[number];

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /**
   * For levels that come as data, from a script's `console`. `detail` are fields for machines: they are left out where a
   * person reads, who is told otherwise.
   */
  at(level: LogLevel, message: string, fields?: Fields, detail?: Fields): void;
  /** Text for a person, as it is, between the lines; without secrets. */
  print(text: string): void;
  /** The same log with fields on every line. A line's own fields cannot take their names. */
  child(fields: Fields): Log;
  /** The line of one request, level `info`. */
  access(record: RequestLine): void;
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
  /** Values that no line may tell. */
  readonly secrets?: Secrets;
  /** Gets each line that has a script, too. */
  readonly scripts?: Pick<ScriptLogs, "add">;
}

/** The message of the line of one request. */
const REQUEST = "request";

/** Lines collect for this long: a few large writes a second instead of thousands of small ones. */
const BATCH_MS = 5;
/** Or until there are this many characters. */
const BATCH_CHARACTERS = 32 * 1024;

/** What all children of one log share: the clock's text, and the lines of this batch. */
class Batch {
  private text = "";
  private runs: Run[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private second = -1;
  private prefix = "";
  private startedAt = -1;
  private start = "";
  readonly accessLine = createAccessLine();

  constructor(readonly options: LogOptions) {}

  /** ISO time; the part up to the second is formatted once a second. */
  time(now = this.options.now()): string {
    const second = Math.floor(now / 1000);
    if (second !== this.second) {
      this.second = second;
      this.prefix = new Date(second * 1000).toISOString().slice(0, 20);
    }
    const rest = Math.floor(now) - second * 1000;
    return `${this.prefix}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
  }

  /** How an access line begins, without the brace; made once a millisecond. */
  accessStart(): string {
    const now = Math.floor(this.options.now());
    if (now !== this.startedAt) {
      this.startedAt = now;
      this.start = `"at":"${this.time(now)}","level":"info","message":"${REQUEST}",`;
    }
    return this.start;
  }

  add(line: string): void {
    this.text += line;
    if (this.text.length >= BATCH_CHARACTERS) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }

  /** A line that is for the log of a script as well. */
  addFor(script: string, line: string, requests: boolean): void {
    const from = this.text.length;
    const last = this.runs.at(-1);
    if (last && last.to === from && last.script === script && last.requests === requests) {
      last.to += line.length;
      last.lines++;
    } else this.runs.push({ script, requests, from, to: from + line.length, lines: 1 });
    this.add(line);
  }

  print(text: string): void {
    this.flush();
    this.options.write(this.options.secrets?.redact(text) ?? text);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.text === "") return;
    const { text, runs } = this;
    this.text = "";
    this.options.write(text);
    if (runs.length === 0) return;
    this.runs = [];
    for (const { script, requests, from, to, lines } of runs) {
      this.options.scripts?.add(script, { text: text.slice(from, to), lines }, requests);
    }
  }
}

/** Neighbouring lines of a batch that go to the same log: one piece of its text, instead of each line once more. */
interface Run {
  readonly script: string;
  readonly requests: boolean;
  readonly from: number;
  to: number;
  lines: number;
}

const OWN: ReadonlySet<string> = new Set(["at", "level", "message"]);

class EngineLog implements Log {
  /** Rendered once: `,"plugin":"cors"`. */
  private readonly members: string;
  private readonly taken: ReadonlySet<string>;
  private readonly own: Members;

  constructor(
    private readonly batch: Batch,
    private readonly fields: Fields,
  ) {
    this.members = new Members(OWN).text(fields);
    this.taken = new Set([...OWN, ...Object.keys(fields)]);
    this.own = new Members(this.taken);
  }

  /** Asked for each line: the config may change. */
  private get least(): number {
    return LEVELS.indexOf(this.batch.options.level);
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
  at(level: LogLevel, message: string, fields?: Fields, detail?: Fields): void {
    this.line(LEVELS.indexOf(level), message, fields, detail);
  }

  child(fields: Fields): Log {
    const renamed = Object.entries(fields).map(([name, value]) => [this.taken.has(name) ? `_${name}` : name, value]);
    return new EngineLog(this.batch, { ...this.fields, ...(Object.fromEntries(renamed) as Fields) });
  }

  access(record: RequestLine): void {
    if (this.least > INFO) return;
    const { batch } = this;
    const { format, scripts, secrets } = batch.options;
    if (format === "pretty" || this.members !== "") return this.accessFields(record);
    const line = batch.accessStart() + batch.accessLine(record);
    const told = secrets?.redactMembers(line) ?? line;
    if (scripts && record.script !== undefined) batch.addFor(record.script, `{${told}`, true);
    else batch.add(`{${told}`);
  }

  private accessFields(record: RequestLine): void {
    const { id, method, path, status, ip, script, clientRequestId } = record;
    const ms = Math.round(record.ms * 100) / 100;
    const route = record.route === undefined ? undefined : `${method} ${record.route}`;
    this.line(INFO, REQUEST, { id, method, path, status, ms, ip, script, kind: "http", route, clientRequestId });
  }

  print(text: string): void {
    this.batch.print(text);
  }

  flush(): void {
    this.batch.flush();
  }

  private line(index: number, message: string, fields: Fields = NONE, detail?: Fields): void {
    const level = LEVELS[index];
    if (index < this.least || level === undefined) return;
    const { batch } = this;
    const { format, scripts } = batch.options;
    const script = scripts && (this.fields["script"] ?? fields["script"]);
    if (typeof script === "string") {
      const line = this.json(level, message, fields, detail);
      const requests = isRequest(message, fields);
      if (format === "json") return batch.addFor(script, line, requests);
      scripts?.add(script, { text: line, lines: 1 }, requests);
    } else if (format === "json") return batch.add(this.json(level, message, fields, detail));
    this.pretty(level, message, fields);
  }

  private json(level: LogLevel, message: string, fields: Fields, detail: Fields | undefined): string {
    const { batch, members, own } = this;
    const more = own.text(fields) + (detail ? own.text(detail) : "");
    const line = `"at":"${batch.time()}","level":"${level}","message":${quote(message)}${members}${more}}\n`;
    return `{${batch.options.secrets?.redactMembers(line) ?? line}`;
  }

  private pretty(level: LogLevel, message: string, fields: Fields): void {
    const { batch } = this;
    const { colours = false, secrets } = batch.options;
    // The date is of no use to somebody who watches.
    const time = batch.time().slice(11, 23);
    const text = prettyLine(time, level, message, { ...this.fields, ...fields }, colours);
    batch.add(secrets?.redact(text) ?? text);
  }
}

const NONE: Fields = {};

/** A script may say "request" as well; what it says has a source. */
function isRequest(message: string, fields: Fields): boolean {
  return message === REQUEST && fields["source"] === undefined;
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
