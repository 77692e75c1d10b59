/** The limits of a script, in one table: defaults, maxima, units and meaning. Config, docs and typings are made of it. */

/** One row. A limit's config key is `limits.<name>`; for one script `scripts.<script>.limits.<name>`. */
export interface LimitSpec {
  readonly default: number;
  /** What `limits.max.<name>` is unless config says otherwise: the most that any script may be given. */
  readonly max: number;
  /** The least that makes sense; below it nothing would run. */
  readonly min: number;
  readonly unit: "ms" | "bytes" | "count";
  readonly meaning: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE = 60_000;

export const LIMITS = {
  wallMs: {
    default: 10_000,
    max: 10 * MINUTE,
    min: 1,
    unit: "ms",
    meaning: "Wall-clock time of one invocation, until its value is known. Past it: 504, and `signal` aborts.",
  },
  loadMs: {
    default: 5_000,
    max: MINUTE,
    min: 1,
    unit: "ms",
    meaning: "Time for a script to load: its top level and `init()`.",
  },
  uninterruptedMs: {
    default: 1_000,
    max: MINUTE,
    min: 10,
    unit: "ms",
    meaning: "The longest run of user code without yielding. Past it the isolate is killed.",
  },
  cpuMs: {
    default: 2_000,
    max: 10 * MINUTE,
    min: 10,
    unit: "ms",
    meaning: "CPU time of one invocation. Past it the isolate is killed.",
  },
  memoryBytes: {
    default: 128 * MIB,
    max: 2048 * MIB,
    min: 32 * MIB,
    unit: "bytes",
    meaning: "Memory of one isolate. Past it the isolate is killed.",
  },
  concurrency: {
    default: 100,
    max: 10_000,
    min: 1,
    unit: "count",
    meaning: "Invocations of one isolate at the same time. More wait or start another isolate; too many waiting: 503.",
  },
  pendingCalls: {
    default: 100,
    max: 10_000,
    min: 1,
    unit: "count",
    meaning: "Service calls and outgoing requests of one invocation that are under way at the same time.",
  },
  timers: {
    default: 1_000,
    max: 100_000,
    min: 0,
    unit: "count",
    meaning: "Timers of one isolate that are waiting at the same time.",
  },
  subrequests: {
    default: 50,
    max: 10_000,
    min: 0,
    unit: "count",
    meaning: "Outgoing requests of one invocation, redirects included.",
  },
  requestBytes: {
    default: 10 * MIB,
    max: 1024 * MIB,
    min: 0,
    unit: "bytes",
    meaning: "Body of one request. Past it: 413.",
  },
  responseBytes: {
    default: 32 * MIB,
    max: 1024 * MIB,
    min: 0,
    unit: "bytes",
    meaning: "Body of one answer, and of one answer to an outgoing request.",
  },
  logLines: {
    default: 1_000,
    max: 100_000,
    min: 0,
    unit: "count",
    meaning: "Log lines of one invocation.",
  },
  logBytes: {
    default: 64 * KIB,
    max: 64 * MIB,
    min: 0,
    unit: "bytes",
    meaning: "Bytes of log of one invocation.",
  },
  streams: {
    default: 1_000,
    max: 100_000,
    min: 0,
    unit: "count",
    meaning: "Streamed answers of one isolate that are open at the same time.",
  },
  streamIdleMs: {
    default: MINUTE,
    max: 60 * MINUTE,
    min: 1,
    unit: "ms",
    meaning: "How long a streamed answer may stay silent.",
  },
} as const satisfies Readonly<Record<string, LimitSpec>>;

export type LimitName = keyof typeof LIMITS;

/** The limits that hold for one script. */
export type Limits = { readonly [name in LimitName]: number };

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];
