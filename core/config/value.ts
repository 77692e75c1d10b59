/** Values of config as JSON data, and in words. */
import { TomlDate } from "smol-toml";
import type { Json } from "../script/types.ts";
import type { Value } from "./tree.ts";

/** The value is not what its key takes; the message says what it takes. */
export class Invalid extends Error {}

/** Data goes on to code that may assign by key; this one name would change the prototype instead. */
export function safeName(name: string): string {
  if (name === "__proto__") throw new Invalid('a key may not be called "__proto__"');
  return name;
}

/** Dates become their text, what JSON lacks is refused. */
export function toJson(value: Value): Json {
  if (value instanceof TomlDate) return value.toISOString();
  if (typeof value === "number" && !Number.isFinite(value)) throw new Invalid("expected a finite number");
  if (typeof value === "bigint") throw new Invalid("expected a number within ±2^53");
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [safeName(name), toJson(inner)]));
}

/** A value as an error shows it. */
export function shown(value: Value): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof TomlDate) return "a date";
  const text = JSON.stringify(value) ?? String(value);
  const kind = typeof value === "string" ? "the string " : typeof value === "number" ? "the number " : "";
  return kind + (text.length > 60 ? `${text.slice(0, 60)}…` : text);
}

export function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
