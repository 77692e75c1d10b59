/** Bytes that wait for a slow reader. Small pieces share memory: a million of one byte each would cost a hundred times as much. */

const SHARED_BYTES = 16 * 1024;

interface Piece {
  readonly buffer: Uint8Array;
  used: number;
}

export class ChunkQueue {
  #pieces: Piece[] = [];
  #held = 0;

  /** Bytes that wait. */
  get held(): number {
    return this.#held;
  }

  /** Copies the bytes, unless they are given away (`own`). */
  push(bytes: Uint8Array, own = false): void {
    const { length } = bytes;
    this.#held += length;
    if (own) {
      this.#pieces.push({ buffer: bytes, used: length });
      return;
    }
    const last = this.#pieces.at(-1);
    if (last && last.used + length <= last.buffer.length) {
      last.buffer.set(bytes, last.used);
      last.used += length;
      return;
    }
    // The first one goes out at once, as a rule; from the second on the reader is behind.
    const buffer = last && length < SHARED_BYTES ? new Uint8Array(SHARED_BYTES) : new Uint8Array(length);
    buffer.set(bytes);
    this.#pieces.push({ buffer, used: length });
  }

  shift(): Uint8Array | undefined {
    const piece = this.#pieces.shift();
    if (!piece) return undefined;
    this.#held -= piece.used;
    return piece.buffer.subarray(0, piece.used);
  }

  clear(): void {
    this.#pieces = [];
    this.#held = 0;
  }
}
