/** Requests a second and latencies, in alternating rounds, so that a noisy moment meets everybody. */
import { treeFigures } from "../e2e/processes.ts";
import { load, median, type Load, type LoadOptions } from "./load.ts";
import type { Peer } from "./peers.ts";
import type { WorkKind } from "./work.ts";

const WARM_UP = 20;

export interface Measured {
  readonly peer: string;
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
  /** Processor time of all processes of the peer per request: what a busy machine cannot distort as much. */
  readonly cpuUs: number;
}

export interface Pace {
  readonly rounds: number;
  readonly seconds: number;
}

function cpuOf(peer: Peer): number {
  return treeFigures(peer.pid).reduce((sum, one) => sum + one.cpuMs, 0);
}

export async function throughput(
  peers: readonly Peer[],
  path: string,
  pace: Pace,
  options: Omit<LoadOptions, "seconds">,
): Promise<readonly Measured[]> {
  const runs = new Map<Peer, (Load & { readonly cpuUs: number })[]>(peers.map((peer) => [peer, []]));
  for (const peer of peers) await load(peer.url + path, { ...options, seconds: 1 });
  for (let round = 0; round < pace.rounds; round++) {
    for (const peer of peers) {
      const before = cpuOf(peer);
      const result = await load(peer.url + path, { ...options, seconds: pace.seconds });
      const cpuUs = ((cpuOf(peer) - before) * 1000) / Math.max(1, result.requests);
      runs.get(peer)?.push({ ...result, cpuUs });
    }
  }
  return peers.map((peer) => {
    const loads = runs.get(peer) ?? [];
    const middle = (pick: (one: Load & { readonly cpuUs: number }) => number): number => median(loads.map(pick));
    return {
      peer: peer.name,
      rps: middle((one) => one.rps),
      p50Ms: middle((one) => one.p50Ms),
      p99Ms: middle((one) => one.p99Ms),
      cpuUs: middle((one) => one.cpuUs),
      failed: loads.reduce((sum, one) => sum + one.failed, 0),
    };
  });
}

/**
 * Median milliseconds of the work inside a handler, by peer. A script's own clock is coarse on purpose, so it is measured
 * from outside, less what a request costs that does nothing.
 */
export async function cpuTimes(peers: readonly Peer[], kind: WorkKind, samples: number): Promise<readonly number[]> {
  const ask = async (peer: Peer, what: WorkKind): Promise<number> => {
    const start = performance.now();
    const response = await fetch(`${peer.url}/cpu?kind=${what}`);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${peer.name} answered ${response.status}: ${text}`);
    return performance.now() - start;
  };
  const work = peers.map((): number[] => []);
  const nothing = peers.map((): number[] => []);
  for (const peer of peers) for (let i = 0; i < WARM_UP; i++) await ask(peer, kind);
  for (let i = 0; i < samples; i++) {
    for (const [at, peer] of peers.entries()) {
      work[at]?.push(await ask(peer, kind));
      nothing[at]?.push(await ask(peer, "none"));
    }
  }
  return work.map((times, at) => median(times) - median(nothing[at] ?? []));
}
