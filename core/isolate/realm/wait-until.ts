/** `waitUntil`: work that goes on after the answer. */
import { settleLate } from "./answer.ts";
import { log } from "./console.ts";
import { onSettled, PromiseCtor } from "./primordials.ts";
import type { Live } from "./state.ts";

/** The invocation lives until the promise settles, or until its deadline. */
export function hold(live: Live, promise: unknown): void {
  live.waiting++;
  const done = (): void => {
    live.waiting--;
    if (live.answered) settleLate(live);
  };
  onSettled(new PromiseCtor((resolve) => resolve(promise)), done, (error: unknown) => {
    log.error("a promise given to waitUntil was rejected", error);
    done();
  });
}
