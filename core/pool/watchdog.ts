/**
 * Watches every isolate from outside, every 10 ms while any has work: deadlines, uninterrupted runs, CPU, memory.
 * Nothing that a script does can stop it; it reads the shared page and `/proc`, and kills.
 */
import { setIdle } from "../isolate/jail/schedule.ts";
import { WORD_TURN } from "../isolate/frames.ts";
import { ProblemError } from "../../sdk/errors.ts";
import type { Flight } from "./flight.ts";
import type { Isolate } from "./isolate.ts";
import { limitUse } from "./limit-use.ts";
import type { ScriptPool } from "./pool.ts";
import { openVitals, type Vitals } from "../process/vitals.ts";

const TICK_MS = 10;
/** Ticks without work after which it sleeps. */
const IDLE_TICKS = 100;
/** A turn that takes longer lets everybody else go first. */
const LONG_TURN_MS = 20;
/** So does one that takes this share of its memory: what fills it fast is killed before long, and should cost others little. */
const GREEDY_SHARE = 1 / 8;
/** An invocation that waits so long for an isolate that is busy is a queue: another isolate is started. */
const QUEUE_MS = 25;
/** Busy: this share of a processor. An isolate that waits for one, on a crowded machine, is not helped by company. */
const BUSY_SHARE = 0.8;
const SHARE_MS = 100;
/** At this share of its memory an isolate is replaced in peace. */
const SOFT_MEMORY = 0.8;
/** An isolate's own part of its memory is not more than this, whatever it has allocated before it was first seen. */
const MOST_BASE_BYTES = 24 * 1024 * 1024;
/** CPU time of an isolate without invocations: collecting garbage may take this share of the time, and so much more. */
const FREE_SHARE = 0.2;
const FREE_MS = 1_000;
/** Between two looks; longer, and it was the engine that stood still (a suspended machine, a crowded one). */
const STALL_MS = 200;
/** Isolates without invocations are looked at once in so many ticks. */
const IDLE_EVERY = 10;

/** What is remembered of one isolate between two looks. */
interface Watch {
  readonly vitals: Vitals | null;
  /** Memory when it was first seen: the engine's own part. */
  baseBytes: number;
  /** What it holds beyond that, and what it held when its turn was first seen. */
  bytes: number;
  turnBytes: number;
  /** CPU time and clock at the last look; -1 before the first. */
  cpuMs: number;
  seenAt: number;
  /** It had no invocations then. */
  wasIdle: boolean;
  /** CPU time that no invocation paid for. */
  unpaidMs: number;
  /** CPU time and clock at the start of the present measure of the share, and the share of the last one. */
  shareCpuMs: number;
  shareSince: number;
  share: number;
  turn: number;
  turnSince: number;
  idle: boolean;
}

export interface WatchdogOptions {
  readonly owners: ReadonlyMap<Isolate, ScriptPool>;
  readonly pools: Iterable<ScriptPool>;
  /** Watching failed in the engine's own code. */
  readonly onFault: (pool: ScriptPool, error: unknown) => void;
  /** Milliseconds; and where figures of a process come from. */
  readonly now?: () => number;
  readonly vitals?: (pid: number) => Vitals | null;
  readonly setIdle?: typeof setIdle;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #now: () => number;
  readonly #setIdle: typeof setIdle;
  readonly #watches = new Map<Isolate, Watch>();
  #timer: ReturnType<typeof setInterval> | null = null;
  #idleTicks = 0;
  #ticks = 0;
  #lastLook = 0;

  constructor(options: WatchdogOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#setIdle = options.setIdle ?? setIdle;
  }

