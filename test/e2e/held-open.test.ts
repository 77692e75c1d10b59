/** What clients hold open outlives saves of its script: streams, generators, and sessions of MCP. */
import { expect, test } from "bun:test";
import { startEngine } from "./engine.ts";
import { HeldOpen, SOAK_SCRIPTS } from "./held-open.ts";
import { figures, isIsolate, processTree } from "./processes.ts";

const SAVES = 30;

test("thirty saves break nothing that clients hold open, and leave no process and no thread behind", async () => {
  await using engine = await startEngine({ scripts: SOAK_SCRIPTS });
  const held = await HeldOpen.open(engine, { streams: 5, sessions: 3 });
  for (let n = 0; n < 5; n++) await held.save();
  const before = figures(engine.pid)?.threads ?? 0;
  const isolates = (): number => processTree(engine.pid).filter(isIsolate).length;
  const running = isolates();
  for (let n = 5; n < SAVES; n++) await held.save();
  expect(await held.broken()).toEqual({ streams: [], generators: [], sessions: [] });
  // Isolates of old versions go as soon as nothing of theirs is under way.
  for (let waited = 0; isolates() > running + 1 && waited < 200; waited++) await Bun.sleep(20);
  expect(isolates()).toBeLessThanOrEqual(running + 1);
  expect(figures(engine.pid)?.threads ?? 0).toBeLessThanOrEqual(before + 2);
  await held.close();
}, 60_000);
