/** arktype definitions, as the JSON Schema that they were compiled to, in GraphQL's own types. */
import type { Json } from "../../sdk/plugin.ts";

type Schema = { readonly [key: string]: Json };
type Refuse = (why: string) => Error;

export interface FieldSdl {
  /** `noteCount(limit: Int = 10): Int!` */
  readonly field: string;
  /** Types that it needs, in SDL. */
  readonly types: readonly string[];
}

const ROOTS = ["Query", "Mutation", "Subscription"];
const NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_]*$/;
/** What arktype makes of `string.date.iso`: it has no format for it. */
const ISO_DATE = "^([+-]?\\d{4}(?!\\d{2}\\b))((-?)(";

/** @param parent the type that gets the field: names of what it needs begin with it, where it is none of all scripts */
export function fieldSdl(
  name: string,
  parent: string,
  args: Schema | undefined,
  returns: Schema,
  refuse: Refuse,
): FieldSdl {
  const types: string[] = [];
  const stem = `${ROOTS.includes(parent) ? "" : parent}${capital(name)}`;
  const type = new Writer(types, "type", refuse).type(returns, `${stem}Result`);
  if (args === undefined || isEmpty(args)) return { field: `${name}: ${type}`, types };
  const properties = members(args);
  if (properties === null) throw refuse('`args` takes an object of arguments: { limit: "number.integer = 10" }');
  const input = new Writer(types, "input", refuse);
  const list = Object.entries(properties).map(([key, schema]) => input.field(key, schema, args, stem));
  return { field: `${name}(${list.join(", ")}): ${type}`, types };
}

class Writer {
  constructor(
    private readonly types: string[],
    private readonly keyword: "type" | "input",
    private readonly refuse: Refuse,
  ) {}

  field(key: string, schema: Schema, of: Schema, stem: string): string {
    const required = Array.isArray(of["required"]) && of["required"].includes(key);
    const given = schema["default"];
    const type = this.type(schema, `${stem}${capital(key)}${this.keyword === "input" ? "Input" : ""}`);
    const settled = required || given !== undefined ? type : type.replace(/!$/, "");
    if (this.keyword === "type" || given === undefined) return `${key}: ${settled}`;
    return `${key}: ${settled} = ${literal(given, this.#isEnum(settled))}`;
  }

  #isEnum(type: string): boolean {
    return this.types.some((sdl) => sdl.startsWith(`enum ${type.replace("!", "")} `));
  }

  /** @param name of the type, where one must be made */
  type(schema: Schema, name: string): string {
    const options = schema["anyOf"] ?? schema["oneOf"];
    if (Array.isArray(options) && schema["format"] !== "uuid") {
      const others = (options as readonly Schema[]).filter(({ type }) => type !== "null");
      const type = this.#union(others, name);
      return others.length < options.length ? type.replace(/!$/, "") : type;
    }
    if (schema["format"] === "uuid") return "ID!";
    const values = "const" in schema ? [schema["const"]!] : schema["enum"];
    if (Array.isArray(values)) return this.#choice(values as readonly Json[], name);
    switch (schema["type"]) {
      case "integer":
        return "Int!";
      case "number":
        return "Float!";
      case "boolean":
        return "Boolean!";
      case "string":
        return isDate(schema) ? "DateTime!" : "String!";
      case "array":
        return isSchema(schema["items"]) && !("prefixItems" in schema)
          ? `[${this.type(schema["items"], name)}]!`
          : "JSON!";
      case "object":
        return this.#object(schema, name);
      default:
        return "JSON";
    }
  }

  #union(options: readonly Schema[], name: string): string {
    const [only] = options;
    if (options.length === 1 && only !== undefined) return this.type(only, name);
    if (options.every(({ format }) => format === "uuid")) return "ID!";
    if (options.every((one) => "const" in one))
      return this.#choice(
        options.map((one) => one["const"]!),
        name,
      );
    const found = new Set(options.map((one) => one["type"]));
    if (found.size === 2 && found.has("integer") && found.has("number")) return "Float!";
    return "JSON!";
  }

  #choice(values: readonly Json[], name: string): string {
    const some = values.filter((value) => value !== null);
    const mark = some.length < values.length ? "" : "!";
    if (some.length > 0 && some.every((value) => typeof value === "boolean")) return `Boolean${mark}`;
    if (some.length > 0 && some.every((value) => typeof value === "number")) {
      return `${some.every((value) => Number.isInteger(value)) ? "Int" : "Float"}${mark}`;
    }
    if (some.length === 0 || !some.every((value) => typeof value === "string")) return `JSON${mark}`;
    const usable = some.every((value) => NAME.test(value) && !["true", "false", "null"].includes(value));
    if (!usable) return `String${mark}`;
    this.#add(name, `enum ${name} { ${some.join(" ")} }`);
    return `${name}${mark}`;
  }

  #object(schema: Schema, name: string): string {
    const properties = members(schema);
    if (properties === null || Object.keys(properties).some((key) => !NAME.test(key))) return "JSON!";
    const fields = Object.entries(properties).map(([key, one]) => this.field(key, one, schema, name));
    this.#add(name, `${this.keyword} ${name} { ${fields.join(" ")} }`);
    return `${name}!`;
  }

  #add(name: string, sdl: string): void {
    const same = this.types.find((one) => one.split(" ", 2)[1] === name);
    if (same === sdl) return;
    if (same !== undefined) throw this.refuse(`two of its parts would both be the type "${name}"; write it in SDL`);
    this.types.push(sdl);
  }
}

/** Null where it is no object with known fields. */
function members(schema: Schema): { readonly [key: string]: Schema } | null {
  const properties = schema["properties"];
  if (schema["type"] !== "object" || !isSchema(properties) || Object.keys(properties).length === 0) return null;
  return Object.values(properties).every(isSchema) ? (properties as { readonly [key: string]: Schema }) : null;
}

function isEmpty(schema: Schema): boolean {
  return (
    schema["type"] === "object" &&
    !("additionalProperties" in schema) &&
    Object.keys(schema["properties"] ?? {}).length === 0
  );
}

function isSchema(value: Json | undefined): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDate(schema: Schema): boolean {
  const { format, pattern } = schema as { readonly format?: Json; readonly pattern?: Json };
  return format === "date-time" || (typeof pattern === "string" && pattern.startsWith(ISO_DATE));
}

function literal(value: Json, isEnum: boolean): string {
  if (typeof value === "string") return isEnum ? value : JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((one: Json) => literal(one, isEnum)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key}: ${literal(one as Json, false)}`)
    .join(", ")} }`;
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
