import { describe, expect, test } from "bun:test";
import * as F from "../../../core/isolate/frames.ts";
import type { Service, ServiceCall } from "../../../core/plugin/service.ts";
import type { Json } from "../../../core/script/types.ts";
import { Bench, problem, script } from "./engine-side.ts";
import { turn } from "./fake-vessel.ts";
import { bodiesInMemory } from "./shared-bodies.ts";

const MIB = 1024 * 1024;
const LINGERS = 0x10000;

async function answered(bench: Bench, call = {}): Promise<{ status: number; text: string }> {
  const { flight, answer } = bench.send(call);
  bench.vessel.emit(F.RESULT, flight.local, 200, "", "hello");
  const response = await answer;
  return { status: response.status, text: await response.text() };
}

describe("an isolate that behaves", () => {
  test("answers with text and bytes, and its invocation is forgotten", async () => {
    const bench = await Bench.loaded();
    expect(await answered(bench)).toEqual({ status: 200, text: "hello" });
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT, flight.local, 201, "n", new Uint8Array([1, 255, 3]));
    const response = await answer;
    expect(response.status).toBe(201);
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([1, 255, 3]);
    expect(bench.isolate.flights.size).toBe(0);
    expect(bench.freed).toBe(2);
  });

  test("keeps an invocation that lingers until it is done", async () => {
    const bench = await Bench.loaded({ concurrency: 1 });
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT, flight.local, 200 + LINGERS, "", "now");
    expect(await (await answer).text()).toBe("now");
    expect(bench.isolate.room).toBe(0);
    bench.vessel.emit(F.DONE, flight.local);
    expect(bench.isolate.room).toBe(1);
  });

  test("streams under credit: what the client has taken is told, and no more", async () => {
    const bench = await Bench.loaded();
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n");
    bench.vessel.emit(F.CHUNK, flight.local, 0, "", new Uint8Array(1000));
    bench.vessel.emit(F.CHUNK, flight.local, 0, "", new Uint8Array(500));
    const reader = (await answer).body?.getReader();
    await turn();
    expect(bench.vessel.of(F.CREDIT)).toEqual([]);
    expect((await reader?.read())?.value?.length).toBe(1000);
    await turn();
    expect(bench.vessel.of(F.CREDIT).map(({ id, a }) => [id, a])).toEqual([[flight.local, 1000]]);
    bench.vessel.emit(F.END, flight.local);
    bench.vessel.emit(F.DONE, flight.local);
    expect((await reader?.read())?.value?.length).toBe(500);
    expect((await reader?.read())?.done).toBe(true);
    expect(bench.killed).toBe(null);
  });

  test("open streams do not take the places of other invocations, and those that wait for one are told", async () => {
    const bench = await Bench.loaded({ concurrency: 1 });
    const { flight, answer } = bench.send();
    expect([bench.isolate.room, bench.freed]).toEqual([0, 0]);
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n");
    await answer;
    expect([bench.isolate.room, bench.freed]).toEqual([1, 1]);
  });

  test("is told when the client leaves its stream, and is then owed nothing", async () => {
    const bench = await Bench.loaded();
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n");
    await (await answer).body?.cancel();
    await turn();
    expect(bench.vessel.of(F.CANCEL).map(({ id, a }) => [id, a])).toEqual([[flight.local, F.CANCEL_CLIENT]]);
    bench.vessel.emit(F.DONE, flight.local);
    expect(bench.isolate.flights.size).toBe(0);
    // It had not heard of it yet.
    bench.vessel.emit(F.CHUNK, flight.local, 0, "", "late");
    bench.vessel.emit(F.END, flight.local);
    bench.vessel.emit(F.DONE, flight.local);
    expect(bench.killed).toBe(null);
  });

  for (const [name, call, status] of [
    ["HEAD", { method: "HEAD" }, 200],
    ["204", {}, 204],
    ["304", {}, 304],
  ] as const) {
    test(`${name}: a stream that nobody will read is cancelled at once`, async () => {
      const bench = await Bench.loaded();
      const { flight, answer } = bench.send(call);
      bench.vessel.emit(F.RESULT_HEAD, flight.local, status, "n");
      expect((await answer).status).toBe(status);
      await turn();
      expect(bench.vessel.of(F.CANCEL).length).toBe(1);
      expect(bench.isolate.flights.size).toBe(0);
    });
  }

  test("a stream that fails after it began ends broken, and its failure is reported once", async () => {
    const bench = await Bench.loaded();
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n");
    bench.vessel.emit(F.CHUNK, flight.local, 0, "", "begin");
    bench.vessel.emit(F.FAILURE, flight.local, LINGERS, '{"kind":"thrown","name":"Error","message":"midway"}');
    bench.vessel.emit(F.END, flight.local, 1);
    bench.vessel.emit(F.DONE, flight.local);
    await expect((await answer).text()).rejects.toThrow("broke off");
    expect(bench.reports.failures.map(({ message }) => message)).toEqual(["midway"]);
    expect(bench.killed).toBe(null);
  });
});

