/** Checks of strings, numbers and fixed values. Each answers null when the schema asks for nothing of the kind. */
import type { JsonSchema } from "../../../script/types.ts";
import { FORMATS } from "./formats.ts";
import { hasOwn, isArray, matches, objectKeys, own, slice, toPattern } from "./intrinsics.ts";
import { fail, type Check } from "./run.ts";
import { expectedWord, lengthWord, valueWord } from "./words.ts";

const MAX_PATTERN_SHOWN = 100;

function bound(schema: JsonSchema, keyword: string): number | undefined {
  const value = own(schema, keyword);
  return typeof value === "number" ? value : undefined;
}

/**
 * Lengths count UTF-16 units, as `text.length` does in the handler and in arktype; JSON Schema counts code points,
 * which differ for characters outside the basic plane only.
 */
export function stringChecks(schema: JsonSchema): Check | null {
  const min = bound(schema, "minLength") ?? 0;
  const max = bound(schema, "maxLength") ?? Infinity;
  const source = own(schema, "pattern");
  const pattern = typeof source === "string" ? toPattern(source) : null;
  // Beside a union the format only repeats what its branches say (arktype's string.uuid).
  const format = isArray(own(schema, "anyOf")) ? null : (FORMATS[`${own(schema, "format")}`] ?? null);
  if (min === 0 && max === Infinity && !pattern && !format) return null;
  const word = wordOfPattern(schema, typeof source === "string" ? source : "");
  return (value, run) => {
    if (typeof value !== "string") return true;
    // A text of the wrong length never meets the pattern: that bounds what a slow pattern can cost.
    if (value.length < min) return fail(run, lengthWord(min, max, true, "character"), `${value.length}`);
    if (value.length > max) return fail(run, lengthWord(min, max, false, "character"), `${value.length}`);
    // Where both are given, the pattern is the format's own in arktype's dialect.
    if (pattern) return matches(pattern, value) || fail(run, word, valueWord(value));
    if (format) return format.test(value) || fail(run, word, valueWord(value));
    return true;
  };
}

function wordOfPattern(schema: JsonSchema, source: string): string {
  const named = hasOwn(schema, "description") || FORMATS[`${own(schema, "format")}`] !== undefined;
  if (named) return expectedWord(schema);
  return `matched by ${source.length > MAX_PATTERN_SHOWN ? `${slice(source, 0, MAX_PATTERN_SHOWN)}…` : source}`;
}

export function numberChecks(schema: JsonSchema): Check | null {
  const least = bound(schema, "minimum");
  const most = bound(schema, "maximum");
  const above = bound(schema, "exclusiveMinimum");
  const below = bound(schema, "exclusiveMaximum");
  const step = bound(schema, "multipleOf");
  if (least === undefined && most === undefined && above === undefined && below === undefined && step === undefined) {
    return null;
  }
  return (value, run) => {
    if (typeof value !== "number") return true;
    if (least !== undefined && !(value >= least)) return fail(run, `at least ${least}`, `${value}`);
    if (above !== undefined && !(value > above)) return fail(run, `more than ${above}`, `${value}`);
    if (most !== undefined && !(value <= most)) return fail(run, `at most ${most}`, `${value}`);
    if (below !== undefined && !(value < below)) return fail(run, `less than ${below}`, `${value}`);
    if (step !== undefined && !isMultiple(value, step)) return fail(run, `a multiple of ${step}`, `${value}`);
    return true;
  };
}

/** 0.3 is a multiple of 0.1, although 0.3 % 0.1 is not 0 in binary floating point. */
function isMultiple(value: number, step: number): boolean {
  if (value % step === 0) return true;
  if (step % 1 === 0) return false;
  const quotient = value / step;
  const off = quotient % 1;
  const distance = off < 0 ? -off : off;
  return distance < 1e-9 || 1 - distance < 1e-9;
}

/** `const` and `enum`. */
export function enumCheck(schema: JsonSchema): Check | null {
  const members = own(schema, "enum");
  const single = own(schema, "const");
  if (!isArray(members) && single === undefined) return null;
  const allowed = isArray(members) ? members : [single];
  const expected = expectedWord(schema);
  return (value, run) => {
    for (let i = 0; i < allowed.length; i++) if (same(value, allowed[i])) return true;
    return fail(run, expected, valueWord(value));
  };
}

/** Equality of JSON values; `wanted` is the schema's, so its depth bounds the walk. */
export function same(value: unknown, wanted: unknown): boolean {
  if (value === wanted) return true;
  if (typeof value !== "object" || typeof wanted !== "object" || value === null || wanted === null) return false;
  if (isArray(wanted)) {
    if (!isArray(value) || value.length !== wanted.length) return false;
    for (let i = 0; i < wanted.length; i++) if (!same(value[i], wanted[i])) return false;
    return true;
  }
  if (isArray(value)) return false;
  const keys = objectKeys(wanted);
  if (objectKeys(value).length !== keys.length) return false;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (!hasOwn(value, key) || !same(own(value, key), own(wanted, key))) return false;
  }
  return true;
}
