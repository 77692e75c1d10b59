import { afterEach, describe, expect, test } from "bun:test";
import * as F from "../../../core/isolate/frames.ts";
import { limitUse } from "../../../core/pool/limit-use.ts";
import type { Kill } from "../../../core/pool/kill.ts";
import { houses, limits, problem, type Call, type House } from "./engine-side.ts";
import { turn, type FakeVessel } from "./fake-vessel.ts";

const house = houses(afterEach);

const spun: Kill = {
  cause: "uninterrupted_exceeded",
  detail: "it ran on",
  limit: limitUse(limits(), "uninterruptedMs", 1001),
};

/** The invocations that a vessel was sent and has not answered in this test. */
const invoked = (vessel: FakeVessel): readonly number[] => vessel.of(F.INVOKE).map(({ id }) => id);
const reply = (vessel: FakeVessel, id: number, text = "ok"): void => vessel.emit(F.RESULT, id, 200, "", text);

async function running(calls: readonly Call[], given: Parameters<House["open"]>[0] = {}) {
  const made = house({ perScript: 1 });
  const pool = made.open(given);
  const answers = calls.map((call) => made.dispatch(pool, call));
  const vessel = await made.load();
  await turn();
  const isolate = pool.isolates[0];
  if (!isolate) throw new Error("no isolate");
  return { made, pool, answers, vessel, isolate };
}

describe("start and growth", () => {
  test("nothing is started before the first call, and a burst starts one", async () => {
    const made = house({ perScript: 4 });
    const pool = made.open();
    await turn();
    expect(made.vessels.length).toBe(0);
    const answers = Array.from({ length: 10 }, () => made.dispatch(pool));
    const vessel = await made.load();
    await turn();
    expect(made.vessels.length).toBe(1);
    expect(invoked(vessel).length).toBe(10);
    for (const id of invoked(vessel)) reply(vessel, id);
    for (const answer of answers) expect(await (await answer).text()).toBe("ok");
  });

  test("what has no place starts one more, up to perScript; then the queue has an end", async () => {
    const made = house({ perScript: 2 });
    const pool = made.open({ concurrency: 1 });
    const answers = Array.from({ length: 5 }, () => made.dispatch(pool));
    const first = await made.load();
    const second = await made.load();
    expect(made.vessels.length).toBe(2);
    await turn();
    expect([invoked(first).length, invoked(second).length, pool.waiting.length]).toEqual([1, 1, 0]);
    // Two were refused while nothing ran yet, two run, one waited in between.
    const refused = made.reports.problems.map(({ code }) => code);
    expect(refused).toEqual(["overloaded", "overloaded", "overloaded"]);
    expect(made.reports.problems[0]?.limit).toMatchObject({ name: "concurrency", value: 1, key: "limits.concurrency" });
    expect(made.reports.problems[0]?.retryAfterSeconds).toBe(1);
    reply(first, invoked(first)[0] as number);
    reply(second, invoked(second)[0] as number);
    expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([200, 200, 503, 503, 503]);
  });

  test("the roomier of two isolates gets the next", async () => {
    const made = house({ perScript: 2 });
    const pool = made.open({ concurrency: 2 });
    void made.dispatch(pool);
    const first = await made.load();
    void made.dispatch(pool);
    void made.dispatch(pool);
    const second = await made.load();
    await turn();
    expect([invoked(first).length, invoked(second).length]).toEqual([2, 1]);
    void made.dispatch(pool);
    await turn();
    expect([invoked(first).length, invoked(second).length]).toEqual([2, 2]);
  });
});

