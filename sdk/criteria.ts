/** What a client is, and whom a message is for: `criteria` of the one held against the `filter` of the other. */
import { ProblemError } from "./errors.ts";
import type { Json } from "./schema.ts";

type Scalar = string | number | boolean | null;
/** By key one value, or several of which each counts. */
export type Criteria = { readonly [key: string]: Scalar | readonly Scalar[] };

/** Whom a message is for. */
export interface Filter {
  /** `subset`: every key of the filter fits; `overlap`: one does. */
  readonly mode: "subset" | "overlap";
  readonly criteria: Criteria;
}

const MAX_KEYS = 32;
const MAX_VALUES = 100;
const MAX_TEXT = 1000;

function isScalar(value: unknown): value is Scalar {
  return (
    value === null ||
    typeof value === "boolean" ||
    typeof value === "number" ||
    (typeof value === "string" && value.length <= MAX_TEXT)
  );
}

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Answers why it is none, or null. Both sides come from scripts. */
function flaw(value: unknown): string | null {
  if (!isObject(value)) return "an object of values";
  const entries = Object.values(value);
  if (entries.length > MAX_KEYS) return `an object of at most ${MAX_KEYS} keys`;
  for (const one of entries) {
    if (isScalar(one)) continue;
    if (!Array.isArray(one) || one.length > MAX_VALUES || !one.every(isScalar)) {
      return `made of texts up to ${MAX_TEXT} characters, numbers, booleans and null, or lists of up to ${MAX_VALUES} of them`;
    }
  }
  return null;
}

/**
 * A filter as a script gave it: `{ user: "ada" }`, `{ subset: { … } }` or `{ overlap: { … } }`; undefined for none.
 *
 * @param owner whose sentence it is: the plugin's name
 * @throws ProblemError `bad_request` when it is no filter
 */
export function readFilter(given: Json | undefined, owner: string): Filter | undefined {
  if (given === undefined || given === null) return undefined;
  const [only, ...more] = isObject(given) ? Object.entries(given) : [];
  const named = only !== undefined && more.length === 0 && isObject(only[1]) ? only : undefined;
  const mode = named?.[0] === "overlap" ? "overlap" : "subset";
  const criteria = named && (named[0] === "subset" || named[0] === "overlap") ? named[1] : given;
  const wrong = flaw(criteria);
  if (wrong !== null) throw new ProblemError("bad_request", `${owner}: a filter must be ${wrong}`);
  return { mode, criteria: criteria as Criteria };
}

/**
 * What a script gave back that was asked whether a client may come: an object is the client's criteria, true is none.
 * Anything else refuses, nothing too: a function that forgot its `return` lets nobody in.
 *
 * @param what who was asked: `The stream`
 * @throws ProblemError `forbidden`, or `script_failed` for an object that cannot be criteria
 */
export function readCriteria(given: Json | undefined, what: string): Criteria {
  if (given === true) return {};
  if (!isObject(given)) throw new ProblemError("forbidden", `${what} does not take this client.`);
  const wrong = flaw(given);
  if (wrong === null) return given as Criteria;
  throw new ProblemError("script_failed", `${what} gave back what cannot be held against a filter.`, {
    cause: new Error(`criteria must be ${wrong}`),
  });
}

/** Whether a message is for a client. Two lists fit when they have a value in common. */
export function fits({ mode, criteria }: Filter, client: Criteria): boolean {
  const keys = Object.keys(criteria);
  const one = (key: string): boolean =>
    Object.hasOwn(client, key) && meet(criteria[key] as Scalar, client[key] as Scalar);
  return mode === "subset" ? keys.every(one) : keys.some(one);
}

function meet(a: Scalar | readonly Scalar[], b: Scalar | readonly Scalar[]): boolean {
  if (!Array.isArray(a)) return Array.isArray(b) ? b.includes(a) : a === b;
  return Array.isArray(b) ? a.some((one) => b.includes(one)) : a.includes(b as Scalar);
}
