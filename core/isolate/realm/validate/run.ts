/** One validation under way: where it stands in the value, and what it found. */
import { slice } from "./intrinsics.ts";

export interface ValidationError {
  /** A JSON Pointer into the value: `/tags/3`; empty for the value itself. */
  readonly path: string;
  /** A sentence without its subject: `must be at most 280 characters long (was 300)`. */
  readonly message: string;
  /** `at most 280 characters long` */
  readonly expected: string;
}

export interface Run {
  /** Null until the first failure: a valid value allocates nothing here. */
  errors: ValidationError[] | null;
  /** The keys that lead to the value under check; only the first `level` count. */
  readonly keys: (string | number)[];
  level: number;
  /** References followed so far; a schema that contains itself may not follow a value for ever. */
  depth: number;
  /** Whether absent properties get their defaults. Off while a branch of a union is only tried. */
  fill: boolean;
  /** Values came as text (a query, a header): quote them instead of calling every one "a string". */
  readonly quote: boolean;
}

/** Answers whether the value is valid; the reasons are in `run.errors`. */
export type Check = (value: unknown, run: Run) => boolean;

export const MAX_ERRORS = 20;
const MAX_KEY = 100;

export function startRun(fill: boolean, quote: boolean): Run {
  return { errors: null, keys: [], level: 0, depth: 0, fill, quote };
}

function escapeKey(key: string): string {
  const text = key.length > MAX_KEY ? `${slice(key, 0, MAX_KEY)}…` : key;
  let escaped = "";
  for (let i = 0; i < text.length; i++) escaped += text[i] === "~" ? "~0" : text[i] === "/" ? "~1" : text[i];
  return escaped;
}

export function pathOf(run: Run): string {
  let path = "";
  for (let i = 0; i < run.level; i++) {
    const key = run.keys[i];
    path += `/${typeof key === "number" ? key : escapeKey(key as string)}`;
  }
  return path;
}

export function fail(run: Run, expected: string, was: string): false {
  run.errors ??= [];
  if (run.errors.length < MAX_ERRORS) {
    const message = was === "" ? `must be ${expected}` : `must be ${expected} (was ${was})`;
    run.errors[run.errors.length] = { path: pathOf(run), message, expected };
  }
  return false;
}

export function addErrors(run: Run, errors: readonly ValidationError[]): false {
  run.errors ??= [];
  for (let i = 0; i < errors.length && run.errors.length < MAX_ERRORS; i++) {
    run.errors[run.errors.length] = errors[i] as ValidationError;
  }
  return false;
}

export function isFull(run: Run): boolean {
  return run.errors !== null && run.errors.length >= MAX_ERRORS;
}

/** Checks a part of the value: `key` names it in the path of whatever is found. */
export function within(check: Check, value: unknown, key: string | number, run: Run): boolean {
  run.keys[run.level++] = key;
  const ok = check(value, run);
  run.level--;
  return ok;
}
