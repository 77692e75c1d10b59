/** The query of a URL as a null-prototype record: a string, or an array when the key is repeated. */
export type QueryRecord = Record<string, string | string[]>;

const create = Object.create;
const decode = decodeURIComponent;
const apply = Reflect.apply;
const split = String.prototype.split;
const replace = String.prototype.replaceAll;
const isArray = Array.isArray;

function decodePart(text: string): string {
  const spaced = apply(replace, text, ["+", " "]) as string;
  try {
    return decode(spaced);
  } catch {
    return spaced; // not valid percent-encoded UTF-8: as it came
  }
}

export function parseQuery(url: string): QueryRecord {
  const record = create(null) as QueryRecord;
  const from = url.indexOf("?");
  if (from < 0) return record;
  const pairs = apply(split, url.slice(from + 1), ["&"]) as string[];
  for (let i = 0; i < pairs.length; i++) {
    const pair = pairs[i] as string;
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = decodePart(equals < 0 ? pair : pair.slice(0, equals));
    const value = equals < 0 ? "" : decodePart(pair.slice(equals + 1));
    const before = record[key];
    if (before === undefined) record[key] = value;
    else if (isArray(before)) before[before.length] = value;
    else record[key] = [before, value];
  }
  return record;
}
