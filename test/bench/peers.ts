/** Starts what is measured: plain Bun, the floor, workerd, and the engine; all on the loopback address. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { engineCommand, prepareFolder } from "../e2e/engine.ts";
import { makeWork } from "./work.ts";

export interface Peer {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  /** The engine's folder. */
  readonly dir?: string;
  /** Milliseconds from the start of the process to the first 200. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export const ENGINE_SCRIPTS: Readonly<Record<string, string>> = {
  "hello.js": `registerWebHandler("GET /hello", () => "Hello, World!");\n`,
  "touched.js": `registerWebHandler("GET /touched", ({ request }) => "Hello, " + request.headers.get("host").length);\n`,
  "order.js": `registerWebHandler("POST /order", { body: { name: "string", count: "number", tags: "string[]" } }, ({ body }) => ({ ...body, total: body.count * 2 }));\n`,
  "echo.js": `registerWebHandler("POST /echo", async ({ request }) => new Response(await request.arrayBuffer()));\n`,
  // A module, as the peer is: strict code is some percent faster than sloppy code, in Bun as in a realm.
  "cpu.js": `import { registerWebHandler } from "@aiwebengine/sdk";\nconst work = (${makeWork.toString()})();\nregisterWebHandler("GET /cpu", ({ query }) => ({ done: work(query.kind) }));\n`,
};

/** Answers `GET /plugin`. */
export const BENCH_PLUGIN = `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({
  name: "bench",
  version: "1.0.0",
  setup({ route }) {
    route("GET /plugin", () => new Response("Hello, World!"));
  },
});
`;

/** So many further scripts that are never called. */
export function fillers(count: number): Readonly<Record<string, string>> {
  const scripts: Record<string, string> = {};
  for (let i = 0; i < count; i++)
    scripts[`filler-${i}.js`] = `registerWebHandler("GET /filler/${i}", () => "filler ${i}");\n`;
  return scripts;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** Asks until the answer is 200: the first that anybody could have had. */
async function firstAnswer(url: string, child: Bun.Subprocess, timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`It ended with code ${child.exitCode} before it answered ${url}.`);
    if (performance.now() > end) throw new Error(`${url} did not answer 200 within ${timeoutMs} ms.`);
    try {
      const response = await fetch(url, { keepalive: false });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // not listening yet
    }
    await Bun.sleep(1);
  }
}

async function end(child: Bun.Subprocess): Promise<void> {
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await child.exited;
  clearTimeout(timer);
}

/** A program of this folder that prints its port. */
async function startProgram(name: string, file: string, ...args: readonly string[]): Promise<Peer> {
  const started = performance.now();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, file), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const reader = child.stdout.getReader();
  const port = new TextDecoder().decode((await reader.read()).value).trim();
  reader.releaseLock();
  return {
    name,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    startMs: performance.now() - started,
    stop: () => end(child),
  };
}

export const startBare = (): Promise<Peer> => startProgram("Bun.serve", "bare.ts");
export const startElysia = (): Promise<Peer> => startProgram("Elysia", "elysia.ts");
export const startYoga = (): Promise<Peer> => startProgram("graphql-yoga", "yoga.ts");
export const startMcpSdk = (): Promise<Peer> => startProgram("MCP SDK", "mcp-sdk.ts");
export const startFloor = (): Promise<Peer> => startProgram("floor", "floor.ts");
export const startDressedFloor = (): Promise<Peer> => startProgram("dressed floor", "floor.ts", "dressed");

const WORKER = `export default { async fetch(request) {
  const path = new URL(request.url).pathname;
  if (path === "/hello") return new Response("Hello, World!");
  if (path === "/echo") return new Response(await request.arrayBuffer());
  const order = await request.json();
  if (typeof order.name !== "string" || typeof order.count !== "number" || !Array.isArray(order.tags)) return new Response(null, { status: 422 });
  return Response.json({ ...order, total: order.count * 2 });
} };`;

export async function startWorkerd(): Promise<Peer> {
  const folder = await mkdtemp(join(tmpdir(), "aiwebengine-bench-"));
  const port = await freePort();
  await writeFile(join(folder, "worker.mjs"), WORKER);
  await writeFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [(name = "worker.mjs", esModule = embed "worker.mjs")], compatibilityDate = "2026-01-01"))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`,
  );
  // The package's binary; its launcher would be one more process.
  const { default: binary } = createRequire(import.meta.url)("workerd") as { default: string };
  const started = performance.now();
  const child = Bun.spawn([binary, "serve", join(folder, "config.capnp")], { stdio: ["ignore", "ignore", "inherit"] });
  const url = `http://127.0.0.1:${port}`;
  await firstAnswer(`${url}/hello`, child, 20_000);
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  return { name: "workerd", url, pid: child.pid, startMs: performance.now() - started, stop };
}

/** The engine with its access log on; the log goes nowhere, since reading it would cost the cores that are measured. */
export async function startEngineFor(
  options: {
    scripts?: Readonly<Record<string, string>>;
    files?: Readonly<Record<string, string>>;
    dir?: string;
    config?: string;
    timeoutMs?: number;
    first?: string;
    /** `key=value`. */
    set?: string;
  } = {},
): Promise<Peer> {
  const dir =
    options.dir ??
    (await prepareFolder({
      scripts: options.scripts ?? ENGINE_SCRIPTS,
      files: options.files ?? {},
      ...(options.config === undefined ? {} : { config: options.config }),
    }));
  const port = await freePort();
  const started = performance.now();
  const flags = ["--host", "127.0.0.1", "--port", String(port), "--dir", dir];
  if (options.set !== undefined) flags.push("--set", options.set);
  const child = Bun.spawn([...engineCommand(), "serve", ...flags], {
    cwd: dir,
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: dir },
    stdio: ["ignore", "ignore", "ignore"],
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    await firstAnswer(url + (options.first ?? "/hello"), child, options.timeoutMs ?? 60_000);
  } catch (error) {
    await end(child);
    throw error;
  }
  const startMs = performance.now() - started;
  const stop = async (): Promise<void> => {
    await end(child);
    if (options.dir === undefined) await rm(dirname(dir), { recursive: true, force: true });
  };
  return { name: "aiwebengine", url, pid: child.pid, dir, startMs, stop };
}
