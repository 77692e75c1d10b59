/** What a connection is, and what a message is for, as scripts say it to a stream. */
import {
  fits,
  readCriteria as readAnyCriteria,
  readFilter as readAnyFilter,
  type Criteria,
  type Filter,
  type Json,
} from "../../sdk/plugin.ts";

export { fits, type Criteria, type Filter };

export function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws ProblemError when it is no filter. */
export function readFilter(given: Json | undefined): Filter | undefined {
  return readAnyFilter(given, "streams");
}

/** What `authorize` gave back. @throws ProblemError `forbidden`, or `script_failed` for an object that cannot be criteria. */
export function readCriteria(given: Json | undefined): Criteria {
  return readAnyCriteria(given, "The stream");
}