  /** Called whenever there is something to watch; sleeps by itself when there is nothing. */
  wake(): void {
    this.#idleTicks = 0;
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    this.#sleep();
    for (const isolate of [...this.#watches.keys()]) this.forget(isolate);
  }

  #sleep(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  forget(isolate: Isolate): void {
    const watch = this.#watches.get(isolate);
    this.#watches.delete(isolate);
    watch?.vitals?.close();
  }

  #tick(): void {
    if (this.look(++this.#ticks % IDLE_EVERY === 0)) this.#idleTicks = 0;
    else if (++this.#idleTicks > IDLE_TICKS) this.#sleep();
  }

  /** One look at all that have work, or (`everyone`) at all. True while something is under way. */
  look(everyone = true): boolean {
    const now = this.#now();
    if (now - this.#lastLook > STALL_MS) this.#forgive(now - this.#lastLook);
    this.#lastLook = now;
    let busy = false;
    for (const pool of this.#options.pools) {
      if (pool.waiting.length === 0) continue;
      busy = true;
      this.#guard(pool, () => this.#waiting(pool, now));
    }
    for (const [isolate, pool] of [...this.#options.owners]) {
      if (isolate.state === "dead") continue;
      if (isolate.flights.size > 0 || isolate.state === "loading") busy = true;
      else if (!everyone) continue;
      this.#guard(pool, () => {
        if (this.#watch(isolate, pool, now)) busy = true;
      });
    }
    return busy;
  }

  /** While the engine stood still nobody saw whether an isolate yielded. */
  #forgive(ms: number): void {
    for (const watch of this.#watches.values()) watch.turnSince += ms;
  }

  /** One isolate that cannot be watched must not leave the others unwatched. */
  #guard(pool: ScriptPool, look: () => void): void {
    try {
      look();
    } catch (error) {
      this.#options.onFault(pool, error);
    }
  }

  #waiting(pool: ScriptPool, now: number): void {
    for (const flight of [...pool.waiting]) {
      if (!flight.watched) this.#listen(flight, pool);
      if (now > flight.deadline && !flight.done) pool.expire(flight, null);
    }
  }

  #open(isolate: Isolate, now: number): Watch {
    const { pid } = isolate.vessel;
    const vitals = pid === null ? null : (this.#options.vitals ?? openVitals)(pid);
    const memory = { baseBytes: -1, bytes: 0, turnBytes: 0 };
    const usage = { cpuMs: -1, seenAt: now, wasIdle: false, unpaidMs: 0 };
    const share = { shareCpuMs: 0, shareSince: 0, share: 0 };
    const watch: Watch = { vitals, ...memory, ...usage, ...share, turn: 0, turnSince: now, idle: false };
    this.#watches.set(isolate, watch);
    return watch;
  }

  /** True while its code runs. */
  #watch(isolate: Isolate, pool: ScriptPool, now: number): boolean {
    const watch = this.#watches.get(isolate) ?? this.#open(isolate, now);
    if (!this.#withinMemory(isolate, pool, watch)) return false;
    if (!this.#withinTurn(isolate, pool, watch, now)) return false;
    if (!this.#withinCpu(isolate, pool, watch, now)) return false;
    if (isolate.flights.size > 0) this.#deadlines(isolate, pool, now);
    if (isolate.state === "ready" && isBusy(watch, now)) this.#queue(isolate, pool, now);
    return (watch.turn & 1) === 1;
  }

  #withinMemory(isolate: Isolate, pool: ScriptPool, watch: Watch): boolean {
    const bytes = watch.vitals?.bytes() ?? null;
    if (bytes === null) return true;
    if (watch.baseBytes < 0) watch.baseBytes = Math.min(bytes, MOST_BASE_BYTES);
    const used = (watch.bytes = bytes - watch.baseBytes);
    const { limits } = pool.script;
    if (used > limits.memoryBytes) {
      const detail = `it held ${mebibytes(used)} MiB; limits.memoryBytes is ${mebibytes(limits.memoryBytes)} MiB`;
      isolate.kill({ cause: "memory_exceeded", detail, limit: limitUse(limits, "memoryBytes", used) });
      return false;
    }
    if (used > limits.memoryBytes * SOFT_MEMORY) pool.drain(isolate);
    return isolate.state !== "dead";
  }

  #withinTurn(isolate: Isolate, pool: ScriptPool, watch: Watch, now: number): boolean {
    const turn = isolate.vessel.words?.[WORD_TURN] ?? 0;
    if ((turn & 1) === 0 || turn !== watch.turn) {
      watch.turn = turn;
      watch.turnSince = now;
      watch.turnBytes = watch.bytes;
      if (watch.idle && isolate.vessel.pid !== null) watch.idle = !this.#setIdle(isolate.vessel.pid, false);
      return true;
    }
    const stuck = now - watch.turnSince;
    const { limits } = pool.script;
    const isHog = stuck > LONG_TURN_MS || watch.bytes - watch.turnBytes > limits.memoryBytes * GREEDY_SHARE;
    if (isHog && !watch.idle && isolate.vessel.pid !== null) watch.idle = this.#setIdle(isolate.vessel.pid, true);
    // While it loads it is limits.loadMs that counts.
    if (stuck <= limits.uninterruptedMs || isolate.state === "loading") return true;
    const detail = `it ran ${Math.round(stuck)} ms without yielding; limits.uninterruptedMs is ${limits.uninterruptedMs}`;
    isolate.kill({ cause: "uninterrupted_exceeded", detail, limit: limitUse(limits, "uninterruptedMs", stuck) });
    return false;
  }

  /** CPU time is charged in equal parts to the invocations that were running; one alone pays for all of it. */
  #withinCpu(isolate: Isolate, pool: ScriptPool, watch: Watch, now: number): boolean {
    const used = watch.vitals?.cpuMs() ?? null;
    if (used === null) return true;
    const spent = watch.cpuMs < 0 ? 0 : used - watch.cpuMs;
    const passed = now - watch.seenAt;
    const isIdle = isolate.flights.size === 0;
    const stayedIdle = isIdle && watch.wasIdle && isolate.lastUsed < watch.seenAt;
    watch.cpuMs = used;
    watch.seenAt = now;
    watch.wasIdle = isIdle;
    if (isolate.state === "loading") return true;
    measureShare(watch, used, now);
    if (isIdle) return !stayedIdle || this.#withinUnpaid(isolate, pool, watch, spent - passed * FREE_SHARE);
    const running: Flight[] = [];
    for (const flight of isolate.flights.values()) if (isolate.entered(flight)) running.push(flight);
    const { limits } = pool.script;
    if (spent <= 0) return true;
    for (const flight of running) {
      flight.cpuMs += spent / running.length;
      if (flight.cpuMs <= limits.cpuMs) continue;
      const detail = `one invocation used ${Math.round(flight.cpuMs)} ms of CPU time; limits.cpuMs is ${limits.cpuMs}`;
      isolate.kill({ cause: "cpu_exceeded", detail, limit: limitUse(limits, "cpuMs", flight.cpuMs), culprit: flight });
      return false;
    }
    return true;
  }

  /** What an isolate does when all its invocations have ended was started by one of them. */
  #withinUnpaid(isolate: Isolate, pool: ScriptPool, watch: Watch, moreMs: number): boolean {
    watch.unpaidMs = Math.max(0, watch.unpaidMs + moreMs);
    const { limits } = pool.script;
    if (watch.unpaidMs <= Math.max(limits.cpuMs, FREE_MS)) return true;
    const detail = `it used ${Math.round(watch.unpaidMs)} ms of CPU time after its invocations had ended`;
    isolate.kill({ cause: "cpu_exceeded", detail, limit: limitUse(limits, "cpuMs", watch.unpaidMs) });
    return false;
  }

