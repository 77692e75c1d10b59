/** Calls of handlers with data: the engine's side, against isolates that behave and isolates that do not. */
import { afterEach, describe, expect, test } from "bun:test";
import * as F from "../../../core/isolate/frames.ts";
import { HandlerProblem, type CallInput } from "../../../core/pool/data-call.ts";
import type { ScriptPool } from "../../../core/pool/pool.ts";
import type { Json } from "../../../core/script/types.ts";
import { ProblemError } from "../../../sdk/errors.ts";
import type { RouteEvent } from "../../../sdk/plugin.ts";
import { BELL, houses, type House } from "./engine-side.ts";
import { turn, type FakeVessel } from "./fake-vessel.ts";

const LINGERS = 0x10000;
const house = houses(afterEach);

interface Called {
  readonly made: House;
  readonly pool: ScriptPool;
  readonly vessel: FakeVessel;
  readonly id: number;
  readonly answer: Promise<Json | undefined>;
}

function call(made: House, pool: ScriptPool, input: Omit<CallInput, "stream"> = {}): Promise<Json | undefined> {
  const answer = made.isolates.call(pool, BELL, input);
  answer.catch(() => {}); // told to whoever awaits it
  return answer;
}

/** A call that an isolate has before it. */
async function called(
  input: Omit<CallInput, "stream"> = {},
  limits: Parameters<House["open"]>[0] = {},
): Promise<Called> {
  const made = house();
  const pool = made.open(limits);
  const answer = call(made, pool, input);
  const vessel = await made.load();
  await turn();
  return { made, pool, vessel, id: vessel.of(F.INVOKE)[0]?.id ?? 0, answer };
}

async function problemOf(answer: Promise<unknown>): Promise<ProblemError> {
  const error: unknown = await answer.then(
    (value) => value,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProblemError)) throw new Error(`no problem: ${JSON.stringify(error)}`);
  return error;
}

