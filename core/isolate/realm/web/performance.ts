/** performance: whole milliseconds only, so that it is no fine clock. https://w3c.github.io/hr-time/ */
import { ask } from "../host.ts";
import { Op } from "../ops.ts";
import { INTERNAL, named, once } from "./define.ts";

export function now(): number {
  return ask(Op.Now) as number;
}

export const performanceParts = once(() => {
  class Performance {
    readonly #origin: number;
    constructor(token: unknown) {
      if (token !== INTERNAL) throw new TypeError("Illegal constructor");
      this.#origin = ask(Op.TimeOrigin) as number;
    }
    get timeOrigin(): number {
      return this.#origin;
    }
    now(): number {
      void this.#origin;
      return now();
    }
    toJSON(): { timeOrigin: number } {
      return { timeOrigin: this.#origin };
    }
  }
  named(Performance, "Performance");
  return { Performance, performance: new Performance(INTERNAL) };
});
