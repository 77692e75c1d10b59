/** What a client is, and whom a message is for: `criteria` of the one held against the `filter` of the other. */
import type { Json } from "./schema.js";
type Scalar = string | number | boolean | null;
/** By key one value, or several of which each counts. */
export type Criteria = {
  readonly [key: string]: Scalar | readonly Scalar[];
};
/** Whom a message is for. */
export interface Filter {
  /** `subset`: every key of the filter fits; `overlap`: one does. */
  readonly mode: "subset" | "overlap";
  readonly criteria: Criteria;
}
/**
 * A filter as a script gave it: `{ user: "ada" }`, `{ subset: { … } }` or `{ overlap: { … } }`; undefined for none.
 *
 * @param owner whose sentence it is: the plugin's name
 * @throws ProblemError `bad_request` when it is no filter
 */
export declare function readFilter(given: Json | undefined, owner: string): Filter | undefined;
/**
 * What a script gave back that was asked whether a client may come: an object is the client's criteria, true is none.
 * Anything else refuses, nothing too: a function that forgot its `return` lets nobody in.
 *
 * @param what who was asked: `The stream`
 * @throws ProblemError `forbidden`, or `script_failed` for an object that cannot be criteria
 */
export declare function readCriteria(given: Json | undefined, what: string): Criteria;
/** Whether a message is for a client. Two lists fit when they have a value in common. */
export declare function fits({ mode, criteria }: Filter, client: Criteria): boolean;
export {};
