/** One log on disk, as its only writer: lines are numbered and appended, and the oldest file goes when there are too many bytes. */
import { appendFile, mkdir, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isMissing, listSegments, readTail, segmentOf, sizeAndTime, type Segment } from "./segments.ts";

/** So much of a log goes at once: an eighth of what is kept. */
const SEGMENTS = 8;
/** One write. */
const WRITE_CHARACTERS = 64 * 1024;

interface Held {
  readonly segment: Segment;
  bytes: number;
}

/** What a write that failed has cost. */
export interface Loss {
  /** Or fewer: of the piece that failed, some may have come to the disk. */
  readonly lines: number;
  readonly cause: unknown;
}

export class Ring {
  /** What lies on disk, oldest first; null while that is not known: at the start, and after a write that failed. */
  #held: Held[] | null = null;
  #epoch = 0;
  #seq = 0;
  #skipped = 0;
  #closed = false;

  constructor(
    readonly folder: string,
    /** The most that is kept, in bytes. */
    private readonly maxBytes: () => number,
    private readonly now: () => number,
  ) {}

  /** Numbers after those of the last `append` that no line will have: who reads sees the gap, and knows how many were lost. */
  skip(lines: number): void {
    this.#skipped += lines;
  }

  /** Nothing is made again in the folder: it is on its way to the trash. */
  close(): void {
    this.#closed = true;
  }

  /**
   * Appends lines, each without its opening brace and with its line break; answers what was lost. Never rejects: the next
   * call goes on after what lies on disk.
   */
  async append(lines: readonly string[]): Promise<Loss | null> {
    const skipped = this.#skipped;
    this.#skipped = 0;
    let written = 0;
    let before = this.#seq + skipped;
    try {
      const held = (this.#held ??= await this.#recover());
      before = this.#seq += skipped;
      // A character is at most three bytes; a write is at most one segment.
      const most = Math.min(WRITE_CHARACTERS, this.maxBytes() / SEGMENTS / 3);
      for (let next = 0; next < lines.length; written = next) {
        let text = "";
        let seq = this.#seq;
        while (next < lines.length && text.length < most) text += `{"seq":${++seq},${lines[next++]}`;
        const bytes = Buffer.from(text);
        await appendFile(await this.#place(held, bytes.length), bytes, { mode: 0o600 });
        this.#seq = seq;
      }
      return null;
    } catch (error) {
      this.#held = null;
      this.#seq = before + lines.length;
      return { lines: lines.length - written, cause: error };
    }
  }

  /** The file that so many bytes go to; makes room for them. */
  async #place(held: Held[], bytes: number): Promise<string> {
    const most = this.maxBytes();
    let last = held.at(-1);
    if (!last || (last.bytes > 0 && last.bytes + bytes > most / SEGMENTS)) {
      last = { segment: segmentOf(this.#epoch, this.#seq + 1), bytes: 0 };
      held.push(last);
    }
    let total = held.reduce((sum, one) => sum + one.bytes, bytes);
    while (total > most && held.length > 1) {
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
    if (last) {
      const tail = await readTail(this.folder, last.segment);
      if (tail.end < tail.size) await truncate(join(this.folder, last.segment.name), tail.end);
      last.bytes = tail.end;
      this.#seq = Math.max(this.#seq, tail.seq);
    }
    this.#epoch = last?.segment.epoch ?? (this.#epoch || this.now());
    return held;
  }
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
