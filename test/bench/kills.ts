/** What two scripts under load lose while a third one misbehaves until it is killed. */
import { load, median, type Load } from "./load.ts";
import { startEngineFor, type Peer } from "./peers.ts";

export interface KillFigures {
  readonly kind: string;
  /** Throughput of the two victims together, against that before. */
  readonly meanwhile: number;
  readonly afterwards: number;
  readonly failed: number;
  readonly kills: number;
  /** Milliseconds from the limit to the answer of who was killed: median and worst; for time only. */
  readonly lateMs: number | null;
  readonly worstLateMs: number | null;
}

const UNINTERRUPTED_MS = 1000;
const SECONDS = 3;
/** Three kills within a minute pause a script, so a new one attacks each time. */
const ATTACKERS = 24;

const BAD = {
  loop: "for (;;);",
  allocation: "const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1));",
  regex: '/\\s+$/.test(" ".repeat(400000) + "x");',
} as const;
export const KINDS = Object.keys(BAD) as readonly (keyof typeof BAD)[];

function scripts(kind: keyof typeof BAD): Readonly<Record<string, string>> {
  const all: Record<string, string> = {
    "hello.js": `registerWebHandler("GET /hello", () => "Hello, World!");\n`,
    "other.js": `registerWebHandler("GET /other", () => "Hello, World!");\n`,
  };
  for (let i = 0; i < ATTACKERS; i++) {
    all[`bad-${i}.js`] =
      `registerWebHandler("GET /bad/${i}", ({ query }) => { if (query.warm) return "warm"; ${BAD[kind]} return "done"; });\n`;
  }
  return all;
}

async function victims(engine: Peer, seconds: number): Promise<{ readonly rps: number; readonly failed: number }> {
  const both: readonly Load[] = await Promise.all([
    load(`${engine.url}/hello`, { connections: 16, seconds }),
    load(`${engine.url}/other`, { connections: 16, seconds }),
  ]);
  return { rps: both.reduce((sum, one) => sum + one.rps, 0), failed: both.reduce((sum, one) => sum + one.failed, 0) };
}

export async function kills(kind: keyof typeof BAD, runs: number): Promise<KillFigures> {
  const engine = await startEngineFor({ scripts: scripts(kind) });
  try {
    await victims(engine, 1);
    const meanwhile: number[] = [];
    const afterwards: number[] = [];
    const lates: number[] = [];
    let failed = 0;
    let killed = 0;
    let next = 0;
    for (let run = 0; run < runs; run++) {
      const before = await victims(engine, SECONDS);
      let over = false;
      const attack = (async () => {
        while (!over) {
          const path = `${engine.url}/bad/${next++ % ATTACKERS}`;
          await (await fetch(`${path}?warm=1`)).text();
          const start = performance.now();
          const answer = await (await fetch(path)).text();
          if (answer.includes("_exceeded")) killed++;
          if (answer.includes("uninterrupted_exceeded")) lates.push(performance.now() - start - UNINTERRUPTED_MS);
        }
      })();
      const during = await victims(engine, SECONDS);
      over = true;
      await attack;
      await Bun.sleep(1000);
      const after = await victims(engine, SECONDS);
      failed += before.failed + during.failed + after.failed;
      meanwhile.push(during.rps / before.rps);
      afterwards.push(after.rps / before.rps);
    }
    return {
      kind,
      meanwhile: median(meanwhile),
      afterwards: median(afterwards),
      failed,
      kills: killed,
      lateMs: lates.length > 0 ? median(lates) : null,
      worstLateMs: lates.length > 0 ? Math.max(...lates) : null,
    };
  } finally {
    await engine.stop();
  }
}
