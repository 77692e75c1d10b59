/** The clock of a test realm: real until a case sets it, then it stands still, and timers wait for it. */
import { requireStep, runner } from "./realm.ts";

const RealDate = Date;
const real = {
  now: Date.now,
  performanceNow: performance.now.bind(performance),
  setTimeout: globalThis.setTimeout as unknown as (run: () => void, ms?: number) => number,
  setInterval: globalThis.setInterval as unknown as (run: () => void, ms?: number) => number,
  clearTimeout: globalThis.clearTimeout as unknown as (id?: number) => void,
};

interface Waiting {
  due: number;
  /** Milliseconds between two strikes; null strikes once. */
  readonly every: number | null;
  readonly run: () => void;
}

/** The case ended meanwhile, which its own calls are told. */
const ignore = (): void => {};

/** Far above the ids of real timers. */
const FIRST_ID = 2 ** 40;
let lastId = FIRST_ID;
const waiting = new Map<number, Waiting>();

/** Milliseconds since 1970; null while the clock is the real one. */
let standing: number | null = null;
/** What `performance.now()` said when the clock was stopped, and the time it was stopped at. */
let stopped = { performance: 0, at: 0 };

function now(): number {
  return standing ?? real.now();
}

function stand(epochMs: number): void {
  if (standing === null) stopped = { performance: real.performanceNow(), at: epochMs };
  standing = epochMs;
  // Sent before whatever the script asks of a service next; so the order holds without waiting.
  runner.clock(epochMs).catch(ignore);
}

export function setTime(epochMs: number): void {
  requireStep("setTime()");
  if (standing !== null) stopped = { ...stopped, at: stopped.at + epochMs - standing };
  stand(epochMs);
}

export async function advanceTime(ms: number): Promise<void> {
  requireStep("advanceTime()");
  const end = now() + ms;
  for (let next = earliest(end); next !== null; next = earliest(end)) {
    const [id, timer] = next;
    stand(Math.max(now(), timer.due));
    if (timer.every === null) waiting.delete(id);
    else timer.due += Math.max(1, timer.every);
    timer.run();
    await settle();
  }
  stand(end);
  await settle();
}

/** Lets everything run on that waits for promises only. */
function settle(): Promise<void> {
  return new Promise((resolve) => void real.setTimeout(resolve, 0));
}

function earliest(end: number): [number, Waiting] | null {
  let found: [number, Waiting] | null = null;
  for (const entry of waiting) if (entry[1].due <= end && (!found || entry[1].due < found[1].due)) found = entry;
  return found;
}

/** The clock as it is now; what is answered sets it back to that. */
export function saveClock(): () => void {
  const before = { standing, stopped, timers: new Set(waiting.keys()) };
  return () => {
    const changed = standing !== before.standing;
    ({ standing, stopped } = before);
    for (const id of waiting.keys()) if (!before.timers.has(id)) waiting.delete(id);
    if (changed) runner.clock(standing).catch(ignore);
  };
}

function delayOf(ms: unknown): number {
  const delay = Number(ms ?? 0);
  return delay > 0 ? delay : 0;
}

function wait(run: unknown, ms: unknown, args: readonly unknown[], repeat: boolean): number {
  if (typeof run !== "function") throw new TypeError("The first argument of a timer must be a function.");
  const strike = (): void => void (run as (...args: readonly unknown[]) => unknown)(...args);
  if (standing === null) return (repeat ? real.setInterval : real.setTimeout)(strike, ms as number);
  const delay = delayOf(ms);
  waiting.set(++lastId, { due: standing + delay, every: repeat ? delay : null, run: strike });
  return lastId;
}

function stop(id?: unknown): void {
  if (typeof id === "number" && id > FIRST_ID) waiting.delete(id);
  else real.clearTimeout(id as number);
}

const TestDate: DateConstructor = new Proxy(RealDate, {
  construct(target, args, newTarget) {
    const made = newTarget === TestDate ? target : newTarget;
    return Reflect.construct(target, args.length === 0 ? [now()] : args, made) as object;
  },
  apply: () => new RealDate(now()).toString(),
  get: (target, key) => (key === "now" ? now : (Reflect.get(target, key) as unknown)),
});

/** In place of the realm's own, before the script runs. */
export function installClock(): void {
  const replace = (target: object, key: string, value: unknown): void =>
    void Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false });
  replace(RealDate.prototype, "constructor", TestDate);
  replace(globalThis, "Date", TestDate);
  replace(performance, "now", () =>
    standing === null ? real.performanceNow() : stopped.performance + standing - stopped.at,
  );
  replace(globalThis, "setTimeout", (run: unknown, ms?: unknown, ...args: unknown[]) => wait(run, ms, args, false));
  replace(globalThis, "setInterval", (run: unknown, ms?: unknown, ...args: unknown[]) => wait(run, ms, args, true));
  replace(globalThis, "clearTimeout", stop);
  replace(globalThis, "clearInterval", stop);
}
