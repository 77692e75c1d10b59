/** The newest lines of several logs, found from their ends: what is kept of a year of logs is not read for the last ten lines. */
import { join } from "node:path";
import type { LogLine } from "./query.ts";
import type { ReadLine, RingReader } from "./ring-reader.ts";
import { listSegments, noneIfMissing, readHead, readTail, sizeAndTime, wholeLines, type Segment } from "./segments.ts";

export interface OpenLog {
  /** `shop`, `shop/requests`. */
  readonly name: string;
  readonly reader: RingReader;
}

interface Piece {
  readonly log: string;
  readonly path: string;
  readonly segment: Segment;
  /** When it was last written to: none of its lines is newer. */
  readonly until: string;
  /** Lines after it were written after the look. */
  readonly lastSeq: number;
}

interface Found {
  readonly log: string;
  readonly head: ReadLine;
  readonly line: LogLine;
}

const AT_ONCE = 16;

/** The readers go on behind what was there at the time of the look, whether it was answered or not. */
export async function readNewest(
  logs: readonly OpenLog[],
  limit: number,
  since: string,
  match: (line: ReadLine) => LogLine | null,
): Promise<readonly LogLine[]> {
  const pieces = await piecesOfAll(logs);
  pieces.sort((a, b) => compare(b.until, a.until) || b.segment.first - a.segment.first);
  let found: Found[] = [];
  for (const piece of pieces) {
    if (piece.until < since) break;
    const oldest = found[0];
    if (found.length >= limit && oldest && piece.until < oldest.head.at) break;
    found.push(...(await readPiece(piece, since, match)));
    found.sort((a, b) => compare(a.head.at, b.head.at));
    found = found.slice(Math.max(0, found.length - limit));
  }
  return inOrder(found).map(({ line }) => line);
}

/** Some at a time: each is read to its end, to know the number of its last line. */
async function piecesOfAll(logs: readonly OpenLog[]): Promise<Piece[]> {
  const pieces: Piece[] = [];
  for (let at = 0; at < logs.length; at += AT_ONCE) {
    pieces.push(...(await Promise.all(logs.slice(at, at + AT_ONCE).map(piecesOf))).flat());
  }
  return pieces;
}

async function piecesOf({ name, reader }: OpenLog): Promise<readonly Piece[]> {
  const segments = await listSegments(reader.folder);
  const last = segments.at(-1);
  if (!last) return [];
  const tail = await readTail(reader.folder, last);
  reader.jump(last, tail.seq, tail.end);
  const pieces = segments.map(async (segment): Promise<Piece | null> => {
    const path = join(reader.folder, segment.name);
    const found = await sizeAndTime(path);
    // Rounded up: times of files may be coarser than those of lines.
    const until = new Date((found?.mtimeMs ?? 0) + 1000).toISOString();
    return found && { log: name, path, segment, until, lastSeq: segment === last ? tail.seq : Number.MAX_SAFE_INTEGER };
  });
  return (await Promise.all(pieces)).filter((piece) => piece !== null);
}

async function readPiece(
  { log, path, segment, lastSeq }: Piece,
  since: string,
  match: (line: ReadLine) => LogLine | null,
): Promise<readonly Found[]> {
  const { lines } = wholeLines(await Bun.file(path).bytes().catch(noneIfMissing));
  const found: Found[] = [];
  for (const [index, text] of lines.entries()) {
    const seq = segment.first + index;
    const start = readHead(text);
    if (!start || seq > lastSeq || start.at < since) continue;
    const head = { ...start, seq, epoch: segment.epoch, text, gap: 0 };
    const line = match(head);
    if (line) found.push({ log, head, line });
  }
  return found;
}

/** By time; one log by its numbers, whatever the clock did meanwhile. */
function inOrder(found: readonly Found[]): readonly Found[] {
  let before: Found | undefined;
  let when = "";
  const timed = found
    .toSorted((a, b) => compare(a.log, b.log) || a.head.epoch - b.head.epoch || a.head.seq - b.head.seq)
    .map((one) => {
      when = before?.log === one.log && when > one.head.at ? when : one.head.at;
      before = one;
      return { one, when };
    });
  // Of one millisecond what the script said before the request that ended then. The sort is stable.
  const rank = ({ one }: { readonly one: Found }): number => (one.log.includes("/") ? 1 : 0);
  return timed.toSorted((a, b) => compare(a.when, b.when) || rank(a) - rank(b)).map(({ one }) => one);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
