/** setTimeout and setInterval of the realm. A timer dies with its invocation, unless `waitUntil` keeps that alive. */
import { TIMER_START, TIMER_STOP } from "../frames.ts";
import { emit } from "./host.ts";
import { requireInvocation, type Live } from "./state.ts";

interface Timer {
  readonly id: number;
  readonly run: () => void;
  readonly every: number;
  readonly owner: Live;
}

const mapGet = Map.prototype.get;
const timers = new Map<number, Timer>();
const apply = Reflect.apply;
const mapSet = Map.prototype.set;
const mapDelete = Map.prototype.delete;
let last = 0;
let waiting = 0;
let most = 0;

export function limitTimers(count: number): void {
  most = count;
}

const MAX_DELAY = 2147483647;

function delay(ms: unknown): number {
  const n = typeof ms === "number" ? ms : Number(ms ?? 0);
  if (!(n > 0)) return 0;
  return n > MAX_DELAY ? 1 : n - (n % 1);
}

function start(run: () => void, ms: unknown, repeat: boolean): number {
  const owner = requireInvocation("a timer");
  if (waiting >= most) {
    throw new RangeError(`${waiting} timers of this script are waiting; limits.timers allows ${most}.`);
  }
  const id = ++last;
  const every = repeat ? delay(ms) || 1 : -1;
  apply(mapSet, timers, [id, { id, run, every, owner }]);
  waiting++;
  owner.timerIds[owner.timerIds.length] = id;
  emit(TIMER_START, id, delay(ms), "");
  return id;
}

/** For the engine's own globals (AbortSignal.timeout). */
export function startTimer(run: () => void, ms: number): number {
  return start(run, ms, false);
}

export function stopTimer(id: unknown): void {
  if (typeof id !== "number") return;
  const timer = apply(mapGet, timers, [id]) as Timer | undefined;
  if (!timer) return;
  apply(mapDelete, timers, [id]);
  waiting--;
  emit(TIMER_STOP, id, 0, "");
}

/** Called when the invocation is over: nothing of it runs later. */
export function stopTimersOf(live: Live): void {
  const ids = live.timerIds;
  for (let i = 0; i < ids.length; i++) stopTimer(ids[i]);
  ids.length = 0;
}

/** The host's clock struck. */
export function fireTimer(id: number, failed: (error: unknown) => void): void {
  const timer = apply(mapGet, timers, [id]) as Timer | undefined;
  if (!timer) return;
  if (timer.every < 0 || timer.owner.cancelled) {
    apply(mapDelete, timers, [id]);
    waiting--;
  } else emit(TIMER_START, id, timer.every, "");
  try {
    timer.run();
  } catch (error) {
    failed(error);
  }
}

function bind(callback: unknown, args: unknown[]): () => void {
  if (typeof callback !== "function") throw new TypeError("The first argument of a timer must be a function.");
  return () => apply(callback, undefined, args);
}

export const timerGlobals = {
  setTimeout(callback: unknown, ms?: unknown, ...args: unknown[]): number {
    return start(bind(callback, args), ms, false);
  },
  setInterval(callback: unknown, ms?: unknown, ...args: unknown[]): number {
    return start(bind(callback, args), ms, true);
  },
  clearTimeout(id?: unknown): void {
    stopTimer(id);
  },
  clearInterval(id?: unknown): void {
    stopTimer(id);
  },
};
