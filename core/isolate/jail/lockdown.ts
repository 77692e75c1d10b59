/** Locks a child process down, from inside, before anything untrusted has run in it. */
import { readdirSync, readFileSync, writeSync } from "node:fs";
import { CAP_DAC_READ_SEARCH, CAP_KILL, holdsCapability, keepCapabilities } from "./capabilities.ts";
import { AT_FDCWD, landlockVersion, restrictPaths, VERSION_ALL_THREADS } from "./landlock.ts";
import { openLibc, reason, type Libc } from "./libc.ts";
import { JAIL_PARTS, type JailPart } from "./parts.ts";
import { mayRestore, permitRestore } from "./schedule.ts";
import { restrictCalls } from "./seccomp.ts";
import { builderRules } from "./startup-paths.ts";
import { architecture, here } from "./syscalls.ts";

export interface JailReport {
  readonly held: readonly JailPart[];
  readonly lacking: readonly { readonly part: JailPart; readonly reason: string }[];
}

export type LockDownOptions =
  { readonly kind: "isolate" } | { readonly kind: "builder"; readonly readPaths: readonly string[] };

/** Arguments that the spawner adds. They come from the engine, so a child may believe them. */
export const NO_JAIL_FLAG = "--no-jail";
export const PROBE_FLAG = "--jail-probe";

/** `nobody`, on every distribution. */
const NOBODY = 65534;
/** A root engine's child is a user of its own, counted from here by process id: a range that no distribution gives out. */
const FIRST_OWN_USER = 2_000_000_000;
const RLIMIT_NPROC = 6;
/** Threads. Bun and JavaScriptCore start a few per processor. */
const OWN_THREADS = 64;
const THREADS_PER_PROCESSOR = 4;
const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_NO_NEW_PRIVS = 39;
const SIGKILL = 9;
const POLLHUP = 0x10;
const EACCES = 13;
const O_RDONLY_DIRECTORY_CLOEXEC = process.arch === "arm64" ? 0o2040000 : 0o2200000;
/** RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_NOFILE, soft and hard. */
const RLIMITS: readonly (readonly [resource: number, value: bigint])[] = [
  [1, 0n],
  [4, 0n],
  [7, 64n],
];

/**
 * Never throws for what a kernel lacks: the report says it. The order matters: what needs a privilege goes before the
 * user is dropped, PDEATHSIG after it (the kernel clears it then), and the filter last, for it forbids all of the rest.
 */
export function lockDown(options: LockDownOptions): JailReport {
  const report = lock(options);
  if (process.argv.includes(PROBE_FLAG)) answerProbe(report);
  return report;
}

/** Each step answers null when it holds, else why not. */
type Step = readonly [part: JailPart, step: () => string | null];

function lock(options: LockDownOptions): JailReport {
  if (process.platform !== "linux") return reportOf([], `${process.platform} has no counterpart that the engine uses`);
  const libc = openLibc();
  if (libc === null) return reportOf([], "no C library was found");
  if (architecture() === null) return reportOf([], `there is no table of system calls for ${process.arch}`);
  // Not a restriction: without a jail, too, a child that never yields must not outlive a killed engine.
  const orphan: Step = ["pdeathsig", () => dieWithParent(libc)];
  if (process.argv.includes(NO_JAIL_FLAG)) return reportOf([orphan], "the jail is turned off for this child");
  let keep: readonly number[] = [];
  const steps: readonly Step[] = [
    ["rlimits", () => setLimits(libc)],
    ["sched_idle", () => prepareIdle(libc)],
    [
      "landlock",
      () => {
        const lacking = narrowPaths(libc, options);
        if (lacking === null && options.kind === "builder" && holdsCapability(libc, CAP_DAC_READ_SEARCH))
          keep = [CAP_DAC_READ_SEARCH];
        return lacking;
      },
    ],
    ["uid", () => dropUser(libc, keep)],
    orphan,
    ["no_new_privs", () => renouncePrivileges(libc, keep)],
    ["seccomp", () => restrictCalls(libc, options.kind)],
  ];
  return reportOf(steps, "");
}

/** Takes the steps in order. `otherwise`: why there is no step for the other parts. */
function reportOf(steps: readonly Step[], otherwise: string): JailReport {
  const outcome = new Map<JailPart, string | null>(steps.map(([part, step]) => [part, step()]));
  // One filter holds both.
  if (outcome.has("seccomp")) outcome.set("no_exec_memory", outcome.get("seccomp") ?? null);
  const results = JAIL_PARTS.map((part) => ({ part, reason: outcome.has(part) ? outcome.get(part) : otherwise }));
  return {
    held: results.flatMap(({ part, reason }) => (reason === null ? [part] : [])),
    lacking: results.flatMap(({ part, reason }) => (typeof reason === "string" ? [{ part, reason }] : [])),
  };
}

