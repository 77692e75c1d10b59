/** The end of an isolate: why it was killed, whose fault it was, and what the callers of its invocations are told. */
import { WORD_CURRENT } from "../isolate/frames.ts";
import { ProblemError, type LimitUse } from "../../sdk/errors.ts";
import type { Flight } from "./flight.ts";
import type { Isolate } from "./isolate.ts";

/** `retired` is no fault: the isolate is not needed any more. `crashed`: its process ended by itself. */
export type KillCause =
  "uninterrupted_exceeded" | "cpu_exceeded" | "memory_exceeded" | "protocol" | "crashed" | "load" | "retired";

export interface Kill {
  readonly cause: KillCause;
  readonly detail: string;
  readonly limit?: LimitUse;
  /** The invocation that passed the limit, where the one who kills knows. */
  readonly culprit?: Flight;
}

/**
 * Null when it cannot be told, or nobody's limit was passed. The page is the isolate's own word: a lie only harms its
 * own script's callers.
 */
export function findCulprit(isolate: Isolate, kill: Kill, flights: readonly Flight[]): Flight | null {
  if (kill.culprit) return kill.culprit;
  if (!kill.limit) return null;
  const entered = flights.filter((flight) => isolate.entered(flight));
  if (entered.length === 1) return entered[0] as Flight;
  const current = isolate.vessel.words?.[WORD_CURRENT] ?? 0;
  return entered.find((flight) => flight.local === current) ?? null;
}

/** `guilty`: its invocation passed the limit, or nobody knows whose did. */
export function killProblem(script: string, kill: Kill, guilty: boolean): ProblemError {
  const { cause, limit } = kill;
  if (!guilty) {
    const detail = `Another invocation of the script "${script}" had its isolate killed.`;
    return new ProblemError("isolate_restarted", detail, { retryAfterSeconds: 1 });
  }
  const passed = { limit, retryAfterSeconds: 1 };
  switch (cause) {
    case "uninterrupted_exceeded":
    case "cpu_exceeded":
    case "memory_exceeded": {
      const detail = `The script "${script}" passed ${limit?.key} (${limit?.value}) and its isolate was killed.`;
      return new ProblemError(cause, detail, passed);
    }
    case "load":
      if (!limit) break;
      return new ProblemError("deadline_exceeded", `The script "${script}" did not load in ${limit.value} ms.`, passed);
    default:
  }
  const detail = `The isolate of the script "${script}" ended unexpectedly.`;
  return new ProblemError("isolate_restarted", detail, { retryAfterSeconds: 1 });
}
