/** Requests for one operation of an OpenAPI document: half of them fit it, the others are what somebody may send all the same. */
import fc, { type Arbitrary } from "fast-check";
import { fitting, wild, type Components, type Schema } from "./openapi-values.ts";

export interface Media {
  readonly schema?: Schema;
}
export interface Answer {
  readonly $ref?: string;
  readonly content?: { readonly [type: string]: Media };
}
export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    name: string;
    in: "path" | "query" | "header";
    required?: boolean;
    schema: Schema;
  }[];
  readonly requestBody?: { readonly content: { readonly [type: string]: Media } };
  readonly responses: { readonly [status: string]: Answer };
}
export interface Document {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } };
  readonly components: Components & { readonly responses: { readonly [name: string]: Answer } };
}

/** One request. */
export interface Trial {
  readonly path: string;
  readonly init: RequestInit & { readonly headers: Record<string, string> };
  /** All of it fits the document. */
  readonly fits: boolean;
}

// `.` and `..` are resolved away by every client.
const piece = (value: unknown): string =>
  encodeURIComponent(String(value).toWellFormed()).replace(/^(?:\.\.?|)$/, "dot");
/** As somebody writes it who encodes nothing. */
const raw = (value: unknown): string => String(value).replace(/[^\x21-\x7e]|[#?\\]/g, "_") || "_";
const headerText = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;
const FORM = "application/x-www-form-urlencoded";

/** Of a form, in which everything is text. */
function asForm(value: unknown): string {
  const fields = Object.entries(value as object).flatMap(([name, one]) =>
    [one].flat().map((each: unknown): [string, string] => [name, String(each)]),
  );
  return new URLSearchParams(fields).toString();
}

interface Body {
  readonly type: string;
  readonly text: string;
}

function bodies(
  content: { readonly [type: string]: Media },
  fits: boolean,
  components: Components,
): Arbitrary<Body | undefined> {
  const { schema } = content["application/json"] ?? {};
  const good = fitting(schema, components).map((value): Body => ({
    type: "application/json",
    text: JSON.stringify(value),
  }));
  const forms =
    FORM in content ? [fitting(schema, components).map((value): Body => ({ type: FORM, text: asForm(value) }))] : [];
  // An empty list of a form is no field at all: only JSON can say it.
  if (fits) return good;
  const types = fc.constantFrom(
    "application/json",
    "text/plain",
    FORM,
    "multipart/form-data; boundary=x",
    "x",
    "application/json; charset=utf-16",
  );
  const bad = fc.record({ type: types, text: fc.oneof(fc.constant(""), fc.json(), wild) });
  return fc.oneof(good, ...forms, bad, fc.constant(undefined));
}

/** @param known ids of things that there are: some requests are for them */
export function trials(
  path: string,
  method: string,
  operation: Operation,
  components: Components,
  known: readonly string[] = [],
): Arbitrary<Trial> {
  const { parameters = [], requestBody } = operation;
  const one = (fits: boolean, schema: Schema): Arbitrary<unknown> =>
    fits ? fitting(schema, components) : fc.oneof(fitting(schema, components), wild);
  return fc.boolean().chain((fits) => {
    const values = parameters.map(({ in: where, required, schema }) => {
      const { type, pattern = "" } = schema ?? {};
      const ids = known.filter(
        (id) => where === "path" && type === "string" && new RegExp(String(pattern), "u").test(id),
      );
      if (ids.length > 0) return fc.oneof(one(fits, schema), fc.constantFrom(...ids));
      return required ? one(fits, schema) : fc.option(one(fits, schema));
    });
    const body = requestBody === undefined ? fc.constant(undefined) : bodies(requestBody.content, fits, components);
    return fc.tuple(fc.tuple(...values), body, fc.boolean()).map(([given, sent, encodes]): Trial => {
      let target = path;
      const query = new URLSearchParams();
      const headers: Record<string, string> = {};
      for (const [at, { name, in: where }] of parameters.entries()) {
        const value = given[at];
        if (where === "path") target = target.replace(`{${name}}`, () => (fits || encodes ? piece : raw)(value));
        else if (value === null || value === undefined) continue;
        else if (where === "query") for (const part of [value].flat()) query.append(name, String(part));
        else if (headerText.test(String(value))) headers[name] = String(value);
      }
      if (sent !== undefined) headers["content-type"] = sent.type;
      const init = {
        method: method.toUpperCase(),
        headers,
        redirect: "manual" as const,
        ...(sent && { body: sent.text }),
      };
      return { path: query.size === 0 ? target : `${target}?${query}`, init, fits };
    });
  });
}
