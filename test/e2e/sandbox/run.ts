/**
 * Runs every attack and writes docs/attacks.md: `bun test/e2e/sandbox/run.ts [name or group …]`. `ATTACKS_MODE=thread`
 * runs them against isolates in threads, those on time and memory left out: a thread cannot hold them.
 */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Arena, type Result } from "./arena.ts";
import type { Attack } from "./attack.ts";
import { ATTACKS } from "./attacks/index.ts";
import { attacksPage, type Standing } from "./page.ts";
import { GENEROUS, isSlow, TIGHT } from "./settings.ts";

const MODE = process.env["ATTACKS_MODE"];
const PAGE = join(resolve(import.meta.dir, "../../.."), "docs", "attacks.md");
async function runAll(
  attacks: readonly Attack[],
  limits: Readonly<Record<string, number>>,
): Promise<readonly [readonly Result[], Standing | null]> {
  const results: Result[] = [];
  if (attacks.length === 0) return [results, null];
  await using arena = await Arena.open({ attacks, limits, ...(MODE === undefined ? {} : { mode: MODE }) });
  await arena.settled(6);
  const before = arena.figures();
  for (const attack of attacks) {
    const result = await arena.run(attack);
    results.push(result);
    const verdict = result.faults.length === 0 ? "held" : `FAULT ${result.faults.join(" | ")}`;
    console.log(
      `${attack.name.padEnd(34)} ${Math.round(result.ms).toString().padStart(6)} ms  ${result.outcome}  ${verdict}`,
    );
  }
  await arena.clear();
  await arena.settled(8, 30_000);
  return [
    results,
    { before, after: arena.figures(), victimCalls: arena.victims.calls, victimFailures: arena.victims.failures.length },
  ];
}

const wanted = process.argv.slice(2);
const chosen = ATTACKS.filter(
  (attack) => wanted.length === 0 || wanted.some((word) => attack.name.startsWith(word) || attack.group === word),
);
const [quick, quickStanding] = await runAll(
  chosen.filter((attack) => !isSlow(attack)),
  GENEROUS,
);
const [slow, slowStanding] = await runAll(MODE === "thread" ? [] : chosen.filter(isSlow), TIGHT);
const results = [...quick, ...slow].sort((a, b) => ATTACKS.indexOf(a.attack) - ATTACKS.indexOf(b.attack));
const faulty = results.filter((result) => result.faults.length > 0);
console.log(`${results.length} attacks, ${results.length - faulty.length} held, ${faulty.length} with faults`);
if (wanted.length === 0 && MODE === undefined)
  await writeFile(PAGE, attacksPage(results, [quickStanding, slowStanding]));
process.exit(faulty.length === 0 ? 0 : 1);
