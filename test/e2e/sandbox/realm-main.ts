/**
 * Runs the payloads of one group straight in realms of this process and prints a line of JSON for each. A process of its
 * own: what payloads leave unhandled must reach their realm, as in an isolate, not the test runner.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ScriptInRealm } from "../../fuzz/realm-harness.ts";
import { attackSource, REPORT, type Attack } from "./attack.ts";
import { ATTACKS } from "./attacks/index.ts";
import { isSlow } from "./settings.ts";
import type { Findings } from "./toolbox.ts";

/** `findings` is null when the realm no longer answers, which a payload may bring about for itself. */
export interface RealmResult {
  readonly name: string;
  readonly findings: Findings | null;
  readonly fault?: string;
}

const ANSWER_MS = 15_000;
const REPORT_MS = 2000;
/** Their point is to be refused while they load, or to stream without end. */
const NEEDS_ENGINE = ["feature-handler-by-name", "trap-return-iterator-return"];

/** Points need a plugin, and what goes through a middleware is streamed. */
const OF_ENGINE = /\b(?:registerMessageHandler|sendMessage|registerMiddleware)\(/;

/** Modules need the builder; floods need an engine around them. */
export function runsInRealm(attack: Attack): boolean {
  if (OF_ENGINE.test(attackSource(attack, ""))) return false;
  if (isSlow(attack) || attack.files !== undefined || NEEDS_ENGINE.includes(attack.name)) return false;
  return attack.script === undefined || !/\b(?:import|export)\b/.test(attack.script);
}

async function findingsOf(script: ScriptInRealm, attack: Attack, canary: string): Promise<RealmResult> {
  const { name } = attack;
  const loaded = await script.load(attackSource(attack, canary).replaceAll("PORT", "1"));
  if (!loaded.startsWith('{"ok":true'))
    return { name, findings: null, fault: `it did not load: ${loaded.slice(0, 300)}` };
  const { query, method, body } = attack.request ?? {};
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body);
  // An answer that a broken realm cannot make never comes; the report tells what happened all the same.
  await Promise.race([script.call(query === undefined ? "" : `?${query}`, method, bytes), Bun.sleep(ANSWER_MS)]);
  const report = await Promise.race([script.call(`?${REPORT}`), Bun.sleep(REPORT_MS).then(() => null)]);
  return { name, findings: report?.body.startsWith('{"done":') ? (JSON.parse(report.body) as Findings) : null };
}

async function main(group: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "aiwebengine-realm-"));
  const canary = join(folder, "canary.txt");
  await writeFile(canary, "canary-of-the-realm");
  let current: ScriptInRealm | null = null;
  process.on("unhandledRejection", (error) => current?.unhandled(error));
  process.on("uncaughtException", (error) => current?.unhandled(error));
  for (const attack of ATTACKS.filter((one) => one.group === group && runsInRealm(one))) {
    const script = new ScriptInRealm();
    current = script;
    const result = await findingsOf(script, attack, canary);
    script.close();
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
  await rm(folder, { recursive: true, force: true });
  process.exit(0);
}

if (import.meta.main) await main(process.argv[2] ?? "");
