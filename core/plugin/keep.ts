/** Values that outlive generations: made by the first that keeps them, disposed after the last. */

type Awaitable<T> = T | PromiseLike<T>;

interface Kept {
  readonly value: unknown;
  readonly dispose: ((value: never) => Awaitable<void>) | undefined;
  holders: number;
}

export class Keeper {
  readonly #kept = new Map<string, Kept>();

  /** How many values are held. */
  get size(): number {
    return this.#kept.size;
  }

  /** Gives the value, and what lets go of it again. */
  keep<T>(
    key: string,
    make: () => T,
    dispose?: (value: T) => Awaitable<void>,
  ): { readonly value: T; release(): Promise<void> } {
    const held: Kept = this.#kept.get(key) ?? { value: make(), dispose: dispose as Kept["dispose"], holders: 0 };
    this.#kept.set(key, held);
    held.holders++;
    let released = false;
    return {
      value: held.value as T,
      release: async () => {
        if (released) return;
        released = true;
        if (--held.holders > 0) return;
        this.#kept.delete(key);
        await held.dispose?.(held.value as never);
      },
    };
  }
}
