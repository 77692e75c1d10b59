/** The engine's side of the bridge with everything around it made of plain data, for tests. */
import { createHash } from "node:crypto";
import { problemBody, type Problem, type ProblemError } from "../../../sdk/errors.ts";
import { LIMITS, LIMIT_NAMES, type LimitName, type Limits } from "../../../core/config/limits.ts";
import { LOAD } from "../../../core/isolate/frames.ts";
import type { Invocation } from "../../../core/http/dispatch.ts";
import type { ReadFailure } from "../../../core/pool/answer.ts";
import type { Outgoing } from "../../../core/pool/calls.ts";
import type { FetchPolicy } from "../../../core/fetch/fetch.ts";
import { makeFlight, type Flight } from "../../../core/pool/flight.ts";
import { Isolate, type IsolateDeps, type IsolateScript } from "../../../core/pool/isolate.ts";
import { Isolates, type IsolatesOptions, type PooledRoute } from "../../../core/pool/isolates.ts";
import type { SharedBodies } from "../../../core/isolate/jail/page.ts";
import type { Kill } from "../../../core/pool/kill.ts";
import type { ScriptPool } from "../../../core/pool/pool.ts";
import type { Service } from "../../../core/plugin/service.ts";
import type { BuiltPointRegistration } from "../../../core/script/types.ts";
import { FakeVessel, turn } from "./fake-vessel.ts";

export function limits(given: Partial<Record<LimitName, number>> = {}): Limits {
  const defaults = Object.fromEntries(LIMIT_NAMES.map((name) => [name, LIMITS[name].default]));
  return { ...defaults, ...given } as Limits;
}

const message = { name: "s", form: "module", code: "", meta: "{}" } as const;
const registrationsHash = createHash("sha256").update("[]").digest("hex");

export function script(given: Partial<Record<LimitName, number>> = {}, fresh = false): IsolateScript {
  return { name: "s", limits: limits(given), hosts: [], message, registrationsHash, fresh };
}

let ids = 0;

export interface Call {
  readonly method?: string;
  readonly body?: Invocation["body"];
  readonly signal?: AbortSignal;
}

export function invocation({ method = "GET", body = null, signal }: Call = {}, pool?: ScriptPool): Invocation {
  const registration = {
    id: 0,
    fn: "registerWebHandler",
    method,
    path: "/s",
    options: {},
    definitions: {},
    schemas: {},
  };
  const route = { script: "s", registration, pool } as unknown as PooledRoute;
  return {
    id: `id-${++ids}`,
    route,
    method,
    url: "http://localhost/s",
    params: {},
    headers: new Headers(),
    ip: "127.0.0.1",
    body,
    signal: signal ?? new AbortController().signal,
    state: new Map(),
  };
}

/** Everything that the bridge reports. */
export class Reports {
  readonly problems: ProblemError[] = [];
  readonly broken: ProblemError[] = [];
  readonly failures: ReadFailure[] = [];
  readonly logs: { level: number; message: string; invocation: string | null }[] = [];
  readonly faults: unknown[] = [];
  readonly fetches: Outgoing[] = [];
  readonly serviceErrors: unknown[] = [];
  policy: FetchPolicy = { allowPrivate: true, allowHosts: [], denyHosts: [] };

  deps(services: readonly Service[] = []): Omit<IsolateDeps, "onDeath" | "onFree" | "onFault"> {
    const served = new Map(services.map((service) => [service.name, service]));
    return {
      services: () => served,
      fetchPolicy: () => this.policy,
      fetchHook: () => null,
      onFetch: (_flight, outgoing) => void this.fetches.push(outgoing),
      onServiceError: (_script, _what, error) => void this.serviceErrors.push(error),
      onFailure: (_flight, failure) => void this.failures.push(failure),
      onBroken: (_flight, error) => void this.broken.push(error),
      problem: (flight, error) => {
        this.problems.push(error);
        const body = problemBody(error, flight.invocation.id);
        return new Response(JSON.stringify(body), { status: error.status });
      },
      httpFailure: (_flight, failure) => new Response(failure.message, { status: failure.status ?? 500 }),
      log: (_script, level, text, _data, flight) =>
        void this.logs.push({ level, message: text, invocation: flight?.invocation.id ?? null }),
    };
  }
}

/** One isolate with a loaded script, alone. */
export class Bench {
  readonly vessel: FakeVessel;
  readonly reports = new Reports();
  readonly deaths: Kill[] = [];
  freed = 0;
  readonly isolate: Isolate;

