/** A plugin does not take what a script registers at its point. */
import type { BuildProblem } from "./types.ts";

export class PointRefusal {
  constructor(
    readonly plugin: string,
    /** The script whose registrations are refused. */
    readonly owner: string,
    readonly problem: BuildProblem,
  ) {}
}
