/** The clock of this process while it tests: plugins ask `Date.now`, and a case may have set it. */

export interface Clock {
  /** Milliseconds since 1970; null is the real time. */
  set(epochMs: number | null): void;
  restore(): void;
}

/** Before any plugin is set up: some keep the function. */
export function installClock(): Clock {
  const real = Date.now;
  let standing: number | null = null;
  Date.now = () => standing ?? real();
  return {
    set(epochMs) {
      standing = epochMs;
    },
    restore() {
      Date.now = real;
    },
  };
}