  constructor(services: readonly Service[] = [], bodies: SharedBodies | null = null) {
    this.vessel = new FakeVessel(bodies);
    this.isolate = new Isolate(this.vessel, {
      ...this.reports.deps(services),
      onDeath: (_isolate, kill) => void this.deaths.push(kill),
      onFree: () => void this.freed++,
      onFault: (_isolate, error) => void this.reports.faults.push(error),
    });
  }

  static async loaded(
    given: Partial<Record<LimitName, number>> = {},
    services: readonly Service[] = [],
    bodies: SharedBodies | null = null,
  ): Promise<Bench> {
    const bench = new Bench(services, bodies);
    bench.vessel.ready();
    const loading = bench.isolate.load(script(given));
    bench.vessel.loaded();
    if ((await loading) !== null) throw new Error("the script did not load");
    return bench;
  }

  /** Sends an invocation; the answer comes through the promise. */
  send(call: Call = {}): { readonly flight: Flight; readonly answer: Promise<Response> } {
    const { promise: answer, resolve } = Promise.withResolvers<Response>();
    const flight = makeFlight(invocation(call), 10_000, resolve);
    this.isolate.send(flight);
    return { flight, answer };
  }

  get killed(): string | null {
    return this.isolate.state === "dead" ? (this.isolate.killed?.detail ?? "") : null;
  }
}

/** All isolates of an engine, on fake vessels. */
export class House {
  readonly vessels: FakeVessel[] = [];
  readonly reports = new Reports();
  readonly kills: Kill[] = [];
  readonly pauses: number[] = [];
  readonly loadFailures: unknown[] = [];
  readonly spareFailures: unknown[] = [];
  readonly isolates: Isolates;
  /** Isolates start by themselves and load what they are given. */
  willing = true;
  clock = 1_000;

  constructor(config: Partial<ReturnType<IsolatesOptions["config"]>> = {}, startMs?: number) {
    this.isolates = new Isolates({
      config: () => ({ max: 8, perScript: 2, spare: 0, idleMs: 60_000, ...config }),
      now: () => this.clock,
      openVessel: async () => this.#open(),
      deps: this.reports.deps(),
      events: {
        onKill: (_script, kill) => void this.kills.push(kill),
        onPause: (_script, ms) => void this.pauses.push(ms),
        onLoadFailure: (_script, failure) => void this.loadFailures.push(failure),
        onSpareFailure: (error) => void this.spareFailures.push(error),
        onFault: (_script, error) => void this.reports.faults.push(error),
      },
      ...(startMs === undefined ? {} : { startMs }),
    });
  }

  #open(): FakeVessel {
    const vessel = new FakeVessel();
    this.vessels.push(vessel);
    vessel.willing = this.willing;
    return vessel;
  }

  open(given: Partial<Record<LimitName, number>> = {}, fresh = false): ScriptPool {
    return this.isolates.open({ ...script(given, fresh), sources: [], message: async () => message });
  }

  dispatch(pool: ScriptPool, call: Call = {}): Promise<Response> {
    return this.isolates.dispatch(invocation(call, pool));
  }

  readonly #loaded = new Set<FakeVessel>();

  /** Waits until another vessel was given a script, and says that it has loaded. */
  async load(): Promise<FakeVessel> {
    for (let i = 0; i < 20; i++) {
      await turn();
      const vessel = this.vessels.find((one) => one.kills === 0 && !this.#loaded.has(one) && one.of(LOAD).length > 0);
      if (vessel) {
        this.#loaded.add(vessel);
        vessel.loaded();
        await turn();
        return vessel;
      }
    }
    throw new Error("no isolate was given a script");
  }
}

export async function problem(answer: Promise<Response>): Promise<Problem> {
  return (await (await answer).json()) as Problem;
}

/** Makes houses for the tests of one file: `const house = houses(afterEach)`. Each is given back after its test. */
export function houses(
  afterEach: (undo: () => Promise<void>) => void,
): (...given: ConstructorParameters<typeof House>) => House {
  const made: House[] = [];
  afterEach(async () => {
    for (const one of made.splice(0)) await one.isolates.dispose();
  });
  return (...given) => {
    const one = new House(...given);
    made.push(one);
    return one;
  };
}

/** What a script registered at a point. */
export const BELL: BuiltPointRegistration = {
  id: 3,
  fn: "registerBell",
  point: "bells",
  name: "b",
  options: {},
  definitions: {},
  schemas: {},
  callable: true,
};
