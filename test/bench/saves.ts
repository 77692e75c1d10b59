/** Saving over and over: what it costs those who are served meanwhile, and what it leaves behind. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { figures } from "../e2e/processes.ts";
import { load } from "./load.ts";
import { startEngineFor, type Peer } from "./peers.ts";

export interface SaveFigures {
  readonly failed: number;
  readonly requests: number;
  /** Growth of the engine's own private memory over the second half of the saves. */
  readonly growth: number;
}

const UNDER_LOAD = 200;
const PAUSE_MS = 30;

const source = (n: number): string => `// version ${n}\nregisterWebHandler("GET /hello", () => "Hello, World!");\n`;

async function saveMany(engine: Peer, from: number, count: number): Promise<void> {
  for (let n = from; n < from + count; n++) {
    await writeFile(join(engine.dir ?? "", "scripts", "hello.js"), source(n));
    await Bun.sleep(PAUSE_MS);
  }
}

/** Memory that only the engine's process holds, once it had a moment to give back what it no longer needs. */
async function privateOf(engine: Peer): Promise<number> {
  await Bun.sleep(2000);
  return figures(engine.pid)?.privateBytes ?? 0;
}

/** 200 saves of a script under load, then so many more without, half of them to settle and half to watch. */
export async function saving(count: number): Promise<SaveFigures> {
  const engine = await startEngineFor();
  try {
    const seconds = Math.ceil((UNDER_LOAD * PAUSE_MS) / 1000) + 1;
    const [under] = await Promise.all([
      load(`${engine.url}/hello`, { connections: 16, seconds }),
      saveMany(engine, 0, UNDER_LOAD),
    ]);
    await saveMany(engine, UNDER_LOAD, count / 2);
    const half = await privateOf(engine);
    await saveMany(engine, UNDER_LOAD + count / 2, count / 2);
    const growth = (await privateOf(engine)) - half;
    return { failed: under.failed, requests: under.requests, growth };
  } finally {
    await engine.stop();
  }
}
