/** Registrations of scripts, handed to the plugins that own their points: all of them or none, and only what changed. */
import { describe, expect, test } from "bun:test";
import type { PointRegistration, PointSpec, RouteEvent } from "../../../sdk/plugin.ts";
import { ProblemError } from "../../../sdk/errors.ts";
import type { Owned } from "../../../core/plugin/context.ts";
import { hookedCall } from "../../../core/plugin/invoke.ts";
import { PointDesk, type CallHandler } from "../../../core/plugin/points.ts";
import { NO_OFFER, type BuiltPointRegistration, type Offer } from "../../../core/script/types.ts";
import type { Version } from "../../../core/script/version.ts";

type Calls = Parameters<CallHandler>[];

/** An owner that remembers what it was told. */
class Owner implements Owned<PointSpec> {
  readonly told: (readonly (readonly string[])[])[] = [];
  refuses: (next: readonly PointRegistration[]) => unknown = () => undefined;
  invalid: (one: PointRegistration) => unknown = () => undefined;
  latest: readonly PointRegistration[] = [];
  readonly spec: PointSpec;

  constructor(
    readonly name: string,
    readonly plugin = name,
  ) {
    this.spec = {
      functions: {},
      types: "",
      validate: (one) => {
        const error = this.invalid(one);
        if (error !== undefined) throw error;
      },
      change: (next, previous) => {
        const error = this.refuses(next);
        if (error !== undefined) throw error;
        this.latest = next;
        this.told.push([next, previous].map((list) => list.map(({ script, name }) => `${script}:${name}`)));
      },
    };
  }
}

function registration(point: string, name: string, id = 0, callable = true): BuiltPointRegistration {
  return { id, fn: `register${point}`, point, name, options: {}, definitions: {}, schemas: {}, callable };
}

function version(script: string, ...registrations: BuiltPointRegistration[]): Version {
  return {
    bundle: { name: script, registrations, offer: NO_OFFER },
    pool: { script: { name: script } },
    routes: [],
  } as never;
}

function desk(offer = (): Offer => NO_OFFER): {
  readonly desk: PointDesk;
  readonly calls: Calls;
  readonly failures: unknown[];
} {
  const calls: Calls = [];
  const failures: unknown[] = [];
  const call: CallHandler = async (...given) => {
    calls.push(given);
    return "answer";
  };
  return { desk: new PointDesk({ offer, call, onFailure: (_, error) => failures.push(error) }), calls, failures };
}

describe("an owner", () => {
  test("is told all registrations at its point, with what it had before", () => {
    const made = desk();
    const bells = new Owner("bells");
    const a = version("a", registration("bells", "x"), registration("jobs", "y", 1));
    expect(made.desk.take([bells], [a])).toBeNull();
    expect(made.desk.take([bells], [a, version("b", registration("bells", "z"))])).toBeNull();
    expect(bells.told).toEqual([
      [["a:x"], []],
      [["a:x", "b:z"], ["a:x"]],
    ]);
  });

  test("is not told what was registered by a function that is another one now", () => {
    const registerbells = { point: "bells", canonical: "registerbells", args: ["name"] as const };
    let offer: Offer = NO_OFFER;
    const made = desk(() => offer);
    const a = version("a", registration("bells", "x"));
    const [before, after] = [new Owner("bells"), new Owner("bells")];
    made.desk.take([before], [a]);
    offer = { services: { kv: ["get"] }, points: {} };
    made.desk.take([after], [a]);
    expect(after.told).toEqual([[["a:x"], []]]);
    offer = { services: {}, points: { registerbells } };
    made.desk.take([after], [a]);
    expect(after.latest).toEqual([]);
  });

  test("is told nothing when only the order in which scripts came is another", () => {
    const made = desk();
    const bells = new Owner("bells");
    const [a, b] = [version("a", registration("bells", "x")), version("b", registration("bells", "z"))];
    made.desk.take([bells], [b, a]);
    made.desk.take([bells], [a, b]);
    expect(bells.told).toEqual([[["a:x", "b:z"], []]]);
  });

  test("is told nothing when nothing of its point changed, and everything when a script goes", () => {
    const made = desk();
    const bells = new Owner("bells");
    const a = version("a", registration("bells", "x"));
    made.desk.take([bells], [a]);
    made.desk.take([bells], [a, version("b", registration("jobs", "y"))]);
    expect(bells.told).toHaveLength(1);
    made.desk.take([bells], []);
    expect(bells.told[1]).toEqual([[], ["a:x"]]);
  });

  test("calls a handler through its registration; one without a handler has none", async () => {
    const made = desk();
    const bells = new Owner("bells");
    made.desk.take([bells], [version("a", registration("bells", "x", 7), registration("bells", "y", 8, false))]);
    const [first, second] = bells.latest;
    expect(await first?.invoke?.({ payload: 1 })).toBe("answer");
    expect(made.calls).toMatchObject([[{ script: { name: "a" } }, { id: 7 }, { payload: 1 }]]);
    expect(second).not.toHaveProperty("invoke");
    expect(second).not.toHaveProperty("stream");
  });

  test("takes many values where it asks for a stream; one that is no stream is the only one", async () => {
    const made = desk();
    const bells = new Owner("bells");
    made.desk.take([bells], [version("a", registration("bells", "x", 7))]);
    const given: unknown[] = [];
    const values = await bells.latest[0]?.stream?.({ payload: 1 });
    for await (const value of values ?? []) given.push(value);
    expect([values?.single, given]).toEqual([true, ["answer"]]);
    expect(made.calls).toMatchObject([[{}, { id: 7 }, { payload: 1, stream: true }]]);
  });

  test("calls a function among the options by its option", async () => {
    const made = desk();
    const bells = new Owner("bells");
    const one = { ...registration("bells", "x", 7, false), handlers: ["admit"] };
    made.desk.take([bells], [version("a", one)]);
    const [first] = bells.latest;
    expect(Object.keys(first?.handlers ?? {})).toEqual(["admit"]);
    expect(await first?.handlers?.["admit"]?.({ payload: 1 })).toBe("answer");
    expect(made.calls).toMatchObject([[{ script: { name: "a" } }, { id: 7 }, { payload: 1, handler: "admit" }]]);
  });

  test("answers the paths that scripts registered at it, as it is at that moment", async () => {
    const made = desk();
    const a = version("a", registration("bells", "x", 7));
    const event = { path: "/x" } as RouteEvent;
    const of = (text: string): Owned<PointSpec> => {
      const handle = (_: RouteEvent, { script, id }: PointRegistration) => new Response(`${text} ${script} ${id}`);
      return { ...new Owner("bells"), spec: { ...new Owner("bells").spec, route: { method: "GET", handle } } };
    };
    expect(await (await made.desk.answer([of("one")], a, 7, event)).text()).toBe("one a 7");
    expect(await (await made.desk.answer([of("two")], a, 7, event)).text()).toBe("two a 7");
    expect(() => made.desk.answer([new Owner("bells")], a, 7, event)).toThrow("No plugin of this engine answers /x");
    expect(() => made.desk.answer([of("one")], a, 8, event)).toThrow("No plugin");
  });

  test("of the next generation starts with all that serves, whatever the one before had", () => {
    const made = desk();
    const [old, next] = [new Owner("bells"), new Owner("bells")];
    const a = version("a", registration("bells", "x"));
    made.desk.take([old], [a]);
    made.desk.take([next], [a]);
    expect(next.told).toEqual([[["a:x"], []]]);
  });
});

