/** From a schema of the OpenAPI document to values: those that fit, and those that somebody may send all the same. */
import fc, { type Arbitrary } from "fast-check";

export type Schema = { readonly [key: string]: unknown } | undefined;

export interface Components {
  readonly schemas: { readonly [name: string]: Schema };
}

/** Text that has broken parsers: of numbers, of JSON, of URLs, of templates, of prototypes. */
const ODD = [
  ...["", " ", "0", "-0", "1e309", "NaN", "0x10", "9007199254740993", "null", "true", "[]", "{}", '"', "'"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "../..", "..%2f", "%00", "%", "%zz", "%E0%A4%A"],
  ...["<script>alert(1)</script>", "${1}", "{{x}}", "\u0000", "\ud800", "\u202e", "😀", "a".repeat(5000), "\r\nx: y"],
];

/** Anything. */
export const wild: Arbitrary<string> = fc.oneof(
  fc.constantFrom(...ODD),
  fc.string({ minLength: 1, maxLength: 30, unit: "binary" }),
);

/** Values that fit. A schema in itself ends, since what need not be there is left out further down. */
export function fitting(schema: Schema, components: Components, depth = 0): Arbitrary<unknown> {
  if (schema === undefined) return fc.jsonValue();
  const { $ref, const: only, enum: some, anyOf, type } = schema;
  const inner = (one: Schema): Arbitrary<unknown> => fitting(one, components, depth + 1);
  if (typeof $ref === "string") return inner(components.schemas[$ref.split("/").at(-1) ?? ""]);
  if ("const" in schema) return fc.constant(only);
  if (Array.isArray(some)) return fc.constantFrom(...(some as unknown[]));
  if (Array.isArray(anyOf)) return fc.oneof(...(anyOf as Schema[]).map((one) => fitting(one, components, depth)));
  if (type === "integer" || type === "number") return numbers(schema);
  if (type === "boolean") return fc.boolean();
  if (type === "null") return fc.constant(null);
  if (type === "string") return texts(schema);
  if (type === "array") {
    const [minLength, most] = [amount(schema, "minItems") ?? 0, amount(schema, "maxItems") ?? 5];
    return fc.array(inner(schema["items"] as Schema), { minLength, maxLength: Math.min(most, minLength + 5) });
  }
  if (type !== "object") return fc.jsonValue();
  const required = (schema["required"] ?? []) as string[];
  const entries = Object.entries((schema["properties"] ?? {}) as { [name: string]: Schema });
  const kept = entries.filter(([name]) => depth < 3 || required.includes(name));
  return fc.record(Object.fromEntries(kept.map(([name, one]) => [name, inner(one)])), { requiredKeys: required });
}

function amount(schema: Exclude<Schema, undefined>, key: string): number | undefined {
  return schema[key] as number | undefined;
}

function numbers(schema: Exclude<Schema, undefined>): Arbitrary<number> {
  const [least, most] = [amount(schema, "minimum"), amount(schema, "maximum")];
  const [above, below] = [amount(schema, "exclusiveMinimum"), amount(schema, "exclusiveMaximum")];
  if (schema["type"] === "integer") {
    return fc.integer({ min: least ?? (above ?? -1e9) + 1, max: most ?? (below ?? 1e9) - 1 });
  }
  const [min, max] = [least ?? above ?? -1e9, most ?? below ?? 1e9];
  return fc.double({ noNaN: true, min, max, minExcluded: above !== undefined, maxExcluded: below !== undefined });
}

function texts(schema: Exclude<Schema, undefined>): Arbitrary<string> {
  const [minLength, most] = [amount(schema, "minLength") ?? 0, amount(schema, "maxLength") ?? 300];
  const maxLength = Math.min(most, Math.max(minLength, 300));
  // In code points, as JSON Schema counts.
  const fits = (text: string): boolean => {
    const { length } = [...text];
    return length >= minLength && length <= maxLength;
  };
  if (typeof schema["pattern"] === "string") {
    return fc.stringMatching(new RegExp(schema["pattern"], "u")).filter(fits);
  }
  return fc.string({ minLength, maxLength, unit: "binary" }).filter(fits);
}
