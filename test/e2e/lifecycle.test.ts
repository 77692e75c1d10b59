/** The end of an engine: asked to, asked twice, or killed; and what the next start finds. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { prepareFolder, startEngine, type Engine } from "./engine.ts";
import { processTree } from "./processes.ts";

setDefaultTimeout(30_000);

const SCRIPTS = {
  "slow.ts": `import { registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /slow/:ms", async ({ params }) => {
  console.log("entered", params.ms);
  await new Promise((resolve) => setTimeout(resolve, Number(params.ms)));
  return "done";
});
`,
  "count.ts": `import { registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("POST /count", async ({ kv }) => String(await kv.increment("n")));
registerWebHandler("GET /count", async ({ kv }) => String(await kv.get("n")));
`,
};

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A request that the script has begun to answer. The outcome is `200 done`, or why there was no answer. */
async function begin(engine: Engine, ms: number): Promise<{ readonly outcome: Promise<string> }> {
  const outcome = engine.fetch(`/slow/${ms}`).then(
    async (response) => `${response.status} ${await response.text()}`,
    () => "no answer",
  );
  await engine.waitForLog((line) => line.includes('"entered') && line.includes(String(ms)));
  return { outcome };
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function end(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await Bun.sleep(5);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal}: a request under way is answered, then the engine ends with 0 and leaves no process`, async () => {
    await using engine = await startEngine({ scripts: SCRIPTS });
    const { outcome } = await begin(engine, 400);
    const pids = processTree(engine.pid);
    engine.kill(signal);
    await engine.waitForLog(/"message":"stopping"/);
    expect(await engine.fetch("/count").catch(() => null)).toBeNull();
    expect(await outcome).toBe("200 done");
    expect(await engine.exited).toBe(0);
    await end(pids);
  });
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} to all of its processes, as a terminal or systemd sends it: what is under way is answered by whom it began`, async () => {
    await using engine = await startEngine({ scripts: SCRIPTS });
    const { outcome } = await begin(engine, 600);
    const [, ...children] = processTree(engine.pid);
    const after = engine.mark();
    for (const pid of children) process.kill(pid, signal);
    engine.kill(signal);
    expect(await outcome).toBe("200 done");
    expect(await engine.exited).toBe(0);
    await end(children);
    const lines = engine.logs.split("\n").slice(after);
    expect(lines.filter((line) => line.includes("isolate killed") || line.includes('"entered'))).toEqual([]);
  });
}

test("what takes longer than server.shutdownTimeoutMs is broken off; the end is still clean", async () => {
  await using engine = await startEngine({ scripts: SCRIPTS, config: "[server]\nshutdownTimeoutMs = 200\n" });
  const { outcome } = await begin(engine, 8000);
  engine.kill("SIGTERM");
  expect(await engine.exited).toBe(0);
  expect(await outcome).toBe("no answer");
});

test("the second SIGTERM does not wait", async () => {
  await using engine = await startEngine({ scripts: SCRIPTS });
  const { outcome } = await begin(engine, 8000);
  const pids = processTree(engine.pid);
  engine.kill("SIGTERM");
  await engine.waitForLog(/"message":"stopping"/);
  engine.kill("SIGTERM");
  expect(await engine.exited).toBe(1);
  expect(await outcome).toBe("no answer");
  await end(pids);
});

test("SIGKILL: no process is left, what was acknowledged is kept, and the next engine starts at once", async () => {
  const dir = await prepareFolder({ scripts: SCRIPTS });
  folders.push(dirname(dir));
  const first = await startEngine({ dir });
  for (let n = 1; n <= 20; n++) {
    expect(await (await first.fetch("/count", { method: "POST" })).text()).toBe(String(n));
  }
  const pids = processTree(first.pid);
  if (process.platform === "linux") expect(pids.length).toBeGreaterThan(1);
  first.kill("SIGKILL");
  await first.exited;
  await end(pids);
  await using second = await startEngine({ dir });
  expect(await (await second.fetch("/count")).text()).toBe("20");
});

test("the health routes tell that the engine serves, and how", async () => {
  await using engine = await startEngine({ scripts: SCRIPTS });
  expect(await (await engine.fetch("/health/live")).json()).toEqual({ status: "ok" });
  const ready = await engine.fetch("/health/ready");
  expect([ready.status, await ready.json()]).toMatchObject([
    200,
    { status: "ok", checks: { isolates: "process", paused: [] } },
  ]);
});
