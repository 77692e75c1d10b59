/** What clients hold open while a script is saved over and over, and what those who do not read cost those who do. */
import { Crowd, CROWD_SCRIPT } from "../e2e/crowd.ts";
import { startEngine } from "../e2e/engine.ts";
import { HeldOpen, SOAK_SCRIPTS } from "../e2e/held-open.ts";
import { figures, isIsolate, processTree } from "../e2e/processes.ts";
import { median } from "./load.ts";

export interface SoakFigures {
  readonly held: number;
  readonly broken: number;
  /** Growth of the engine's own private memory from the third tenth of the saves to the last. */
  readonly growth: number;
  /** Isolates at the end beyond those at the beginning: old versions that nobody needs are gone. */
  readonly isolates: number;
}

/** Together less than the 256 requests that Bun's `fetch` has under way at once. */
const COUNTS = { streams: 50, sockets: 50, subscriptions: 10, sessions: 10 };
const CONFIG = "[plugins.streams]\nmaxPerIp = 1000\n[plugins.graphql]\nmaxSubscriptionsPerIp = 1000\n";
const TENTHS = 10;
/** The heap swings by some MiB between collections: a figure is the middle of three tenths. */
const SAMPLES = 3;

export async function soak(saves: number): Promise<SoakFigures> {
  const engine = await startEngine({ scripts: SOAK_SCRIPTS, config: CONFIG });
  try {
    const held = await HeldOpen.open(engine, COUNTS);
    const isolates = (): number => processTree(engine.pid).filter(isIsolate).length;
    await held.save();
    const running = isolates();
    const memory: number[] = [];
    for (let tenth = 0; tenth < TENTHS; tenth++) {
      for (let n = 0; n < saves / TENTHS; n++) await held.save();
      await Bun.sleep(2000);
      memory.push(figures(engine.pid)?.privateBytes ?? 0);
    }
    const broken = await held.broken();
    for (const line of new Set(broken)) console.error(line);
    const growth = median(memory.slice(-SAMPLES)) - median(memory.slice(SAMPLES - 1, 2 * SAMPLES - 1));
    const found = { held: held.count, broken: broken.length, growth, isolates: isolates() - running };
    await held.close();
    return found;
  } finally {
    await engine.stop();
  }
}

export interface StuckFigures {
  readonly clients: number;
  /** Medians, from the request that sends to the last client that reads. */
  readonly withoutMs: number;
  readonly withMs: number;
}

const CLIENTS = 1000;
const MESSAGE = 1000;

/** Broadcasts to a thousand clients, and then to ten more who read nothing; a round of one after a round of the other. */
export async function stuck(rounds: number): Promise<StuckFigures> {
  const engine = await startEngine({
    scripts: { "crowd.js": CROWD_SCRIPT },
    config: "[plugins.streams]\nmaxPerIp = 10000\nqueueBytes = 1048576\n",
  });
  try {
    const crowd = new Crowd(engine);
    await crowd.join(CLIENTS);
    const timed = async (): Promise<number[]> => {
      const times: number[] = [];
      for (let n = 0; n < rounds; n++) times.push((await crowd.send(MESSAGE)).ms);
      return times;
    };
    await timed();
    const before = await timed();
    await crowd.joinStuck(CLIENTS / 100);
    // Their sockets are full after this: what comes then waits in the engine.
    for (let n = 0; n < 60; n++) await crowd.send(60_000);
    const after = await timed();
    crowd.leave();
    return { clients: CLIENTS, withoutMs: median(before), withMs: median(after) };
  } finally {
    await engine.stop();
  }
}
