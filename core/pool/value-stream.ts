/** What a point's handler yields: values from lines of JSON, taken from the isolate no faster than their reader asks. */
import type { Json } from "../script/types.ts";
import { parseHostile } from "./hostile-json.ts";

const DONE = { done: true, value: undefined } as const;

/** One value is longer than allowed; `bytes` have come of it so far. */
export class TooLong extends Error {
  constructor(readonly bytes: number) {
    super("a value that is too long");
  }
}

export interface ValueStreamOptions {
  /** Most bytes of one value. */
  readonly maxBytes: number;
  /** What came cannot be handed on: ends the invocation, and answers what the reader is told. */
  readonly unfit: (cause: TooLong | Error) => Error;
}

/** Rejects once with what broke it off, and is over then. `return()` cancels. */
export class ValueStream implements AsyncGenerator<Json, void, void> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #options: ValueStreamOptions;
  readonly #decoder = new TextDecoder();
  /** Complete lines that nobody has asked for. */
  readonly #lines: string[] = [];
  /** The line that is still to end, and its length in bytes. */
  #open = "";
  #openBytes = 0;
  #over = false;
  /** Answers come in the order in which they were asked for. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(bytes: ReadableStream<Uint8Array>, options: ValueStreamOptions) {
    this.#reader = bytes.getReader();
    this.#options = options;
  }

  next(): Promise<IteratorResult<Json, void>> {
    const step = this.#last.then(() => this.#step());
    this.#last = step.catch(() => {});
    return step;
  }

  async return(): Promise<IteratorResult<Json, void>> {
    this.#over = true;
    // It may have broken off already: whoever reads was told.
    await this.#reader.cancel().catch(() => {});
    return DONE;
  }

  async throw(error: unknown): Promise<IteratorResult<Json, void>> {
    await this.return();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #step(): Promise<IteratorResult<Json, void>> {
    try {
      for (;;) {
        if (this.#over) return DONE;
        const line = this.#lines.shift();
        if (line !== undefined) return { done: false, value: this.#value(line) };
        const { done, value } = await this.#reader.read();
        if (!done) this.#take(value);
        else if (this.#openBytes > 0 && !this.#over) throw this.#options.unfit(new Error("half a value"));
        else this.#over = true;
      }
    } catch (error) {
      if (this.#over) return DONE;
      this.#over = true;
      throw error;
    }
  }

  #take(bytes: Uint8Array): void {
    const end = bytes.lastIndexOf(0x0a);
    this.#openBytes = end < 0 ? this.#openBytes + bytes.length : bytes.length - end - 1;
    const [first = "", ...more] = this.#decoder.decode(bytes, { stream: true }).split("\n");
    this.#open += first;
    for (const part of more) {
      this.#lines.push(this.#open);
      this.#open = part;
    }
    const { maxBytes, unfit } = this.#options;
    if (this.#openBytes > maxBytes) throw unfit(new TooLong(this.#openBytes));
  }

  #value(line: string): Json {
    const { maxBytes, unfit } = this.#options;
    if (line.length > maxBytes) throw unfit(new TooLong(line.length));
    try {
      return parseHostile(line) as Json;
    } catch (error) {
      throw unfit(error instanceof Error ? error : new Error("a value that is no JSON"));
    }
  }
}
