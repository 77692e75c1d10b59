/**
 * Every payload that looks for a way out, straight in a realm: without the builder, which refuses some of them, without
 * the lock of the host's own realm and without the jail. The realm alone must hold.
 */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ATTACKS } from "./attacks/index.ts";
import { runsInRealm, type RealmResult } from "./realm-main.ts";

const GROUP_MS = 120_000;
const attacks = ATTACKS.filter(runsInRealm);
const groups = [...new Set(attacks.map((attack) => attack.group))];

describe("in a realm alone", () => {
  test.each(groups)(
    "no payload of the group '%s' finds a way out",
    async (group) => {
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "realm-main.ts"), group], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const lines = (await new Response(child.stdout).text()).trim().split("\n");
      expect(await child.exited).toBe(0);
      const results = new Map(lines.map((line) => JSON.parse(line) as RealmResult).map((one) => [one.name, one]));
      for (const attack of attacks.filter((one) => one.group === group)) {
        const result = results.get(attack.name);
        expect({ attack: attack.name, fault: result?.fault }).toEqual({ attack: attack.name, fault: undefined });
        const findings = result?.findings ?? null;
        if (findings === null) {
          expect({ attack: attack.name, mayBreakItself: attack.selfHarm ?? attack.outcome === "survived" }).toEqual({
            attack: attack.name,
            mayBreakItself: true,
          });
          continue;
        }
        const { found, done } = findings;
        expect({ attack: attack.name, found, done }).toEqual({ attack: attack.name, found: [], done: true });
      }
    },
    GROUP_MS,
  );
});
