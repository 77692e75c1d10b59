/**
 * The protocol fuzzer: the engine's side of the isolates against children that lie on the wire, beside honest ones.
 * `bun test/fuzz/protocol.ts [seconds] [seed]`.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { LIMITS, type Limits } from "../../core/config/limits.ts";
import { ProtocolError, FrameReader } from "../../core/isolate/wire.ts";
import { MAX_FRAME_BYTES } from "../../core/isolate/frames.ts";
import type { Invocation } from "../../core/http/dispatch.ts";
import { Isolates, type PooledRoute } from "../../core/pool/isolates.ts";
import type { ScriptPool } from "../../core/pool/pool.ts";
import { startSpawner } from "../../core/process/spawner.ts";
import { processVessel, type Vessel, type VesselEvents } from "../../core/pool/vessel.ts";
import type { BuiltPointRegistration, BuiltWebRegistration } from "../../core/script/types.ts";
import { ProblemError } from "../../sdk/errors.ts";
import { frame, Malice, random } from "./malice.ts";
import { bodiesInMemory } from "../core/pool/shared-bodies.ts";

export interface ProtocolFuzzResult {
  readonly seed: number;
  readonly hostileCalls: number;
  readonly honestCalls: number;
  /** Isolates that were killed, or ended themselves. */
  readonly kills: number;
  /** The longest that the engine's event loop did nothing else. */
  readonly stallMs: number;
  readonly faults: readonly string[];
}

const WALL_MS = 400;
const CALLS = 4;
/** A stall longer than this is the engine's fault, on any machine that is not out of breath. */
export const STALL_MS = 500;

const limits: Limits = {
  ...(Object.fromEntries(
    Object.entries(LIMITS).map(([name, { default: value }]) => [name, value]),
  ) as unknown as Limits),
  wallMs: WALL_MS,
  loadMs: WALL_MS,
  streamIdleMs: WALL_MS,
};

const point: BuiltPointRegistration = {
  id: 1,
  fn: "registerX",
  point: "x",
  options: {},
  definitions: {},
  schemas: {},
  callable: true,
};

const registration: BuiltWebRegistration = {
  id: 0,
  fn: "registerWebHandler",
  method: "GET",
  path: "/x",
  options: {},
  definitions: {},
  schemas: {},
};

/** A connection in memory; bytes come in pieces of any size, in later turns, as from a socket. */
function hostileVessel(seed: number): Vessel {
  const pick = random(seed ^ 0x5bd1);
  let events: VesselEvents | null = null;
  let over = false;
  const queue: Buffer[] = [];
  const deliver = (): void => {
    const bytes = queue.length > 0 ? Buffer.concat(queue.splice(0)) : null;
    if (bytes === null || over) return;
    // One in four times cut in two: frames do not end where reads do.
    const cut = pick(4) === 0 ? pick(bytes.length) : bytes.length;
    if (cut > 0) events?.data(bytes.subarray(0, cut));
    if (cut < bytes.length && !over) setImmediate(() => over || events?.data(bytes.subarray(cut)));
  };
  const gone = (why: string): void => {
    if (over) return;
    over = true;
    setImmediate(() => events?.gone(why));
  };
  const bodies = bodiesInMemory();
  const malice = new Malice(
    {
      send(bytes) {
        queue.push(Buffer.from(bytes));
        if (queue.length === 1) setImmediate(deliver);
      },
      leave: () => gone("it left"),
    },
    seed,
    bodies,
  );
  return {
    kind: "process",
    pid: null,
    words: null,
    bodies,
    receive: (given) => {
      events = given;
    },
    send(bytes) {
      if (!over) {
        const copy = Buffer.from(bytes);
        setImmediate(() => malice.receive(copy));
      }
      return bytes.length;
    },
    kill: () => {
      malice.leave();
    },
  };
}

function wireInMemory(seed: number): () => Promise<Vessel> {
  let next = seed;
  return async () => hostileVessel(next++);
}

/** Real processes on real sockets: the same malice in hostile-child.ts. */
export async function fuzzChildren(milliseconds: number): Promise<ProtocolFuzzResult> {
  const command = [process.execPath, join(import.meta.dir, "hostile-child.ts")];
  const spawner = await startSpawner({ command, jail: false });
  try {
    return await fuzzIsolates(milliseconds, 0, async () => processVessel(await spawner.spawn("isolate")));
  } finally {
    await spawner.dispose();
  }
}

const BEAT_MS = 5;

