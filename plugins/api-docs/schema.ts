/** JSON Schemas of scripts on their way into the document: what they define by name becomes a component. */
import type { Json } from "../../sdk/plugin.ts";

export interface Schema {
  readonly [key: string]: Json;
}

/** Keywords whose value is a schema, a list of schemas, or schemas by name. What is in others is data. */
const ONE = new Set(["items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"]);
const LIST = new Set(["allOf", "anyOf", "oneOf", "prefixItems"]);
const NAMED = new Set(["properties", "patternProperties", "dependentSchemas"]);
/** They would change what references mean. */
const DROPPED = new Set(["$defs", "$schema", "$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "definitions"]);
/** Deeper is anything: the recursion here must end, whatever a script wrote. */
const MAX_DEPTH = 100;

/** `components.schemas` of a document in the making. */
export class Components {
  readonly schemas: { [name: string]: Json } = {};

  /**
   * A schema as the document holds it.
   *
   * @param name of the operation and part: components are called after it
   */
  lift(schema: Json, name: string): Json {
    return this.open(schema, name).lift(schema);
  }

  /** For a schema of which the parts are wanted: `fields` are those of the object that it describes. */
  open(schema: Json, name: string): { lift(part: Json): Json; readonly fields: Fields } {
    const defs = isObject(schema) && isObject(schema["$defs"]) ? schema["$defs"] : {};
    const names = new Map(Object.keys(defs).map((key, at) => [key, `${name}.${at + 1}`]));
    const lift = (part: Json): Json => this.#copy(part, names, 0);
    for (const [key, own] of names) this.schemas[own] ??= lift(defs[key] ?? {});
    return { lift, fields: fieldsOf(schema, defs) };
  }

  #copy(schema: Json, names: ReadonlyMap<string, string>, depth: number): Json {
    if (typeof schema === "boolean") return schema;
    if (!isObject(schema) || depth > MAX_DEPTH) return {};
    const inner = (one: Json): Json => this.#copy(one, names, depth + 1);
    const kept = Object.entries(schema).filter(([key]) => !DROPPED.has(key));
    return Object.fromEntries(
      kept.flatMap(([key, value]): readonly (readonly [string, Json])[] => {
        if (key === "$ref") {
          const own = names.get(nameOf(value));
          return own === undefined ? [] : [[key, `#/components/schemas/${own}`]];
        }
        if (ONE.has(key)) return [[key, inner(value)]];
        if (LIST.has(key)) return Array.isArray(value) ? [[key, value.map(inner)]] : [];
        if (!NAMED.has(key)) return [[key, value]];
        return isObject(value)
          ? [[key, Object.fromEntries(Object.entries(value).map(([k, one]) => [k, inner(one)]))]]
          : [];
      }),
    );
  }
}

export interface Fields {
  readonly type: Json | undefined;
  readonly properties: readonly (readonly [name: string, schema: Json])[];
  readonly required: ReadonlySet<Json>;
  /** What other fields may be; undefined where the schema says nothing of them. */
  readonly others: Json | undefined;
}

function fieldsOf(schema: Json, defs: Schema): Fields {
  let at = schema;
  for (let hops = 0; hops < 10 && isObject(at) && at["$ref"] !== undefined; hops++) at = defs[nameOf(at["$ref"])] ?? {};
  const { type, properties, required, additionalProperties } = isObject(at) ? at : ({} as Schema);
  return {
    type,
    properties: isObject(properties) ? Object.entries(properties) : [],
    required: new Set(Array.isArray(required) ? required : []),
    others: isObject(additionalProperties) ? additionalProperties : undefined,
  };
}

/** `#/$defs/a~1b` is the definition `a/b`. */
function nameOf(reference: Json): string {
  if (typeof reference !== "string" || !reference.startsWith("#/$defs/")) return "";
  const pointer = reference.slice("#/$defs/".length).replaceAll("~1", "/").replaceAll("~0", "~");
  try {
    return decodeURIComponent(pointer);
  } catch {
    return pointer;
  }
}

export function isObject(value: Json | undefined): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
