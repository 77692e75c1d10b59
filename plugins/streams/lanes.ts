/** So many at a time for each key, the others in their order: a thousand clients that leave at once are no flood. */

export class Lanes {
  readonly #width: number;
  readonly #lanes = new Map<string, { busy: number; readonly waiting: (() => void)[] }>();

  constructor(width: number) {
    this.#width = width;
  }

  /** Settles as `job` does, when it has been its turn. */
  async run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key) ?? { busy: 0, waiting: [] };
    this.#lanes.set(key, lane);
    if (lane.busy >= this.#width) await new Promise<void>((resolve) => lane.waiting.push(resolve));
    else lane.busy++;
    try {
      return await job();
    } finally {
      const next = lane.waiting.shift();
      if (next !== undefined) next();
      else if (--lane.busy === 0) this.#lanes.delete(key);
    }
  }
}