function setLimits(libc: Libc): string | null {
  for (const [resource, value] of RLIMITS) {
    const limit = new BigUint64Array([value, value]);
    if (libc.syscall(here("prlimit64"), 0, resource, limit, 0) !== 0) return reason(libc);
  }
  return null;
}

function prepareIdle(libc: Libc): string | null {
  if (!mayRestore(libc))
    return "the engine lacks CAP_SYS_NICE and a nice limit of 20 (systemd: LimitNICE=0), so it could not undo it";
  permitRestore(libc);
  return null;
}

/**
 * Children inherit it from the thread that started them, on every one of their threads; the root folder tells whether
 * they did. What they needed to start is then taken away as well, from this thread and those that it will start.
 */
function narrowPaths(libc: Libc, options: LockDownOptions): string | null {
  const version = landlockVersion(libc);
  if (version === 0) return reason(libc);
  const inherited = isConfined(libc);
  const early = options.kind === "builder" ? poolThreads() : "its other threads";
  const refused = restrictPaths(libc, options.kind === "builder" ? builderRules(options.readPaths) : [], true);
  if (refused !== null || inherited || version >= VERSION_ALL_THREADS || early === null) return refused;
  return `the thread that started this child was not restricted, so ${early} are not either`;
}

function isConfined(libc: Libc): boolean {
  const fd = libc.syscall(here("openat"), AT_FDCWD, new Uint8Array([0x2f, 0]), O_RDONLY_DIRECTORY_CLOEXEC);
  if (fd < 0) return libc.errno() === EACCES;
  libc.close(fd);
  return false;
}

/** Bun reads files on threads of a pool. Those that run already stay outside a builder's own restriction. */
function poolThreads(): string | null {
  const names = readdirSync("/proc/self/task").map((id) => readFileSync(`/proc/self/task/${id}/comm`, "utf8"));
  return names.some((name) => name.startsWith("Bun Pool")) ? "its file-reading threads" : null;
}

/**
 * A builder keeps one right of root's, if the engine has it: to read what other users may not, such as a folder of scripts below `/root`.
 * Only where Landlock says which folders; the threads that it has already do not get it.
 */
function dropUser(libc: Libc, keep: readonly number[]): string | null {
  const uid = process.getuid?.() ?? 0;
  if (uid !== 0) return `the engine is not root, so its children share its user (${uid})`;
  if (!holdsCapability(libc, CAP_KILL)) return "the engine lacks CAP_KILL, so it could not end a child of another user";
  if (keep.length > 0 && libc.syscall(here("prctl"), PR_SET_KEEPCAPS, 1, 0, 0, 0) !== 0) return reason(libc);
  if (libc.setgroups() !== 0) return reason(libc);
  const become = (id: number): boolean => libc.setresgid(id) === 0 && libc.setresuid(id) === 0;
  // A container's user namespace may not have the child's own user.
  if (!become(FIRST_OWN_USER + process.pid)) return become(NOBODY) ? null : reason(libc);
  // The kernel counts threads per user, so this limit can be set only where the user is this child's alone.
  const threads = BigInt(OWN_THREADS + THREADS_PER_PROCESSOR * navigator.hardwareConcurrency);
  const limited = libc.syscall(here("prlimit64"), 0, RLIMIT_NPROC, new BigUint64Array([threads, threads]), 0) === 0;
  return limited ? null : reason(libc);
}

function dieWithParent(libc: Libc): string | null {
  if (libc.syscall(here("prctl"), PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) !== 0) return reason(libc);
  // An engine that died before the line above sends no signal any more, but its end of the socket is closed.
  const poll = new Int32Array([0, 0]);
  if (libc.syscall(here("ppoll"), poll, 1, new BigUint64Array(2), 0, 8) < 0) return reason(libc);
  if (((poll[1] ?? 0) >>> 16) & POLLHUP) process.exit(0);
  return null;
}

/** For good; also drops the capabilities that an engine which is not root may have been given. */
function renouncePrivileges(libc: Libc, keep: readonly number[]): string | null {
  // Not dumpable: no other process of this user may trace it or read its memory.
  libc.syscall(here("prctl"), PR_SET_DUMPABLE, 0, 0, 0, 0);
  libc.syscall(here("prctl"), PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (libc.syscall(here("prctl"), PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) !== 1) return reason(libc);
  return keepCapabilities(libc, keep) ? null : reason(libc);
}

/** A probe's child has no other work: it gives its report to the engine and ends. */
function answerProbe(report: JailReport): never {
  writeSync(0, `${JSON.stringify(report)}\n`);
  process.exit(0);
}
