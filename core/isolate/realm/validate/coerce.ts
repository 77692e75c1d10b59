/** Text to values: what a path, a query or a header carries is text, what a schema wants may be a number. */
import type { Json, JsonSchema } from "../../../script/types.ts";
import { compile, resolve, type Root } from "./compile.ts";
import { create, isArray, isSafeInteger, matches, objectKeys, own, toPattern } from "./intrinsics.ts";
import { startRun } from "./run.ts";

export type Text = string | readonly string[];
/** Gives the value that the schema wants, or the text itself when it cannot: the check then says what is wrong. */
export type Coerce = (value: Text) => unknown;

const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const MAX_NUMBER_TEXT = 40;
const MAX_DEPTH = 20;

function toNumber(value: Text): unknown {
  if (typeof value !== "string" || value.length > MAX_NUMBER_TEXT || !matches(NUMBER, value)) return value;
  const number = +value;
  return number - number === 0 ? number : value;
}

/** A whole number beyond 2^53 would silently become another one: it stays text, and is refused. */
function toInteger(value: Text): unknown {
  const number = toNumber(value);
  return typeof number !== "number" || number % 1 !== 0 || isSafeInteger(number) ? number : value;
}

function toBoolean(value: Text): unknown {
  if (value === "true" || value === "1") return true;
  return value === "false" || value === "0" ? false : value;
}

const asItIs: Coerce = (value) => value;

/** How the text of one property becomes its value. */
export function makeCoerce(schema: Json | undefined, root: Root, depth = 0): Coerce {
  if (typeof schema !== "object" || schema === null || isArray(schema) || depth > MAX_DEPTH) return asItIs;
  const from = schema as JsonSchema;
  const pointer = own(from, "$ref");
  if (typeof pointer === "string") return makeCoerce(resolve(root.schema, pointer), root, depth + 1);
  const branches = own(from, "anyOf") ?? own(from, "oneOf");
  if (isArray(branches)) return makeUnion(from, branches as readonly Json[], root, depth);
  const members = own(from, "enum") ?? (own(from, "const") === undefined ? undefined : [own(from, "const")]);
  if (isArray(members)) return (value) => memberOf(members, value);
  switch (own(from, "type")) {
    case "number":
      return toNumber;
    case "integer":
      return toInteger;
    case "boolean":
      return toBoolean;
    case "array":
      return makeList(from, root, depth);
    default:
      return asItIs;
  }
}

function memberOf(members: readonly unknown[], value: Text): unknown {
  for (let i = 0; i < members.length; i++) if (members[i] === value) return value;
  for (let i = 0; i < members.length; i++) {
    const member = members[i];
    if ((typeof member === "number" || typeof member === "boolean") && `${member}` === value) return member;
  }
  return value;
}

/** A query key that is there once is a list of one. */
function makeList(schema: JsonSchema, root: Root, depth: number): Coerce {
  const item = makeCoerce(own(schema, "items") as Json | undefined, root, depth + 1);
  return (value) => {
    const list: unknown[] = [];
    if (typeof value === "string") list[0] = item(value);
    else for (let i = 0; i < value.length; i++) list[i] = item(value[i] as string);
    return list;
  };
}

/** Text that is valid as it stands stays text; else the first branch whose value holds. */
function makeUnion(schema: JsonSchema, branches: readonly Json[], root: Root, depth: number): Coerce {
  const holds = compile(schema, root);
  const ways: Coerce[] = [];
  for (let i = 0; i < branches.length; i++) ways[i] = makeCoerce(branches[i], root, depth + 1);
  return (value) => {
    if (holds(value, startRun(false, true))) return value;
    for (let i = 0; i < ways.length; i++) {
      const candidate = (ways[i] as Coerce)(value);
      if (candidate !== value && holds(candidate, startRun(false, true))) return candidate;
    }
    return value;
  };
}

/** How each key of a record is coerced, whichever part of the schema declares it. */
export function makeFields(schema: Json, root: Root): (key: string) => Coerce {
  const fields = create(null) as Record<string, Coerce>;
  const patterns: { test: RegExp; coerce: Coerce }[] = [];
  let other = asItIs;
  const gather = (part: Json | undefined, depth: number): void => {
    if (typeof part !== "object" || part === null || isArray(part) || depth > MAX_DEPTH) return;
    const from = part as JsonSchema;
    const pointer = own(from, "$ref");
    if (typeof pointer === "string") gather(resolve(root.schema, pointer), depth + 1);
    const declared = recordOf(own(from, "properties"));
    const names = objectKeys(declared);
    for (let i = 0; i < names.length; i++)
      fields[names[i] as string] ??= makeCoerce(own(declared, names[i] as string) as Json, root);
    const byPattern = recordOf(own(from, "patternProperties"));
    const sources = objectKeys(byPattern);
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i] as string;
      patterns[patterns.length] = { test: toPattern(source), coerce: makeCoerce(own(byPattern, source) as Json, root) };
    }
    const additional = own(from, "additionalProperties");
    if (typeof additional === "object") other = makeCoerce(additional as Json, root);
    const parts = own(from, "allOf") ?? own(from, "anyOf") ?? own(from, "oneOf");
    if (isArray(parts)) for (let i = 0; i < parts.length; i++) gather(parts[i] as Json, depth + 1);
  };
  gather(schema, 0);
  return (key) => {
    const declared = fields[key];
    if (declared) return declared;
    for (let i = 0; i < patterns.length; i++) if (matches(patterns[i]!.test, key)) return patterns[i]!.coerce;
    return other;
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !isArray(value) ? (value as Record<string, unknown>) : {};
}
