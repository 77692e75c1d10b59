/** What registration functions check their arguments with: plain data, refusals, and "did you mean". */
import type { Json } from "../../script/types.ts";
import { ScriptError } from "./errors.ts";
import { joinText, jsonParse, jsonStringify, pattern } from "./primordials.ts";

/** A path as a registration names it. */
export const PATH: RegExp = pattern(/^\/[^\s#\\]*$/);

export function refuse(message: string): never {
  throw new ScriptError("bad_registration", message);
}

export function includes(list: readonly string[], word: string): boolean {
  for (let i = 0; i < list.length; i++) if (list[i] === word) return true;
  return false;
}

/** Edits between two words, for "did you mean". */
function distance(a: string, b: string): number {
  let row: number[] = [];
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const next: number[] = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const grow = Math.min(row[j] as number, next[j - 1] as number) + 1;
      next[j] = change < grow ? change : grow;
    }
    row = next;
  }
  return row[b.length] as number;
}

export function suggest(word: string, known: readonly string[]): string {
  let best = "";
  let least = 3;
  for (let i = 0; i < known.length; i++) {
    const d = word.length > 40 ? 99 : distance(word, known[i] as string);
    if (d < least) {
      least = d;
      best = known[i] as string;
    }
  }
  if (best !== "") return ` Did you mean "${best}"?`;
  return known.length === 0 ? "" : ` Known here: ${joinText(known, ", ")}.`;
}

/** Plain data, as JSON carries it. Functions and cycles are refused; `what` names it in the refusal. */
export function plain(value: unknown, what: string): Json {
  let json: unknown;
  try {
    json = jsonStringify(value, (_key, item: unknown) => {
      if (typeof item === "function" || typeof item === "symbol" || typeof item === "bigint") refuse("data");
      return item;
    });
  } catch {
    refuse(`${what} must be plain data (strings, numbers, booleans, arrays and objects of them).`);
  }
  if (typeof json !== "string") refuse(`${what} must be plain data.`);
  return jsonParse(json) as Json;
}
