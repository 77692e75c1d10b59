/** Counts the kills of one version of a script: three in a minute pause it, longer each time (docs/sandbox.md, "Watchdog"). */

const WINDOW_MS = 60_000;
const KILLS_TO_PAUSE = 3;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 512_000;
/** After so long without a kill the next pause is short again. */
const CLEAN_MS = 600_000;

export class Pauses {
  /** Milliseconds of the clock; in the past when the script runs. 0 until the first pause. */
  until = 0;
  #recent: number[] = [];
  #last = -Infinity;
  #pauseMs = 0;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds until the script is tried again; 0 when it runs. */
  get leftMs(): number {
    return this.until === 0 ? 0 : Math.max(0, this.until - this.#now());
  }

  /** There was a kill within the last minute. */
  get isOnProbation(): boolean {
    return this.#now() - this.#last < WINDOW_MS;
  }

  /** One more kill. Answers how long the script rests from now on; 0 when it goes on. */
  count(): number {
    const now = this.#now();
    if (now - this.#last > CLEAN_MS) this.#pauseMs = 0;
    this.#last = now;
    this.#recent = [...this.#recent.filter((at) => now - at < WINDOW_MS), now];
    if (this.#recent.length < KILLS_TO_PAUSE) return 0;
    this.#recent = [];
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2 || FIRST_PAUSE_MS);
    this.until = now + this.#pauseMs;
    return this.#pauseMs;
  }
}
