import { describe, expect, test } from "bun:test";
import * as F from "../../../core/isolate/frames.ts";
import type { Isolate } from "../../../core/pool/isolate.ts";
import type { PoolHost } from "../../../core/pool/pool.ts";
import { ScriptPool } from "../../../core/pool/pool.ts";
import type { Vitals } from "../../../core/process/vitals.ts";
import { openVitals } from "../../../core/process/vitals.ts";
import { Watchdog } from "../../../core/pool/watchdog.ts";
import type { LimitName } from "../../../core/config/limits.ts";
import { makeFlight, type Flight } from "../../../core/pool/flight.ts";
import { Bench, invocation, script } from "./engine-side.ts";

const MIB = 1024 * 1024;

/** A watchdog over one isolate, with a clock and figures that the test sets. */
class Kennel {
  now = performance.now();
  bytes: number | null = 20 * MIB;
  cpuMs: number | null = 100;
  closed = 0;
  grown = 0;
  /** What became of its place among the processes: true is behind everybody else. */
  readonly places: boolean[] = [];
  readonly faults: unknown[] = [];
  readonly owners = new Map<Isolate, ScriptPool>();
  readonly watchdog: Watchdog;
  readonly pool: ScriptPool;

  private constructor(
    readonly bench: Bench,
    given: Partial<Record<LimitName, number>>,
  ) {
    const host: PoolHost = {
      perScript: 4,
      now: () => this.now,
      acquire: () => {
        this.grown++;
        return new Promise(() => {});
      },
      replies: bench.reports.deps(),
      warm() {},
      onKill() {},
      onPause() {},
      onLoadFailure() {},
    };
    this.pool = new ScriptPool({ ...script(given), message: async () => script().message, sources: [] }, host);
    this.pool.isolates.push(bench.isolate);
    this.owners.set(bench.isolate, this.pool);
    const vitals: Vitals = { bytes: () => this.bytes, cpuMs: () => this.cpuMs, close: () => void this.closed++ };
    // A pid that nobody has.
    Object.defineProperty(bench.vessel, "pid", { value: 0x7fff_fff0 });
    this.watchdog = new Watchdog({
      owners: this.owners,
      pools: [this.pool],
      onFault: (_pool, error) => void this.faults.push(error),
      now: () => this.now,
      vitals: () => vitals,
      setIdle: (_pid, idle) => this.places.push(idle) > 0,
    });
    this.watchdog.look();
  }

  static async open(given: Partial<Record<LimitName, number>> = {}): Promise<Kennel> {
    return new Kennel(await Bench.loaded(given), given);
  }

  /** An invocation that was entered. */
  enter(): Flight {
    const { flight } = this.bench.send();
    this.bench.vessel.words[F.WORD_ENTERED] = flight.local;
    return flight;
  }

  set turn(turn: number) {
    this.bench.vessel.words[F.WORD_TURN] = turn;
  }

  /** Looks every 10 ms for so long. */
  pass(ms: number, each: () => void = () => {}): void {
    for (let left = ms; left > 0; left -= 10) {
      this.now += 10;
      each();
      this.watchdog.look();
    }
  }

  get killed() {
    return this.bench.isolate.killed;
  }
}

describe("a turn", () => {
  test("that is long lets others go first, until it ends", async () => {
    const kennel = await Kennel.open();
    kennel.enter();
    kennel.turn = 1;
    kennel.pass(20);
    expect(kennel.places).toEqual([]);
    kennel.pass(20);
    expect(kennel.places).toEqual([true]);
    kennel.turn = 2;
    kennel.pass(10);
    expect(kennel.places).toEqual([true, false]);
  });

  test("that takes memory fast lets others go first at the next look; one after the other may take as much", async () => {
    const kennel = await Kennel.open({ memoryBytes: 160 * MIB });
    kennel.enter();
    for (const turn of [1, 3, 5]) {
      kennel.turn = turn;
      kennel.pass(10);
      kennel.bytes = (kennel.bytes ?? 0) + 15 * MIB;
    }
    expect(kennel.places).toEqual([]);
    kennel.turn = 7;
    kennel.pass(10);
    kennel.bytes = (kennel.bytes ?? 0) + 21 * MIB;
    kennel.pass(10);
    expect(kennel.places).toEqual([true]);
  });

  test("that takes longer than uninterruptedMs is the end, within 20 ms", async () => {
    const kennel = await Kennel.open({ uninterruptedMs: 100 });
    kennel.enter();
    kennel.turn = 1;
    kennel.pass(100);
    expect(kennel.killed).toBe(null);
    kennel.pass(20);
    expect(kennel.killed).toMatchObject({
      cause: "uninterrupted_exceeded",
      limit: { name: "uninterruptedMs", value: 100 },
    });
    expect(kennel.killed?.limit?.used).toBeWithin(101, 121);
  });

  test("after turn is fine for as long as it yields", async () => {
    const kennel = await Kennel.open({ uninterruptedMs: 100 });
    kennel.enter();
    let turn = 1;
    kennel.pass(2_000, () => {
      kennel.turn = turn += 2;
    });
    expect(kennel.killed).toBe(null);
  });

  test("that goes on after all invocations have ended is seen as well", async () => {
    const kennel = await Kennel.open({ uninterruptedMs: 100 });
    const flight = kennel.enter();
    kennel.turn = 1;
    kennel.bench.isolate.cancel(flight, F.CANCEL_CLIENT);
    kennel.pass(130);
    expect(kennel.killed?.cause).toBe("uninterrupted_exceeded");
  });

  test("is not held against a script while the engine itself stood still", async () => {
    const kennel = await Kennel.open({ uninterruptedMs: 100 });
    kennel.enter();
    kennel.turn = 1;
    kennel.pass(50);
    kennel.now += 60_000;
    kennel.watchdog.look();
    kennel.pass(40);
    expect(kennel.killed).toBe(null);
    kennel.pass(30);
    expect(kennel.killed?.cause).toBe("uninterrupted_exceeded");
  });

  test("while the script loads is a matter of loadMs", async () => {
    const kennel = await Kennel.open({ uninterruptedMs: 100 });
    void kennel.bench.isolate.reset();
    kennel.turn = 1;
    kennel.pass(500);
    expect(kennel.killed).toBe(null);
  });
});