describe("a call", () => {
  test("carries its input as data, and its value comes back as data", async () => {
    const { vessel, id, answer } = await called({ id: "one", payload: { a: [1] }, args: null, user: { id: "u" } });
    const [frame] = vessel.of(F.INVOKE);
    expect(frame?.a).toBe(3 * 4 + F.BODY_DATA);
    expect(JSON.parse(frame?.text ?? "")).toEqual({
      id: "one",
      kind: "bells",
      payload: { a: [1] },
      args: null,
      user: { id: "u" },
    });
    vessel.emit(F.RESULT, id, 200, "j", '{"made":[true,null]}');
    expect(await answer).toEqual({ made: [true, null] });
  });

  test("names the option whose function it calls, and carries the request that causes it", async () => {
    const request = {
      method: "GET",
      url: new URL("http://h/a/7?b=c"),
      ip: "10.0.0.1",
      params: { id: "7" },
      request: new Request("http://h/a/7?b=c", { headers: { "x-a": "y" } }),
    } as unknown as RouteEvent;
    const { vessel } = await called({ id: "one", handler: "admit", check: "payload", request });
    const head = JSON.parse(vessel.of(F.INVOKE)[0]?.text ?? "") as { request: string };
    expect(head).toMatchObject({ id: "one", kind: "bells", handler: "admit", check: "payload" });
    expect(head.request.split("\n")).toEqual([
      "GET",
      "http://h/a/7?b=c",
      "10.0.0.1",
      "one",
      '["id","7"]',
      '{"x-a":"y"}',
    ]);
  });

  test("of a handler that gives back nothing gives undefined", async () => {
    const { vessel, id, answer } = await called();
    vessel.emit(F.RESULT, id, 204, "n");
    expect(await answer).toBeUndefined();
  });

  test("keeps its place while what it began goes on", async () => {
    const { made, vessel, id, answer } = await called({}, { concurrency: 1 });
    vessel.emit(F.RESULT, id, 200 + LINGERS, "j", "1");
    expect(await answer).toBe(1);
    expect(made.isolates.live).toBe(1);
    vessel.emit(F.DONE, id);
    expect(vessel.kills).toBe(0);
  });

  test("fails with the HttpError of the handler as it was meant", async () => {
    const { made, vessel, id, answer } = await called();
    vessel.emit(F.FAILURE, id, 0, '{"kind":"http","status":409,"code":"bell_taken","message":"taken"}');
    const problem = await problemOf(answer);
    expect(problem).toBeInstanceOf(HandlerProblem);
    expect(problem).toMatchObject({ code: "conflict", given: "bell_taken", status: 409, detail: "taken" });
    expect(made.reports.failures).toEqual([]);
  });

  test("fails with a code of the table where the handler named one", async () => {
    const { vessel, id, answer } = await called();
    vessel.emit(F.FAILURE, id, 0, '{"kind":"http","status":403,"code":"forbidden","message":"no"}');
    expect(await problemOf(answer)).toMatchObject({ code: "forbidden", status: 403 });
  });

  test("fails with invalid_input and every field that does not fit", async () => {
    const { vessel, id, answer } = await called();
    const errors = [{ path: "/payload/n", message: "must be a number", expected: "number" }];
    vessel.emit(F.FAILURE, id, 0, JSON.stringify({ kind: "input", message: "does not fit", errors }));
    expect(await problemOf(answer)).toMatchObject({ code: "invalid_input", errors });
  });

  test("fails opaquely with anything else, which is reported", async () => {
    const { made, vessel, id, answer } = await called();
    vessel.emit(F.FAILURE, id, 0, '{"kind":"thrown","name":"Error","message":"secret"}');
    const problem = await problemOf(answer);
    expect([problem.code, problem.detail.includes("secret")]).toEqual(["script_failed", false]);
    expect(made.reports.failures.map(({ message }) => message)).toEqual(["secret"]);
  });

  test("ends at the wall deadline, and its isolate lives on", async () => {
    const { vessel, answer } = await called({}, { wallMs: 30 });
    expect(await problemOf(answer)).toMatchObject({ code: "deadline_exceeded", limit: { key: "limits.wallMs" } });
    await turn();
    expect(vessel.of(F.CANCEL).map(({ a }) => a)).toEqual([F.CANCEL_DEADLINE]);
    expect(vessel.kills).toBe(0);
  });

  test("ends when its signal aborts, before or after it was sent", async () => {
    const abort = new AbortController();
    const { made, pool, vessel, answer } = await called({ signal: abort.signal });
    await Bun.sleep(40); // the watchdog listens from its second look on
    abort.abort();
    expect(await problemOf(answer)).toMatchObject({ code: "invocation_ended" });
    await turn();
    expect(vessel.of(F.CANCEL).length).toBe(1);
    expect(await problemOf(call(made, pool, { signal: abort.signal }))).toMatchObject({ code: "invocation_ended" });
    expect(vessel.of(F.INVOKE).length).toBe(1);
  });

  test("is refused when its input is no data, or too much of it", async () => {
    const made = house();
    const pool = made.open({ requestBytes: 1000 });
    const cycle: Json[] = [];
    cycle.push(cycle);
    expect(await problemOf(call(made, pool, { payload: cycle }))).toMatchObject({ code: "bad_request" });
    expect(await problemOf(call(made, pool, { payload: "x".repeat(1000) }))).toMatchObject({
      code: "body_too_large",
      limit: { key: "limits.requestBytes" },
    });
  });

  test("that an isolate never began is sent to the next one when the first dies", async () => {
    const { made, vessel, answer } = await called();
    vessel.words[F.WORD_ENTERED] = 0;
    vessel.end();
    const next = await made.load();
    await turn();
    next.emit(F.RESULT, next.of(F.INVOKE)[0]?.id ?? 0, 200, "j", '"again"');
    expect(await answer).toBe("again");
  });

  test("that was begun is not sent twice", async () => {
    const { vessel, id, answer } = await called();
    vessel.words[F.WORD_ENTERED] = id;
    vessel.end();
    expect(await problemOf(answer)).toMatchObject({ code: "isolate_restarted" });
  });
});

