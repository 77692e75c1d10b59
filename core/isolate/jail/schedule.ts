/** Puts a child that hogs its processor behind everybody else, and back again. */
import { readdirSync } from "node:fs";
import { CAP_SYS_NICE, holdsCapability } from "./capabilities.ts";
import { openLibc, type Libc } from "./libc.ts";
import { here } from "./syscalls.ts";

const SCHED_OTHER = 0;
const SCHED_IDLE = 5;
const RLIMIT_NICE = 13;
/** RLIMIT_NICE counts 20 - nice; leaving SCHED_IDLE needs the right to nice 0. */
const NICE_ZERO = 20n;

/**
 * True when it took effect. Without the right to come back, a child is never sent there: a busy spell of some
 * milliseconds would leave it slow for the rest of its life.
 */
export function setIdle(pid: number, idle: boolean): boolean {
  const libc = process.platform === "linux" ? openLibc() : null;
  if (libc === null || !mayRestore(libc)) return false;
  const call = here("sched_setscheduler");
  const parameters = new Int32Array([0]);
  // Every thread on its own; new ones inherit from the thread that starts them.
  const results = threadsOf(pid).map((thread) =>
    libc.syscall(call, thread, idle ? SCHED_IDLE : SCHED_OTHER, parameters),
  );
  return results.length > 0 && results.every((result) => result === 0);
}

function threadsOf(pid: number): readonly number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return []; // the child has ended meanwhile: nobody is left to be moved, and the caller hears false
  }
}

let restorable: boolean | undefined;

/** Whether a process with this one's rights can take a child out of SCHED_IDLE again. Asked once: rights only shrink. */
export function mayRestore(libc: Libc): boolean {
  restorable ??= holdsCapability(libc, CAP_SYS_NICE) || niceLimit(libc)[1] >= NICE_ZERO;
  return restorable;
}

/** Gives this child the nice limit that lets an engine of the same user, without the capability, bring it back. */
export function permitRestore(libc: Libc): void {
  const [soft, hard] = niceLimit(libc);
  if (soft >= NICE_ZERO || hard < NICE_ZERO) return;
  libc.syscall(here("prlimit64"), 0, RLIMIT_NICE, new BigUint64Array([NICE_ZERO, hard]), 0);
}

function niceLimit(libc: Libc): readonly [soft: bigint, hard: bigint] {
  const limits = new BigUint64Array(2);
  libc.syscall(here("prlimit64"), 0, RLIMIT_NICE, 0, limits);
  return [limits[0] ?? 0n, limits[1] ?? 0n];
}
