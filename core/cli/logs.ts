/** `aiwebengine logs`: what the scripts of a folder said and were asked, from the files; with or without an engine. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { suggest } from "../config/suggest.ts";
import { StartError } from "../errors.ts";
import type { LogLevel } from "../log.ts";
import { printable } from "../log/escape.ts";
import { followLogs } from "../log/follow.ts";
import { prettyLine } from "../log/pretty.ts";
import { CursorError, queryLogs, scriptsWithData, type LogLine, type LogPage, type LogQuery } from "../log/query.ts";
import type { Call, Flags, Io } from "./command.ts";
import { COLOURED } from "./paint.ts";
import { UsageError } from "./parse.ts";

const LEVELS: readonly string[] = ["debug", "info", "warn", "error"] satisfies readonly LogLevel[];
/** What is shown when nothing says how much. */
const SHOWN = 200;
const SHOWN_BEFORE_FOLLOWING = 10;
/** Who asks for a time, an id or what follows a cursor wants all of it. */
const MOST = 100_000;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

interface Output {
  show(page: LogPage): void;
  /** Where to go on another day. */
  cursor(text: string): void;
}

/** Exit code 1 when there is no such log. */
export async function run({ args, flags, io }: Call): Promise<number> {
  const dataDir = join(resolve(flags.text("dir") ?? "."), "data");
  const query = readQuery(args[0], flags, Date.now());
  const output = flags.has("json") || process.stdout.isTTY !== true ? asJson(flags, io) : asText(io);
  try {
    if (flags.has("follow")) return await follow(dataDir, query, output);
    await mustKnow(dataDir, query.script);
    const page = await queryLogs(dataDir, query);
    output.show(page);
    output.cursor(page.cursor);
    return 0;
  } catch (error) {
    if (error instanceof CursorError) throw new UsageError(error.message, "logs");
    throw error;
  }
}

/** Until Ctrl-C, or until nobody reads any more. */
async function follow(dataDir: string, query: LogQuery, output: Output): Promise<number> {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  process.stdout.on("error", stop);
  let cursor = query.cursor ?? "";
  for await (const page of followLogs(dataDir, query, controller.signal)) {
    output.show(page);
    cursor = page.cursor;
  }
  output.cursor(cursor);
  return 0;
}

async function mustKnow(dataDir: string, script: string | undefined): Promise<void> {
  if (!existsSync(dataDir)) {
    throw new StartError(
      `There is no ${dataDir}: no engine has served that folder. Name the project folder: --dir DIR`,
    );
  }
  if (script === undefined) return;
  const names = await scriptsWithData(dataDir);
  if (names.includes(script)) return;
  const near = suggest(script, [...names]);
  const known = names.length === 0 ? "No script has one yet." : `There are: ${names.join(", ")}`;
  const hint = near === undefined ? known : `Did you mean ${near}?`;
  throw new StartError(`There is no log of a script ${JSON.stringify(script)} in ${dataDir}. ${hint}`);
}

function readQuery(script: string | undefined, flags: Flags, now: number): LogQuery {
  const [id, cursor, level] = [flags.text("id"), flags.text("cursor"), flags.text("level")];
  const since = readSince(flags.text("since"), now);
  if (level !== undefined && !LEVELS.includes(level)) {
    throw new UsageError(`--level takes one of ${LEVELS.join(", ")}, not ${JSON.stringify(level)}.`, "logs");
  }
  const usual = flags.has("follow") ? SHOWN_BEFORE_FOLLOWING : SHOWN;
  const limit = readLimit(flags.text("limit")) ?? ((since ?? id ?? cursor) ? MOST : usual);
  return { script, id, level: level as LogLevel | undefined, since, limit, cursor };
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : -1;
  if (limit < 0 || limit > MOST) {
    throw new UsageError(`--limit takes a number of lines up to ${MOST}, not ${JSON.stringify(text)}.`, "logs");
  }
  return limit;
}

/** `10m`: ten minutes ago; else a date. */
function readSince(text: string | undefined, now: number): Date | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit = ""] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  const date = new Date(amount === undefined ? text : now - Number(amount) * (UNITS[unit] ?? 0));
  if (!Number.isNaN(date.getTime())) return date;
  throw new UsageError(
    `--since takes a time such as 10m, 2h or 2026-01-31T12:00:00Z, not ${JSON.stringify(text)}.`,
    "logs",
  );
}

function asJson(flags: Flags, { stdout, stderr }: Io): Output {
  return {
    show(page) {
      if (page.lines.length > 0) stdout(`${page.lines.map((line) => printable(JSON.stringify(line))).join("\n")}\n`);
      tellDropped(page, stderr);
    },
    cursor(text) {
      // Not among the lines: each of those is a line of a log.
      if (flags.has("json") || flags.text("cursor") !== undefined) stderr(`cursor: ${text}\n`);
    },
  };
}

function asText({ stdout, stderr, paint }: Io): Output {
  const text = (line: LogLine): string => {
    const { seq: _, at, level, message, ...fields } = line;
    return prettyLine(at.slice(5, 23).replace("T", " "), level, message, fields, paint === COLOURED);
  };
  return {
    show(page) {
      if (page.lines.length > 0) stdout(page.lines.map(text).join(""));
      tellDropped(page, stderr);
    },
    cursor: () => {},
  };
}

function tellDropped({ dropped }: LogPage, stderr: (text: string) => void): void {
  if (dropped === 0) return;
  const lines = dropped === 1 ? "1 line was" : `${dropped} lines were`;
  stderr(`${lines} dropped: log.scriptBytes and log.requestBytes say how much is kept\n`);
}
