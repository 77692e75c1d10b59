/**
 * Reads one log while somebody may be writing it, without a lock: line after line, each once, also where files come and go
 * meanwhile. What went before it could be read is counted.
 */
import { join } from "node:path";
import type { Position } from "./cursor.ts";
import { listSegments, noneIfMissing, readHead, wholeLines, type LineHead, type Segment } from "./segments.ts";

/** Thousands of logs are read side by side. */
const PIECE_BYTES = 64 * 1024;

export interface ReadLine extends LineHead {
  readonly seq: number;
  readonly epoch: number;
  /** As it stands in the file. */
  readonly text: string;
  /** Lines that are missing before it. */
  readonly gap: number;
}

export class RingReader {
  /** Lines that were read and not taken yet; the last one comes next. */
  #ready: ReadLine[] = [];
  #segment: Segment | null = null;
  /** Bytes of the segment that were read, and the number of the last line of them. */
  #offset = 0;
  #number = 0;
  #taken: Position | null;
  /** The number of the last line that was read: ahead of what was taken. */
  #read: Position | null;
  /** Something may have been written since the last look. */
  stale = true;

  /** @param after where to go on; null: at the oldest line there is, whatever went before it. */
  constructor(
    readonly folder: string,
    after: Position | null,
  ) {
    this.#taken = after;
    this.#read = after;
  }

  /** Where `take` stands; null before the first line. */
  get position(): Position | null {
    return this.#taken;
  }

  /** Goes on behind a place in a file that somebody has already looked at. */
  jump(segment: Segment, seq: number, offset: number): void {
    this.#ready = [];
    this.#segment = segment;
    this.#offset = offset;
    this.#number = seq;
    this.#read = this.#taken = { epoch: segment.epoch, seq };
  }

  /** The next line without taking it; undefined at the end, for now. */
  async peek(): Promise<ReadLine | undefined> {
    while (this.#ready.length === 0 && this.stale) await this.#fill();
    return this.#ready.at(-1);
  }

  take(): void {
    const line = this.#ready.pop();
    if (line) this.#taken = { epoch: line.epoch, seq: line.seq };
  }

  /** One more piece; `stale` ends when there is none. */
  async #fill(): Promise<void> {
    // Before the look, so that what is written during it is looked for again.
    this.stale = false;
    if (await this.#more()) return;
    const next = await this.#next();
    // The writer may have ended the old file after we last looked at it; now it does not touch it any more.
    if (next === null || (await this.#more())) return;
    this.#segment = next;
    this.#offset = 0;
    this.#number = next.first - 1;
    this.stale = true;
  }

  async #more(): Promise<boolean> {
    if (this.#segment === null || !(await this.#piece(this.#segment))) return false;
    this.stale = true;
    return true;
  }

  /** The file after this one. */
  async #next(): Promise<Segment | null> {
    const segments = await listSegments(this.folder);
    if (this.#segment === null) return this.#begin(segments);
    const { name } = this.#segment;
    return segments.find((one) => one.name > name) ?? null;
  }

  /** The file in which the reader goes on. */
  #begin(segments: readonly Segment[]): Segment | null {
    const after = this.#read;
    if (after === null) return segments[0] ?? null;
    const here = segments.findLast(({ epoch, first }) => epoch === after.epoch && first <= after.seq + 1);
    // Else what it had come to is gone. All are older: an old log was brought back, or the clock went back.
    return here ?? segments.find(({ epoch }) => epoch >= after.epoch) ?? segments[0] ?? null;
  }

  /** Reads on in a file; false at its end. */
  async #piece(segment: Segment): Promise<boolean> {
    const file = Bun.file(join(this.folder, segment.name));
    for (let most = PIECE_BYTES; ; most *= 2) {
      const piece = await file
        .slice(this.#offset, this.#offset + most)
        .bytes()
        .catch(noneIfMissing);
      const { lines, bytes } = wholeLines(piece);
      // A line that is longer than the piece.
      if (bytes === 0 && piece.length === most) continue;
      this.#offset += bytes;
      const ready = lines.flatMap((text) => this.#line(text, segment) ?? []);
      this.#ready = ready.toReversed();
      return bytes > 0;
    }
  }

  #line(text: string, { epoch }: Segment): ReadLine | null {
    const seq = ++this.#number;
    const head = readHead(text);
    if (!head) return null;
    const before = this.#read;
    const expected = before === null ? seq : before.epoch === epoch ? before.seq + 1 : 1;
    if (seq < expected) return null;
    this.#read = { epoch, seq };
    return { ...head, seq, epoch, text, gap: seq - expected };
  }
}
