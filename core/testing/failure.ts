/** A failed step for its author: the place in his file, the lines around it, and what to do. */
import { PROBLEMS, ProblemError } from "../../sdk/errors.ts";
import { codeFrame } from "../isolate/build/code-frame.ts";
import type { StepData, StepFailure } from "../isolate/testing/seam.ts";
import { HandlerProblem } from "../pool/data-call.ts";
import type { CaseFailure } from "./result.ts";

/** Path relative to the folder of scripts → text. */
export type ReadSource = (file: string) => string | undefined;

interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const FRAME = /\(([^()\n]{1,300}):(\d{1,7}):(\d{1,7})\)/g;
const MAX_TEXT = 20_000;

/** The first frame whose file the author has; the step's own place where there is none. */
function placeOf(stack: string, step: StepData, read: ReadSource): Place | null {
  for (const [, file = "", line, column] of stack.matchAll(FRAME))
    if (read(file) !== undefined) return { file, line: Number(line), column: Number(column) };
  const { file, line, column = 1 } = step;
  return line === undefined || read(file) === undefined ? null : { file, line, column };
}

function placed(failure: CaseFailure, place: Place | null, read: ReadSource): CaseFailure {
  if (place === null) return failure;
  const frame = codeFrame(read(place.file) ?? "", place.line, place.column);
  return { ...failure, ...place, ...(frame !== "" && { frame }) };
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, MAX_TEXT) : "";
}

/** What a step threw. It comes from the script's own realm, so nothing of it is believed. */
export function failureOf(thrown: StepFailure, step: StepData, read: ReadSource): CaseFailure {
  const [name, message, stack] = [text(thrown.name), text(thrown.message), text(thrown.stack)];
  const plain = name === "" || name === "Error" || name === "ExpectationError" || name === "ScriptError";
  const told = { message: plain ? message || "It threw an error without a message." : `${name}: ${message}` };
  const { expected, actual } = thrown;
  const sides =
    expected === undefined || actual === undefined ? {} : { expected: text(expected), actual: text(actual) };
  return placed({ ...told, ...sides, ...(stack !== "" && { stack }) }, placeOf(stack, step, read), read);
}

const HINTS: { readonly [code: string]: string } = {
  load_not_deterministic: PROBLEMS.load_not_deterministic.fix,
  uninterrupted_exceeded: "Look for an endless loop. The cases after this one ran in a fresh isolate.",
  cpu_exceeded: "Do less work in one case. The cases after this one ran in a fresh isolate.",
  memory_exceeded: "Hold less at once. The cases after this one ran in a fresh isolate.",
};

/** The step did not come to its end: a limit, its deadline, or the engine. */
export function interruption(
  error: unknown,
  { step, timeoutMs }: { readonly step: StepData; readonly timeoutMs: number },
  read: ReadSource,
): CaseFailure {
  const place = placeOf("", step, read);
  if (!(error instanceof ProblemError) || error instanceof HandlerProblem)
    return placed({ message: error instanceof Error ? error.message : String(error), code: "internal" }, place, read);
  const { code, detail } = error;
  if (code === "deadline_exceeded") {
    const message = `It took longer than its timeoutMs (${timeoutMs}).`;
    const hint = "Look for a promise that nobody settles; a slow case takes { timeoutMs: … } as its third argument.";
    return placed({ message, code, hint }, place, read);
  }
  const hint = HINTS[code];
  return placed({ message: detail, code, ...(hint !== undefined && { hint }) }, place, read);
}
