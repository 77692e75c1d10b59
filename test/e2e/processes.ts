/** What a tree of processes holds, read from /proc: for claims like "memory and threads are back where they were". */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessFigures {
  readonly pid: number;
  readonly threads: number;
  readonly rssBytes: number;
  /** Proportional share: shared pages are counted once over all processes that share them. */
  readonly pssBytes: number;
  /** Pages that no other process has. */
  readonly privateBytes: number;
  /** User and system time so far. */
  readonly cpuMs: number;
}

const CLOCK_TICK_MS = 10;

/** The process and all its descendants. Empty where there is no /proc. */
export function processTree(root: number): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of list("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = read(`/proc/${pid}/stat`);
    if (stat === null) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (let at = 0; at < found.length; at++) found.push(...(children.get(found[at] as number) ?? []));
  return found;
}

/** Whether the process is an isolate of an engine; builders are children as well. */
export function isIsolate(pid: number): boolean {
  return read(`/proc/${pid}/cmdline`)?.includes("--isolate") === true;
}

/** Null when the process has ended, or may not be looked at. */
export function figures(pid: number): ProcessFigures | null {
  const status = read(`/proc/${pid}/status`);
  const stat = read(`/proc/${pid}/stat`);
  if (status === null || stat === null) return null;
  const rollup = read(`/proc/${pid}/smaps_rollup`) ?? "";
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    threads: number(status, "Threads"),
    rssBytes: number(status, "VmRSS") * 1024,
    pssBytes: number(rollup, "Pss") * 1024,
    privateBytes: (number(rollup, "Private_Clean") + number(rollup, "Private_Dirty")) * 1024,
    cpuMs: (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_MS,
  };
}

/** The figures of a whole tree, those that ended meanwhile left out. */
export function treeFigures(root: number): readonly ProcessFigures[] {
  return processTree(root)
    .map(figures)
    .filter((one) => one !== null);
}

export function totalPss(root: number): number {
  return treeFigures(root).reduce((sum, one) => sum + one.pssBytes, 0);
}

function number(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no /proc on this system
  }
}

function read(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null; // the process has ended, or belongs to someone else
  }
}
