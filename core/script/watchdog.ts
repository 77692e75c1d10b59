/**
 * Watches every isolate from outside, every 10 ms while any has work: deadlines, uninterrupted runs, CPU, memory.
 * Nothing that a script does can stop it; it reads the shared page and `/proc`, and kills.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { setIdle } from "../isolate/jail/schedule.ts";
import { WORD_TURN } from "../isolate/frames.ts";
import type { Flight } from "./flight.ts";
import type { Isolate } from "./isolate.ts";
import type { ScriptPool } from "./pool.ts";

const TICK_MS = 10;
/** A turn that takes longer lets everybody else go first. */
const LONG_TURN_MS = 20;
/** An invocation that waits so long inside its isolate is a queue: another isolate is started. */
const QUEUE_MS = 25;
/** At this share of its memory an isolate is replaced in peace. */
const SOFT_MEMORY = 0.8;
const PAGE_BYTES = 4096;
/** USER_HZ: what /proc counts CPU time in, on every Linux that Bun runs on. */
const CLOCK_TICK_MS = 10;

export interface WatchTarget {
  readonly isolate: Isolate;
  readonly pool: ScriptPool;
}

interface Vitals {
  readonly stat: number;
  readonly statm: number;
  /** Anonymous memory when the isolate was ready: the engine's own part. */
  baseBytes: number;
  cpuMs: number;
  turn: number;
  turnSince: number;
  idle: boolean;
}

const buffer = Buffer.alloc(1024);

function readProc(fd: number): string {
  return buffer.latin1Slice(0, readSync(fd, buffer, 0, buffer.length, 0));
}

function openVitals(pid: number): Vitals | null {
  let stat = -1;
  try {
    stat = openSync(`/proc/${pid}/stat`, "r");
    const statm = openSync(`/proc/${pid}/statm`, "r");
    return { stat, statm, baseBytes: -1, cpuMs: -1, turn: 0, turnSince: 0, idle: false };
  } catch {
    if (stat >= 0) closeSync(stat);
    return null; // no /proc here, or the isolate has just ended
  }
}

/** Resident minus shared: what the isolate holds for itself. */
function anonymousBytes(vitals: Vitals): number {
  const fields = readProc(vitals.statm).split(" ");
  return (Number(fields[1]) - Number(fields[2])) * PAGE_BYTES;
}

/** utime + stime of all threads; the command's name may hold spaces and parentheses. */
function cpuMs(vitals: Vitals): number {
  const text = readProc(vitals.stat);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
}

export class Watchdog {
  readonly #targets: () => Iterable<WatchTarget>;
  readonly #pools: () => Iterable<ScriptPool>;
  readonly #vitals = new Map<Isolate, Vitals | null>();
  #timer: ReturnType<typeof setInterval> | null = null;
  #idleTicks = 0;

  constructor(targets: () => Iterable<WatchTarget>, pools: () => Iterable<ScriptPool>) {
    this.#targets = targets;
    this.#pools = pools;
  }

