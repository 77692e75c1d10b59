/** One operation of the document: a route under one of its methods, at one of its paths. */
import type { Json, RouteInfo } from "../../sdk/plugin.ts";
import { operationIdOf, type PathForm } from "./path.ts";
import { failuresOf } from "./problems.ts";
import { isObject, type Components } from "./schema.ts";

export interface OperationParts {
  readonly route: RouteInfo;
  /** One method in upper case, also where the route has any. */
  readonly method: string;
  readonly form: PathForm;
  /** What the document calls the parameters of the path, in their order. */
  readonly names: readonly string[];
  readonly components: Components;
}

export const EVENTS = "text/event-stream";
const STREAM = "Server-sent events, for as long as the client stays. A client that comes back gets what it missed.";
const REDIRECT: Json = { description: "A redirect, where the handler answers with one." };
const LAST_EVENT_ID: Json = {
  name: "Last-Event-ID",
  in: "header",
  description: "The last event that a client has which comes back. EventSource sends it by itself.",
  schema: { type: "string" },
};
/**
 * OpenAPI 3.1 has a schema for the whole text only; `itemSchema` of 3.2 is for each event.
 * https://spec.openapis.org/oas/v3.2.0#media-type-object
 */
const EVENT_STREAM: Json = {
  schema: { type: "string" },
  "x-itemSchema": {
    type: "object",
    required: ["data"],
    properties: {
      id: { type: "string", description: "Where a client goes on that comes back." },
      event: { type: "string", description: "The name for `addEventListener`; `message` without it." },
      data: { type: "string", description: "JSON, or text as the script sent it." },
      retry: { type: "integer", minimum: 0, description: "Milliseconds to wait before coming back." },
    },
  },
};

const BODILESS = new Set(["GET", "HEAD", "OPTIONS"]);
/** OpenAPI gives these a meaning of their own elsewhere. */
const OTHER_HEADERS = new Set(["accept", "content-type", "authorization"]);

/** A script's route is; a plugin says of its own whether they are for others to use, by a summary. */
export function isDescribed({ ofPlugin, options }: RouteInfo): boolean {
  return !ofPlugin || line(options["summary"]) !== undefined;
}

