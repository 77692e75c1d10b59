/** Checks values against JSON Schema inside the realm, before user code sees them; no code is generated. */
import type { Json, JsonSchema } from "../../script/types.ts";
import { makeFields, type Text } from "./validate/coerce.ts";
import { compile, makeRoot } from "./validate/compile.ts";
import { create, objectKeys } from "./validate/intrinsics.ts";
import { startRun, type ValidationError } from "./validate/run.ts";

export type { ValidationError } from "./validate/run.ts";

const VALID: readonly ValidationError[] = Object.freeze([]);
/** Should a check ever refuse without a reason, its value is still refused. */
const UNEXPLAINED: readonly ValidationError[] = Object.freeze([
  { path: "", message: "must be valid", expected: "valid" },
]);

export interface ValidatorOptions {
  /** `fill` (the default) puts a schema's defaults where the value lacks them; `leave` changes nothing: for answers. */
  readonly defaults?: "fill" | "leave";
}

/**
 * Answers at most 20 errors; none means valid.
 * @throws Error when the schema uses a keyword that would silently not be checked.
 */
export function makeValidator(
  schema: JsonSchema,
  options?: ValidatorOptions,
): (value: unknown) => readonly ValidationError[] {
  const root = makeRoot(schema as Json);
  const check = compile(root.schema, root);
  const fill = options?.defaults !== "leave";
  return (value) => {
    const run = startRun(fill && root.fills, false);
    return check(value, run) ? VALID : (run.errors ?? UNEXPLAINED);
  };
}

export interface Coerced {
  /** Null-prototype. Keys that the schema does not declare are kept as they came. */
  readonly value: Record<string, unknown>;
  readonly errors: readonly ValidationError[];
}

/** For params, query and headers: text becomes number, boolean or list where the schema wants one; then it is checked. */
export function makeCoercer(schema: JsonSchema): (record: Readonly<Record<string, Text>>) => Coerced {
  const root = makeRoot(schema as Json);
  const check = compile(root.schema, root);
  const fieldOf = makeFields(root.schema, root);
  return (record) => {
    const value = create(null) as Record<string, unknown>;
    const keys = objectKeys(record);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      value[key] = fieldOf(key)(record[key] as Text);
    }
    const run = startRun(root.fills, true);
    return check(value, run) ? { value, errors: VALID } : { value, errors: run.errors ?? UNEXPLAINED };
  };
}
