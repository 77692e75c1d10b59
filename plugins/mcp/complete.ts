/** What an argument of a prompt, or a variable of a template, may be: as the script says, or as its schema does. */
import type { Json, PointRegistration } from "../../sdk/plugin.ts";
import { BadAnswer } from "./answers.ts";
import { choicesOf } from "./surface.ts";

const MAX_VALUES = 100;

export interface Completion {
  readonly values: readonly string[];
  readonly total: number;
  readonly hasMore: boolean;
}

/** Of the alternatives in a schema those that begin so. */
export function completeBySchema(prompt: PointRegistration | undefined, argument: string, value: string): Completion {
  const all = prompt === undefined ? [] : choicesOf(prompt, argument);
  return cut(all.filter((one) => one.startsWith(value)));
}

/** Of what a script's `complete` gave. */
export function completeByScript(value: Json | undefined): Completion {
  const all = value ?? [];
  if (Array.isArray(all) && all.every((one) => typeof one === "string")) return cut(all);
  throw new BadAnswer("`complete` answers with a list of texts");
}

function cut(all: readonly string[]): Completion {
  return { values: all.slice(0, MAX_VALUES), total: all.length, hasMore: all.length > MAX_VALUES };
}
