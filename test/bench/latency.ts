/** What a call into a script takes beyond a plugin's route, at a fixed rate: a load that waits for answers hides slow ones. */
import { median, quantile } from "./load.ts";
import { BENCH_PLUGIN, startEngineFor } from "./peers.ts";
import type { Pace } from "./throughput.ts";

export interface LatencyFigures {
  /** A script's answer, less a plugin's. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** The plugin's own. */
  readonly plainP50Ms: number;
  readonly plainP99Ms: number;
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

export async function latency(pace: Pace): Promise<LatencyFigures> {
  const engine = await startEngineFor({ files: { "plugins/bench.ts": BENCH_PLUGIN }, first: "/plugin" });
  try {
    const plugin = new URL("/plugin", engine.url);
    const script = new URL("/hello", engine.url);
    for (const url of [plugin, script]) await measure(url, 1);
    const rounds: { readonly p50: number; readonly p99: number; readonly plain50: number; readonly plain99: number }[] =
      [];
    let late = 0;
    let requests = 0;
    for (let round = 0; round < pace.rounds; round++) {
      const plain = await measure(plugin, pace.seconds);
      const own = await measure(script, pace.seconds);
      late += plain.late + own.late;
      requests += plain.times.length + own.times.length;
      const [plain50, plain99] = [quantile(plain.times, 0.5), quantile(plain.times, 0.99)];
      rounds.push({
        plain50,
        plain99,
        p50: quantile(own.times, 0.5) - plain50,
        p99: quantile(own.times, 0.99) - plain99,
      });
    }
    return {
      p50Ms: median(rounds.map(({ p50 }) => p50)),
      p99Ms: median(rounds.map(({ p99 }) => p99)),
      plainP50Ms: median(rounds.map(({ plain50 }) => plain50)),
      plainP99Ms: median(rounds.map(({ plain99 }) => plain99)),
      late,
      requests,
    };
  } finally {
    await engine.stop();
  }
}