  #deadlines(isolate: Isolate, pool: ScriptPool, now: number): void {
    const { limits } = pool.script;
    for (const flight of [...isolate.flights.values()]) {
      if (!flight.watched && now - flight.sentAt > TICK_MS) this.#listen(flight, pool);
      if (flight.done) continue;
      const { stream } = flight;
      if (!stream) {
        if (now > flight.deadline) pool.expire(flight, isolate);
      } else if (now - stream.lastMove > limits.streamIdleMs) {
        const limit = limitUse(limits, "streamIdleMs", now - stream.lastMove);
        const detail = `The answer's stream stood still for longer than limits.streamIdleMs (${limits.streamIdleMs}).`;
        isolate.cut(flight, new ProblemError("deadline_exceeded", detail, { limit }));
      }
    }
  }

  /** A request's signal costs as much as a whole short request: it is asked for only once a request is not short. */
  #listen(flight: Flight, pool: ScriptPool): void {
    flight.watched = true;
    const { signal } = flight.invocation;
    const leave = (): void => {
      if (!flight.done) pool.leave(flight);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
  }

  #queue(isolate: Isolate, pool: ScriptPool, now: number): void {
    for (const flight of isolate.flights.values()) {
      if (isolate.entered(flight)) continue;
      if (now - flight.sentAt > QUEUE_MS) pool.grow();
      return; // the oldest that waits decides
    }
  }
}

function isBusy(watch: Watch, now: number): boolean {
  return watch.share >= BUSY_SHARE || ((watch.turn & 1) === 1 && now - watch.turnSince > QUEUE_MS);
}

function measureShare(watch: Watch, usedMs: number, now: number): void {
  if (now - watch.shareSince < SHARE_MS) return;
  watch.share = watch.shareSince === 0 ? 0 : (usedMs - watch.shareCpuMs) / (now - watch.shareSince);
  watch.shareSince = now;
  watch.shareCpuMs = usedMs;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1048576);
}
