/** `expect`: one table of what can be expected; `.not`, `.resolves` and `.rejects` turn each row. */
import type { Expect } from "./matchers.js";
/** What did not hold. `expected` and `actual` are texts, for a runner that shows a difference. */
export declare class ExpectationError extends Error {
  readonly name = "ExpectationError";
  readonly expected: string;
  readonly actual: string;
  constructor(message: string, expected: string, actual: string);
}
/** @example expect(await answer.json()).toEqual({ id: expect.any(String), text: "milk" }); */
export declare const expect: Expect;