  /** Called whenever there is something to watch; stops by itself when there is nothing. */
  wake(): void {
    this.#idleTicks = 0;
    this.#timer ??= setInterval(this.#tick, TICK_MS);
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    for (const isolate of [...this.#vitals.keys()]) this.forget(isolate);
  }

  forget(isolate: Isolate): void {
    const vitals = this.#vitals.get(isolate);
    this.#vitals.delete(isolate);
    if (vitals) {
      closeSync(vitals.stat);
      closeSync(vitals.statm);
    }
  }

  readonly #tick = (): void => {
    const now = performance.now();
    let busy = false;
    for (const pool of this.#pools()) {
      if (pool.waiting.length > 0) busy = true;
      for (const flight of [...pool.waiting]) {
        if (!flight.watched) this.#listen(flight, pool);
        if (now > flight.deadline) pool.expire(flight, null);
      }
    }
    for (const { isolate, pool } of [...this.#targets()]) {
      if (isolate.state === "dead") continue;
      if (isolate.flights.size > 0 || isolate.state === "loading") busy = true;
      this.#watch(isolate, pool, now);
    }
    if (busy) this.#idleTicks = 0;
    else if (++this.#idleTicks > 100 && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  };

  #watch(isolate: Isolate, pool: ScriptPool, now: number): void {
    let vitals = this.#vitals.get(isolate);
    if (vitals === undefined) {
      const { pid } = isolate.vessel;
      vitals = pid === null ? null : openVitals(pid);
      this.#vitals.set(isolate, vitals);
    }
    if (vitals && !this.#withinMemory(isolate, pool, vitals)) return;
    if (isolate.state === "loading") return;
    if (isolate.flights.size === 0) {
      if (vitals) vitals.cpuMs = -1;
      this.#restore(isolate, vitals);
      return;
    }
    if (!this.#withinTurn(isolate, pool, vitals ?? null, now)) return;
    if (vitals && !this.#withinCpu(isolate, pool, vitals)) return;
    this.#deadlines(isolate, pool, now);
    this.#queue(isolate, pool, now);
  }

  #withinMemory(isolate: Isolate, pool: ScriptPool, vitals: Vitals): boolean {
    let bytes: number;
    try {
      bytes = anonymousBytes(vitals);
    } catch {
      return true; // it has ended; its socket says so
    }
    if (vitals.baseBytes < 0) vitals.baseBytes = Math.min(bytes, 24 * 1024 * 1024);
    const used = bytes - vitals.baseBytes;
    const { memoryBytes } = pool.script.limits;
    if (used > memoryBytes) {
      isolate.kill({ cause: "memory_exceeded", detail: `it held ${Math.round(used / 1048576)} MiB; limits.memoryBytes is ${Math.round(memoryBytes / 1048576)} MiB`, used });
      return false;
    }
    if (used > memoryBytes * SOFT_MEMORY && isolate.state === "ready") pool.drain(isolate);
    return isolate.state !== "dead";
  }

  #withinTurn(isolate: Isolate, pool: ScriptPool, vitals: Vitals | null, now: number): boolean {
    const turn = isolate.vessel.words?.[WORD_TURN] ?? 0;
    const watch = vitals ?? this.#bare(isolate);
    if ((turn & 1) === 0 || turn !== watch.turn) {
      watch.turn = turn;
      watch.turnSince = now;
      this.#restore(isolate, watch);
      return true;
    }
    const stuck = now - watch.turnSince;
    if (stuck > LONG_TURN_MS && !watch.idle && isolate.vessel.pid !== null) watch.idle = setIdle(isolate.vessel.pid, true);
    const { uninterruptedMs } = pool.script.limits;
    if (stuck <= uninterruptedMs) return true;
    isolate.kill({ cause: "uninterrupted_exceeded", detail: `it ran ${Math.round(stuck)} ms without yielding; limits.uninterruptedMs is ${uninterruptedMs}`, used: stuck });
    return false;
  }

  /** Where there is no /proc the turn is watched all the same. */
  readonly #turns = new WeakMap<Isolate, Vitals>();
  #bare(isolate: Isolate): Vitals {
    let watch = this.#turns.get(isolate);
    if (!watch) {
      watch = { stat: -1, statm: -1, baseBytes: -1, cpuMs: -1, turn: 0, turnSince: performance.now(), idle: false };
      this.#turns.set(isolate, watch);
    }
    return watch;
  }

  #restore(isolate: Isolate, vitals: Vitals | null): void {
    if (vitals?.idle && isolate.vessel.pid !== null) vitals.idle = !setIdle(isolate.vessel.pid, false);
  }

  /** CPU time is charged in equal parts to the invocations that were running; one alone pays for all of it. */
  #withinCpu(isolate: Isolate, pool: ScriptPool, vitals: Vitals): boolean {
    let used: number;
    try {
      used = cpuMs(vitals);
    } catch {
      return true; // it has ended; its socket says so
    }
    const spent = vitals.cpuMs < 0 ? 0 : used - vitals.cpuMs;
    vitals.cpuMs = used;
    if (spent <= 0) return true;
    const running: Flight[] = [];
    for (const flight of isolate.flights.values()) if (isolate.entered(flight)) running.push(flight);
    const limit = pool.script.limits.cpuMs;
    for (const flight of running) {
      flight.cpuMs += spent / running.length;
      if (flight.cpuMs <= limit) continue;
      isolate.kill({ cause: "cpu_exceeded", detail: `one invocation used ${Math.round(flight.cpuMs)} ms of CPU time; limits.cpuMs is ${limit}`, used: flight.cpuMs });
      return false;
    }
    return true;
  }

  #deadlines(isolate: Isolate, pool: ScriptPool, now: number): void {
    const idle = pool.script.limits.streamIdleMs;
    for (const flight of [...isolate.flights.values()]) {
      if (!flight.watched) this.#listen(flight, pool);
      if (flight.stream) {
        if (now - flight.stream.lastMove > idle) {
          flight.stream.fail(new Error(`the stream was silent for limits.streamIdleMs (${idle} ms)`));
          pool.expire(flight, isolate);
        }
      } else if (now > flight.deadline && !flight.cancelled) pool.expire(flight, isolate);
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
    if (isolate.state !== "ready") return;
    for (const flight of isolate.flights.values()) {
      if (isolate.entered(flight)) continue;
      if (now - flight.sentAt > QUEUE_MS) pool.grow();
      return; // the oldest that waits decides
    }
  }
}
