/** What a call into a script takes beyond a plugin's route, at a fixed rate: a load that waits for answers hides slow ones. */
import { median, quantile } from "./load.ts";
import { BENCH_PLUGIN, startEngineFor, startFloor } from "./peers.ts";
import type { Pace } from "./throughput.ts";

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface LatencyFigures {
  readonly plugin: Latency;
  /** Plain `Bun.serve` and a child: three processes on the machine's cores, as a script's call is, and nothing else. */
  readonly floor: Latency;
  readonly script: Latency;
  /** What the script's call takes beyond the plugin's route, in the same round. */
  readonly beyond: Latency;
  /** Requests that found no free connection when they were due. */
  readonly late: number;
  readonly requests: number;
}

/** Requests a second. */
const RATE = 5_000;
const CONNECTIONS = 100;
const TICK_MS = 1;

interface Line {
  readonly socket: Bun.Socket;
  /** When its request was sent; 0 while it is free. */
  sentAt: number;
}

async function openLines(port: number, took: (line: Line, ms: number) => void): Promise<Line[]> {
  const open = async (): Promise<Line> => {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data(_socket, bytes) {
          if (!bytes.includes("HTTP/1.1 200")) throw new Error(`The engine answered ${bytes.toString()}`);
          took(line, performance.now() - line.sentAt);
        },
      },
    });
    const line: Line = { socket, sentAt: 0 };
    return line;
  };
  return Promise.all(Array.from({ length: CONNECTIONS }, open));
}

async function measure(
  url: URL,
  seconds: number,
): Promise<{ readonly times: readonly number[]; readonly late: number }> {
  const times: number[] = [];
  const free: Line[] = [];
  const lines = await openLines(Number(url.port), (line, ms) => {
    times.push(ms);
    free.push(line);
  });
  free.push(...lines);
  const request = `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`;
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const began = performance.now();
  let due = 0;
  let late = 0;
  const timer = setInterval(() => {
    const passed = performance.now() - began;
    for (; due < (passed * RATE) / 1000; due++) {
      const line = free.pop();
      if (line === undefined) late++;
      else {
        line.sentAt = performance.now();
        line.socket.write(request);
      }
    }
    if (passed >= seconds * 1000) resolve();
  }, TICK_MS);
  await over;
  clearInterval(timer);
  for (const { socket } of lines) socket.end();
  return { times, late };
}

const middle = (all: readonly Latency[]): Latency => ({
  p50: median(all.map(({ p50 }) => p50)),
  p99: median(all.map(({ p99 }) => p99)),
});

export async function latency(pace: Pace): Promise<LatencyFigures> {
  const engine = await startEngineFor({ files: { "plugins/bench.ts": BENCH_PLUGIN }, first: "/plugin" });
  const floor = await startFloor();
  try {
    const urls = { plugin: engine.url + "/plugin", floor: floor.url + "/hello", script: engine.url + "/hello" };
    for (const url of Object.values(urls)) await measure(new URL(url), 1);
    const rounds: { readonly plugin: Latency; readonly floor: Latency; readonly script: Latency }[] = [];
    let late = 0;
    let requests = 0;
    const once = async (url: string): Promise<Latency> => {
      const taken = await measure(new URL(url), pace.seconds);
      late += taken.late;
      requests += taken.times.length;
      return { p50: quantile(taken.times, 0.5), p99: quantile(taken.times, 0.99) };
    };
    for (let round = 0; round < pace.rounds; round++)
      rounds.push({ plugin: await once(urls.plugin), floor: await once(urls.floor), script: await once(urls.script) });
    return {
      plugin: middle(rounds.map(({ plugin }) => plugin)),
      floor: middle(rounds.map((one) => one.floor)),
      script: middle(rounds.map(({ script }) => script)),
      beyond: middle(
        rounds.map(({ plugin, script }) => ({ p50: script.p50 - plugin.p50, p99: script.p99 - plugin.p99 })),
      ),
      late,
      requests,
    };
  } finally {
    await engine.stop();
    await floor.stop();
  }
}
