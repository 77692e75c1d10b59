/** What a process uses, read from `/proc`: cheap enough for a hundred times a second. */
import { closeSync, openSync, readSync } from "node:fs";

const PAGE_BYTES = 4096;
/** USER_HZ: what /proc counts CPU time in, on every Linux that Bun runs on. */
const CLOCK_TICK_MS = 10;

export interface Vitals {
  /** Anonymous memory: resident minus shared. Null once the process has ended. */
  bytes(): number | null;
  /** User and system time of all threads so far. Null once the process has ended. */
  cpuMs(): number | null;
  close(): void;
}

const buffer = Buffer.alloc(1024);

function read(fd: number): string | null {
  try {
    return buffer.latin1Slice(0, readSync(fd, buffer, 0, buffer.length, 0));
  } catch {
    return null; // ESRCH: it has ended, and its socket says so
  }
}

/** Null where there is no `/proc`, or when the process has just ended. */
export function openVitals(pid: number): Vitals | null {
  let stat = -1;
  let statm = -1;
  try {
    stat = openSync(`/proc/${pid}/stat`, "r");
    statm = openSync(`/proc/${pid}/statm`, "r");
  } catch {
    if (stat >= 0) closeSync(stat);
    return null;
  }
  return {
    bytes() {
      const fields = read(statm)?.split(" ");
      return fields ? (Number(fields[1]) - Number(fields[2])) * PAGE_BYTES : null;
    },
    cpuMs() {
      const text = read(stat);
      if (text === null) return null;
      // The command's name, in parentheses, may hold spaces and parentheses.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS;
    },
    close() {
      closeSync(stat);
      closeSync(statm);
    },
  };
}