describe("a refusal", () => {
  const a = version("a", registration("bells", "x"), registration("jobs", "x", 1));
  const b = version("b", registration("bells", "bad"), registration("jobs", "y", 1));

  test("by validate names the script and what it wrote, and only what is new is asked about", () => {
    const made = desk();
    const bells = new Owner("bells", "tower");
    made.desk.take([bells], [a]);
    bells.invalid = () => new ProblemError("bad_registration", "no such bell");
    expect(made.desk.take([bells], [a])).toBeNull();
    expect(made.desk.take([bells], [a, b])).toEqual({
      plugin: "tower",
      owner: "b",
      problem: { code: "bad_registration", message: 'registerbells("bad"): no such bell' },
    });
    expect(bells.told).toHaveLength(1);
  });

  test("takes back what other owners were told already", () => {
    const made = desk();
    const [bells, jobs] = [new Owner("bells"), new Owner("jobs")];
    made.desk.take([bells, jobs], [a]);
    jobs.refuses = (next) => (next.length > 1 ? new ProblemError("conflict", "one job is enough") : undefined);
    expect(made.desk.take([bells, jobs], [a, b])).toMatchObject({
      plugin: "jobs",
      owner: "b",
      problem: { code: "conflict" },
    });
    expect(bells.told.at(-1)).toEqual([["a:x"], ["a:x", "b:bad"]]);
    expect(jobs.latest.map(({ script }) => script)).toEqual(["a"]);
    jobs.refuses = () => undefined;
    expect(made.desk.take([bells, jobs], [a, b])).toBeNull();
    expect(bells.latest).toHaveLength(2);
  });

  test("an owner that then fails is reported, and the others are still taken back", () => {
    const made = desk();
    const [bells, jobs] = [new Owner("bells"), new Owner("jobs")];
    made.desk.take([bells, jobs], [a]);
    jobs.refuses = () => new Error("no");
    bells.refuses = (next) => (next.length === 1 ? new Error("broken") : undefined);
    expect(made.desk.take([bells, jobs], [a, b])?.problem).toEqual({
      code: "internal",
      message: 'registerjobs("y"): the plugin "jobs" failed: Error: no',
    });
    expect(made.failures).toEqual([new Error("broken")]);
  });
});

describe("invoke hooks", () => {
  const pool = { script: { name: "a" } } as never;
  const one = registration("bells", "x", 7);

  test("are around a handler's call, and know what it is", async () => {
    const seen: unknown[] = [];
    const call: CallHandler = async (_pool, _registration, { id }) => id ?? null;
    const hooked = hookedCall(
      { call },
      () =>
        async ({ id, kind, script, registration: ordinal, parentId, input }, next) => {
          seen.push({ kind, script, ordinal, parentId, input, same: (await next()) === id });
          return "changed";
        },
    );
    expect(await hooked(pool, one, { payload: { a: 1 }, parentId: "p" })).toBe("changed");
    expect(seen).toEqual([{ kind: "bells", script: "a", ordinal: 7, parentId: "p", input: { a: 1 }, same: true }]);
  });

  test("that throw keep the handler from being called", async () => {
    let calls = 0;
    const call: CallHandler = async () => void calls++;
    const hooked = hookedCall({ call }, () => async () => {
      throw new ProblemError("too_many_requests", "slowly");
    });
    await expect(hooked(pool, one, {})).rejects.toThrow("slowly");
    expect(calls).toBe(0);
    await hookedCall({ call }, () => null)(pool, one, {});
    expect(calls).toBe(1);
  });
});
