/** The limits that attacks run under, and which of the slow ones take part in `npm test`. */
import type { Attack } from "./attack.ts";

const MIB = 1024 * 1024;

/**
 * Attacks that look for a way out must load and run to their end, also where others have the processor: a long turn runs
 * last. One that would load without end has a `loadMs` of its own.
 */
export const GENEROUS = {
  wallMs: 40_000,
  uninterruptedMs: 20_000,
  cpuMs: 30_000,
  memoryBytes: 512 * MIB,
  loadMs: 20_000,
  logLines: 100_000,
  logBytes: 16 * MIB,
  pendingCalls: 10_000,
  subrequests: 10_000,
} as const;

/** Attacks on time and memory: small limits, so that the table is quick and the machine safe. */
export const TIGHT = {
  wallMs: 3000,
  uninterruptedMs: 500,
  cpuMs: 1200,
  memoryBytes: 64 * MIB,
  loadMs: 20_000,
  streamIdleMs: 2000,
} as const;

/** How late a kill may come on a machine that is busy with other tests; the exact figures are in docs/attacks.md. */
export const LATE_MS = 600;

export const isSlow = (attack: Attack): boolean => attack.slow === true;

/** About `count` of the attacks, from all over the table, others each day; `ATTACKS_SEED` repeats a choice. */
export function rotate(attacks: readonly Attack[], count: number, seed: number): readonly Attack[] {
  const stride = Math.max(1, Math.ceil(attacks.length / count));
  return attacks.filter((_, at) => at % stride === seed % stride);
}

export function seedOfToday(): number {
  const given = process.env["ATTACKS_SEED"];
  return given === undefined ? Math.floor(Date.now() / 86_400_000) : Number(given);
}
