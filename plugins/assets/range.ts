/** The `Range` of a request. https://www.rfc-editor.org/rfc/rfc9110#section-14 */

export interface Range {
  /** First and last byte, both included. */
  readonly first: number;
  readonly last: number;
}

/**
 * One range, `"none"` when no part of the file was asked for (416), or null when the header says nothing that has to be
 * heeded: another unit, nonsense, or parts that are not one. Many small parts are an old way to wear a server out.
 */
export function readRange(header: string, size: number): Range | "none" | null {
  const list = /^bytes=(.*)$/i.exec(header.trim())?.[1];
  if (list === undefined) return null;
  const specs = list.split(",", 17).map((one) => one.trim());
  if (specs.length > 16) return null;
  const ranges: Range[] = [];
  for (const spec of specs.filter((one) => one !== "")) {
    const [, from = "", to = ""] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
    if (from === "" && to === "") return null;
    if (from !== "" && to !== "" && Number(to) < Number(from)) return null;
    const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
    const last = from === "" || to === "" ? size - 1 : Math.min(size - 1, Number(to));
    if (first <= last) ranges.push({ first, last });
  }
  if (specs.every((one) => one === "")) return null;
  if (ranges.length === 0) return "none";
  return join(ranges.toSorted((a, b) => a.first - b.first));
}

/** Parts that touch are one. */
function join(sorted: readonly Range[]): Range | null {
  const [start, ...others] = sorted;
  if (start === undefined) return null;
  let { last } = start;
  for (const one of others) {
    if (one.first > last + 1) return null;
    last = Math.max(last, one.last);
  }
  return { first: start.first, last };
}