describe("memory", () => {
  test("past its limit is the end; the engine's own part does not count", async () => {
    const kennel = await Kennel.open({ memoryBytes: 64 * MIB });
    kennel.enter();
    kennel.bytes = 84 * MIB;
    kennel.watchdog.look();
    expect(kennel.bench.isolate.state).toBe("draining");
    kennel.bytes = 85 * MIB;
    kennel.watchdog.look();
    expect(kennel.killed).toMatchObject({ cause: "memory_exceeded", limit: { name: "memoryBytes", used: 65 * MIB } });
  });

  test("past four fifths replaces the isolate in peace: what runs is finished", async () => {
    const kennel = await Kennel.open({ memoryBytes: 100 * MIB });
    const { flight, answer } = kennel.bench.send();
    kennel.bytes = 101 * MIB;
    kennel.watchdog.look();
    expect([kennel.bench.isolate.state, kennel.bench.isolate.room]).toEqual(["draining", 0]);
    kennel.bench.vessel.emit(F.RESULT, flight.local, 200, "", "finished");
    expect(await (await answer).text()).toBe("finished");
    expect(kennel.killed).toBe(null);
  });

  test("that was there before anyone looked counts from 24 MiB on", async () => {
    const kennel = await Kennel.open({ memoryBytes: 64 * MIB });
    kennel.watchdog.forget(kennel.bench.isolate);
    kennel.bytes = 89 * MIB;
    kennel.watchdog.look();
    expect(kennel.killed?.cause).toBe("memory_exceeded");
  });
});

describe("CPU time", () => {
  test("is charged to the invocation that runs, and past cpuMs is the end, with its culprit", async () => {
    const kennel = await Kennel.open({ cpuMs: 200 });
    const flight = kennel.enter();
    kennel.watchdog.look();
    let turn = 1;
    const burn = (): void => {
      kennel.cpuMs = (kennel.cpuMs ?? 0) + 10;
      kennel.turn = turn += 2;
    };
    kennel.pass(200, burn);
    expect(kennel.killed).toBe(null);
    kennel.pass(10, burn);
    expect(kennel.killed).toMatchObject({ cause: "cpu_exceeded", limit: { name: "cpuMs", value: 200, used: 210 } });
    expect(kennel.killed?.culprit).toBe(flight);
  });

  test("is shared by those that run at the same time, and none of it falls on those not entered", async () => {
    const kennel = await Kennel.open({ cpuMs: 1000 });
    const [one, two] = [kennel.enter(), kennel.enter()];
    const { flight: waiting } = kennel.bench.send();
    kennel.watchdog.look();
    kennel.cpuMs = 200;
    kennel.pass(10);
    expect([one.cpuMs, two.cpuMs, waiting.cpuMs]).toEqual([50, 50, 0]);
  });

  test("of a load is nobody's", async () => {
    const kennel = await Kennel.open({ cpuMs: 200 });
    const loading = kennel.bench.isolate.reset();
    kennel.pass(500, () => {
      kennel.cpuMs = (kennel.cpuMs ?? 0) + 10;
    });
    kennel.bench.vessel.loaded();
    await loading;
    const flight = kennel.enter();
    kennel.pass(10);
    expect(flight.cpuMs).toBe(0);
    expect(kennel.killed).toBe(null);
  });

  test("used when all invocations have ended is the end of it, garbage collection is not", async () => {
    const kennel = await Kennel.open({ cpuMs: 200 });
    kennel.pass(20);
    kennel.pass(10_000, () => {
      kennel.cpuMs = (kennel.cpuMs ?? 0) + 1.5;
    });
    expect(kennel.killed).toBe(null);
    kennel.pass(2_000, () => {
      kennel.cpuMs = (kennel.cpuMs ?? 0) + 10;
    });
    expect(kennel.killed).toMatchObject({ cause: "cpu_exceeded", limit: { name: "cpuMs" } });
  });

  test("of many short invocations is not mistaken for that", async () => {
    const kennel = await Kennel.open({ cpuMs: 200 });
    kennel.pass(10_000, () => {
      kennel.cpuMs = (kennel.cpuMs ?? 0) + 10;
      const { flight } = kennel.bench.send();
      flight.sentAt = kennel.now;
      kennel.bench.isolate.lastUsed = kennel.now;
      kennel.bench.vessel.emit(F.RESULT, flight.local, 200, "", "x");
    });
    expect(kennel.killed).toBe(null);
  });
});

