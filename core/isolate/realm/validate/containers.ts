/** Checks of arrays and objects. Each answers null when the schema asks for nothing of the kind. */
import type { Json, JsonSchema } from "../../../script/types.ts";
import { create, hasOwn, isArray, matches, objectKeys, own, parse, put, stringify, toPattern } from "./intrinsics.ts";
import { fail, isFull, within, type Check, type Run } from "./run.ts";
import { expectedWord, lengthWord } from "./words.ts";

type Inner = (part: Json | undefined) => Check;

export function arrayChecks(schema: JsonSchema, inner: Inner): Check | null {
  const prefix = own(schema, "prefixItems");
  const items = own(schema, "items") as Json | undefined;
  const heads: Check[] = [];
  if (isArray(prefix)) for (let i = 0; i < prefix.length; i++) heads[i] = inner(prefix[i] as Json);
  const least = own(schema, "minItems");
  const most = own(schema, "maxItems");
  const min = typeof least === "number" ? least : 0;
  const max = typeof most === "number" ? most : items === false ? heads.length : Infinity;
  const rest = items === undefined || items === true || items === false ? null : inner(items);
  if (heads.length === 0 && !rest && min === 0 && max === Infinity) return null;
  return (value, run) => {
    if (!isArray(value)) return true;
    if (value.length < min) return fail(run, lengthWord(min, max, true, "item"), `${value.length}`);
    if (value.length > max) return fail(run, lengthWord(min, max, false, "item"), `${value.length}`);
    let ok = true;
    for (let i = 0; i < value.length; i++) {
      const check = heads[i] ?? rest;
      if (!check) break;
      if (within(check, value[i], i, run)) continue;
      ok = false;
      if (isFull(run)) break;
    }
    return ok;
  };
}

interface Property {
  readonly name: string;
  readonly check: Check;
  readonly required: boolean;
  readonly expected: string;
  /** Makes the default, a new one each time; null without one. */
  readonly initial: (() => unknown) | null;
}

function initialOf(schema: unknown): (() => unknown) | null {
  if (typeof schema !== "object" || schema === null || !hasOwn(schema, "default")) return null;
  const value = own(schema, "default");
  if (typeof value !== "object" || value === null) return () => value;
  const text = stringify(value);
  return () => parse(text);
}

function propertiesOf(schema: JsonSchema, inner: Inner): Property[] {
  const declared = own(schema, "properties");
  const parts = (typeof declared === "object" && declared !== null ? declared : {}) as Record<string, Json>;
  const required = own(schema, "required");
  const list: Property[] = [];
  const mustHave = create(null) as Record<string, true>;
  if (isArray(required)) for (let i = 0; i < required.length; i++) mustHave[`${required[i]}`] = true;
  const names = objectKeys(parts);
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    const part = own(parts, name) as Json;
    const needed = mustHave[name] === true;
    delete mustHave[name];
    list[i] = { name, check: inner(part), required: needed, expected: expectedWord(part), initial: initialOf(part) };
  }
  const bare = objectKeys(mustHave);
  for (let i = 0; i < bare.length; i++) {
    list[list.length] = {
      name: bare[i] as string,
      check: inner(true),
      required: true,
      expected: "present",
      initial: null,
    };
  }
  return list;
}

export function objectChecks(schema: JsonSchema, inner: Inner): Check | null {
  const properties = propertiesOf(schema, inner);
  const others = otherKeys(schema, properties, inner);
  if (properties.length === 0) return others;
  return (value, run) => {
    if (typeof value !== "object" || value === null || isArray(value)) return true;
    let ok = true;
    for (let i = 0; i < properties.length; i++) {
      const property = properties[i] as Property;
      const name = property.name;
      const part = hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
      if (part === undefined) {
        if (!absent(value, property, run)) ok = false;
      } else {
        run.keys[run.level++] = name;
        if (!property.check(part, run)) ok = false;
        run.level--;
      }
    }
    if (others && !others(value, run)) ok = false;
    return ok;
  };
}

function absent(value: object, property: Property, run: Run): boolean {
  if (property.initial) {
    if (run.fill) put(value, property.name, property.initial());
    return true;
  }
  if (!property.required) return true;
  return within(() => fail(run, property.expected, "missing"), undefined, property.name, run);
}

/** `additionalProperties`, `patternProperties`, `propertyNames` and the number of keys: what makes a walk over all keys needed. */
function otherKeys(schema: JsonSchema, properties: readonly Property[], inner: Inner): Check | null {
  const additional = own(schema, "additionalProperties") as Json | undefined;
  const names = own(schema, "propertyNames") as Json | undefined;
  const least = own(schema, "minProperties");
  const most = own(schema, "maxProperties");
  const min = typeof least === "number" ? least : 0;
  const max = typeof most === "number" ? most : Infinity;
  const patterns: { test: RegExp; check: Check }[] = [];
  const declared = own(schema, "patternProperties");
  if (typeof declared === "object" && declared !== null) {
    const sources = objectKeys(declared);
    for (let i = 0; i < sources.length; i++) {
      const source = sources[i] as string;
      patterns[i] = { test: toPattern(source), check: inner(own(declared, source) as Json) };
    }
  }
  const anyOther = additional === undefined || additional === true;
  if (anyOther && patterns.length === 0 && names === undefined && min === 0 && max === Infinity) return null;
  const known = create(null) as Record<string, true>;
  for (let i = 0; i < properties.length; i++) known[(properties[i] as Property).name] = true;
  const otherCheck = anyOther ? null : inner(additional);
  const nameCheck = names === undefined ? null : inner(names);

  const keyIsValid = (value: object, key: string, run: Run): boolean => {
    const part = own(value, key);
    let ok = nameCheck === null || within(nameCheck, key, key, run);
    let matched = known[key] === true;
    for (let i = 0; i < patterns.length; i++) {
      const pattern = patterns[i] as { test: RegExp; check: Check };
      if (!matches(pattern.test, key)) continue;
      matched = true;
      if (!within(pattern.check, part, key, run)) ok = false;
    }
    if (!matched && otherCheck !== null && !within(otherCheck, part, key, run)) ok = false;
    return ok;
  };
  return (value, run) => {
    if (typeof value !== "object" || value === null || isArray(value)) return true;
    const keys = objectKeys(value);
    if (keys.length < min) return fail(run, `an object of at least ${min} keys`, `${keys.length}`);
    if (keys.length > max) return fail(run, `an object of at most ${max} keys`, `${keys.length}`);
    let ok = true;
    for (let i = 0; i < keys.length && !isFull(run); i++) if (!keyIsValid(value, keys[i] as string, run)) ok = false;
    return ok;
  };
}
