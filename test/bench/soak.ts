/** Saves of a script while clients hold streams, generators and sessions open: what breaks, and what it leaves behind. */
import { startEngine } from "../e2e/engine.ts";
import { HeldOpen, SOAK_SCRIPTS } from "../e2e/held-open.ts";
import { figures, isIsolate, processTree } from "../e2e/processes.ts";

export interface SoakFigures {
  readonly held: number;
  readonly broken: number;
  /** Growth of the engine's own private memory over the second half of the saves. */
  readonly growth: number;
  /** Isolates at the end beyond those after the first half. */
  readonly isolates: number;
}

const COUNTS = { streams: 100, sessions: 10 };

export async function soak(saves: number): Promise<SoakFigures> {
  const engine = await startEngine({ scripts: SOAK_SCRIPTS, config: "[plugins.streams]\nmaxPerIp = 1000\n" });
  try {
    const held = await HeldOpen.open(engine, COUNTS);
    const isolates = (): number => processTree(engine.pid).filter(isIsolate).length;
    // Memory that only the engine's process holds, once it had a moment to give back what it no longer needs.
    const settled = async (): Promise<number> => {
      await Bun.sleep(2000);
      return figures(engine.pid)?.privateBytes ?? 0;
    };
    for (let n = 0; n < saves / 2; n++) await held.save();
    const [half, running] = [await settled(), isolates()];
    for (let n = saves / 2; n < saves; n++) await held.save();
    const growth = (await settled()) - half;
    const { streams, generators, sessions } = await held.broken();
    const broken = [...streams, ...generators, ...sessions];
    for (const line of new Set(broken)) console.error(line);
    const all = held.soaking.length + held.calm.length + held.ticking.length + held.sessions.length;
    const figured = { held: all, broken: broken.length, growth, isolates: isolates() - running };
    await held.close();
    return figured;
  } finally {
    await engine.stop();
  }
}