describe("calls that cause calls", () => {
  test("are refused when they are nested without end", async () => {
    const made = house();
    const pool = made.open();
    for (let depth = 1; depth <= 8; depth++) {
      void call(made, pool, { id: `c${depth}`, parentId: depth === 1 ? "request" : `c${depth - 1}` });
    }
    expect(await problemOf(call(made, pool, { id: "c9", parentId: "c8" }))).toMatchObject({ code: "overloaded" });
    // Beside each other they may be as many as there is room for.
    void call(made, pool, { id: "other", parentId: "request" });
    await made.load();
    await turn();
    expect(made.vessels[0]?.of(F.INVOKE).length).toBe(9);
  });

  test("are refused when the script is full with those that wait for them", async () => {
    const made = house({ perScript: 1 });
    const pool = made.open({ concurrency: 1 });
    const other = made.open();
    void call(made, pool, { id: "outer" });
    const vessel = await made.load();
    await turn();
    const detail = expect.stringContaining("wait for calls of itself");
    expect(await problemOf(call(made, pool, { parentId: "outer" }))).toMatchObject({ code: "overloaded", detail });
    // The long way round is the same.
    void call(made, other, { id: "between", parentId: "outer" });
    expect(await problemOf(call(made, pool, { parentId: "between" }))).toMatchObject({ code: "overloaded" });
    // Who does not wait for the one inside waits in the queue.
    const patient = call(made, pool, {});
    vessel.emit(F.RESULT, 1, 200, "j", "1");
    await turn();
    vessel.emit(F.RESULT, 2, 200, "j", '"later"');
    expect(await patient).toBe("later");
  });
});

describe("a hostile isolate that is called with data is killed when it answers", () => {
  const deep = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;
  const lies: readonly [name: string, type: number, a: number, text: string, body: string | Uint8Array][] = [
    ["no JSON", F.RESULT, 200, "j", "{"],
    ["nothing where a value should be", F.RESULT, 200, "j", ""],
    ["a value where nothing should be", F.RESULT, 204, "n", "1"],
    ["another status", F.RESULT, 302, "n", ""],
    ["bytes that are no text", F.RESULT, 200, "j", new Uint8Array([0xff, 0xfe, 0x00])],
    ["a stream", F.RESULT_HEAD, 200, "j", ""],
  ];
  for (const [name, type, a, text, body] of lies) {
    test(name, async () => {
      const { made, vessel, id, answer } = await called();
      vessel.words[F.WORD_ENTERED] = id;
      vessel.emit(type, id, a, text, body);
      expect(await problemOf(answer)).toMatchObject({ code: "isolate_restarted" });
      expect(vessel.kills).toBe(1);
      expect(made.reports.faults).toEqual([]);
    });
  }

  test("but not for a value that is too deep or too long, which its author is told of", async () => {
    for (const [body, code] of [
      [deep, "script_failed"],
      [`"${"x".repeat(2000)}"`, "response_too_large"],
    ] as const) {
      const { made, vessel, id, answer } = await called({}, body === deep ? {} : { responseBytes: 1000 });
      vessel.emit(F.RESULT, id, 200, "j", body);
      expect((await problemOf(answer)).code as string).toBe(code);
      expect([vessel.kills, made.reports.faults]).toEqual([0, []]);
    }
  });

  test("values are never merged into anything", async () => {
    const { vessel, id, answer } = await called();
    vessel.emit(F.RESULT, id, 200, "j", '{"__proto__":{"evil":1},"constructor":1}');
    const value = (await answer) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { evil?: unknown }).evil).toBeUndefined();
  });
});
