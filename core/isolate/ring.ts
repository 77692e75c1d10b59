/**
 * Long bodies in memory that the engine and an isolate share: a ring for each direction. What lies in it is announced by a
 * frame, in the order of the frames, and is free again when the reader says so in a word of the shared page.
 *
 * To the engine all of it is hostile, at any time: it copies what it wants before anyone looks at it, and believes no number.
 */

/** A power of two: positions are counted modulo 2^32. */
export const RING_BYTES = 2 * 1024 * 1024;

/** What both ends of a ring have. */
export interface RingMemory {
  /** Mapped when first asked for: most isolates never see a long body. */
  readonly bytes: () => Buffer;
  readonly words: Int32Array;
  /** The word that says how far the reader is. */
  readonly word: number;
}

export class RingWriter {
  /** Where the next body goes. */
  #head = 0;
  /** What the reader last said, and where that is: when an empty ring begins anew, the reader is there without a word. */
  #said = 0;
  #meant = 0;
  readonly #memory: RingMemory;

  constructor(memory: RingMemory) {
    this.#memory = memory;
  }

  get bytes(): Buffer {
    return this.#memory.bytes();
  }

  /** Where the reader is to say that it is, once it has the last body. */
  get mark(): number {
    return this.#head;
  }

  get isEmpty(): boolean {
    return this.#tail() === this.#head;
  }

  /** Where so many bytes may be written now, or -1: the reader is behind. */
  reserve(length: number): number {
    if (length > RING_BYTES) return -1;
    // An empty ring begins anew: a body now and then touches no more memory than it needs.
    if (this.isEmpty) this.#rewind();
    let head = this.#head;
    const left = RING_BYTES - (head % RING_BYTES);
    if (left < length) head = (head + left) >>> 0;
    // A reader that lies about where it is reads rubbish, or gets its bodies by the socket.
    if (((head - this.#tail()) >>> 0) + length > RING_BYTES) return -1;
    this.#head = (head + length) >>> 0;
    return head % RING_BYTES;
  }

  #tail(): number {
    const said = Atomics.load(this.#memory.words, this.#memory.word) >>> 0;
    if (said !== this.#said) this.#said = this.#meant = said;
    return this.#meant;
  }

  #rewind(): void {
    const past = this.#head % RING_BYTES;
    if (past > 0) this.#meant = this.#head = (this.#head - past + RING_BYTES) >>> 0;
  }
}

export class RingReader {
  readonly #memory: RingMemory;

  constructor(memory: RingMemory) {
    this.#memory = memory;
  }

  /** May change while it is read, and after. */
  at(offset: number, length: number): Buffer {
    return this.#memory.bytes().subarray(offset, offset + length);
  }

  /** Everything up to `mark` may be written over. */
  free(mark: number): void {
    Atomics.store(this.#memory.words, this.#memory.word, mark | 0);
  }
}