describe("a hostile isolate is killed when it", () => {
  const first = (bench: Bench): number => bench.send().flight.local;
  const attacks: readonly [string, (bench: Bench) => void, RegExp][] = [
    ["sends a frame of unknown type", (b) => b.vessel.emit(99, first(b)), /unknown type 99/],
    ["sends a frame of the engine's own types", (b) => b.vessel.emit(F.INVOKE, first(b)), /unknown type 2/],
    ["sends a frame that is too long", (b) => b.vessel.raw(Buffer.from([0xff, 0xff, 0xff, 0x7f])), /a frame of/],
    ["sends READY twice", (b) => b.vessel.ready(), /second READY/],
    ["sends LOADED without being asked", (b) => b.vessel.loaded(), /LOADED without LOAD/],
    ["takes more of a body than it was sent", (b) => takeBody(b, 1), /bytes of a body taken/],
    ["takes none of a body", (b) => takeBody(b, 0), /bytes of a body taken/],
    ["logs what is no JSON", (b) => b.vessel.emit(F.LOG, first(b), 1, "{"), /broke the protocol/],
    ["logs what is no line", (b) => b.vessel.emit(F.LOG, first(b), 1, '{"a":1}'), /log line/],
    ["logs null", (b) => b.vessel.emit(F.LOG, first(b), 1, "null"), /log line/],
    [
      "logs a line of a megabyte",
      (b) => b.vessel.emit(F.LOG, first(b), 1, JSON.stringify(["x".repeat(MIB)])),
      /log line/,
    ],
    [
      "answers with a length that is none",
      (b) => b.vessel.emit(F.RESULT_HEAD, first(b), 200, "n\nlong"),
      /without a length/,
    ],
    [
      "answers with a length below zero",
      (b) => b.vessel.emit(F.RESULT_HEAD, first(b), 200, "n\n-1"),
      /without a length/,
    ],
    ["sends chunks without waiting for credit", floodChunks, /does not wait for its reader/],
    ["sends a flood for invocations that do not exist", (b) => flood(b, F.RESULT, 4711), /flood/],
    ["sends a flood of answers for one invocation", (b) => flood(b, F.RESULT, lingering(b)), /flood/],
    ["sends a flood of failures after its answer", (b) => flood(b, F.FAILURE, lingering(b)), /flood/],
    ["sends a flood of empty chunks", (b) => flood(b, F.CHUNK, streaming(b)), /flood/],
    ["sends a flood of DONE before any answer", (b) => flood(b, F.DONE, first(b)), /flood/],
    ["sends a flood of calls for ended invocations", (b) => flood(b, F.CALL, undefined), /flood/],
    ["sends a flood of log lines for nobody", (b) => floodLog(b), /flood/],
    ["sends a flood of credits for calls that do not exist", (b) => flood(b, F.CALL_CREDIT, 77), /flood/],
  ];

  for (const [name, attack, detail] of attacks) {
    test(name, async () => {
      const bench = await Bench.loaded({ logLines: 10 });
      attack(bench);
      await turn();
      expect(bench.killed).toMatch(detail);
      expect(bench.vessel.kills).toBeGreaterThan(0);
      expect(bench.deaths.map(({ cause }) => cause)).toEqual(["protocol"]);
      expect(bench.reports.faults).toEqual([]);
      // Whatever it still sends is nothing to anybody.
      for (const type of [F.RESULT, F.LOG, F.CALL, F.LOADED, F.READY]) bench.vessel.emit(type, 1, 1, "null");
      expect(bench.deaths.length).toBe(1);
    });
  }

  for (const text of ["null", "1", '"x"', "[", "", '{"ok":true}'.slice(1)]) {
    test(`reports a load with ${text || "nothing"}`, async () => {
      const bench = new Bench();
      bench.vessel.ready();
      const loading = bench.isolate.load(script());
      bench.vessel.emit(F.LOADED, 0, 0, text);
      expect(await loading).toMatch(/broke the protocol/);
      expect(bench.deaths.map(({ cause }) => cause)).toEqual(["protocol"]);
      expect(bench.reports.faults).toEqual([]);
    });
  }

  test("speaks before it was given a script", async () => {
    const bench = new Bench();
    bench.vessel.emit(F.RESULT, 1, 200, "", "x");
    expect(bench.killed).toMatch(/before any script/);
  });

  test("reads slowly: it gets no more until it has read, and is then known to have room", async () => {
    const bench = await Bench.loaded();
    const body = new Uint8Array(3 * MIB);
    bench.vessel.takes = 0;
    for (let i = 0; i < 3; i++) bench.send({ method: "POST", body });
    await turn();
    expect([bench.isolate.room, bench.freed]).toEqual([0, 0]);
    bench.vessel.read();
    expect([bench.isolate.room > 0, bench.freed]).toEqual([true, 1]);
  });

  test("does not read what it is sent", async () => {
    const bench = await Bench.loaded();
    bench.vessel.takes = 0;
    const body = new Uint8Array(4 * MIB);
    for (let i = 0; i < 3; i++) bench.send({ method: "POST", body });
    await turn();
    // First it gets no more.
    expect(bench.isolate.room).toBe(0);
    expect(bench.killed).toBe(null);
    for (let i = 0; i < 16; i++) bench.send({ method: "POST", body });
    await turn();
    expect(bench.killed).toMatch(/does not read/);
  });

  test("and an error of the engine's own while it takes a frame is reported, not thrown", async () => {
    const bench = await Bench.loaded();
    const { flight } = bench.send();
    const fault = new Error("a fault of the engine");
    (flight as { resolve: unknown }).resolve = () => {
      throw fault;
    };
    bench.vessel.emit(F.RESULT, flight.local, 200, "", "x");
    expect(bench.reports.faults).toEqual([fault]);
    expect(bench.killed).toMatch(/unexpected message/);
  });
});