describe("deadlines", () => {
  test("a stream that stands still for streamIdleMs is cut, one that moves is not", async () => {
    const kennel = await Kennel.open({ streamIdleMs: 1000 });
    const still = kennel.bench.send();
    const moving = kennel.bench.send();
    for (const { flight } of [still, moving]) kennel.bench.vessel.emit(F.RESULT_HEAD, flight.local, 200, "n");
    const streams = [still.flight.stream, moving.flight.stream];
    for (const stream of streams) if (stream) stream.lastMove = kennel.now;
    kennel.pass(1_100, () => {
      if (moving.flight.stream) moving.flight.stream.lastMove = kennel.now;
    });
    expect(kennel.bench.reports.broken[0]).toMatchObject({ limit: { name: "streamIdleMs", value: 1000 } });
    await expect((await still.answer).text()).rejects.toThrow();
    kennel.bench.vessel.emit(F.DONE, still.flight.local);
    expect(kennel.bench.isolate.flights.size).toBe(1);
    expect(kennel.killed).toBe(null);
  });

  test("an invocation that waits for an isolate expires, too", async () => {
    const kennel = await Kennel.open({ concurrency: 1 });
    kennel.enter();
    const { promise, resolve } = Promise.withResolvers<Response>();
    kennel.pool.submit(makeFlight(invocation(), 10_000, resolve));
    expect(kennel.pool.waiting.length).toBe(1);
    kennel.now = performance.now() + 10_001;
    kennel.watchdog.look();
    expect((await promise).status).toBe(504);
    expect(kennel.pool.waiting.length).toBe(0);
  });
});

describe("growth", () => {
  test("comes when an invocation waits inside an isolate that is busy", async () => {
    const kennel = await Kennel.open();
    kennel.enter();
    kennel.turn = 1;
    const { flight } = kennel.bench.send();
    flight.sentAt = kennel.now;
    kennel.pass(20);
    expect(kennel.grown).toBe(0);
    kennel.pass(30);
    expect(kennel.grown).toBe(1);
  });

  test("does not come for an isolate that is only slow to be scheduled", async () => {
    const kennel = await Kennel.open();
    const { flight } = kennel.bench.send();
    kennel.bench.vessel.words[F.WORD_ENTERED] = flight.local - 1;
    flight.sentAt = kennel.now;
    kennel.pass(500);
    expect(kennel.grown).toBe(0);
  });
});

describe("the watch itself", () => {
  test("goes on for others, and is reported, when one cannot be watched", async () => {
    const kennel = await Kennel.open({ uninterruptedMs: 100 });
    const other = await Bench.loaded();
    const fault = new Error("no such figure");
    kennel.owners.clear();
    kennel.owners.set(other.isolate, kennel.pool);
    kennel.owners.set(kennel.bench.isolate, kennel.pool);
    Object.defineProperty(other.vessel, "words", {
      get() {
        throw fault;
      },
    });
    kennel.enter();
    kennel.turn = 1;
    kennel.pass(130);
    expect(kennel.faults[0]).toBe(fault);
    expect(kennel.killed?.cause).toBe("uninterrupted_exceeded");
  });

  test("survives a process that has ended, and closes what it opened", async () => {
    const kennel = await Kennel.open();
    kennel.enter();
    kennel.bytes = null;
    kennel.cpuMs = null;
    kennel.pass(50);
    expect(kennel.killed).toBe(null);
    kennel.watchdog.stop();
    expect(kennel.closed).toBe(1);
  });

  test("reads this process: some memory, some time; and nothing of one that is not there", () => {
    const vitals = openVitals(process.pid);
    expect(vitals?.bytes()).toBeGreaterThan(MIB);
    expect(vitals?.cpuMs()).toBeGreaterThan(0);
    vitals?.close();
    expect(openVitals(0x7fff_fff0)).toBe(null);
  });
});
