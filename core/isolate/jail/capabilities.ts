/** Linux capabilities of the calling thread: root's power in pieces. */
import type { Libc } from "./libc.ts";
import { here } from "./syscalls.ts";

export const CAP_DAC_READ_SEARCH = 2;
export const CAP_KILL = 5;
export const CAP_SYS_NICE = 23;

const header = (): Int32Array => new Int32Array([0x20080522, 0]); // _LINUX_CAPABILITY_VERSION_3, this thread

export function holdsCapability(libc: Libc, capability: number): boolean {
  const data = new Int32Array(6); // two times effective, permitted, inheritable
  return libc.syscall(here("capget"), header(), data) === 0 && ((data[0] ?? 0) & (1 << capability)) !== 0;
}

/** Gives up all others. False when the kernel refused. */
export function keepCapabilities(libc: Libc, kept: readonly number[]): boolean {
  const bits = kept.reduce((sum, capability) => sum | (1 << capability), 0);
  return libc.syscall(here("capset"), header(), new Int32Array([bits, bits, 0, 0, 0, 0])) === 0;
}
