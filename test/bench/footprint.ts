/** Starts, memory, and how long a saved script takes to serve. */
import { rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { prepareFolder } from "../e2e/engine.ts";
import { figures, isIsolate, processTree, totalPss } from "../e2e/processes.ts";
import { load, median, quantile } from "./load.ts";
import { ENGINE_SCRIPTS, fillers, startEngineFor } from "./peers.ts";

export interface Footprint {
  readonly startMs: number;
  readonly startManyMs: number;
  readonly readyPss: number;
  readonly idlePss: number;
  readonly loadedPss: number;
  /** Pages of a warm isolate that nobody else has; the median of those alive. */
  readonly isolatePrivate: number;
  readonly manyPss: number;
}

const TEN = { ...ENGINE_SCRIPTS, ...fillers(5) };
const MANY = { ...ENGINE_SCRIPTS, ...fillers(995) };
const FIRST_BUILD_MS = 300_000;
/** Longer than an isolate rests before it collects its garbage. */
const SETTLE_MS = 4000;
/** Stands for the minute after which an engine that nobody calls lets its spare isolates go. */
const IDLE_MS = 2000;
/** Isolates that served a few calls: warm, not yet grown by load. */
const WARM_PATHS = ["/hello", "/touched", "/filler/0", "/filler/1", "/filler/2"];
const WARM_CALLS = 5;

async function starts(
  scripts: Readonly<Record<string, string>>,
  times: number,
): Promise<{ startMs: number; dir: string }> {
  const dir = await prepareFolder({ scripts });
  // The first start builds everything; the cache is warm afterwards.
  await (await startEngineFor({ dir, timeoutMs: FIRST_BUILD_MS })).stop();
  const all: number[] = [];
  for (let i = 0; i < times; i++) {
    const engine = await startEngineFor({ dir });
    all.push(engine.startMs);
    await engine.stop();
  }
  return { startMs: median(all), dir };
}

/** Ready: just started, a spare isolate warmed. Idle: nobody has called for isolates.idleMs. */
async function restOf(dir: string): Promise<{ readyPss: number; idlePss: number }> {
  // Not by way of a script: nothing has been called yet.
  const ready = await startEngineFor({ dir, first: "/health/live" });
  await Bun.sleep(SETTLE_MS);
  const readyPss = totalPss(ready.pid);
  await ready.stop();
  const idle = await startEngineFor({ dir, first: "/health/live", set: `isolates.idleMs=${IDLE_MS}` });
  while (processTree(idle.pid).some(isIsolate)) await Bun.sleep(100);
  await Bun.sleep(SETTLE_MS);
  const idlePss = totalPss(idle.pid);
  await idle.stop();
  return { readyPss, idlePss };
}

export async function footprint(times: number): Promise<Footprint> {
  const ten = await starts(TEN, times);
  const many = await starts(MANY, times);
  try {
    const { readyPss, idlePss } = await restOf(ten.dir);
    const { idlePss: manyPss } = await restOf(many.dir);
    let engine = await startEngineFor({ dir: ten.dir });
    for (let i = 0; i < WARM_CALLS; i++) for (const path of WARM_PATHS) await (await fetch(engine.url + path)).text();
    await Bun.sleep(SETTLE_MS);
    const isolates = processTree(engine.pid).filter(isIsolate);
    const isolatePrivate = median(isolates.map((pid) => figures(pid)?.privateBytes ?? 0));
    await engine.stop();
    engine = await startEngineFor({ dir: ten.dir });
    await load(`${engine.url}/hello`, { connections: 32, seconds: 3 });
    const loadedPss = totalPss(engine.pid);
    await engine.stop();
    return { startMs: ten.startMs, startManyMs: many.startMs, readyPss, idlePss, loadedPss, isolatePrivate, manyPss };
  } finally {
    for (const dir of [ten.dir, many.dir]) await rm(dirname(dir), { recursive: true, force: true });
  }
}

export interface Saves {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** From the write to the first answer of the new version. */
export async function saves(count: number): Promise<Saves> {
  const engine = await startEngineFor();
  try {
    const file = join(engine.dir ?? "", "scripts", "saved.js");
    const source = (n: number): string => `registerWebHandler("GET /saved", () => "version ${n}");\n`;
    const all: number[] = [];
    for (let n = 0; n < count; n++) {
      await writeFile(file, source(n));
      const start = performance.now();
      for (;;) {
        const answer = await fetch(`${engine.url}/saved`);
        if ((await answer.text()) === `version ${n}`) break;
        if (performance.now() - start > 10_000) throw new Error(`Version ${n} was not served within 10 s.`);
        await Bun.sleep(1);
      }
      if (n > 0) all.push(performance.now() - start);
      await Bun.sleep(20);
    }
    return { p50Ms: quantile(all, 0.5), p95Ms: quantile(all, 0.95) };
  } finally {
    await engine.stop();
  }
}
