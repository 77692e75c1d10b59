import { describe, expect, test } from "bun:test";
import { Pauses } from "../../../core/pool/pauses.ts";

const MINUTE = 60_000;

function clocked(): { pauses: Pauses; clock: { now: number } } {
  // Late in an engine's life: nothing may depend on the clock's beginning.
  const clock = { now: 100 * MINUTE };
  return { pauses: new Pauses(() => clock.now), clock };
}

/** Three kills at once; the pause that follows. */
function three(pauses: Pauses): number {
  return [pauses.count(), pauses.count(), pauses.count()][2] as number;
}

describe("pauses", () => {
  test("two kills do not pause, the third within a minute does", () => {
    const { pauses, clock } = clocked();
    expect(pauses.count()).toBe(0);
    clock.now += 30_000;
    expect(pauses.count()).toBe(0);
    expect(pauses.leftMs).toBe(0);
    clock.now += 29_000;
    expect(pauses.count()).toBe(2_000);
    expect(pauses.leftMs).toBe(2_000);
    clock.now += 1_999;
    expect(pauses.leftMs).toBe(1);
    clock.now += 1;
    expect(pauses.leftMs).toBe(0);
  });

  test("three kills in more than a minute do not pause", () => {
    const { pauses, clock } = clocked();
    for (let i = 0; i < 10; i++) {
      expect(pauses.count()).toBe(0);
      clock.now += 31_000;
    }
  });

  test("each pause is twice as long as the one before, up to 512 s", () => {
    const { pauses, clock } = clocked();
    const lengths = Array.from({ length: 11 }, () => {
      const ms = three(pauses);
      clock.now += ms;
      return ms / 1000;
    });
    expect(lengths).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512]);
  });

  test("after a pause it takes three kills again", () => {
    const { pauses, clock } = clocked();
    clock.now += three(pauses);
    expect([pauses.count(), pauses.count()]).toEqual([0, 0]);
    expect(pauses.count()).toBe(4_000);
  });

  test("ten clean minutes make the next pause short again, nine do not", () => {
    const { pauses, clock } = clocked();
    three(pauses);
    clock.now += 9 * MINUTE;
    expect(three(pauses)).toBe(4_000);
    clock.now += 10 * MINUTE + 1;
    expect(three(pauses)).toBe(2_000);
  });
});
