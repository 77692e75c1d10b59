/** Values as text, for the sentence of an expectation that did not hold. */

import { Pattern } from "./equal.ts";

const MOST_DEPTH = 6;
const MOST_ITEMS = 100;
const MOST_TEXT = 10_000;

function list(open: string, items: readonly string[], more: number, close: string, indent: string): string {
  const shown = more > 0 ? [...items, `… ${more} more`] : items;
  if (shown.length === 0) return `${open}${close}`;
  const inner = `${indent}  `;
  return `${open}\n${shown.map((item) => `${inner}${item},\n`).join("")}${indent}${close}`;
}

function showObject(value: object, indent: string, above: readonly object[]): string {
  if (above.includes(value)) return "[the same object as above]";
  if (above.length >= MOST_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
  const deeper = (item: unknown): string => write(item, `${indent}  `, [...above, value]);
  const most = <T>(items: readonly T[], text: (item: T) => string): [string[], number] => [
    items.slice(0, MOST_ITEMS).map(text),
    items.length - MOST_ITEMS,
  ];
  if (Array.isArray(value)) return list("[", ...most(value, deeper), "]", indent);
  if (value instanceof Set) return list("Set {", ...most([...value], deeper), "}", indent);
  if (value instanceof Map)
    return list("Map {", ...most([...value], ([key, item]) => `${deeper(key)} => ${deeper(item)}`), "}", indent);
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: unknown } } | null)?.constructor?.name;
  const head = typeof name === "string" && name !== "Object" && name !== "" ? `${name} {` : "{";
  const field = (key: string): string =>
    `${/^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key)}: ${deeper((value as Record<string, unknown>)[key])}`;
  return list(head, ...most(Object.keys(value), field), "}", indent);
}

function write(value: unknown, indent: string, above: readonly object[]): string {
  if (value instanceof Pattern) return `<${value.name}>`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "function") return `[function ${value.name || "without a name"}]`;
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Date (invalid)" : `Date ${value.toISOString()}`;
  if (value instanceof RegExp) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return showObject(value, indent, above);
}

/** Never throws, whatever getters a value has; cut where it is very long. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = write(value, "", []);
  } catch {
    text = "a value that cannot be shown";
  }
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
}
