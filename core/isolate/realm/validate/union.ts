/** `anyOf` and `oneOf`: one branch must hold, and when none does, the errors of the branch that was meant. */
import type { Json, JsonSchema } from "../../../script/types.ts";
import type { Root } from "./compile.ts";
import { hasOwn, isArray, objectKeys, own } from "./intrinsics.ts";
import { addErrors, fail, pathOf, within, type Check, type Run, type ValidationError } from "./run.ts";
import { same } from "./scalars.ts";
import { expectedWord, kindOf, kindWord, orList, valueWord } from "./words.ts";

interface Branch {
  readonly schema: Json;
  readonly check: Check;
}

export function unionCheck(schema: JsonSchema, root: Root, inner: (part: Json | undefined) => Check): Check | null {
  const any = own(schema, "anyOf");
  const parts = isArray(any) ? any : own(schema, "oneOf");
  if (!isArray(parts)) return null;
  const exactlyOne = !isArray(any);
  const branches: Branch[] = [];
  for (let i = 0; i < parts.length; i++) branches[i] = { schema: parts[i] as Json, check: inner(parts[i] as Json) };
  const tag = tagOf(branches);
  return (value, run) => {
    const found: (readonly ValidationError[])[] = [];
    let holding = -1;
    for (let i = 0; i < branches.length; i++) {
      const errors = attempt(branches[i] as Branch, value, run);
      if (errors !== null) {
        found[i] = errors;
        continue;
      }
      if (holding !== -1) return fail(run, "valid in exactly one way", "valid in several");
      holding = i;
      if (!exactlyOne) break;
    }
    if (holding === -1) return explain(schema, branches, tag, found, value, run);
    // Defaults belong to the branch that holds, not to those that were tried before it.
    if (root.fills && run.fill) (branches[holding] as Branch).check(value, run);
    return true;
  };
}

function attempt(branch: Branch, value: unknown, run: Run): readonly ValidationError[] | null {
  const { errors, fill } = run;
  run.errors = null;
  run.fill = false;
  const ok = branch.check(value, run);
  const own = run.errors as readonly ValidationError[] | null;
  run.errors = errors;
  run.fill = fill;
  return ok ? null : (own ?? []);
}

/** A property that every branch requires, with fixed values: `kind: "a"` against `kind: "b"`. */
function tagOf(branches: readonly Branch[]): string | null {
  const first = branches[0];
  if (!first || branches.length < 2) return null;
  const properties = propertiesOf(first.schema);
  if (!properties) return null;
  const names = objectKeys(properties);
  for (let n = 0; n < names.length; n++) {
    const name = names[n] as string;
    let everywhere = true;
    for (let i = 0; i < branches.length && everywhere; i++)
      everywhere = valuesOf((branches[i] as Branch).schema, name) !== null;
    if (everywhere) return name;
  }
  return null;
}

function propertiesOf(schema: Json): Readonly<Record<string, Json>> | null {
  const properties = typeof schema === "object" && schema !== null ? own(schema, "properties") : null;
  return typeof properties === "object" && properties !== null ? (properties as Readonly<Record<string, Json>>) : null;
}

function valuesOf(schema: Json, name: string): readonly unknown[] | null {
  const properties = propertiesOf(schema);
  const part = properties ? own(properties, name) : null;
  if (typeof part !== "object" || part === null) return null;
  if (hasOwn(part, "const")) return [own(part, "const")];
  const members = own(part, "enum");
  return isArray(members) ? members : null;
}

function explain(
  schema: JsonSchema,
  branches: readonly Branch[],
  tag: string | null,
  found: readonly (readonly ValidationError[])[],
  value: unknown,
  run: Run,
): false {
  if (tag !== null && typeof value === "object" && value !== null && !isArray(value)) {
    return explainByTag(branches, tag, found, value, run);
  }
  const meant: number[] = [];
  const kind = kindOf(value);
  for (let i = 0; i < branches.length; i++) if (accepts((branches[i] as Branch).schema, kind)) meant[meant.length] = i;
  if (meant.length === 1) return addErrors(run, found[meant[0] as number] as readonly ValidationError[]);
  const expected = expectedWord(schema);
  if (meant.length === 0 || typeof value !== "object") {
    return fail(run, expected, meant.length > 0 || run.quote ? valueWord(value) : kindWord(value));
  }
  return explainAll(meant, found, expected, run);
}

function explainByTag(
  branches: readonly Branch[],
  tag: string,
  found: readonly (readonly ValidationError[])[],
  value: object,
  run: Run,
): false {
  const given = own(value, tag);
  const words: string[] = [];
  for (let i = 0; i < branches.length; i++) {
    const allowed = valuesOf((branches[i] as Branch).schema, tag) as readonly unknown[];
    for (let v = 0; v < allowed.length; v++) {
      if (same(given, allowed[v])) return addErrors(run, found[i] as readonly ValidationError[]);
      words[words.length] = valueWord(allowed[v]);
    }
  }
  within(() => fail(run, orList(words), given === undefined ? "missing" : valueWord(given)), given, tag, run);
  return false;
}

/** "/x must be a number (was missing) or /y must be a string": one error that holds what each branch lacked. */
function explainAll(
  meant: readonly number[],
  found: readonly (readonly ValidationError[])[],
  expected: string,
  run: Run,
): false {
  const path = pathOf(run);
  const ways: string[] = [];
  for (let i = 0; i < meant.length; i++) {
    const error = found[meant[i] as number]?.[0];
    if (error)
      ways[ways.length] =
        error.path === path ? error.message : `have ${restOf(error.path, path)} that ${error.message}`;
  }
  return addErrors(run, [{ path, message: orList(ways), expected }]);
}

function restOf(path: string, start: string): string {
  let rest = "";
  for (let i = start.length + 1; i < path.length; i++) rest += path[i];
  return rest;
}

function accepts(schema: Json, kind: string): boolean {
  if (typeof schema !== "object" || schema === null) return schema === true;
  const type = own(schema, "type");
  const types = isArray(type) ? type : type === undefined ? [] : [type];
  for (let i = 0; i < types.length; i++)
    if (types[i] === kind || (kind === "number" && types[i] === "integer")) return true;
  if (types.length > 0) return false;
  const members = hasOwn(schema, "const") ? [own(schema, "const")] : own(schema, "enum");
  if (!isArray(members)) return true;
  for (let i = 0; i < members.length; i++) if (kindOf(members[i]) === kind) return true;
  return false;
}
