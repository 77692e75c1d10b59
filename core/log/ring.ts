/** One log on disk, as its only writer: lines are appended, and the oldest file goes when there are too many bytes. */
import { appendFile, mkdir, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, listSegments, readTail, segmentOf, sizeAndTime, type Segment } from "./segments.ts";

/** So much of a log goes at once: an eighth of what is kept, */
const SEGMENTS = 8;
/** or this; the last file is read at the start, to count its lines. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
/** A disk that fails again and again leaves a file for each time. */
const MOST_SEGMENTS = 4096;
/** One write. */
const WRITE_CHARACTERS = 64 * 1024;

/** Whole lines, each with its line break. */
export interface Chunk {
  readonly text: string;
  readonly lines: number;
}

/** What a write that failed has cost. */
export interface Loss {
  /** Or fewer: of the piece that failed, some may have come to the disk. */
  readonly lines: number;
  readonly cause: unknown;
}

interface Held {
  readonly segment: Segment;
  bytes: number;
}

export class Ring {
  /** What lies on disk, oldest first; null while that is not known: at the start, and after a write that failed. */
  #held: Held[] | null = null;
  #epoch = 0;
  /** The number of the last line, written or lost. */
  #seq = 0;
  /** The number of the last line of the last file. */
  #written = 0;
  #skipped = 0;
  #closed = false;

  constructor(
    readonly folder: string,
    /** The most that is kept, in bytes. */
    private readonly maxBytes: () => number,
    private readonly now: () => number,
  ) {}

  /** Numbers after those of the last `append` that no line will have: who reads sees how many were lost. */
  skip(lines: number): void {
    this.#skipped += lines;
  }

  /** Nothing is made again in the folder: it is on its way to the trash. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Appends lines; answers what was lost. Never rejects: the next call goes on after what lies on disk.
   */
  async append(chunks: readonly Chunk[]): Promise<Loss | null> {
    const skipped = this.#skipped;
    this.#skipped = 0;
    let left = chunks.reduce((sum, { lines }) => sum + lines, 0);
    try {
      const held = (this.#held ??= await this.#recover());
      this.#seq += skipped;
      // A character is at most three bytes; a write is at most one file.
      for (const { text, lines } of pieces(chunks, Math.min(WRITE_CHARACTERS, this.#segmentBytes() / 3))) {
        const bytes = Buffer.from(text);
        await appendFile(await this.#place(held, bytes.length), bytes, { mode: 0o600 });
        this.#seq += lines;
        this.#written = this.#seq;
        left -= lines;
      }
      return null;
    } catch (error) {
      if (this.#held === null) this.#seq += skipped;
      this.#held = null;
      this.#seq += left;
      return { lines: left, cause: error };
    }
  }

  #segmentBytes(): number {
    return Math.min(SEGMENT_BYTES, this.maxBytes() / SEGMENTS);
  }

  /** The file that so many bytes go to; makes room for them. */
  async #place(held: Held[], bytes: number): Promise<string> {
    let last = held.at(-1);
    // A line's number is its place in its file: after a gap another file begins.
    if (!last || this.#written !== this.#seq || (last.bytes > 0 && last.bytes + bytes > this.#segmentBytes())) {
      last = { segment: segmentOf(this.#epoch, this.#seq + 1), bytes: 0 };
      held.push(last);
    }
    let total = held.reduce((sum, one) => sum + one.bytes, bytes);
    while (held.length > 1 && (total > this.maxBytes() || held.length > MOST_SEGMENTS)) {
      const [oldest] = held;
      if (!oldest) break;
      await unlink(join(this.folder, oldest.segment.name)).catch(unlessMissing);
      total -= oldest.bytes;
      held.shift();
    }
    last.bytes += bytes;
    return join(this.folder, last.segment.name);
  }

  /** Goes on where the last engine, or the last write, ended; half a line at the end is cut off. */
  async #recover(): Promise<Held[]> {
    if (this.#closed) throw new Error("the log is closed");
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const held: Held[] = [];
    for (const segment of await listSegments(this.folder)) {
      const bytes = (await sizeAndTime(join(this.folder, segment.name)))?.size ?? 0;
      held.push({ segment, bytes });
    }
    const last = held.at(-1);
    this.#written = -1;
    if (last) {
      const tail = await readTail(this.folder, last.segment);
      if (tail.end < tail.size) await truncate(join(this.folder, last.segment.name), tail.end);
      last.bytes = tail.end;
      this.#written = tail.seq;
      this.#seq = Math.max(this.#seq, tail.seq);
    }
    this.#epoch = last?.segment.epoch ?? (this.#epoch || this.now());
    return held;
  }
}

/** The same lines in pieces of about one size; a line that is longer is a piece. */
function* pieces(chunks: readonly Chunk[], most: number): Generator<Chunk> {
  let text = "";
  let lines = 0;
  for (const chunk of chunks) {
    if (lines > 0 && text.length + chunk.text.length > most) {
      yield { text, lines };
      text = "";
      lines = 0;
    }
    if (chunk.text.length > most && chunk.lines > 1) yield* pieces(linesOf(chunk), most);
    else {
      text += chunk.text;
      lines += chunk.lines;
    }
  }
  if (lines > 0) yield { text, lines };
}

function linesOf({ text }: Chunk): readonly Chunk[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => ({ text: `${line}\n`, lines: 1 }));
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