/** How long the event loop did nothing else, and how long this process did not run at all: others had the processor. */
class Pulse {
  stallMs = 0;
  starvedMs = 0;
  #last = performance.now();
  #cpu = process.cpuUsage();
  readonly #timer = setInterval(() => this.#beat(), BEAT_MS);

  #beat(): void {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const late = now - this.#last - BEAT_MS;
    const worked = Math.min(late, (user + system) / 1000);
    this.stallMs = Math.max(this.stallMs, worked);
    if (late > 50) this.starvedMs += late - worked;
    this.#last = now;
    this.#cpu = process.cpuUsage();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

class Ward {
  readonly faults: string[] = [];
  readonly isolates: Isolates;
  kills = 0;

  constructor(openVessel: () => Promise<Vessel>) {
    const fault = (what: string, error: unknown): void => {
      this.faults.push(`${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    };
    const refused = (status: number): Response => new Response("problem", { status });
    const services = new Map([
      [
        "kv",
        {
          name: "kv",
          types: "",
          mutates: [],
          methods: { get: async () => ({ a: 1 }) },
        },
      ],
    ]);
    this.isolates = new Isolates({
      config: () => ({ max: 64, perScript: 2, spare: 1, idleMs: 60_000 }),
      openVessel,
      deps: {
        services: () => services,
        fetchPolicy: () => ({ allowPrivate: false, allowHosts: [], denyHosts: [] }),
        fetchHook: () => null,
        onFetch() {},
        onServiceError: (_script, what, error) => fault(`service ${what}`, error),
        onFailure: () => {},
        onBroken: () => {},
        problem: (_flight, error) => refused(error.status),
        httpFailure: (_flight, failure) => refused(failure.status ?? 500),
        log: () => {},
      },
      events: {
        onKill: () => this.kills++,
        onPause: () => {},
        onLoadFailure: () => {},
        onSpareFailure: (error) => fault("a spare", error),
        onFault: (script, error) => fault(`the engine's own code, serving ${script}`, error),
      },
    });
  }

  open(name: string): ScriptPool {
    return this.isolates.open({
      name,
      limits,
      hosts: [],
      sources: [],
      fresh: false,
      registrationsHash: createHash("sha256").update("[]").digest("hex"),
      message: async () => ({ name, form: "module", code: "", meta: "{}" }),
    });
  }

  /** The value where it is text, or null for a problem and any other value. */
  async callWithData(pool: ScriptPool, id: string): Promise<{ readonly text: string | null; readonly ms: number }> {
    const start = performance.now();
    let text: string | null = null;
    try {
      const value = await this.isolates.call(pool, point, { id, payload: { a: [1] } });
      if (typeof value === "string") text = value;
    } catch (error) {
      if (!(error instanceof ProblemError)) this.faults.push(`a call with data: ${String(error)}`);
    }
    if (({} as { polluted?: unknown }).polluted !== undefined) this.faults.push("a value was merged into a prototype");
    return { text, ms: performance.now() - start };
  }

  /** The answer's text, or null for a problem or a body that broke off. */
  async call(pool: ScriptPool, id: string): Promise<{ readonly text: string | null; readonly ms: number }> {
    const route: PooledRoute = { script: pool.script.name, registration, pool };
    const invocation: Invocation = {
      id,
      route,
      method: "GET",
      url: "http://localhost/x",
      params: {},
      headers: new Headers(),
      ip: "127.0.0.1",
      body: null,
      signal: new AbortController().signal,
      state: new Map(),
    };
    const start = performance.now();
    const response = await this.isolates.dispatch(invocation);
    const text = response.ok ? await response.text().catch(() => null) : null;
    if (response.headers.has("x-smuggled")) this.faults.push("a header was smuggled in");
    return { text, ms: performance.now() - start };
  }
}

