import { afterEach, describe, expect, spyOn, test } from "bun:test";
import * as F from "../../../core/isolate/frames.ts";
import { houses, problem, type House } from "./engine-side.ts";
import { turn, type FakeVessel } from "./fake-vessel.ts";

const house = houses(afterEach);

async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Serves one call of a pool with the newest vessel, from its start to its answer. */
async function serve(made: House, pool: ReturnType<House["open"]>): Promise<FakeVessel> {
  const answer = made.dispatch(pool);
  const vessel = await made.load();
  await turns();
  vessel.emit(F.RESULT, vessel.of(F.INVOKE).at(-1)?.id ?? 0, 200, "", "ok");
  expect((await answer).status).toBe(200);
  return vessel;
}

describe("places", () => {
  test("the isolate idle for longest makes room at isolates.max", async () => {
    const made = house({ max: 2 });
    const first = await serve(made, made.open());
    const second = await serve(made, made.open());
    await serve(made, made.open());
    expect([first.kills > 0, second.kills > 0]).toEqual([true, false]);
    expect(made.isolates.live).toBe(2);
    expect(made.kills).toEqual([]);
  });

  test("a busy isolate makes room when it is done, not before", async () => {
    const made = house({ max: 1 });
    const busy = made.open();
    const answer = made.dispatch(busy);
    const vessel = await made.load();
    await turns();
    const other = made.open();
    const waiting = made.dispatch(other);
    await turns();
    expect(made.vessels.length).toBe(1);
    expect(vessel.kills).toBe(0);
    vessel.emit(F.RESULT, 1, 200, "", "done");
    expect(await (await answer).text()).toBe("done");
    const next = await made.load();
    await turns();
    next.emit(F.RESULT, 1, 200, "", "mine");
    expect(await (await waiting).text()).toBe("mine");
    expect(made.isolates.live).toBe(1);
  });

  test("a script's only isolate gives way although it never rests", async () => {
    const made = house({ max: 1, perScript: 1 });
    const busy = made.open({ concurrency: 10 });
    void made.dispatch(busy);
    const vessel = await made.load();
    await turns();
    const waiting = made.dispatch(made.open());
    await turns();
    // It takes no more from now on: the next one waits for a place itself.
    void made.dispatch(busy);
    await turns();
    expect(vessel.of(F.INVOKE).length).toBe(1);
    vessel.emit(F.RESULT, 1, 200, "", "done");
    const next = await made.load();
    await turns();
    next.emit(F.RESULT, 1, 200, "", "mine");
    expect(await (await waiting).text()).toBe("mine");
  });

  test("a script that wants more than there is room for does not end what it has", async () => {
    const made = house({ max: 2, perScript: 4 });
    const pool = made.open({ concurrency: 1 });
    for (let i = 0; i < 4; i++) void made.dispatch(pool);
    const first = await made.load();
    const second = await made.load();
    await turns(20);
    expect([first.kills, second.kills, made.vessels.length]).toEqual([0, 0, 2]);
    first.emit(F.RESULT, 1, 200, "", "x");
    await turns();
    expect(first.of(F.INVOKE).length).toBe(2);
    expect(first.kills).toBe(0);
  });

  test("of two scripts the one with several isolates gives way", async () => {
    const made = house({ max: 3, perScript: 3 });
    const greedy = made.open({ concurrency: 1 });
    const greedyVessels: FakeVessel[] = [];
    for (let i = 0; i < 3; i++) {
      void made.dispatch(greedy);
      greedyVessels.push(await made.load());
    }
    const waiting = made.dispatch(made.open());
    await turns();
    expect(greedy.isolates.map(({ state }) => state).sort()).toEqual(["draining", "ready", "ready"]);
    const draining = greedy.isolates.findIndex(({ state }) => state === "draining");
    greedyVessels[draining]?.emit(F.RESULT, 1, 200, "", "x");
    const vessel = await made.load();
    await turns();
    vessel.emit(F.RESULT, 1, 200, "", "mine");
    expect(await (await waiting).text()).toBe("mine");
  });

  test("one that cannot be started gives its place back", async () => {
    const made = house({ max: 1 }, 10);
    made.willing = false;
    expect((await problem(made.dispatch(made.open()))).code).toBe("internal");
    made.willing = true;
    await serve(made, made.open());
  });
});

describe("spares", () => {
  test("are kept, used, and replaced", async () => {
    const made = house({ spare: 2 });
    made.isolates.warm();
    await turns();
    expect(made.vessels.length).toBe(2);
    const pool = made.open();
    void made.dispatch(pool);
    await turns();
    expect(made.vessels[0]?.of(F.LOAD).length).toBe(1);
    expect(made.vessels.length).toBe(2);
    made.vessels[0]?.loaded();
    await turns();
    expect(made.vessels.length).toBe(3);
  });

  test("that died are passed over, unseen", async () => {
    const made = house({ spare: 2 });
    made.isolates.warm();
    await turns();
    made.vessels[0]?.end();
    const pool = made.open();
    void made.dispatch(pool);
    await turns();
    expect(made.vessels[0]?.of(F.LOAD).length).toBe(0);
    expect(made.vessels[1]?.of(F.LOAD).length).toBe(1);
    made.vessels[1]?.loaded();
    await turns();
    made.vessels.at(-1)?.end();
    expect(made.reports.problems).toEqual([]);
    expect(made.isolates.live).toBe(1);
  });

  test("that never are ready are given up and reported, and calls go on without them", async () => {
    const made = house({ spare: 1 }, 10);
    made.willing = false;
    made.isolates.warm();
    await Bun.sleep(20);
    expect(String(made.spareFailures[0])).toContain("gave no sign");
    made.willing = true;
    await serve(made, made.open());
  });
});

