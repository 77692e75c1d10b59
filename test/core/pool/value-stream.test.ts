/** Values that a generator of a script yields: the engine's side, against isolates that behave and isolates that do not. */
import { afterEach, describe, expect, test } from "bun:test";
import * as F from "../../../core/isolate/frames.ts";
import { HandlerProblem, type CallInput } from "../../../core/pool/data-call.ts";
import { ValueStream } from "../../../core/pool/value-stream.ts";
import type { ScriptPool } from "../../../core/pool/pool.ts";
import type { Json } from "../../../core/script/types.ts";
import { ProblemError } from "../../../sdk/errors.ts";
import { BELL, houses, type House } from "./engine-side.ts";
import { turn, type FakeVessel } from "./fake-vessel.ts";

const house = houses(afterEach);

interface Asked {
  readonly made: House;
  readonly pool: ScriptPool;
  readonly vessel: FakeVessel;
  readonly id: number;
  readonly answer: Promise<unknown>;
}

async function asked(limits: Parameters<House["open"]>[0] = {}, input: CallInput = {}): Promise<Asked> {
  const made = house({ perScript: 1 });
  const pool = made.open(limits);
  const answer = made.isolates.call(pool, BELL, { ...input, stream: true });
  answer.catch(() => {}); // told to whoever awaits it
  const vessel = await made.load();
  await turn();
  return { made, pool, vessel, id: vessel.of(F.INVOKE)[0]?.id ?? 0, answer };
}

/** An isolate that has answered with a generator. */
async function begun(...given: Parameters<typeof asked>): Promise<Asked & { readonly values: ValueStream }> {
  const all = await asked(...given);
  all.vessel.words[F.WORD_ENTERED] = all.id;
  all.vessel.emit(F.RESULT_HEAD, all.id, 200, "n");
  const values = await all.answer;
  if (!(values instanceof ValueStream)) throw new Error(`no stream: ${JSON.stringify(values)}`);
  return { ...all, values };
}

async function problemOf(step: Promise<unknown>): Promise<ProblemError> {
  const error: unknown = await step.then(
    (value) => value,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProblemError)) throw new Error(`no problem: ${JSON.stringify(error)}`);
  return error;
}

const value = (given: Json) => ({ done: false as const, value: given });
const OVER = { done: true as const, value: undefined };

