/** What became of tests, as data: for people, programs and JUnit. */
import type { BuildProblem } from "../script/types.ts";

export interface CaseFailure {
  /** Ready to print; may have several lines. */
  readonly message: string;
  /** Of a failed `expect`. */
  readonly expected?: string;
  readonly actual?: string;
  /** Frames of the author's files, one a line. */
  readonly stack?: string;
  /** Relative to the folder of scripts. */
  readonly file?: string;
  /** From 1, as is `column`. */
  readonly line?: number;
  readonly column?: number;
  readonly frame?: string;
  /** Of a limit that was passed, and the like: a problem code. */
  readonly code?: string;
  readonly hint?: string;
}

export interface CaseResult {
  /** Of the groups around, outermost first. */
  readonly groups: readonly string[];
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly ms: number;
  /** The first is the case's own; a hook after it may have failed, too. */
  readonly failures: readonly CaseFailure[];
  /** What handlers threw meanwhile, and the engine's own errors; told where the case failed. */
  readonly seen: readonly BuildProblem[];
}

export interface FileResult {
  readonly script: string;
  /** Relative to the folder of scripts. */
  readonly file: string;
  readonly cases: readonly CaseResult[];
  /** Why nothing of it ran: it does not build or load, or has no case. */
  readonly problems: readonly BuildProblem[];
  readonly ms: number;
}

export interface TestReport {
  readonly files: readonly FileResult[];
  readonly ms: number;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** A file of which nothing ran counts as one that failed. */
export function countsOf({ files }: TestReport): Counts {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { cases, problems } of files) {
    if (problems.length > 0) counts.failed++;
    for (const { outcome } of cases) counts[outcome]++;
  }
  return counts;
}

/** `groups > name`, as `-t` is held against it. */
export function fullName({ groups, name }: Pick<CaseResult, "groups" | "name">): string {
  return [...groups, name].join(" > ");
}
