/** What this machine's jail holds and lacks, what the project folder is like, and what to do about it. */
import type { JailReport } from "../isolate/jail/lockdown.ts";
import type { JailPart } from "../isolate/jail/parts.ts";
import { printable } from "../log/escape.ts";
import type { Finding } from "./doctor-project.ts";
import { PLAIN, type Paint } from "./paint.ts";

export interface DoctorReport {
  readonly version: string;
  /** Version of Bun inside. */
  readonly bun: string;
  /** `linux x64`. */
  readonly platform: string;
  readonly cpus: number;
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  /** What `isolates.mode = "auto"` is here. */
  readonly mode: "process" | "thread";
  readonly jail: JailReport;
  /** The probes of known leaks that every start runs; `leaks` names those that are open. */
  readonly selfTest: { readonly leaks: readonly string[]; readonly ms: number };
  readonly project: readonly Finding[];
}

/** What each part of the jail does, and how to get it where it lacks. */
const PARTS: Readonly<Record<JailPart, { readonly does: string; readonly hint: string }>> = {
  seccomp: {
    does: "an isolate can make only the system calls it needs",
    hint: "use a Linux kernel with CONFIG_SECCOMP_FILTER; in a container, allow the seccomp and prctl system calls",
  },
  landlock: {
    does: "an isolate can open no file and no connection",
    hint: 'use Linux 5.13 or later with "landlock" in the lsm= boot parameter; in a container, allow its system calls',
  },
  no_new_privs: {
    does: "an isolate can never gain rights",
    hint: "use Linux 3.5 or later",
  },
  uid: {
    does: "an isolate runs as a user of its own",
    hint: "only an engine started as root can do this; as any other user it matters less",
  },
  pdeathsig: {
    does: "no isolate outlives the engine",
    hint: "use Linux; elsewhere isolates end when their socket closes",
  },
  rlimits: {
    does: "an isolate can write no file or core dump, and opens few descriptors",
    hint: "use Linux, and let the engine lower its limits (prlimit)",
  },
  no_exec_memory: {
    does: "an isolate cannot make new memory executable",
    hint: "comes with seccomp",
  },
  sched_idle: {
    does: "an isolate that does not yield steps back behind all others",
    hint: "use Linux, and let the engine change scheduling (sched_setscheduler)",
  },
};

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

/** True when the engine would refuse to serve here. */
export function doctorFailed(report: DoctorReport): boolean {
  return report.selfTest.leaks.length > 0 || report.project.some(({ state }) => state === "error");
}

function projectLines(findings: readonly Finding[], paint: Paint): string[] {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const words = { ok: paint.green("ok   "), warning: paint.yellow("look "), error: paint.red("wrong") };
  return findings.flatMap(({ what, state, message, hint }) => {
    const [first = "", ...more] = [...message.trim().split("\n"), ...(hint === undefined ? [] : [hint])].map(printable);
    const indent = " ".repeat(9 + width + 1);
    return [
      `  ${words[state]}  ${what.padEnd(width)}  ${first}`,
      ...more.map((line) => `${indent} ${paint.dim(line)}`),
    ];
  });
}

/** The report for a person; ends with a line break. */
export function renderDoctor(report: DoctorReport, paint: Paint = PLAIN): string {
  const { jail, selfTest, memory } = report;
  const width = Math.max(...Object.keys(PARTS).map((part) => part.length));
  const held = jail.held.map((part) => `  ${paint.green("held")}   ${part.padEnd(width)}  ${PARTS[part].does}`);
  const lacking = jail.lacking.flatMap(({ part, reason }) => [
    `  ${paint.yellow("lacks")}  ${part.padEnd(width)}  ${reason}`,
    `         ${" ".repeat(width)}  ${paint.dim(PARTS[part].hint)}`,
  ]);
  const probes =
    selfTest.leaks.length > 0
      ? [paint.red(`Open leaks: ${selfTest.leaks.join(", ")}. The engine refuses to serve with this build.`)]
      : [`Self-test: no known leak is open (${selfTest.ms.toFixed(1)} ms).`];
  return [
    `aiwebengine ${report.version}, Bun ${report.bun}, ${report.platform}, ${report.cpus} CPUs, ` +
      `${mebibytes(memory.freeBytes)} of ${mebibytes(memory.totalBytes)} memory free`,
    `Isolates are ${report.mode === "process" ? "processes" : paint.yellow("threads: for trusted scripts only")}.`,
    "",
    paint.bold("Jail"),
    ...held,
    ...lacking,
    "",
    ...probes,
    "",
    paint.bold("Project"),
    ...projectLines(report.project, paint),
    "",
  ].join("\n");
}
