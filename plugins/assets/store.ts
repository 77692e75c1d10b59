/** Small files and their compressed forms in memory, the longest unused given up first. */
import { compress, type Coding } from "./encoding.ts";
import { readAll, type AssetFile } from "./file.ts";

export interface Content {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Of the file's bytes, the same on every node that has them. */
  readonly digest: string;
}

/** Null is an answer too, and remembered: not worth it. Undefined is not: the file changed or went just now. */
type Answer = Promise<Content | null | undefined>;

interface Held {
  readonly stamp: string;
  readonly content: Answer;
  bytes: number;
}

/** Larger files are streamed from disk. */
export const SMALL = 1 << 20;
/** Below it the packet is no smaller. */
const WORTH_COMPRESSING = 1024;

export class Store {
  readonly #capacity: number;
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  constructor(capacityBytes: number) {
    this.#capacity = capacityBytes;
  }

  /** Bytes held. */
  get size(): number {
    return this.#bytes;
  }

  /** Undefined when it changed or went just now. */
  plain(file: AssetFile): Answer {
    return this.#get(`plain ${file.path}`, file.stamp, async () => {
      const bytes = await readAll(file);
      return bytes === null ? undefined : { bytes, digest: digestOf(bytes) };
    });
  }

  /** Null where compressing is not worth it, or there is no memory to keep the result in. */
  async compressed(file: AssetFile, coding: Coding): Answer {
    if (file.size < WORTH_COMPRESSING || file.size > SMALL || file.size > this.#capacity) return null;
    return this.#get(`${coding} ${file.path}`, file.stamp, async () => {
      const plain = await this.plain(file);
      if (!plain) return undefined;
      const bytes = await compress(plain.bytes, coding);
      return bytes.length < plain.bytes.length ? { bytes, digest: plain.digest } : null;
    });
  }

  /** Many that ask at once wait for one piece of work. */
  #get(key: string, stamp: string, make: () => Answer): Answer {
    const known = this.#held.get(key);
    if (known !== undefined) this.#held.delete(key);
    if (known?.stamp === stamp) {
      this.#held.set(key, known);
      return known.content;
    }
    this.#bytes -= known?.bytes ?? 0;
    const held: Held = { stamp, content: make(), bytes: 0 };
    this.#held.set(key, held);
    void held.content.then(
      (content) => {
        if (content === undefined) this.#drop(key, held);
        else this.#weigh(key, held, key.length + (content?.bytes.length ?? 0));
      },
      () => this.#drop(key, held),
    );
    return held.content;
  }

  #weigh(key: string, held: Held, bytes: number): void {
    if (this.#held.get(key) !== held) return;
    held.bytes = bytes;
    this.#bytes += bytes;
    for (const [oldest, one] of this.#held) {
      if (this.#bytes <= this.#capacity) return;
      this.#drop(oldest, one);
    }
  }

  #drop(key: string, held: Held): void {
    if (this.#held.get(key) !== held) return;
    this.#held.delete(key);
    this.#bytes -= held.bytes;
  }
}

function digestOf(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("base64url").slice(0, 22);
}