function takeBody(bench: Bench, bytes: number): void {
  const body = new ReadableStream<Uint8Array>({ pull() {} });
  const { flight } = bench.send({ method: "POST", body });
  bench.vessel.emit(F.BODY_TAKEN, flight.local, bytes);
}

function lingering(bench: Bench): number {
  const { local } = bench.send().flight;
  bench.vessel.emit(F.RESULT, local, 200 + LINGERS, "", "x");
  return local;
}

function streaming(bench: Bench): number {
  const { local } = bench.send().flight;
  bench.vessel.emit(F.RESULT_HEAD, local, 200, "n");
  return local;
}

function floodChunks(bench: Bench): void {
  const local = streaming(bench);
  for (let i = 0; i < 20; i++) bench.vessel.emit(F.CHUNK, local, 0, "", new Uint8Array(F.WINDOW_BYTES / 4));
}

function flood(bench: Bench, type: number, id: number | undefined): void {
  for (let i = 0; i < 10_100; i++) bench.vessel.emit(type, id ?? i, 200, "[]");
}

function floodLog(bench: Bench): void {
  for (let i = 0; i < 10_100; i++) bench.vessel.emit(F.LOG, 0, 1, '["x"]');
}

describe("a hostile isolate gains nothing when it", () => {
  test("answers twice: the first answer stands", async () => {
    const bench = await Bench.loaded();
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT, flight.local, 200 + LINGERS, "", "first");
    bench.vessel.emit(F.RESULT, flight.local, 500, "", "second");
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 500, "n");
    bench.vessel.emit(F.FAILURE, flight.local, 0, "{}");
    const response = await answer;
    expect([response.status, await response.text()]).toEqual([200, "first"]);
    expect(bench.reports.failures).toEqual([]);
    expect(bench.killed).toBe(null);
  });

  test("answers for another invocation's id: each gets what came under its own", async () => {
    const bench = await Bench.loaded();
    const one = bench.send();
    const two = bench.send();
    bench.vessel.emit(F.RESULT, two.flight.local, 200, "", "two");
    bench.vessel.emit(F.RESULT, one.flight.local, 200, "", "one");
    expect(await (await one.answer).text()).toBe("one");
    expect(await (await two.answer).text()).toBe("two");
  });

  test("says DONE in the middle of a stream: the client sees a broken stream, not a complete one", async () => {
    const bench = await Bench.loaded();
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n");
    bench.vessel.emit(F.CHUNK, flight.local, 0, "", "part");
    bench.vessel.emit(F.DONE, flight.local);
    await expect((await answer).text()).rejects.toThrow();
    expect(bench.isolate.flights.size).toBe(0);
  });

  for (const [name, status, headers] of [
    ["a status of 0", 0, "n"],
    ["a status of 101", 101, "n"],
    ["a status of 65535", 65535, "n"],
    ["headers that are no JSON", 200, "["],
    ["headers that are an object", 200, '{"a":"b"}'],
    ["an odd number of headers", 200, '["a"]'],
    ["headers that are numbers", 200, "[1,2]"],
    ["a header with a line break", 200, '["a","b\\r\\nx: 1"]'],
    ["a header's name with a space", 200, '["a b","c"]'],
    ["a header with NUL", 200, '["a","b\\u0000"]'],
    ["a thousand headers", 200, JSON.stringify(Array(1000).fill("a"))],
  ] as const) {
    test(`answers with ${name}: an opaque 500, and the reason in the log`, async () => {
      const bench = await Bench.loaded();
      const { flight, answer } = bench.send();
      bench.vessel.emit(F.RESULT, flight.local, status, headers, "x");
      const { code, detail } = await problem(answer);
      expect(code).toBe("script_failed");
      expect(detail).not.toContain("header");
      expect(bench.reports.failures[0]?.message).toContain("cannot be sent");
      expect(bench.killed).toBe(null);
      expect(bench.isolate.flights.size).toBe(0);
    });
  }

  test("sets headers that are the engine's: they are left out", async () => {
    const bench = await Bench.loaded();
    const { flight, answer } = bench.send();
    const headers = [
      "Connection",
      "close",
      "Content-Length",
      "5",
      "Transfer-Encoding",
      "x",
      "X-Request-Id",
      "mine",
      "x-own",
      "y",
    ];
    bench.vessel.emit(F.RESULT, flight.local, 200, JSON.stringify(headers), "hello");
    const response = await answer;
    expect(response.headers.get("x-own")).toBe("y");
    for (const name of ["connection", "transfer-encoding", "x-request-id"])
      expect(response.headers.get(name)).toBe(null);
  });

  test("fails with text of every wrong shape: the caller gets an opaque 500", async () => {
    const bench = await Bench.loaded();
    const shapes = [
      "null",
      "1",
      "[]",
      "{",
      '{"kind":[]}',
      '{"kind":"http","status":"x","headers":[1]}',
      '{"kind":"input","errors":{"length":1e9}}',
    ];
    for (const text of shapes) {
      const { flight, answer } = bench.send();
      bench.vessel.emit(F.FAILURE, flight.local, 0, text);
      expect((await answer).status).toBeGreaterThanOrEqual(400);
    }
    expect(bench.killed).toBe(null);
  });

  test("claims codes of the engine: only those that a script may pass on are", async () => {
    const bench = await Bench.loaded();
    const codeFor = async (code: string): Promise<string> => {
      const { flight, answer } = bench.send();
      bench.vessel.emit(F.FAILURE, flight.local, 0, JSON.stringify({ kind: "engine", code, message: "m" }));
      return (await problem(answer)).code;
    };
    expect(await codeFor("fetch_blocked")).toBe("fetch_blocked");
    for (const code of ["script_paused", "internal", "unauthenticated", "nonsense", "__proto__"]) {
      expect(await codeFor(code)).toBe("script_failed");
    }
  });
});

