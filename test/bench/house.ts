/** What plugins cost: on the way of a request, in a route of their own, and when they are swapped. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUILT_INS } from "../../plugins/index.ts";
import { figures } from "../e2e/processes.ts";
import { load, median } from "./load.ts";
import { BENCH_PLUGIN, ENGINE_SCRIPTS, startElysia, startEngineFor, type Peer } from "./peers.ts";
import { throughput, type Pace } from "./throughput.ts";

export interface HouseFigures {
  /** Requests a second of a hello with all first-party plugins, as a share of those with what the engine had before it had plugins. */
  readonly plugins: number;
  /** Those with the access log alone, as a share of those without any plugin. */
  readonly log: number;
  /** Those with the plugins of protocols, which nothing uses, as a share of those without them. */
  readonly protocols: number;
  /** Requests a second with 1,000 routes, as a share of those with 10. */
  readonly routes: number;
  /** Median answer of a plugin's route on one connection, less that of plain Elysia. */
  readonly routeUs: number;
}

export interface SwapFigures {
  readonly failed: number;
  readonly requests: number;
  readonly growth: number;
}

/** What the engine did by itself before there were plugins. */
const SPINE = ["access-log", "health", "kv"];

/** What speaks to clients in other ways than routes. */
const PROTOCOLS = ["api-docs", "graphql", "mcp", "pubsub", "streams"];

function without(names: readonly string[]): string {
  return names.map((name) => `[plugins.${name}]\nenabled = false\n`).join("");
}

function manyRoutes(count: number): string {
  return Array.from({ length: count }, (_, i) => `registerWebHandler("GET /many/${i}/:id", () => "many");\n`).join("");
}

async function compare(peers: readonly Peer[], path: string, pace: Pace): Promise<number> {
  try {
    const [first, second] = await throughput(peers, path, pace, { connections: 32 });
    return (second?.rps ?? 0) / (first?.rps ?? 1);
  } finally {
    for (const peer of peers) await peer.stop();
  }
}

export async function house(pace: Pace): Promise<HouseFigures> {
  const names = BUILT_INS.map(({ name }) => name);
  const hello = { "hello.js": ENGINE_SCRIPTS["hello.js"] ?? "" };
  const bare = without(names);
  const spine = without(names.filter((name) => !SPINE.includes(name)));
  const plugins = await compare(
    [await startEngineFor({ scripts: hello, config: spine }), await startEngineFor({ scripts: hello })],
    "/hello",
    pace,
  );
  const logged = without(names.filter((name) => name !== "access-log"));
  const log = await compare(
    [await startEngineFor({ scripts: hello, config: bare }), await startEngineFor({ scripts: hello, config: logged })],
    "/hello",
    pace,
  );
  const protocols = await compare(
    [await startEngineFor({ scripts: hello, config: without(PROTOCOLS) }), await startEngineFor({ scripts: hello })],
    "/hello",
    pace,
  );
  const routes = await compare(
    [
      await startEngineFor({ scripts: { ...hello, "many.js": manyRoutes(10) } }),
      await startEngineFor({ scripts: { ...hello, "many.js": manyRoutes(1000) } }),
    ],
    "/hello",
    pace,
  );
  return { plugins, log, protocols, routes, routeUs: await routeCost(pace, bare) };
}

async function routeCost(pace: Pace, config: string): Promise<number> {
  const engine = await startEngineFor({
    scripts: {},
    files: { "plugins/bench.ts": BENCH_PLUGIN },
    config,
    first: "/plugin",
  });
  const elysia = await startElysia();
  try {
    const differences: number[] = [];
    for (const peer of [engine, elysia]) await load(`${peer.url}/plugin`, { connections: 1, seconds: 1 });
    for (let round = 0; round < pace.rounds; round++) {
      const own = await load(`${engine.url}/plugin`, { connections: 1, seconds: pace.seconds });
      const plain = await load(`${elysia.url}/plugin`, { connections: 1, seconds: pace.seconds });
      differences.push((own.p50Ms - plain.p50Ms) * 1000);
    }
    return median(differences);
  } finally {
    await engine.stop();
    await elysia.stop();
  }
}

const UNDER_LOAD = 200;
const PAUSE_MS = 60;

/** 200 swaps under load, then so many more without, half of them to settle and half to watch. */
export async function swapping(count: number): Promise<SwapFigures> {
  const engine = await startEngineFor({ files: { "plugins/bench.ts": BENCH_PLUGIN } });
  const swap = async (from: number, swaps: number): Promise<void> => {
    for (let n = from; n < from + swaps; n++) {
      await writeFile(join(engine.dir ?? "", "plugins", "bench.ts"), `${BENCH_PLUGIN}// ${n}\n`);
      await Bun.sleep(PAUSE_MS);
    }
  };
  const privateNow = async (): Promise<number> => {
    // The engine collects its garbage once it was called and then left alone for two seconds.
    await (await fetch(`${engine.url}/hello`)).text();
    await Bun.sleep(4500);
    return figures(engine.pid)?.privateBytes ?? 0;
  };
  try {
    const seconds = Math.ceil((UNDER_LOAD * PAUSE_MS) / 1000) + 1;
    const [under] = await Promise.all([load(`${engine.url}/hello`, { connections: 16, seconds }), swap(0, UNDER_LOAD)]);
    await swap(UNDER_LOAD, count / 2);
    const half = await privateNow();
    await swap(UNDER_LOAD + count / 2, count / 2);
    return { failed: under.failed, requests: under.requests, growth: (await privateNow()) - half };
  } finally {
    await engine.stop();
  }
}
