/** Load from outside by `wrk`, one thread: requests a second, latencies, failures. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly body?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Load {
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
  /** Answers of 400 and above, and connections that broke. */
  readonly failed: number;
}

export const HOW_TO_INSTALL =
  "wrk is not installed; without it there is nothing to measure with. On Debian and Ubuntu: apt-get install wrk";

export function hasWrk(): boolean {
  return Bun.which("wrk") !== null;
}

const DONE = `
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
`;

export async function load(url: string, options: LoadOptions): Promise<Load> {
  const folder = await mkdtemp(join(tmpdir(), "aiwebengine-wrk-"));
  try {
    const headers = Object.entries(options.headers ?? {})
      .map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}\n`)
      .join("");
    let script = headers + DONE;
    if (options.body !== undefined) {
      const bodyFile = join(folder, "body");
      await writeFile(bodyFile, options.body);
      script = `local f = io.open(${JSON.stringify(bodyFile)}, "rb"); wrk.body = f:read("*a"); f:close()
wrk.method = "POST"; wrk.headers["content-type"] = ${JSON.stringify(options.contentType ?? "application/octet-stream")}
${script}`;
    }
    const file = join(folder, "load.lua");
    await writeFile(file, script);
    const child = Bun.spawn(
      ["wrk", "-t1", `-c${options.connections}`, `-d${options.seconds}s`, "--timeout", "10s", "-s", file, url],
      {
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    const output = await new Response(child.stdout).text();
    if ((await child.exited) !== 0) throw new Error(`wrk failed: ${await new Response(child.stderr).text()}`);
    const numbers = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output)?.slice(1).map(Number);
    if (numbers === undefined) throw new Error(`wrk said: ${output}`);
    const [requests = 0, microseconds = 1, p50 = 0, p99 = 0, failed = 0] = numbers;
    return { rps: (requests * 1e6) / microseconds, p50Ms: p50 / 1000, p99Ms: p99 / 1000, requests, failed };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (share === 0.5 && sorted.length % 2 === 0)
    return ((sorted[sorted.length / 2 - 1] ?? 0) + (sorted[sorted.length / 2] ?? 0)) / 2;
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
