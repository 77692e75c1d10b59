/**
 * Reads what Redis answers, as it comes: https://redis.io/docs/latest/develop/reference/protocol-spec/ (RESP2). A text that
 * is too long is passed over without being held: whoever may write to a channel shall not fill the engine's memory.
 */

/** An answer that begins with `-`. */
export class Refusal {
  constructor(readonly message: string) {}
}

/** Stands for a text that was passed over. */
export const TOO_LONG: unique symbol = Symbol("too long");

export type Reply = string | number | null | Refusal | typeof TOO_LONG | readonly Reply[];

const MAX_LINE = 4096;
/** An engine asks nothing whose answer is longer, or deeper. */
const MAX_ITEMS = 16;
const MAX_DEPTH = 4;
const LINE_END = Buffer.from("\r\n");

interface Frame {
  left: number;
  readonly items: Reply[];
}

export class Replies {
  readonly #maxBytes: number;
  readonly #onReply: (reply: Reply) => void;
  #rest: Buffer = Buffer.alloc(0);
  #skip = 0;
  /** Bytes of the text that comes; -1 while a line is expected. */
  #text = -1;
  readonly #open: Frame[] = [];

  /** `maxBytes` of one text. */
  constructor(maxBytes: number, onReply: (reply: Reply) => void) {
    this.#maxBytes = maxBytes;
    this.#onReply = onReply;
  }

  /** @throws Error when it is no answer of Redis; nothing more can be read then. */
  push(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#step());
  }

  /** Answers whether there may be more to read. */
  #step(): boolean {
    if (this.#skip > 0) {
      const gone = Math.min(this.#skip, this.#rest.length);
      this.#skip -= gone;
      this.#rest = this.#rest.subarray(gone);
      return gone > 0 && this.#skip === 0;
    }
    if (this.#text >= 0) {
      if (this.#rest.length < this.#text + LINE_END.length) return false;
      const text = this.#rest.toString("utf8", 0, this.#text);
      this.#rest = this.#rest.subarray(this.#text + LINE_END.length);
      this.#text = -1;
      this.#add(text);
      return true;
    }
    const end = this.#rest.indexOf(LINE_END);
    if (end > MAX_LINE || (end < 0 && this.#rest.length > MAX_LINE)) throw new Error("a line without an end");
    if (end < 0) return false;
    const line = this.#rest.toString("utf8", 0, end);
    this.#rest = this.#rest.subarray(end + LINE_END.length);
    this.#line(line[0], line.slice(1));
    return true;
  }

  #line(kind: string | undefined, value: string): void {
    if (kind === "+") return this.#add(value);
    if (kind === "-") return this.#add(new Refusal(value));
    const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (kind === ":" && !Number.isNaN(number)) return this.#add(number);
    if ((kind === "$" || kind === "*") && number === -1) return this.#add(null);
    if (kind === "$" && number >= 0) return this.#expect(number);
    if (kind === "*" && number === 0) return this.#add([]);
    if (kind === "*" && number > 0 && number <= MAX_ITEMS && this.#open.length < MAX_DEPTH) {
      return void this.#open.push({ left: number, items: [] });
    }
    throw new Error("no answer of Redis");
  }

  #expect(bytes: number): void {
    if (bytes <= this.#maxBytes) {
      this.#text = bytes;
      return;
    }
    this.#skip = bytes + LINE_END.length;
    this.#add(TOO_LONG);
  }

  #add(reply: Reply): void {
    let whole = reply;
    for (let frame = this.#open.at(-1); frame !== undefined; frame = this.#open.at(-1)) {
      frame.items.push(whole);
      if (--frame.left > 0) return;
      this.#open.pop();
      whole = frame.items;
    }
    this.#onReply(whole);
  }
}

/** A command, as Redis reads it. */
export function encodeCommand(...words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`);
}
