/** The query of a URL as a null-prototype record: a string, or an array when the key is repeated. */
import { cut, find, isArray, splitText } from "./primordials.ts";

export type QueryRecord = Record<string, string | string[]>;

const create = Object.create;
const decode = decodeURIComponent;

function decodePart(text: string): string {
  let spaced = text;
  for (let at = find(spaced, "+"); at >= 0; at = find(spaced, "+", at + 1)) {
    spaced = `${cut(spaced, 0, at)} ${cut(spaced, at + 1)}`;
  }
  try {
    return decode(spaced);
  } catch {
    return spaced; // not valid percent-encoded UTF-8: as it came
  }
}

export function parseQuery(url: string): QueryRecord {
  const record = create(null) as QueryRecord;
  const from = find(url, "?");
  if (from < 0) return record;
  const pairs = splitText(cut(url, from + 1), "&");
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    if (pair === "") continue;
    const equals = find(pair, "=");
    const key = decodePart(equals < 0 ? pair : cut(pair, 0, equals));
    const value = equals < 0 ? "" : decodePart(cut(pair, equals + 1));
    const before = record[key];
    if (before === undefined) record[key] = value;
    else if (isArray(before)) before[before.length] = value;
    else record[key] = [before, value];
  }
  return record;
}