/** Children on a wire in memory: hostile scripts by the hundred, each for a few calls, and one honest script all the time. */
export async function fuzzIsolates(
  milliseconds: number,
  seed: number,
  openVessel: () => Promise<Vessel> = wireInMemory(seed),
): Promise<ProtocolFuzzResult> {
  const ward = new Ward(openVessel);
  const good = ward.open("good");
  const end = performance.now() + milliseconds;
  let hostileCalls = 0;
  let honestCalls = 0;
  const pulse = new Pulse();
  const escaped = (error: unknown): void => {
    ward.faults.push(`uncaught: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  };
  process.on("uncaughtException", escaped);
  process.on("unhandledRejection", escaped);
  const honest = (async () => {
    while (performance.now() < end) {
      const id = crypto.randomUUID();
      const starved = pulse.starvedMs;
      const { text } = await (honestCalls % 2 === 0 ? ward.call(good, id) : ward.callWithData(good, id));
      if (text !== `answer to ${id}` && pulse.starvedMs - starved < WALL_MS / 2)
        ward.faults.push(`the honest script's caller got: ${text}`);
      honestCalls++;
      await Bun.sleep(1);
    }
  })();
  for (let round = 0; performance.now() < end; round++) {
    const pools = Array.from({ length: 8 }, (_, i) => ward.open(`bad-${round}-${i}`));
    await Promise.all(
      pools.flatMap((pool) => {
        const ids = new Set<string>(Array.from({ length: CALLS }, () => crypto.randomUUID()));
        return [...ids].map(async (id, at) => {
          const starved = pulse.starvedMs;
          const { text, ms } = await (at % 2 === 0 ? ward.call(pool, id) : ward.callWithData(pool, id));
          hostileCalls++;
          if (ms > WALL_MS * 4 + STALL_MS + pulse.starvedMs - starved)
            ward.faults.push(`a caller of ${pool.script.name} waited ${Math.round(ms)} ms`);
          // A hostile script may answer for its own invocations only.
          const named: string | null = text?.startsWith("answer to ") === true ? text.slice("answer to ".length) : null;
          if (named !== null && !ids.has(named)) ward.faults.push(`a caller got the answer of another script: ${text}`);
        });
      }),
    );
    for (const pool of pools) ward.isolates.retire(pool);
  }
  await honest;
  pulse.stop();
  await ward.isolates.dispose();
  process.off("uncaughtException", escaped);
  process.off("unhandledRejection", escaped);
  return {
    seed,
    hostileCalls,
    honestCalls,
    kills: ward.kills,
    stallMs: pulse.stallMs,
    faults: [...new Set(ward.faults)],
  };
}

/** The decoder alone: frames cut anywhere arrive whole, and garbage is refused, never believed and never hoarded. */
export function fuzzDecoder(rounds: number, seed: number): readonly string[] {
  const pick = random(seed);
  const faults: string[] = [];
  for (let round = 0; round < rounds; round++) {
    const sent: string[] = [];
    const parts: Buffer[] = [];
    for (let i = 0; i < 1 + pick(20); i++) {
      const text = "ü".repeat(pick(50));
      const body = Buffer.from(Array.from({ length: pick(3) === 0 ? pick(5000) : pick(20) }, () => pick(256)));
      const id = pick(0xffff_ffff);
      parts.push(frame(32 + pick(16), id, pick(1000), text, body));
      sent.push(`${id} ${text} ${body.toString("hex")}`);
    }
    const got: string[] = [];
    const reader = new FrameReader(MAX_FRAME_BYTES);
    const bytes = Buffer.concat(parts);
    for (let at = 0; at < bytes.length;) {
      const size = 1 + pick(pick(2) === 0 ? 7 : 4000);
      reader.push(Buffer.from(bytes.subarray(at, at + size)), ({ id, text, body }) =>
        got.push(`${id} ${text} ${body.toString("hex")}`),
      );
      at += size;
    }
    if (got.join("|") !== sent.join("|")) faults.push(`frames were not what was sent (seed ${seed}, round ${round})`);
    try {
      const garbage = Buffer.from(Array.from({ length: pick(400) }, () => pick(256)));
      new FrameReader(MAX_FRAME_BYTES).push(garbage, () => {});
    } catch (error) {
      if (!(error instanceof ProtocolError))
        faults.push(`garbage threw ${String(error)} (seed ${seed}, round ${round})`);
    }
  }
  return faults;
}

if (import.meta.main) {
  const seconds = Number(process.argv[2] ?? 60);
  const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);
  const decoder = fuzzDecoder(seconds * 100, seed);
  const results = [
    ["wire in memory", await fuzzIsolates(seconds * 500, seed)],
    ["processes", await fuzzChildren(seconds * 500)],
  ] as const;
  for (const [how, { hostileCalls, honestCalls, kills, stallMs, faults }] of results) {
    console.log(
      `protocol, ${how}: ${hostileCalls} hostile calls, ${honestCalls} honest ones, ${kills} kills, stall ${Math.round(stallMs)} ms, seed ${seed}, ${faults.length} faults`,
    );
    for (const fault of faults) console.log(fault);
  }
  for (const fault of decoder) console.log(fault);
  process.exit(decoder.length === 0 && results.every(([, { faults }]) => faults.length === 0) ? 0 : 1);
}