describe("a kill", () => {
  test("re-sends what was not entered, whatever its method, and blames the one that was", async () => {
    const { made, answers, vessel, isolate } = await running([
      { method: "GET" },
      { method: "POST" },
      { method: "DELETE" },
    ]);
    vessel.words[F.WORD_ENTERED] = 1;
    isolate.kill(spun);
    expect(await problem(answers[0] as Promise<Response>)).toMatchObject({
      code: "uninterrupted_exceeded",
      limit: { used: 1001 },
    });
    const next = await made.load();
    await turn();
    for (const id of invoked(next)) reply(next, id);
    expect((await (answers[1] as Promise<Response>)).status).toBe(200);
    expect((await (answers[2] as Promise<Response>)).status).toBe(200);
  });

  test("re-sends what was entered and is safe once; the unsafe and the mutated are told to come again", async () => {
    const { made, pool, answers, vessel, isolate } = await running([{}, { method: "POST" }, {}, {}]);
    vessel.words[F.WORD_ENTERED] = 4;
    vessel.words[F.WORD_CURRENT] = 4;
    const mutated = isolate.flights.get(3);
    if (mutated) mutated.mutated = true;
    isolate.kill(spun);
    expect((await problem(answers[3] as Promise<Response>)).code).toBe("uninterrupted_exceeded");
    expect(await problem(answers[1] as Promise<Response>)).toMatchObject({ code: "isolate_restarted", status: 503 });
    expect(await problem(answers[2] as Promise<Response>)).toMatchObject({ code: "isolate_restarted", status: 503 });
    const next = await made.load();
    await turn();
    expect(invoked(next).length).toBe(1);
    next.words[F.WORD_ENTERED] = 1;
    // A second time it is not sent again.
    pool.isolates[0]?.kill({ cause: "crashed", detail: "again" });
    expect(await problem(answers[0] as Promise<Response>)).toMatchObject({ code: "isolate_restarted" });
  });

  test("with a culprit that is known takes the page's word for nothing", async () => {
    const { answers, vessel, isolate } = await running([{ method: "POST" }, { method: "POST" }]);
    vessel.words[F.WORD_ENTERED] = 2;
    vessel.words[F.WORD_CURRENT] = 1;
    const culprit = isolate.flights.get(2);
    isolate.kill({
      cause: "cpu_exceeded",
      detail: "",
      limit: limitUse(limits(), "cpuMs", 2001),
      ...(culprit ? { culprit } : {}),
    });
    expect((await problem(answers[0] as Promise<Response>)).code).toBe("isolate_restarted");
    expect((await problem(answers[1] as Promise<Response>)).code).toBe("cpu_exceeded");
  });

  test("with no culprit that can be told blames all that cannot be sent again", async () => {
    const { answers, vessel, isolate } = await running([{ method: "POST" }, { method: "POST" }]);
    vessel.words[F.WORD_ENTERED] = 2;
    isolate.kill({ cause: "memory_exceeded", detail: "", limit: limitUse(limits(), "memoryBytes", 2e8) });
    for (const answer of answers) expect((await problem(answer)).code).toBe("memory_exceeded");
  });

  test("does not send a body twice of which something was given, and does send one that was not", async () => {
    const gate = Promise.withResolvers<void>();
    const bodies = ["given", "not given"].map(
      (name) =>
        new ReadableStream<Uint8Array>({
          async pull(controller) {
            if (name === "not given") await gate.promise;
            controller.enqueue(Buffer.from(name));
            controller.close();
          },
        }),
    );
    const { made, answers, vessel, isolate } = await running(bodies.map((body) => ({ method: "POST", body })));
    await turn();
    expect(vessel.of(F.BODY_CHUNK).map(({ body }) => body.toString())).toEqual(["given"]);
    isolate.kill(spun);
    expect((await problem(answers[0] as Promise<Response>)).status).toBe(503 + 1);
    const next = await made.load();
    gate.resolve();
    for (let i = 0; i < 5; i++) await turn();
    expect(next.of(F.BODY_CHUNK).map(({ body }) => body.toString())).toEqual(["not given"]);
    expect(next.of(F.BODY_END).length).toBe(1);
    reply(next, invoked(next)[0] as number);
    expect((await (answers[1] as Promise<Response>)).status).toBe(200);
  });

  test("gives up after three isolates on what never was entered", async () => {
    const { made, pool, answers } = await running([{ method: "POST" }]);
    const words = (): void => {
      const vessel = made.vessels.at(-1);
      if (vessel) vessel.words[F.WORD_ENTERED] = -5;
    };
    words();
    pool.isolates[0]?.kill({ cause: "crashed", detail: "" });
    await made.load();
    words();
    // So far apart are its starts.
    made.clock += 500;
    pool.isolates[0]?.kill({ cause: "crashed", detail: "" });
    // The third kill would pause the script; a new version of it is none of this test's business.
    made.clock += 120_000;
    await made.load();
    words();
    pool.isolates[0]?.kill({ cause: "crashed", detail: "" });
    expect((await problem(answers[0] as Promise<Response>)).code).toBe("isolate_restarted");
  });

  test("breaks the streams of its isolate", async () => {
    const { answers, vessel, isolate } = await running([{}]);
    vessel.emit(F.RESULT_HEAD, 1, 200, "n");
    vessel.emit(F.CHUNK, 1, 0, "", "part");
    const response = await (answers[0] as Promise<Response>);
    isolate.kill(spun);
    await expect(response.text()).rejects.toThrow();
  });

  test("three pause the script: what waits and what comes is told for how long, others are not", async () => {
    const made = house({ perScript: 1 });
    const pool = made.open();
    const other = made.open();
    for (let i = 0; i < 3; i++) {
      made.clock += 500;
      const answer = made.dispatch(pool, { method: "POST" });
      await made.load();
      await turn();
      (made.vessels.at(-1) as FakeVessel).words[F.WORD_ENTERED] = 1;
      const waiting = i === 2 ? made.dispatch(pool) : null;
      pool.isolates[0]?.kill(spun);
      expect((await problem(answer)).code).toBe("uninterrupted_exceeded");
      if (waiting) expect((await problem(waiting)).code).toBe("script_paused");
    }
    expect(made.pauses).toEqual([2000]);
    expect(made.isolates.paused).toEqual(["s"]);
    expect(await problem(made.dispatch(pool))).toMatchObject({ code: "script_paused", status: 503 });
    expect(made.reports.problems.at(-1)?.retryAfterSeconds).toBe(2);
    void made.dispatch(other);
    await made.load();
    expect(other.isolates.length).toBe(1);
    made.clock += 2_000;
    const again = made.dispatch(pool);
    const vessel = await made.load();
    await turn();
    reply(vessel, 1);
    expect((await again).status).toBe(200);
  });
});