describe("a stream of values", () => {
  test("comes value by value, wherever the bytes were cut, and ends with its generator", async () => {
    const { vessel, id, values } = await begun();
    expect(JSON.parse(vessel.of(F.INVOKE)[0]?.text ?? "")).toMatchObject({ stream: true });
    const bytes = new TextEncoder().encode('{"a":"é\\n"}\n[1]\n"last"\n');
    for (const byte of bytes) vessel.emit(F.CHUNK, id, 0, "", Uint8Array.of(byte));
    vessel.emit(F.END, id);
    const all: Json[] = [];
    for await (const one of values) all.push(one);
    expect(all).toEqual([{ a: "é\n" }, [1], "last"]);
    expect(await values.next()).toEqual(OVER);
  });

  test("gives its isolate credit only for what was asked for", async () => {
    const { vessel, id, values } = await begun();
    const line = `"${"x".repeat(1000)}"\n`;
    vessel.emit(F.CHUNK, id, 0, "", line);
    await turn();
    expect(vessel.of(F.CREDIT)).toEqual([]);
    expect(await values.next()).toEqual(value("x".repeat(1000)));
    await turn();
    expect(vessel.of(F.CREDIT).map(({ a }) => a)).toEqual([line.length]);
  });

  test("outlives the wall deadline, and takes no place of a request", async () => {
    const { made, vessel, id, values } = await begun({ wallMs: 30, concurrency: 1 });
    await Bun.sleep(80); // past the deadline
    vessel.emit(F.CHUNK, id, 0, "", "1\n");
    expect(await values.next()).toEqual(value(1));
    expect([vessel.kills, made.reports.broken]).toEqual([0, []]);
  });

  test("may be longer in all than an answer, and no value may", async () => {
    const { made, vessel, id, values } = await begun({ responseBytes: 1000 });
    for (let i = 0; i < 5; i++) {
      vessel.emit(F.CHUNK, id, 0, "", `"${"x".repeat(900)}"\n`);
      expect(await values.next()).toMatchObject({ done: false });
    }
    vessel.emit(F.CHUNK, id, 0, "", "x".repeat(1001));
    expect(await problemOf(values.next())).toMatchObject({ code: "response_too_large" });
    expect(await values.next()).toEqual(OVER);
    await turn();
    expect([made.reports.broken.length, vessel.of(F.CANCEL).length, vessel.kills]).toEqual([1, 1, 0]);
  });

  test("that nobody wants any more is ended in the script, also before its first value", async () => {
    for (const early of [true, false]) {
      const { made, vessel, id, values } = await begun();
      vessel.emit(F.CHUNK, id, 0, "", "1\n2\n");
      if (!early) expect(await values.next()).toEqual(value(1));
      expect(await values.return()).toEqual(OVER);
      await turn();
      expect(vessel.of(F.CANCEL).map(({ a }) => a)).toEqual([F.CANCEL_CLIENT]);
      expect(await values.next()).toEqual(OVER);
      expect(made.reports.broken).toEqual([]);
    }
  });

  test("that was taken back holds its place while it cleans up, and no longer than an invocation may last", async () => {
    const { made, pool, vessel, id, values } = await begun({ wallMs: 60, concurrency: 1 });
    await values.return();
    await turn();
    const next = made.isolates.call(pool, BELL, { wallMs: 5000 });
    await turn();
    expect(vessel.of(F.INVOKE)).toHaveLength(1);
    while (vessel.of(F.CANCEL).length < 2) await turn();
    expect(vessel.of(F.CANCEL).map(({ a }) => a)).toEqual([F.CANCEL_CLIENT, F.CANCEL_DEADLINE]);
    while (vessel.of(F.INVOKE).length < 2) await turn();
    vessel.emit(F.DONE, id); // too late, and nobody minds
    vessel.emit(F.RESULT, vessel.of(F.INVOKE)[1]?.id ?? 0, 200, "j", "1");
    expect(await next).toBe(1);
  });

  test("that has cleaned up gives its place to the next", async () => {
    const { made, pool, vessel, id, values } = await begun({ concurrency: 1 });
    await values.return();
    void made.isolates.call(pool, BELL, {}).catch(() => {});
    await turn();
    expect(vessel.of(F.INVOKE)).toHaveLength(1);
    vessel.emit(F.DONE, id);
    await turn();
    expect(vessel.of(F.INVOKE)).toHaveLength(2);
  });

  test("ends with the signal of its caller", async () => {
    const abort = new AbortController();
    const { vessel, values } = await begun({}, { signal: abort.signal });
    const next = problemOf(values.next());
    await Bun.sleep(40); // the watchdog listens from its second look on
    abort.abort();
    expect(await next).toMatchObject({ code: "invocation_ended" });
    await turn();
    expect(vessel.of(F.CANCEL).length).toBe(1);
  });

  test("keeps what came before it broke, and is told why: by the script, or by an end of its isolate", async () => {
    const thrown = '{"kind":"thrown","name":"Error","message":"secret"}';
    const meant = '{"kind":"http","status":409,"code":"taken","message":"taken"}';
    const ways: readonly [code: string, failures: number, way: (vessel: FakeVessel, id: number) => void][] = [
      ["script_failed", 1, (vessel, id) => vessel.emit(F.FAILURE, id, 0, thrown)],
      ["conflict", 0, (vessel, id) => vessel.emit(F.FAILURE, id, 0, meant)],
      ["isolate_restarted", 0, (vessel) => vessel.end()],
      ["script_failed", 0, (vessel, id) => vessel.emit(F.END, id, 1)],
    ];
    for (const [code, failures, way] of ways) {
      const { made, vessel, id, values } = await begun();
      vessel.emit(F.CHUNK, id, 0, "", "1\n");
      way(vessel, id);
      expect(await values.next()).toEqual(value(1));
      const problem = await problemOf(values.next());
      expect(problem.code as string).toBe(code);
      expect(problem instanceof HandlerProblem).toBe(code === "conflict");
      expect(problem.detail).not.toContain("secret");
      expect(made.reports.failures).toHaveLength(failures);
      expect(await values.next()).toEqual(OVER);
    }
  });

  test("that stands still too long is cut off", async () => {
    const { made, vessel, values } = await begun({ streamIdleMs: 50 });
    expect(await problemOf(values.next())).toMatchObject({ limit: { key: "limits.streamIdleMs" } });
    expect([made.reports.broken.length, vessel.kills]).toEqual([1, 0]);
  });

  test("is refused past limits.streams", async () => {
    const { vessel, id, answer } = await asked({ streams: 0 });
    vessel.emit(F.RESULT_HEAD, id, 200, "n");
    expect(await problemOf(answer)).toMatchObject({ code: "overloaded", limit: { key: "limits.streams" } });
  });

  test("of a handler that answers with one value is that value", async () => {
    const { vessel, id, answer } = await asked();
    vessel.emit(F.RESULT, id, 200, "j", "[7]");
    expect(await answer).toEqual([7]);
  });
});

describe("a hostile isolate that yields", () => {
  const lines: readonly [name: string, line: string][] = [
    ["no JSON", "{\n"],
    ["what is too deep", `${"[".repeat(5000)}${"]".repeat(5000)}\n`],
    ["an empty line", "\n"],
    ["bytes that are no text", "\xff"],
  ];
  for (const [name, line] of lines) {
    test(`${name} ends its own stream, and its author is told`, async () => {
      const { made, vessel, id, values } = await begun();
      vessel.emit(F.CHUNK, id, 0, "", Buffer.from(line, "latin1"));
      vessel.emit(F.END, id);
      expect(await problemOf(values.next())).toMatchObject({ code: "script_failed" });
      expect(await values.next()).toEqual(OVER);
      expect([made.reports.broken.length, vessel.kills, made.reports.faults]).toEqual([1, 0, []]);
    });
  }

  test("more than its reader took is killed", async () => {
    const { vessel, id, values } = await begun();
    const next = values.next();
    for (let i = 0; i < 3; i++) vessel.emit(F.CHUNK, id, 0, "", new Uint8Array(F.WINDOW_BYTES).fill(0x20));
    expect(await problemOf(next)).toMatchObject({ code: "isolate_restarted" });
    expect(vessel.kills).toBe(1);
  });

  test("after it said how long it is is killed", async () => {
    const { vessel, id, answer } = await asked();
    vessel.words[F.WORD_ENTERED] = id;
    vessel.emit(F.RESULT_HEAD, id, 200, "n\n100");
    expect(await problemOf(answer)).toMatchObject({ code: "isolate_restarted" });
    expect(vessel.kills).toBe(1);
  });
});
