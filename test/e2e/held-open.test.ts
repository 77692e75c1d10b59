/** What clients hold open outlives saves of its script: streams, WebSockets, subscriptions, generators, sessions of MCP. */
import { expect, test } from "bun:test";
import { startEngine } from "./engine.ts";
import { HeldOpen, SOAK_SCRIPTS } from "./held-open.ts";
import { isIsolate, processTree } from "./processes.ts";

const SAVES = 30;
/** One that the generators hold, and those that the engine keeps warm: few against the versions that there were. */
const FEW = 3;

test("thirty saves break nothing that clients hold open, and leave no isolate behind", async () => {
  // Its generators never end: at the end nobody needs to wait for them.
  await using engine = await startEngine({ scripts: SOAK_SCRIPTS, config: "[server]\nshutdownTimeoutMs = 100\n" });
  const held = await HeldOpen.open(engine, { streams: 5, sockets: 3, subscriptions: 2, sessions: 3 });
  const isolates = (): number => processTree(engine.pid).filter(isIsolate).length;
  const before = isolates();
  expect(held.count).toBe(5 + 5 + 3 + 4 + 4 + 2 + 6);
  for (let n = 0; n < SAVES; n++) await held.save();
  expect(await held.broken()).toEqual([]);
  // Those of old versions go when nothing of theirs is under way: only the generators of the first still are.
  while (isolates() > before + FEW) await Bun.sleep(20);
  await held.close();
}, 120_000);
