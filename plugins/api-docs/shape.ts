/** JSON Schemas in a line, as one would write the type: `{ text: string (1 to 280), tags?: string[] (at most 10) }`. */
import type { Json } from "../../sdk/plugin.ts";
import { isObject, type Schema } from "./schema.ts";

/** Longer ones are cut: who wants all of it reads the OpenAPI document. */
const MAX_LENGTH = 400;
const MAX_DEPTH = 20;

/** @param schema of a part of a route, with its definitions in it */
export function shapeOf(schema: Schema): string {
  const defs = isObject(schema["$defs"]) ? schema["$defs"] : {};
  const text = write(schema, defs, []).toWellFormed();
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH).toWellFormed()}…` : text;
}

/** @param open references on the way here: a schema in itself must end */
function write(schema: Json | undefined, defs: Schema, open: readonly string[]): string {
  if (!isObject(schema)) return schema === false ? "nothing" : "anything";
  const { $ref, anyOf, type, items } = schema;
  if (open.length > MAX_DEPTH) return "…";
  if (typeof $ref === "string") {
    return open.includes($ref) ? "(the same again)" : write(defs[$ref.replace("#/$defs/", "")], defs, [...open, $ref]);
  }
  const inner = (one: Json | undefined): string => write(one, defs, [...open, ""]);
  if ("const" in schema) return JSON.stringify(schema["const"]);
  if (Array.isArray(schema["enum"])) return schema["enum"].map((one) => JSON.stringify(one)).join(" | ");
  if (Array.isArray(anyOf)) return anyOf.map(inner).join(" | ");
  if (type === "object") return objectOf(schema, inner);
  if (type === "array") return `${arrayOf(inner(items))}${notesOf(schema)}`;
  return `${typeof type === "string" ? type : "anything"}${notesOf(schema)}`;
}

function arrayOf(item: string): string {
  return / \||\)$/.test(item) ? `(${item})[]` : `${item}[]`;
}

function objectOf(schema: Schema, inner: (one: Json | undefined) => string): string {
  const { properties, required, additionalProperties } = schema;
  const wanted = new Set(Array.isArray(required) ? required : []);
  const fields = isObject(properties) ? Object.entries(properties) : [];
  const written = fields.map(([name, one]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
    return `${key}${wanted.has(name) ? "" : "?"}: ${inner(one)}`;
  });
  if (isObject(additionalProperties)) written.push(`[name]: ${inner(additionalProperties)}`);
  return written.length === 0 ? "{}" : `{ ${written.join(", ")} }`;
}

/** What else it asks for: ` (1 to 280)`. */
function notesOf(schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, pattern, format } = schema;
  const notes = [
    between(schema["minLength"] ?? schema["minItems"] ?? minimum, schema["maxLength"] ?? schema["maxItems"] ?? maximum),
    exclusiveMinimum === undefined ? "" : `above ${String(exclusiveMinimum)}`,
    exclusiveMaximum === undefined ? "" : `below ${String(exclusiveMaximum)}`,
    typeof format === "string" ? format : "",
    typeof pattern === "string" && format === undefined && pattern.length <= 60
      ? `/${pattern.replace(/(?<!\\)\//g, "\\/")}/`
      : "",
    "default" in schema ? `default ${JSON.stringify(schema["default"])}` : "",
  ].filter((one) => one !== "");
  return notes.length === 0 ? "" : ` (${notes.join("; ")})`;
}

function between(least: Json | undefined, most: Json | undefined): string {
  if (least === undefined) return most === undefined ? "" : `at most ${String(most)}`;
  return most === undefined ? `at least ${String(least)}` : `${String(least)} to ${String(most)}`;
}
