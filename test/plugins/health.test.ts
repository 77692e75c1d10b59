/** Live and ready: who answers, what it takes to be ready, and what everybody may read. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { definePlugin, type AnyPlugin, type HealthResult } from "../../sdk/plugin.ts";
import health from "../../plugins/health.ts";
import { requestEvent, serve, type Served } from "./harness.ts";

let served: Served | undefined;
let engine: { ready: boolean; runs: number };

afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function start(config: object = {}, others: readonly AnyPlugin[] = []): Promise<Served> {
  engine = { ready: true, runs: 0 };
  const facts = {
    get ready() {
      return engine.ready;
    },
    mode: "process",
    jail: { held: ["seccomp"], lacking: ["landlock"] },
    paused: ["shop"],
    checks() {
      engine.runs++;
      return served!.host.current.checks();
    },
  };
  served = await serve([health, ...others], { config: { health: config }, given: { engine: facts } });
  mkdirSync(join(served.dir, "data"), { recursive: true });
  return served;
}

async function ask(path: string): Promise<Response> {
  const route = served?.host.current.contributions.routes.find((one) => one.path === path);
  return route!.handler({ ...requestEvent(path), params: {} });
}

const ready = async (): Promise<{ status: string; checks: { [name: string]: unknown } }> =>
  (await ask("/health/ready")).json() as never;

const checking = (name: string, check: () => HealthResult | Promise<HealthResult>): AnyPlugin =>
  definePlugin({ name, version: "1.0.0", setup: (ctx) => ctx.health(name, check) });

describe("live", () => {
  test("is that it answers, also when nothing else works", async () => {
    await start({}, [checking("bad", () => ({ ok: false }))]);
    engine.ready = false;
    const answer = await ask("/health/live");
    expect([answer.status, await answer.json()]).toEqual([200, { status: "ok" }]);
    expect(engine.runs).toBe(0);
  });
});

describe("ready", () => {
  test("tells how scripts are isolated, what the jail lacks, who is paused, and every check", async () => {
    await start({}, [checking("mail", () => ({ ok: true, detail: "3 in the queue" }))]);
    const answer = await ask("/health/ready");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({
      status: "ok",
      checks: {
        disk: { ok: true },
        mail: { ok: true, detail: "3 in the queue" },
        isolates: "process",
        held: ["seccomp"],
        lacking: ["landlock"],
        paused: ["shop"],
      },
    });
  });

  test("also when something is missing without which it serves, and says so", async () => {
    await start({}, [checking("mail", () => ({ ok: true, degraded: true, detail: "nobody sends it" }))]);
    expect((await ask("/health/ready")).status).toBe(200);
    expect((await ready()).status).toBe("degraded");
    expect((await ready()).checks["mail"]).toEqual({ ok: true, degraded: true, detail: "nobody sends it" });
  });

  test("not while the engine starts or stops", async () => {
    await start();
    engine.ready = false;
    expect((await ask("/health/ready")).status).toBe(503);
    expect((await ready()).status).toBe("unavailable");
  });

  const FAILING: readonly [string, () => HealthResult | Promise<HealthResult>][] = [
    ["says no", () => ({ ok: false, detail: "no" })],
    ["rejects", () => Promise.reject(new Error("no"))],
    [
      "throws",
      () => {
        throw new Error("no");
      },
    ],
  ];
  for (const [how, check] of FAILING) {
    test(`not when a plugin's check ${how}`, async () => {
      await start({}, [checking("mail", check)]);
      expect((await ask("/health/ready")).status).toBe(503);
      expect((await ready()).checks["mail"]).toEqual({ ok: false, detail: "no" });
    });
  }

  test("a check cannot pass for what the engine says of itself", async () => {
    await start({}, [checking("held", () => ({ ok: true, detail: "everything" }))]);
    expect((await ready()).checks["held"]).toEqual(["seccomp"]);
  });

  test("not with too little space, nor without the data folder; neither says where it is", async () => {
    await start({ minFreeBytes: Number.MAX_SAFE_INTEGER });
    expect((await ready()).checks["disk"]).toEqual({ ok: false, detail: expect.stringContaining("bytes left") });
    await served?.close();
    await start();
    rmSync(join(served!.dir, "data"), { recursive: true });
    expect((await ready()).checks["disk"]).toEqual({ ok: false, detail: "the data folder cannot be written" });
  });

  test("checks run once for all who ask at the same time", async () => {
    await start();
    await Promise.all(Array.from({ length: 50 }, () => ask("/health/ready")));
    expect(engine.runs).toBe(1);
  });
});
