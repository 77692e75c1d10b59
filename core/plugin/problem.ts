/** What is wrong with a plugin, told to whoever runs the engine. */
import type { DevDetails } from "../../sdk/errors.ts";

/** One fault of one plugin. */
export interface PluginProblem {
  /** Its name, or its file where it has none yet. */
  readonly plugin: string;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** Relative to the project folder. */
  readonly file?: string;
  /** From 1. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** The lines around the fault, ready to print. */
  readonly frame?: string;
  /** One sentence: what to do next. */
  readonly hint?: string;
}

/** Where in a plugin's files an error arose. */
export type PluginPlace = Partial<Pick<PluginProblem, "plugin" | "file" | "line" | "column" | "frame">>;

/** What of an error its author is shown with `--dev`; nothing of one that is not a dropped plugin's. */
export function devDetails({ file, line, column, frame }: PluginPlace, error: unknown): DevDetails | undefined {
  return file === undefined ? undefined : { file, line, column, frame, stack: String(error) };
}

/** A generation cannot be built. */
export class PluginFailure extends Error {
  readonly problems: readonly PluginProblem[];

  constructor(problems: readonly PluginProblem[]) {
    super(problems.map(({ message }) => message).join(" "));
    this.problems = problems;
  }
}

export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