describe("a load that fails", () => {
  test("is an answer to all that wait, and is tried again by the next call", async () => {
    const made = house();
    const pool = made.open();
    const answers = [made.dispatch(pool), made.dispatch(pool)];
    await turn();
    made.vessels[0]?.emit(F.LOADED, 0, 0, '{"ok":false,"failure":{"kind":"thrown","message":"top level"}}');
    for (const answer of answers) expect((await problem(answer)).code).toBe("script_failed");
    expect(made.loadFailures.length).toBe(1);
    expect(pool.size).toBe(0);
    const next = made.dispatch(pool);
    const vessel = await made.load();
    await turn();
    reply(vessel, 1);
    expect((await next).status).toBe(200);
  });

  test("by time names limits.loadMs", async () => {
    const made = house();
    const pool = made.open({ loadMs: 20 });
    expect(await problem(made.dispatch(pool))).toMatchObject({
      code: "deadline_exceeded",
      limit: { name: "loadMs", value: 20, key: "limits.loadMs" },
    });
  });

  test("because it loads otherwise each time says so", async () => {
    const made = house();
    const answer = made.dispatch(made.open());
    await turn();
    made.vessels[0]?.emit(F.LOADED, 0, 0, '{"ok":true,"registrations":"[1]"}');
    expect((await problem(answer)).code).toBe("load_not_deterministic");
  });

  test("because the process ended by itself is tried twice more, unseen", async () => {
    const made = house();
    const answer = made.dispatch(made.open());
    for (let i = 0; i < 2; i++) {
      await turn();
      made.clock += 120_000;
      made.vessels.at(-1)?.end();
      await turn();
    }
    expect(made.vessels.length).toBe(3);
    const vessel = await made.load();
    await turn();
    reply(vessel, 1);
    expect((await answer).status).toBe(200);
    expect(made.loadFailures).toEqual([]);
  });

  test("because no process can be had is an answer, too", async () => {
    const made = house({}, 10);
    made.willing = false;
    expect((await problem(made.dispatch(made.open()))).code).toBe("internal");
    expect(String(made.loadFailures[0])).toContain("gave no sign for 10 ms");
    expect(made.vessels[0]?.kills).toBeGreaterThan(0);
    expect(made.isolates.live).toBe(0);
  });
});