export function operationOf(parts: OperationParts): { readonly [key: string]: Json } {
  const { route, method, form } = parts;
  const { ofPlugin, options, schemas } = route;
  const operationId = operationIdOf(method, form);
  const parameters = [...pathParameters(parts, operationId), ...otherParameters(parts, operationId)];
  const requestBody = BODILESS.has(method) ? undefined : bodyOf(parts, operationId);
  const checked = (["params", "query", "headers"] as const).some((part) => schemas[part] !== undefined);
  return {
    operationId,
    tags: tagsOf(route),
    ...given("summary", line(options["summary"])),
    ...given("description", text(options["description"])),
    ...(options["deprecated"] === true ? { deprecated: true } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...given("requestBody", requestBody),
    ...given("x-websocket", socketOf(parts, operationId)),
    responses: {
      ...successesOf(parts, operationId),
      ...failuresOf({
        ofPlugin,
        named: parts.names.length > 0,
        body: requestBody !== undefined,
        checked: checked || (requestBody !== undefined && schemas["body"] !== undefined),
      }),
    },
  };
}

function pathParameters({ route, form, names, components }: OperationParts, operationId: string): Json[] {
  const { lift, fields } = components.open(route.schemas["params"] ?? {}, `${operationId}.params`);
  const schemas = new Map(fields.properties);
  const dynamic = form.pieces.filter((one) => one.kind !== "text");
  return dynamic.map((piece, at): Json => {
    const rest = piece.kind === "rest";
    const own = schemas.get(rest ? "*" : piece.name);
    const fallback: Json = rest ? { type: "string" } : { type: "string", minLength: 1 };
    return {
      name: names[at] ?? "",
      in: "path",
      required: true,
      ...(rest ? { description: "The rest of the path; it may hold slashes." } : {}),
      schema: own === undefined ? fallback : lift(own),
    };
  });
}

function otherParameters({ route, components }: OperationParts, operationId: string): Json[] {
  const resume = route.produces === EVENTS ? [LAST_EVENT_ID] : [];
  const checked = (["query", "headers"] as const).flatMap((part) => {
    const schema = route.schemas[part];
    if (schema === undefined) return [];
    const { lift, fields } = components.open(schema, `${operationId}.${part}`);
    const seen = new Set<string>();
    const named = fields.properties.flatMap(([name, own]): Json[] => {
      const key = part === "query" ? name : name.toLowerCase();
      if (seen.has(key) || (part === "headers" && OTHER_HEADERS.has(key))) return [];
      seen.add(key);
      const required = fields.required.has(name);
      return [
        { name, in: part === "query" ? "query" : "header", ...(required ? { required } : {}), schema: lift(own) },
      ];
    });
    if (fields.others === undefined || part === "headers") return named;
    const others = { type: "object", additionalProperties: lift(fields.others) };
    const description = "Parameters of any other name.";
    return [...named, { name: "*", in: "query", description, style: "form", explode: true, schema: others }];
  });
  return [...checked, ...resume];
}

function bodyOf({ route, method, components }: OperationParts, operationId: string): Json | undefined {
  const { body } = route.schemas;
  if (body === undefined) return method === "DELETE" ? undefined : { content: { "*/*": {} } };
  const { lift, fields } = components.open(body, `${operationId}.body`);
  const media = { schema: lift(body) };
  const forms = { "application/x-www-form-urlencoded": media, "multipart/form-data": media };
  return {
    required: true,
    content: {
      "application/json": media,
      ...(fields.type === "object" && fields.properties.every(([, one]) => isFlat(one)) ? forms : {}),
      ...(fields.type === "string" ? { "text/plain": media } : {}),
    },
  };
}

/** A form has text for each name, or a list of texts. */
function isFlat(schema: Json): boolean {
  if (!isObject(schema)) return false;
  const { type, items, anyOf } = schema;
  if (Array.isArray(anyOf)) return anyOf.every(isFlat);
  if (type === "array") return isObject(items) && items["type"] !== "array" && isFlat(items);
  return (
    type === "string" ||
    type === "number" ||
    type === "integer" ||
    type === "boolean" ||
    "const" in schema ||
    "enum" in schema
  );
}

function successesOf(parts: OperationParts, operationId: string): { readonly [status: string]: Json } {
  const { ofPlugin, produces, protocol, schemas } = parts.route;
  if (protocol === "websocket") return { "101": { description: "The connection is a WebSocket from here on." } };
  const redirects = !ofPlugin && produces === undefined && schemas["response"] === undefined;
  return { "2XX": successOf(parts, operationId), ...(redirects ? { "3XX": REDIRECT } : {}) };
}

/** OpenAPI has no words for what goes over a WebSocket: what clients send, where the script says it. */
function socketOf({ route, components }: OperationParts, operationId: string): Json | undefined {
  if (route.protocol !== "websocket") return undefined;
  const { input } = route.schemas;
  return input === undefined ? {} : { input: components.lift(input, `${operationId}.input`) };
}

/** A script chooses the status itself: 200, 201, 204 for nothing. */
function successOf({ route, components }: OperationParts, operationId: string): Json {
  const { response } = route.schemas;
  if (route.produces === EVENTS) return { description: STREAM, content: { [EVENTS]: EVENT_STREAM } };
  if (route.produces !== undefined) return { description: "What is sent.", content: { [route.produces]: {} } };
  if (response === undefined) return { description: "What the handler answers." };
  const schema = components.lift(response, `${operationId}.response`);
  return { description: "What the handler answers.", content: { "application/json": { schema } } };
}

/** One tag per script or plugin, unless the route has its own. */
export function tagsOf({ options, owner }: RouteInfo): string[] {
  const { tags } = options;
  const own = Array.isArray(tags) ? tags.flatMap((tag) => line(tag) ?? []) : [];
  return own.length > 0 ? [...new Set(own)].slice(0, 10) : [owner];
}

/** Options are whatever plain data the script wrote. */
export function text(value: Json | undefined): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value.slice(0, 10_000).toWellFormed() : undefined;
}

/** In one line, without what a terminal would heed. */
export function line(value: Json | undefined): string | undefined {
  return text(value)
    ?.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim()
    .slice(0, 200)
    .toWellFormed();
}

function given(key: string, value: Json | undefined): { readonly [key: string]: Json } {
  return value === undefined || value === "" ? {} : { [key]: value };
}