describe("limits", () => {
  test("responseBytes holds for whole answers, announced ones and streams", async () => {
    const bench = await Bench.loaded({ responseBytes: 1000 });
    const whole = bench.send();
    bench.vessel.emit(F.RESULT, whole.flight.local, 200, "", "x".repeat(1001));
    const limit = { name: "responseBytes", value: 1000, used: 1001, key: "limits.responseBytes" };
    expect(await problem(whole.answer)).toMatchObject({ code: "response_too_large", limit });
    const announced = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, announced.flight.local, 200, "n\n1001");
    expect(await problem(announced.answer)).toMatchObject({ code: "response_too_large", limit });
    const streamed = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, streamed.flight.local, 200, "n");
    for (let i = 0; i < 4; i++) bench.vessel.emit(F.CHUNK, streamed.flight.local, 0, "", "x".repeat(300));
    await expect((await streamed.answer).text()).rejects.toThrow();
    expect(bench.reports.broken[0]).toMatchObject({ code: "response_too_large", limit: { used: 1200 } });
    for (const { flight } of [announced, streamed]) bench.vessel.emit(F.DONE, flight.local);
    expect(bench.isolate.flights.size).toBe(0);
  });

  test("an announced length is a promise about the limit only: more than it is counted", async () => {
    const bench = await Bench.loaded({ responseBytes: 1000 });
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n\n1");
    bench.vessel.emit(F.CHUNK, flight.local, 0, "", "x".repeat(1001));
    await expect((await answer).text()).rejects.toThrow();
    expect(bench.reports.broken[0]?.code).toBe("response_too_large");
  });

  test("streams: one more is refused, one that ended makes room", async () => {
    const bench = await Bench.loaded({ streams: 1 });
    const one = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, one.flight.local, 200, "n");
    const two = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, two.flight.local, 200, "n");
    expect(await problem(two.answer)).toMatchObject({
      code: "overloaded",
      limit: { name: "streams", value: 1, used: 1 },
    });
    bench.vessel.emit(F.END, one.flight.local);
    const three = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, three.flight.local, 200, "n");
    expect((await three.answer).status).toBe(200);
  });

  test("logLines and logBytes end the invocation, also after its answer, and once only", async () => {
    const bench = await Bench.loaded({ logLines: 3, logBytes: 100 });
    const lines = bench.send();
    for (let i = 0; i < 10; i++) bench.vessel.emit(F.LOG, lines.flight.local, 1, '["x"]');
    expect(await problem(lines.answer)).toMatchObject({
      code: "output_exceeded",
      limit: { name: "logLines", value: 3, used: 4 },
    });
    const bytes = bench.send();
    bench.vessel.emit(F.LOG, bytes.flight.local, 1, JSON.stringify(["y".repeat(100)]));
    expect(await problem(bytes.answer)).toMatchObject({
      code: "output_exceeded",
      limit: { name: "logBytes", value: 100 },
    });
    const after = bench.send();
    bench.vessel.emit(F.RESULT, after.flight.local, 200 + LINGERS, "", "x");
    for (let i = 0; i < 10; i++) bench.vessel.emit(F.LOG, after.flight.local, 1, '["z"]');
    expect(bench.reports.broken.map(({ code }) => code)).toEqual(["output_exceeded"]);
    expect(bench.isolate.flights.size).toBe(0);
    await turn();
    expect(bench.vessel.of(F.CANCEL).length).toBe(3);
  });

  test("what an invocation logs after it was given up is still its own; of very many the last are known", async () => {
    const bench = await Bench.loaded();
    const sent = Array.from({ length: 40 }, () => bench.send().flight);
    for (const flight of sent) bench.isolate.cancel(flight, F.CANCEL_DEADLINE);
    for (const flight of sent) bench.vessel.emit(F.LOG, flight.local, 1, '["late"]');
    const ids = bench.reports.logs.map(({ invocation }) => invocation);
    expect(ids).toEqual(sent.map(({ invocation }, index) => (index < 8 ? null : invocation.id)));
  });

  test("log lines outside of invocations have a share, then one warning, then silence", async () => {
    const bench = await Bench.loaded({ logLines: 3 });
    for (let i = 0; i < 10; i++) bench.vessel.emit(F.LOG, 0, 1, JSON.stringify([`line ${i}`]));
    const messages = bench.reports.logs.map(({ message }) => message);
    expect(messages.slice(0, 3)).toEqual(["line 0", "line 1", "line 2"]);
    expect(messages.length).toBe(4);
    expect(messages[3]).toContain("left out");
  });

  test("a script that registers something else than it was built with is refused", async () => {
    const bench = new Bench();
    bench.vessel.ready();
    const loading = bench.isolate.load(script());
    bench.vessel.emit(F.LOADED, 0, 0, JSON.stringify({ ok: true, registrations: '["other"]' }));
    expect(await loading).toBe("load_not_deterministic");
  });
});

