/** What handlers give, as MCP's results. The data comes from a hostile script: its form is checked, piece by piece. */
import { ProblemError, type Json } from "../../sdk/plugin.ts";

type Data = { readonly [key: string]: Json };

/** What a handler gave is nothing that the protocol has. The message is for the author. */
export class BadAnswer extends Error {}

export interface ToolResult {
  readonly content: readonly Data[];
  readonly structuredContent?: Data;
  readonly isError?: boolean;
}

/** @param structured the tool has an output schema, which the answer was checked against in its isolate */
export function toolResult(value: Json | undefined, structured: boolean): ToolResult {
  if (structured) {
    if (!isData(value)) throw new BadAnswer("a tool with `output` answers with an object");
    return { content: [text(JSON.stringify(value))], structuredContent: value };
  }
  if (value === undefined || value === null) return { content: [] };
  if (typeof value === "string") return { content: [text(value)] };
  if (!isData(value) || !Array.isArray(value["content"])) return { content: [text(JSON.stringify(value))] };
  const { content, isError } = value;
  return { content: (content as readonly Json[]).map(wantContent), ...(isError === true && { isError }) };
}

export function promptResult(value: Json | undefined, description: Json | undefined): object {
  const about = typeof description === "string" ? { description } : {};
  if (typeof value === "string") return { ...about, messages: [{ role: "user", content: text(value) }] };
  if (!isData(value) || !Array.isArray(value["messages"])) {
    throw new BadAnswer("a prompt answers with text or `{ messages: [...] }`");
  }
  const messages = (value["messages"] as readonly Json[]).map((one) => {
    if (!isData(one) || (one["role"] !== "user" && one["role"] !== "assistant")) {
      throw new BadAnswer('a message is `{ role: "user" or "assistant", content }`');
    }
    const { role, content = null } = one;
    return { role, content: typeof content === "string" ? text(content) : wantContent(content) };
  });
  return { ...about, messages };
}

/** Null where the handler says that there is no such resource. */
export function resourceResult(value: Json | undefined, uri: string, mimeType: Json | undefined): object | null {
  if (value === undefined || value === null) return null;
  const type = typeof mimeType === "string" ? { mimeType } : {};
  if (typeof value === "string") return { contents: [{ uri, ...type, text: value }] };
  if (isData(value) && Array.isArray(value["contents"])) {
    return { contents: (value["contents"] as readonly Json[]).map((one) => wantResource(one, uri)) };
  }
  if (isData(value) && typeof value["blob"] === "string") {
    return { contents: [{ ...type, ...wantResource(value, uri) }] };
  }
  return { contents: [{ uri, mimeType: "application/json", ...type, text: JSON.stringify(value) }] };
}

const FIELDS: { readonly [type: string]: readonly string[] } = {
  text: ["text"],
  image: ["data", "mimeType"],
  audio: ["data", "mimeType"],
  resource_link: ["uri", "name"],
};

function wantContent(one: Json): Data {
  if (!isData(one)) throw new BadAnswer("a piece of content is an object with a `type`");
  const type = String(one["type"]);
  if (type === "resource") return { type, resource: wantResource(one["resource"] ?? null) };
  const fields = Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  const known = ["resource", ...Object.keys(FIELDS)].join(", ");
  if (fields === undefined)
    throw new BadAnswer(`there is no content of type "${type.slice(0, 40)}"; there are ${known}`);
  return { type, ...wantTexts(one, fields), ...pick(one, type === "resource_link" ? ["description", "mimeType"] : []) };
}

function wantResource(one: Json, uri?: string): Data {
  if (!isData(one)) throw new BadAnswer("a resource is an object with `text` or `blob`");
  const held = typeof one["blob"] === "string" ? "blob" : "text";
  return {
    ...(uri === undefined ? wantTexts(one, ["uri"]) : { uri, ...pick(one, ["uri"]) }),
    ...pick(one, ["mimeType"]),
    ...wantTexts(one, [held]),
  };
}

function wantTexts(one: Data, fields: readonly string[]): Data {
  const missing = fields.find((field) => typeof one[field] !== "string");
  if (missing !== undefined)
    throw new BadAnswer(`\`${missing}\` must be a text in ${JSON.stringify(one).slice(0, 80)}`);
  return pick(one, fields);
}

function pick(one: Data, fields: readonly string[]): Data {
  const held = fields.filter((field) => typeof one[field] === "string");
  return Object.fromEntries(held.map((field) => [field, one[field] as Json]));
}

function text(value: string): Data {
  return { type: "text", text: value };
}

function isData(value: Json | undefined): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface Failure {
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

/** What a caller may know: the sentence of a problem, the fields of bad input, and the id that the log has. */
export function failureOf(error: unknown, id: string): Failure {
  if (!(error instanceof ProblemError)) {
    return {
      code: "internal",
      status: 500,
      message: `The handler's answer could not be used. The log says why: id ${id}.`,
    };
  }
  const fields = (error.errors ?? []).map(
    ({ path, message }) => `${path.replace(/^\/args\/?/, "") || "arguments"} ${message}`,
  );
  const told = fields.length === 0 ? error.detail : `${error.detail} ${fields.join("; ")}.`;
  const { code, status } = error;
  return { code, status, message: status < 500 ? told : `${told} (${code}, id ${id})` };
}
