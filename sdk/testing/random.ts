/** A repeatable source of numbers for tests: xorshift with 32 bits (Marsaglia, 2003). Never for secrets. */

/** Near seeds start far apart, and none starts at 0, from where xorshift never leaves. */
const SPREAD = 0x9e3779b1;

/** The same seed gives the same numbers, from 0 (inclusive) to 1 (exclusive). */
export function seededRandom(seed: number): () => number {
  if (!Number.isFinite(seed)) throw new RangeError("setRandom(seed): seed must be a finite number.");
  let state = Math.imul(Math.trunc(seed), SPREAD) ^ SPREAD || SPREAD;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
