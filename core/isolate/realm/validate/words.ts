/** The words of a validator's sentences: "must be at most 280 characters long (was 300)". */
import type { JsonSchema } from "../../../script/types.ts";
import { FORMATS } from "./formats.ts";
import { isArray, own, slice, stringify } from "./intrinsics.ts";

const MAX_QUOTED = 60;
const MAX_LISTED = 12;

const TYPE_WORDS: Readonly<Record<string, string>> = {
  __proto__: null as unknown as string,
  string: "a string",
  number: "a number",
  integer: "an integer",
  boolean: "a boolean",
  null: "null",
  array: "an array",
  object: "an object",
  undefined: "missing",
};

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (isArray(value)) return "array";
  return typeof value;
}

/** What a value is, for "(was …)". */
export function kindWord(value: unknown): string {
  const kind = kindOf(value);
  return TYPE_WORDS[kind] ?? kind;
}

/** A value as its sender wrote it, where it is short enough to repeat. */
export function valueWord(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= MAX_QUOTED ? stringify(value) : `${stringify(slice(value, 0, MAX_QUOTED))}…`;
  }
  if (typeof value === "number" || typeof value === "boolean") return `${value}`;
  return kindWord(value);
}

export function orList(words: readonly string[]): string {
  const seen: Record<string, true> = { __proto__: null as unknown as true };
  const kept: string[] = [];
  for (let i = 0; i < words.length && kept.length < MAX_LISTED; i++) {
    const word = words[i] as string;
    if (seen[word]) continue;
    seen[word] = true;
    kept[kept.length] = word;
  }
  let text = kept[0] ?? "nothing";
  for (let i = 1; i < kept.length; i++) text += `${i === kept.length - 1 ? " or " : ", "}${kept[i]}`;
  return text;
}

function literal(value: unknown): string {
  return typeof value === "object" && value !== null ? stringify(value) : valueWord(value);
}

function typesOf(schema: JsonSchema): readonly unknown[] {
  const type = own(schema, "type");
  if (isArray(type)) return type;
  return type === undefined ? [] : [type];
}

/** What a schema wants, as a noun phrase. An author's own description (`["string", "@", "a nice name"]`) goes first. */
export function expectedWord(schema: unknown): string {
  if (typeof schema !== "object" || schema === null) return schema === false ? "removed" : "anything";
  const from = schema as JsonSchema;
  const description = own(from, "description");
  if (typeof description === "string" && description !== "") return description;
  const format = own(from, "format");
  if (typeof format === "string" && FORMATS[format]) return FORMATS[format].word;
  if (own(from, "const") !== undefined) return literal(own(from, "const"));
  const words: string[] = [];
  const members = own(from, "enum");
  if (isArray(members)) {
    for (let i = 0; i < members.length; i++) words[i] = literal(members[i]);
    return orList(words);
  }
  const branches = own(from, "anyOf") ?? own(from, "oneOf");
  if (isArray(branches)) {
    for (let i = 0; i < branches.length; i++) words[i] = expectedWord(branches[i]);
    return orList(words);
  }
  const types = typesOf(from);
  for (let i = 0; i < types.length; i++) words[i] = TYPE_WORDS[`${types[i]}`] ?? `${types[i]}`;
  return words.length === 0 ? "valid" : orList(words);
}

export function lengthWord(min: number, max: number, least: boolean, one: string): string {
  const count = (n: number) => `${n} ${one}${n === 1 ? "" : "s"} long`;
  if (min === max) return `exactly ${count(min)}`;
  return least ? `at least ${count(min)}` : `at most ${count(max)}`;
}