describe("leaving", () => {
  test("a client that leaves while its request waits, or runs, is waited for no more", async () => {
    const made = house({ perScript: 1 });
    const pool = made.open({ concurrency: 1 });
    const leaves = [new AbortController(), new AbortController()];
    const first = made.dispatch(pool, { signal: (leaves[0] as AbortController).signal });
    const vessel = await made.load();
    await until(() => vessel.of(F.INVOKE).length === 1);
    const answers = [first, made.dispatch(pool, { signal: (leaves[1] as AbortController).signal })];
    await until(() => pool.waiting[0]?.watched === true);
    for (const leave of leaves.reverse()) leave.abort();
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([499, 499]);
    await until(() => vessel.of(F.CANCEL).length === 1);
    expect(pool.waiting.length).toBe(0);
    expect(vessel.of(F.INVOKE).length).toBe(1);
  });

  test("the wall deadline answers 504 and the isolate lives on", async () => {
    const { made, pool, answers, vessel } = await running([{}], { wallMs: 30 });
    expect(await problem(answers[0] as Promise<Response>)).toMatchObject({ code: "deadline_exceeded", status: 504 });
    await turn();
    expect(vessel.of(F.CANCEL).map(({ a }) => a)).toEqual([F.CANCEL_DEADLINE]);
    const next = made.dispatch(pool);
    await turn();
    reply(vessel, 2);
    expect((await next).status).toBe(200);
    expect(vessel.kills).toBe(0);
  });
});

describe("retiring", () => {
  test("ends idle isolates at once, busy ones when they are done, and starts no more", async () => {
    const { made, pool, answers, vessel } = await running([{}]);
    made.isolates.retire(pool);
    expect(vessel.kills).toBe(0);
    reply(vessel, 1);
    expect((await (answers[0] as Promise<Response>)).status).toBe(200);
    expect(vessel.kills).toBeGreaterThan(0);
    expect(made.isolates.live).toBe(0);
    expect(made.kills).toEqual([]);
  });

  test("waits for streams", async () => {
    const { made, pool, answers, vessel } = await running([{}]);
    vessel.emit(F.RESULT_HEAD, 1, 200, "n");
    made.isolates.retire(pool);
    vessel.emit(F.CHUNK, 1, 0, "", "all of it");
    vessel.emit(F.END, 1);
    expect(vessel.kills).toBe(0);
    vessel.emit(F.DONE, 1);
    expect(await (await (answers[0] as Promise<Response>)).text()).toBe("all of it");
    expect(vessel.kills).toBeGreaterThan(0);
  });

  test("while it loads is no failure", async () => {
    const made = house();
    const pool = made.open();
    const leave = new AbortController();
    const answer = made.dispatch(pool, { signal: leave.signal });
    await turn();
    leave.abort();
    expect((await answer).status).toBe(499);
    made.isolates.retire(pool);
    await turn();
    expect(made.loadFailures).toEqual([]);
    expect(made.vessels[0]?.kills).toBeGreaterThan(0);
    expect(pool.size).toBe(0);
  });

  test("serves what was matched before: a request whose body came late", async () => {
    const made = house();
    const pool = made.open({ wallMs: 200 });
    made.isolates.retire(pool);
    const answer = made.dispatch(pool);
    const vessel = await made.load();
    await turn();
    reply(vessel, 1);
    expect((await answer).status).toBe(200);
    expect(vessel.kills).toBeGreaterThan(0);
    // And its deadline is watched.
    expect((await problem(made.dispatch(pool))).code).toBe("deadline_exceeded");
  });
});

describe("a fresh realm for each invocation", () => {
  test("one at a time, and a reset between two", async () => {
    const made = house({ perScript: 1 });
    const pool = made.open({}, true);
    const answers = [made.dispatch(pool), made.dispatch(pool)];
    const vessel = await made.load();
    await turn();
    expect(invoked(vessel).length).toBe(1);
    reply(vessel, 1, "one");
    await turn();
    expect(vessel.of(F.RESET).length).toBe(1);
    expect(invoked(vessel).length).toBe(1);
    vessel.loaded();
    await turn();
    await turn();
    reply(vessel, 2, "two");
    expect(await Promise.all(answers.map(async (answer) => (await answer).text()))).toEqual(["one", "two"]);
  });

  test("a retired one is ended, not reset", async () => {
    const made = house({ perScript: 1 });
    const pool = made.open({}, true);
    void made.dispatch(pool);
    const vessel = await made.load();
    await turn();
    made.isolates.retire(pool);
    reply(vessel, 1);
    expect(vessel.kills).toBeGreaterThan(0);
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await Bun.sleep(5);
  expect(holds()).toBe(true);
}