describe("calls", () => {
  const started: AbortSignal[] = [];
  const service: Service = {
    name: "svc",
    types: "",
    mutates: ["put"],
    methods: {
      echo: async (_call, ...args) => args,
      put: async () => null,
      hang: ({ signal }) =>
        new Promise((_, reject) => {
          started.push(signal);
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
      fail: async () => {
        throw new Error("a secret of the service");
      },
    },
  };
  const call = (bench: Bench, id: number, local: number, what: unknown): void =>
    bench.vessel.emit(F.CALL, id, local, JSON.stringify(what));
  const results = async (bench: Bench): Promise<[number, number, unknown][]> => {
    await turn();
    await turn();
    return bench.vessel.of(F.CALL_RESULT).map(({ id, a, text }) => [id, a, text === "" ? undefined : JSON.parse(text)]);
  };

  test("reach the service, and note what changes the world", async () => {
    const bench = await Bench.loaded({}, [service]);
    const { flight } = bench.send();
    call(bench, 1, flight.local, ["svc", "echo", [1, { a: null }]]);
    expect(await results(bench)).toEqual([[1, 0, [1, { a: null }]]]);
    expect(flight.mutated).toBe(false);
    call(bench, 2, flight.local, ["svc", "put", []]);
    await turn();
    expect(flight.mutated).toBe(true);
    expect(flight.calls).toBe(0);
  });

  test("of names that are not there are refused, those of every object included", async () => {
    const bench = await Bench.loaded({}, [service]);
    const { flight } = bench.send();
    const names = [
      ["svc", "constructor"],
      ["svc", "toString"],
      ["svc", "__proto__"],
      ["svc", "no such"],
      ["other", "echo"],
      ["__proto__", "echo"],
    ];
    names.forEach(([name, method], i) => call(bench, i + 1, flight.local, [name, method, []]));
    for (const [, failed, body] of await results(bench)) {
      expect(failed).toBe(1);
      expect((body as { code: string }).code).toBe("bad_request");
    }
    expect(bench.killed).toBe(null);
  });

  test("with too many arguments are refused, not spread", async () => {
    const bench = await Bench.loaded({}, [service]);
    const { flight } = bench.send();
    call(bench, 1, flight.local, ["svc", "echo", Array(500_000).fill(0)]);
    expect((await results(bench))[0]?.slice(0, 2)).toEqual([1, 1]);
    expect(bench.reports.serviceErrors).toEqual([]);
  });

  test("for an invocation that has ended are refused with invocation_ended", async () => {
    const bench = await Bench.loaded({}, [service]);
    const { flight } = bench.send();
    bench.isolate.cancel(flight, F.CANCEL_DEADLINE);
    call(bench, 1, flight.local, ["svc", "put", []]);
    expect(await results(bench)).toMatchObject([[1, 1, { code: "invocation_ended" }]]);
    expect(flight.mutated).toBe(false);
  });

  test("over pendingCalls are refused, and the caller is told which limit it was", async () => {
    const bench = await Bench.loaded({ pendingCalls: 2 }, [service]);
    const { flight, answer } = bench.send();
    for (let i = 1; i <= 3; i++) call(bench, i, flight.local, ["svc", "hang", []]);
    expect(await results(bench)).toMatchObject([[3, 1, { code: "overloaded" }]]);
    bench.vessel.emit(F.FAILURE, flight.local, 0, JSON.stringify({ kind: "engine", code: "overloaded", message: "m" }));
    expect(await problem(answer)).toMatchObject({
      code: "overloaded",
      limit: { name: "pendingCalls", value: 2, used: 3, key: "limits.pendingCalls" },
    });
  });

  test("to the network count their redirects", async () => {
    let asked = 0;
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: ({ url }) => (asked++, Response.redirect(`${url}x`, 302)),
    });
    const bench = await Bench.loaded({ subrequests: 3 });
    const { flight, answer } = bench.send();
    const head = { method: "GET", url: `http://127.0.0.1:${server.port}/`, headers: [], redirect: "follow", body: 0 };
    bench.vessel.emit(F.FETCH, 1, flight.local, JSON.stringify(head));
    for (let i = 0; i < 200 && bench.vessel.of(F.CALL_RESULT).length === 0; i++) await Bun.sleep(5);
    expect(JSON.parse(bench.vessel.of(F.CALL_RESULT)[0]?.text ?? "")).toMatchObject({ code: "subrequests_exceeded" });
    expect(asked).toBe(3);
    bench.vessel.emit(F.FAILURE, flight.local, 0, '{"kind":"engine","code":"subrequests_exceeded","message":"m"}');
    expect(await problem(answer)).toMatchObject({ limit: { name: "subrequests", value: 3, used: 4 } });
  });

  describe("whose service sends a request", () => {
    const asking = (ask: (call: ServiceCall, url: string) => Promise<Json>): Service => ({
      name: "svc",
      types: "",
      mutates: [],
      methods: { ask: (call, url) => ask(call, String(url)) },
    });
    const serve = (answer: (request: Request) => Response | Promise<Response>) =>
      Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
    const answered = async (bench: Bench): Promise<[number, unknown]> => {
      for (let i = 0; i < 200 && bench.vessel.of(F.CALL_RESULT).length === 0; i++) await Bun.sleep(5);
      const { a = -1, text = "null" } = bench.vessel.of(F.CALL_RESULT)[0] ?? {};
      return [a, JSON.parse(text)];
    };

    test("send it as the script, redirects followed, and count it there", async () => {
      using server = serve(async (request) =>
        request.url.endsWith("/a")
          ? Response.redirect("/b", 307)
          : Response.json({ sent: await request.text(), type: request.headers.get("x-kind") }, { status: 203 }),
      );
      const service = asking(async (call, url) => {
        const answer = await call.fetch(url, { method: "POST", body: "hello", headers: { "x-kind": "k" } });
        const { status, redirected } = answer;
        return { status, redirected, url: answer.url, body: (await answer.json()) as Json };
      });
      const bench = await Bench.loaded({}, [service]);
      const { flight } = bench.send();
      call(bench, 1, flight.local, ["svc", "ask", [`${server.url.href}a`]]);
      expect(await answered(bench)).toEqual([
        0,
        { status: 203, redirected: true, url: `${server.url.href}b`, body: { sent: "hello", type: "k" } },
      ]);
      expect([flight.subrequests, flight.mutated]).toEqual([2, true]);
      expect(bench.reports.fetches).toMatchObject([{ method: "POST", outcome: 203 }]);
    });

    test("send a stream as it comes", async () => {
      using server = serve(
        async (request) => new Response(`${request.headers.get("transfer-encoding")} ${await request.text()}`),
      );
      const bench = await Bench.loaded({}, [
        asking(async (one, url) => {
          const body = new Blob(["in pieces"]).stream();
          return (await one.fetch(url, { method: "PUT", body })).text();
        }),
      ]);
      const { flight } = bench.send();
      call(bench, 1, flight.local, ["svc", "ask", [server.url.href]]);
      expect(await answered(bench)).toEqual([0, "chunked in pieces"]);
    });

    test("do not get past the script's policy, hosts, limits and network", async () => {
      using server = serve((request) =>
        request.url.endsWith("/big") ? new Response("x".repeat(2000)) : new Response("ok"),
      );
      const refused = async (
        given: Parameters<typeof Bench.loaded>[0],
        path: string,
        deny = false,
      ): Promise<unknown> => {
        const service = asking(async (one, url) => {
          let last = "";
          for (let at = 0; at < 3; at++) last = await (await one.fetch(url)).text();
          return last;
        });
        const bench = await Bench.loaded({ wallMs: 300, ...given }, [service]);
        if (deny) bench.reports.policy = { allowPrivate: false, allowHosts: [], denyHosts: [] };
        const { flight } = bench.send();
        call(bench, 1, flight.local, ["svc", "ask", [path.startsWith("/") ? server.url.href + path.slice(1) : path]]);
        const [failed, body] = await answered(bench);
        expect([failed, bench.reports.serviceErrors]).toEqual([1, []]);
        return (body as { code: string }).code;
      };
      expect(await refused({}, "/", true)).toBe("fetch_blocked");
      expect(await refused({}, "file:///etc/passwd")).toBe("fetch_blocked");
      expect(await refused({}, "http://user:secret@127.0.0.1/")).toBe("fetch_blocked");
      expect(await refused({ subrequests: 2 }, "/")).toBe("subrequests_exceeded");
      expect(await refused({ responseBytes: 1000 }, "/big")).toBe("response_too_large");
      expect(await refused({}, "http://127.0.0.1:25/")).toBe("fetch_blocked");
      expect(await refused({}, "http://127.0.0.1:2/")).toBe("network");
    });

    test("hold it no longer than the invocation, also when the call was answered", async () => {
      const gone = Promise.withResolvers<void>();
      using server = serve((request) => {
        request.signal.addEventListener("abort", () => gone.resolve());
        return new Promise(() => {});
      });
      let held: ServiceCall | undefined;
      let outcome: Promise<unknown> | undefined;
      const bench = await Bench.loaded({}, [
        asking(async (one, url) => {
          held = one;
          outcome = one.fetch(url).catch((error: unknown) => error);
          return null;
        }),
      ]);
      const { flight, answer } = bench.send();
      call(bench, 1, flight.local, ["svc", "ask", [server.url.href]]);
      await answered(bench);
      expect([held?.signal.aborted, held?.ended.aborted]).toEqual([false, false]);
      const { ended } = held!;
      bench.vessel.emit(F.RESULT, flight.local, 204, "{}");
      bench.vessel.emit(F.DONE, flight.local, 0, "");
      await answer;
      expect(ended.aborted).toBe(true);
      expect(await outcome).toMatchObject({ code: "invocation_ended" });
      await gone.promise;
      expect(await held?.fetch(server.url.href).catch((error: unknown) => error)).toMatchObject({
        code: "invocation_ended",
      });
    });

    test("lose what they hold with the isolate", async () => {
      let held: ServiceCall | undefined;
      const bench = await Bench.loaded({}, [asking(async (one) => ((held = one), one.ended.aborted))]);
      const { flight } = bench.send();
      call(bench, 1, flight.local, ["svc", "ask", [""]]);
      expect(await answered(bench)).toEqual([0, false]);
      const { ended } = held!;
      bench.vessel.end();
      expect([ended.aborted, held?.ended.aborted, flight.ended]).toEqual([true, true, null]);
    });
  });

  test("end with their invocation, and with the isolate", async () => {
    const bench = await Bench.loaded({}, [service]);
    started.length = 0;
    const one = bench.send();
    const two = bench.send();
    call(bench, 1, one.flight.local, ["svc", "hang", []]);
    call(bench, 2, two.flight.local, ["svc", "hang", []]);
    bench.isolate.cancel(one.flight, F.CANCEL_CLIENT);
    expect(started.map(({ aborted }) => aborted)).toEqual([true, false]);
    bench.vessel.end();
    expect(started.map(({ aborted }) => aborted)).toEqual([true, true]);
    await turn();
    // It may be sent to another isolate: what ended here must not count there.
    expect(two.flight.calls).toBe(1);
  });

  test("that fail say nothing of the cause", async () => {
    const bench = await Bench.loaded({}, [service]);
    const { flight } = bench.send();
    call(bench, 1, flight.local, ["svc", "fail", []]);
    const [result] = await results(bench);
    expect(JSON.stringify(result)).not.toContain("secret");
    expect(bench.reports.serviceErrors.length).toBe(1);
  });

  for (const text of ["null", "[]", '["svc"]', '["svc","echo",{}]', "[[],[],[]]", "{", '{"0":"svc"}']) {
    test(`that are ${text} end the isolate`, async () => {
      const bench = await Bench.loaded({}, [service]);
      const { flight } = bench.send();
      bench.vessel.emit(F.CALL, 1, flight.local, text);
      await turn();
      expect(bench.killed).toMatch(/broke the protocol/);
    });
  }

  for (const head of [
    null,
    {},
    { method: 1, url: "x", headers: [] },
    { method: "GET", url: "x", headers: [1] },
    { method: "GET", url: "x", headers: {} },
  ]) {
    test(`to the network as ${JSON.stringify(head)} end the isolate`, async () => {
      const bench = await Bench.loaded();
      const { flight } = bench.send();
      bench.vessel.emit(F.FETCH, 1, flight.local, JSON.stringify(head));
      await turn();
      expect(bench.killed).toMatch(/broke the protocol/);
    });
  }

  test("under an id that is in use end the isolate", async () => {
    const bench = await Bench.loaded({}, [service]);
    const { flight } = bench.send();
    call(bench, 1, flight.local, ["svc", "hang", []]);
    call(bench, 1, flight.local, ["svc", "hang", []]);
    expect(bench.killed).toMatch(/id that is in use/);
  });
});

