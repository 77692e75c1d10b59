/**
 * The files of a log: `<epoch>-<first>.jsonl`, lines of JSON. `first` is the number of its first line, each further line has
 * the next one; numbers go on in the next file, and one that is left out was a line that is lost. The epoch is the time at which the log was begun: a script that was removed and comes
 * back has a new log, whose numbers begin again and must not be taken for the old one's.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LogLevel } from "../log.ts";

export interface Segment {
  readonly name: string;
  readonly epoch: number;
  /** The sequence number of its first line. */
  readonly first: number;
}

const NAME = /^(\d{15})-(\d{15})\.jsonl$/;
/** How each line begins; whoever reads parses the rest only of lines that are asked for. */
const HEAD = /^\{"at":"([\d:.TZ-]{24})","level":"(debug|info|warn|error)",/;
const NEWLINE = 0x0a;

export function segmentOf(epoch: number, first: number): Segment {
  const digits = (value: number): string => String(value).padStart(15, "0");
  return { name: `${digits(epoch)}-${digits(first)}.jsonl`, epoch, first };
}

/** In the order in which they were written. A folder that is not there has none. */
export async function listSegments(folder: string): Promise<readonly Segment[]> {
  const names = await readdir(folder).catch(emptyIfMissing);
  return names.toSorted().flatMap((name) => {
    const [, epoch, first] = NAME.exec(name) ?? [];
    return first === undefined ? [] : [{ name, epoch: Number(epoch), first: Number(first) }];
  });
}

/** Null when it is gone. */
export async function sizeAndTime(path: string): Promise<{ readonly size: number; readonly mtimeMs: number } | null> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

export interface LineHead {
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly level: LogLevel;
}

/** Null for what is no line of a log: the torn end of a write that the machine's power did not outlast. */
export function readHead(line: string): LineHead | null {
  const [, at = "", level] = HEAD.exec(line) ?? [];
  return level === undefined ? null : { at, level: level as LogLevel };
}

/** The whole lines of a piece of a file, and how many bytes they are: what follows them may still be being written. */
export function wholeLines(bytes: Uint8Array): { readonly lines: readonly string[]; readonly bytes: number } {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  if (end === 0) return { lines: [], bytes: 0 };
  return { lines: new TextDecoder().decode(bytes.subarray(0, end - 1)).split("\n"), bytes: end };
}

export interface Tail {
  /** The number of its last whole line; the one before its first when it has none. */
  readonly seq: number;
  /** Where its last whole line ends. */
  readonly end: number;
  readonly size: number;
}

export async function readTail(folder: string, { name, first }: Segment): Promise<Tail> {
  const bytes = await Bun.file(join(folder, name)).bytes().catch(noneIfMissing);
  let lines = 0;
  let end = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, end)) {
    lines++;
    end = at + 1;
  }
  return { seq: first - 1 + lines, end, size: bytes.length };
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function emptyIfMissing(error: unknown): string[] {
  if (isMissing(error)) return [];
  throw error;
}

/** What is removed while it is read has nothing more to say. */
export function noneIfMissing(error: unknown): Uint8Array<ArrayBuffer> {
  if (isMissing(error)) return new Uint8Array(0);
  throw error;
}