test("no spare is started while limits kill isolates; it is a second after the last", async () => {
  const made = house({ spare: 1, idleMs: 20 });
  // Somebody is served: an engine that is not keeps no spare anyway.
  void made.dispatch(made.open());
  await made.load();
  await turns();
  expect(made.vessels.length).toBe(2);
  const killed = made.dispatch(made.open({ loadMs: 10 }));
  expect((await problem(killed)).code).toBe("deadline_exceeded");
  await Bun.sleep(50);
  expect(made.vessels.length).toBe(2);
  made.clock += 1_000;
  for (let i = 0; i < 100 && made.vessels.length === 2; i++) await Bun.sleep(5);
  expect(made.vessels.length).toBe(3);
});

test("scripts with a recent kill start one after the other, half a second apart; others at once", async () => {
  const made = house();
  const killed = [made.open(), made.open()];
  for (const pool of killed) {
    await serve(made, pool);
    pool.isolates[0]?.kill({ cause: "crashed", detail: "" });
  }
  const began = performance.now();
  const answers = killed.map((pool) => made.dispatch(pool));
  const [first, second] = [await made.load(), killed[1]];
  await turns();
  first.emit(F.RESULT, 1, 200, "", "ok");
  expect((await answers[0])?.status).toBe(200);
  await serve(made, made.open());
  expect(second?.isolates.length).toBe(0);
  while (second?.isolates.length === 0) await Bun.sleep(20);
  expect(performance.now() - began).toBeGreaterThan(450);
  const late = await made.load();
  await turns();
  late.emit(F.RESULT, 1, 200, "", "ok");
  expect((await answers[1])?.status).toBe(200);
});

describe("the turn of a script with a recent kill", () => {
  async function killed(made: House, count: number): Promise<ReturnType<House["open"]>[]> {
    const pools = Array.from({ length: count }, () => made.open());
    for (const pool of pools) {
      await serve(made, pool);
      pool.isolates[0]?.kill({ cause: "crashed", detail: "" });
    }
    return pools;
  }

  test("comes within two seconds, however many are before it", async () => {
    const made = house({ max: 16 });
    const pools = await killed(made, 10);
    const waits: number[] = [];
    const sleep = spyOn(Bun, "sleep").mockImplementation(async (ms) => void waits.push(Number(ms)));
    try {
      const answers = pools.map((pool) => made.dispatch(pool));
      expect(waits).toEqual([500, 1_000, 1_500, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000]);
      for (const answer of answers) {
        const vessel = await made.load();
        await turns();
        vessel.emit(F.RESULT, 1, 200, "", "ok");
        expect((await answer).status).toBe(200);
      }
    } finally {
      sleep.mockRestore();
    }
  });

  test("does not come when the engine stops meanwhile: nothing is started, and nothing is called a failure", async () => {
    const made = house();
    const pools = await killed(made, 2);
    const { promise: over, resolve: wake } = Promise.withResolvers<void>();
    const sleep = spyOn(Bun, "sleep").mockImplementation(() => over);
    try {
      const answers = pools.map((pool) => made.dispatch(pool));
      await turns();
      const started = made.vessels.length;
      await made.isolates.dispose();
      for (const answer of answers) expect((await problem(answer)).code).toBe("not_ready");
      wake();
      await turns();
      expect(made.vessels.length).toBe(started);
      expect(made.vessels.filter((vessel) => vessel.kills === 0)).toEqual([]);
      expect(made.loadFailures).toEqual([]);
    } finally {
      sleep.mockRestore();
    }
  });
});

describe("the end", () => {
  test("an isolate that is still starting when the engine stops goes, and is nobody's failure", async () => {
    const made = house();
    made.willing = false;
    const answer = made.dispatch(made.open());
    await turns();
    await made.isolates.dispose();
    expect((await problem(answer)).code).toBe("not_ready");
    made.vessels[0]?.ready();
    await turns();
    expect(made.vessels[0]?.kills).toBeGreaterThan(0);
    expect(made.loadFailures).toEqual([]);
  });

  test("answers what waits and what runs, breaks streams, and kills all", async () => {
    const made = house({ spare: 1, perScript: 1 });
    made.isolates.warm();
    const pool = made.open({ concurrency: 2 });
    const answers = [made.dispatch(pool), made.dispatch(pool)];
    await turns();
    made.vessels[0]?.loaded();
    await turns();
    const waiting = made.dispatch(pool);
    made.vessels[0]?.emit(F.RESULT_HEAD, 1, 200, "n");
    const stream = await (answers[0] as Promise<Response>);
    const other = made.open();
    const loading = made.dispatch(other);
    await turns();
    await made.isolates.dispose();
    expect((await problem(answers[1] as Promise<Response>)).code).toBe("not_ready");
    await expect(stream.text()).rejects.toThrow();
    expect((await problem(loading)).code).toBe("not_ready");
    expect((await problem(waiting)).code).toBe("not_ready");
    for (const vessel of made.vessels) expect(vessel.kills).toBeGreaterThan(0);
  });
});

test("an isolate that was idle for isolates.idleMs goes, a busy one stays", async () => {
  const made = house({ idleMs: 20 });
  const idle = await serve(made, made.open());
  void made.dispatch(made.open());
  const busy = await made.load();
  for (let i = 0; i < 100 && idle.kills === 0; i++) await Bun.sleep(5);
  expect(idle.kills).toBeGreaterThan(0);
  expect(busy.kills).toBe(0);
});
