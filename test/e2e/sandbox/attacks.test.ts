/** Every attack that looks for a way out, and a rotating part of those on time and memory, against the real binary. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Arena } from "./arena.ts";
import type { Attack } from "./attack.ts";
import { ATTACKS } from "./attacks/index.ts";
import { GENEROUS, isSlow, LATE_MS, rotate, seedOfToday, TIGHT } from "./settings.ts";

const SLOW_COUNT = 20;
/** The first of a batch waits until forty scripts are built, some of them endless. */
const ATTACK_MS = 120_000;
const START_MS = 240_000;
const seed = seedOfToday();

function suite(title: string, attacks: readonly Attack[], limits: Readonly<Record<string, number>>): void {
  describe(title, () => {
    let arena: Arena;
    let before: { threads: number; rssBytes: number };

    beforeAll(async () => {
      arena = await Arena.open({ attacks, limits });
      await arena.settled(6);
      before = arena.figures();
    }, START_MS);

    afterAll(() => arena?.[Symbol.asyncDispose](), START_MS);

    test.each(attacks.map((attack) => [attack.group, attack.tries, attack] as const))(
      "%s: a script that %s gets nowhere and harms nobody",
      async (_group, _tries, attack) => {
        const result = await arena.run(attack);
        expect(result.faults).toEqual([]);
        if (result.lateMs !== undefined) expect(result.lateMs).toBeLessThan(LATE_MS);
      },
      ATTACK_MS,
    );

    test("no bundle holds a file from outside", async () => {
      for (const secret of ["root:x:0:0", "canary-", "neighbour-secret", "outside-lib-secret"]) {
        expect(await arena.cacheHolds(secret)).toEqual([]);
      }
    });

    test("the victims were called all the time, and no call failed", () => {
      expect(arena.victims.failures).toEqual([]);
      expect(arena.victims.calls).toBeGreaterThan(100);
    });

    test("processes, threads and memory of the engine are back where they were", async () => {
      await arena.clear();
      expect(await arena.settled(8, 30_000)).toBe(true);
      const after = arena.figures();
      expect(after.threads - before.threads).toBeLessThanOrEqual(4);
      expect(after.rssBytes - before.rssBytes).toBeLessThan(192 * 1024 * 1024);
    }, 60_000);
  });
}

const escapes = ATTACKS.filter((attack) => !isSlow(attack));
suite("attacks that look for a way out", escapes, GENEROUS);
suite(`attacks on time and memory (seed ${seed})`, rotate(ATTACKS.filter(isSlow), SLOW_COUNT, seed), TIGHT);
