/** JSON Schema to a tree of closures. No code is generated: a realm allows none. */
import type { Json, JsonSchema } from "../../../script/types.ts";
import { arrayChecks, objectChecks } from "./containers.ts";
import { create, hasOwn, isArray, own, stringify } from "./intrinsics.ts";
import { fail, type Check, type Run } from "./run.ts";
import { enumCheck, numberChecks, stringChecks } from "./scalars.ts";
import { unionCheck } from "./union.ts";
import { expectedWord, kindWord, valueWord } from "./words.ts";

/** What all parts of one schema share. */
export interface Root {
  readonly schema: Json;
  readonly refs: Record<string, Check>;
  /** Some part has a default. */
  fills: boolean;
}

const MAX_SCHEMA_DEPTH = 100;
const MAX_VALUE_DEPTH = 200;

/** Keywords that assert something and are not known here. Anything else that is unknown is a remark. */
const UNSUPPORTED = [
  "not",
  "if",
  "contains",
  "uniqueItems",
  "dependentSchemas",
  "dependentRequired",
  "unevaluatedItems",
  "unevaluatedProperties",
  "$dynamicRef",
];

export function makeRoot(schema: Json): Root {
  return { schema, refs: create(null) as Record<string, Check>, fills: false };
}

/** @throws Error when the schema uses a keyword that would silently not be checked, or nests too deeply. */
export function compile(schema: Json | undefined, root: Root, depth = 0): Check {
  if (schema === true || schema === undefined) return accept;
  if (schema === false) return refuse;
  if (typeof schema !== "object" || schema === null || isArray(schema)) {
    throw new Error(`A schema must be an object or a boolean, not ${kindWord(schema)}.`);
  }
  if (depth > MAX_SCHEMA_DEPTH) throw new Error(`A schema may nest at most ${MAX_SCHEMA_DEPTH} levels deep.`);
  const from = schema as JsonSchema;
  for (let i = 0; i < UNSUPPORTED.length; i++) {
    const keyword = UNSUPPORTED[i] as string;
    if (hasOwn(from, keyword))
      throw new Error(`The schema keyword "${keyword}" is not supported: state it in the handler.`);
  }
  if (own(from, "default") !== undefined) root.fills = true;

  const checks: Check[] = [];
  const add = (check: Check | null) => {
    if (check) checks[checks.length] = check;
  };
  const inner = (part: Json | undefined) => compile(part, root, depth + 1);
  if (hasOwn(from, "$ref")) add(refCheck(from["$ref"], root));
  add(enumCheck(from));
  add(stringChecks(from));
  add(numberChecks(from));
  add(arrayChecks(from, inner));
  add(objectChecks(from, inner));
  add(allOfCheck(own(from, "allOf"), inner));
  add(unionCheck(from, root, inner));
  return typed(from, checks);
}

const accept: Check = () => true;
const refuse: Check = (_value, run) => fail(run, "removed", "");

function refCheck(pointer: Json | undefined, root: Root): Check {
  if (typeof pointer !== "string") throw new Error("A schema's $ref must be a string.");
  const known = root.refs[pointer];
  if (known) return known;
  const schema = resolve(root.schema, pointer);
  let target = accept;
  const check: Check = (value, run) => {
    if (run.depth >= MAX_VALUE_DEPTH) return fail(run, `nested at most ${MAX_VALUE_DEPTH} levels deep`, "deeper");
    run.depth++;
    const ok = target(value, run);
    run.depth--;
    return ok;
  };
  // Remembered before it is compiled: a schema may contain itself.
  root.refs[pointer] = check;
  target = compile(schema, root);
  return check;
}

/** Follows `#/$defs/name`; only within the same schema. */
export function resolve(schema: Json, pointer: string): Json {
  if (pointer === "#") return schema;
  if (pointer[0] !== "#" || pointer[1] !== "/") {
    throw new Error(`The schema reference ${stringify(pointer)} must start with "#/".`);
  }
  let at = schema;
  let key = "";
  for (let i = 2; i <= pointer.length; i++) {
    const char = pointer[i];
    if (char === "/" || char === undefined) {
      const next = typeof at === "object" && at !== null ? own(at, key) : undefined;
      if (next === undefined) throw new Error(`The schema reference ${stringify(pointer)} leads nowhere.`);
      at = next as Json;
      key = "";
    } else if (char === "~") key += pointer[++i] === "1" ? "/" : "~";
    else key += char;
  }
  return at;
}

function allOfCheck(parts: unknown, inner: (part: Json | undefined) => Check): Check | null {
  if (!isArray(parts)) return null;
  const checks: Check[] = [];
  for (let i = 0; i < parts.length; i++) checks[i] = inner(parts[i] as Json);
  return all(checks);
}

function all(checks: readonly Check[]): Check {
  if (checks.length === 0) return accept;
  if (checks.length === 1) return checks[0] as Check;
  return (value, run) => {
    let ok = true;
    for (let i = 0; i < checks.length; i++) if (!(checks[i] as Check)(value, run)) ok = false;
    return ok;
  };
}

const isNumber = (value: unknown) => typeof value === "number" && value - value === 0;
const TYPES: Readonly<Record<string, ((value: unknown) => boolean) | undefined>> = {
  __proto__: null as unknown as undefined,
  string: (value) => typeof value === "string",
  number: isNumber,
  integer: (value) => isNumber(value) && (value as number) % 1 === 0,
  boolean: (value) => value === true || value === false,
  null: (value) => value === null,
  array: (value) => isArray(value),
  object: (value) => typeof value === "object" && value !== null && !isArray(value),
};

function typed(schema: JsonSchema, checks: readonly Check[]): Check {
  const type = own(schema, "type");
  const rest = all(checks);
  if (type === undefined) return rest;
  const names = isArray(type) ? type : [type];
  const tests: ((value: unknown) => boolean)[] = [];
  for (let i = 0; i < names.length; i++) {
    const test = TYPES[`${names[i]}`];
    if (!test) throw new Error(`A schema's type must be a JSON type, not ${valueWord(names[i])}.`);
    tests[i] = test;
  }
  const expected = expectedWord(schema);
  const mismatch = (value: unknown, run: Run) => {
    const showValue = run.quote || (typeof value === "number" && value % 1 !== 0);
    return fail(run, expected, showValue ? valueWord(value) : kindWord(value));
  };
  if (tests.length === 1) {
    const test = tests[0] as (value: unknown) => boolean;
    if (checks.length === 0) return (value, run) => test(value) || mismatch(value, run);
    return (value, run) => (test(value) ? rest(value, run) : mismatch(value, run));
  }
  return (value, run) => {
    for (let i = 0; i < tests.length; i++)
      if ((tests[i] as (value: unknown) => boolean)(value)) return rest(value, run);
    return mismatch(value, run);
  };
}
