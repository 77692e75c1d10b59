/** The lines a process prints: kept up to a size, and awaited by what they say. */

export type LogMatch = RegExp | ((line: string) => boolean);

const KEPT_CHARS = 4 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 20_000;

interface Waiter {
  readonly matches: (line: string) => boolean;
  readonly resolve: (line: string) => void;
}

export class LogLines {
  #lines: string[] = [];
  #dropped = 0;
  #chars = 0;
  readonly #waiters = new Set<Waiter>();

  /** Lines printed so far, those no longer kept included. */
  get count(): number {
    return this.#dropped + this.#lines.length;
  }

  text(): string {
    return this.#lines.join("\n");
  }

  /** Reads a stream to its end, line by line; colour codes are dropped. */
  async read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) this.#add(line);
    }
    if (rest !== "") this.#add(rest);
  }

  /** The first line that matches from `after` (a `count`) on; rejects with the newest lines when none comes. */
  wait(match: LogMatch, options: { timeoutMs?: number; after?: number } = {}): Promise<string> {
    const matches = match instanceof RegExp ? (line: string) => match.test(line) : match;
    const from = Math.max(0, (options.after ?? 0) - this.#dropped);
    const found = this.#lines.slice(from).find(matches);
    if (found !== undefined) return Promise.resolve(found);
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(
          new Error(`No line like ${match} within ${timeoutMs} ms. The newest lines:\n${this.text().slice(-4000)}`),
        );
      }, timeoutMs);
      const waiter: Waiter = {
        matches,
        resolve: (line) => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve(line);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  #add(raw: string): void {
    const line = Bun.stripANSI(raw);
    this.#lines.push(line);
    this.#chars += line.length + 1;
    while (this.#chars > KEPT_CHARS && this.#lines.length > 1) {
      this.#chars -= (this.#lines.shift()?.length ?? 0) + 1;
      this.#dropped += 1;
    }
    for (const waiter of [...this.#waiters]) if (waiter.matches(line)) waiter.resolve(line);
  }
}