describe("the end", () => {
  test("is reported once, however it comes", async () => {
    const bench = await Bench.loaded();
    bench.isolate.kill({ cause: "retired", detail: "idle" });
    bench.isolate.kill({ cause: "crashed", detail: "again" });
    bench.vessel.end();
    expect(bench.deaths).toEqual([{ cause: "retired", detail: "idle" }]);
  });

  test("while it loads is why it did not load; a load or reset after it says so at once", async () => {
    const bench = new Bench();
    bench.vessel.ready();
    const loading = bench.isolate.load(script());
    bench.vessel.end("it fell over");
    expect(await loading).toBe("it fell over");
    expect(await bench.isolate.load(script())).toBe("it fell over");
    expect(await bench.isolate.reset()).toBe("it fell over");
    expect(bench.isolate.state).toBe("dead");
  });

  test("before it was ready settles its readiness", async () => {
    const bench = new Bench();
    bench.vessel.end();
    await bench.isolate.ready;
    expect(bench.isolate.state).toBe("dead");
  });
});

describe("long bodies in memory that an isolate shares", () => {
  const LONG = 300_000;
  const sharing = async (given = {}) => {
    const bodies = bodiesInMemory();
    const bench = await Bench.loaded(given, [], bodies);
    return { bench, bodies, ring: bodies.fromIsolate.bytes() };
  };
  /** As an isolate announces a body, whether it is there or not. */
  const announce = (type: number, id: number, a: number, offset: number, length: number): Buffer => {
    const out = Buffer.alloc(F.HEAD_BYTES + 12);
    out.writeUInt32LE(out.length - 4, 0);
    out[4] = type;
    out[5] = F.FLAG_SHARED;
    out.writeUInt32LE(id, 6);
    out.writeUInt32LE(a, 10);
    out.writeUInt32LE(offset, F.HEAD_BYTES);
    out.writeUInt32LE(length, F.HEAD_BYTES + 4);
    return out;
  };

  test("go there and back, and are the client's whatever the isolate does with the memory then", async () => {
    const { bench, ring } = await sharing();
    const { flight, answer } = bench.send({ method: "POST", body: new Uint8Array(LONG).fill(7) });
    await turn();
    expect(bench.vessel.of(F.INVOKE)[0]?.body.equals(Buffer.alloc(LONG, 7))).toBe(true);
    bench.vessel.emit(F.RESULT, flight.local, 200, "n", new Uint8Array(LONG).fill(8));
    ring.fill(9);
    expect(Buffer.alloc(LONG, 8).equals(await (await answer).bytes())).toBe(true);
  });

  test("stream under the same credit, and under the same limit of an answer", async () => {
    const { bench } = await sharing({ responseBytes: 2 * MIB });
    const { flight, answer } = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n");
    bench.vessel.emit(F.CHUNK, flight.local, 0, "", new Uint8Array(MIB));
    const reader = (await answer).body?.getReader();
    expect((await reader?.read())?.value?.length).toBe(MIB);
    await turn();
    expect(bench.vessel.of(F.CREDIT).map(({ a }) => a)).toEqual([MIB]);
    for (let i = 0; i < 2; i++) bench.vessel.emit(F.CHUNK, flight.local, 0, "", new Uint8Array(MIB));
    expect(bench.reports.broken[0]?.code).toBe("response_too_large");
    const second = bench.send();
    bench.vessel.emit(F.RESULT_HEAD, second.flight.local, 200, "n");
    for (let i = 0; i < 3; i++) bench.vessel.raw(announce(F.CHUNK, second.flight.local, 0, 0, MIB));
    expect(bench.killed).toMatch(/does not wait for its reader/);
  });

  test("that lie outside of it end the isolate; those that nobody waits for are not copied", async () => {
    const { bench } = await sharing();
    const before = process.memoryUsage.rss();
    for (const type of [F.RESULT, F.CHUNK, F.FETCH_CHUNK]) {
      for (let i = 0; i < 1000; i++) bench.vessel.raw(announce(type, 4711, 200, 0, 2 * MIB));
    }
    expect(bench.killed).toBeNull();
    expect(process.memoryUsage.rss() - before).toBeLessThan(500 * MIB);
    const { flight } = bench.send();
    bench.vessel.raw(announce(F.RESULT, flight.local, 200, 1, 2 * MIB));
    expect(bench.killed).toMatch(/a shared body of/);
  });

  test("are given back with the memory once nobody calls, also after a body that is still on its way", async () => {
    const { bench, bodies, ring } = await sharing();
    const { flight, answer } = bench.send({ method: "POST", body: new Uint8Array(LONG).fill(7) });
    bench.vessel.emit(F.RESULT, flight.local, 200, "n", new Uint8Array(LONG).fill(8));
    const bytes = await (await answer).bytes();
    expect(bodies.toIsolate.bytes()[5]).toBe(7);
    bench.isolate.rest();
    // The isolate has not read its request: that is kept for it.
    expect(bodies.toIsolate.bytes()[5]).toBe(7);
    await turn();
    const second = bench.send();
    bench.vessel.emit(F.RESULT, second.flight.local, 204, "n");
    await second.answer;
    bench.isolate.rest();
    expect([bodies.toIsolate.bytes()[5], ring[5], bytes[5]]).toEqual([0, 0, 8]);
  });
});
