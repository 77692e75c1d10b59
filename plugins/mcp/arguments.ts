/** What scripts hand to the service: data of any shape, from a hostile side. */
import { ProblemError, type Json } from "../../sdk/plugin.ts";

export type Data = { readonly [key: string]: Json };
type Given = Json | undefined;

export function isData(value: Given): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function refuse(why: string): ProblemError {
  return new ProblemError("bad_request", `mcp: ${why}`);
}

export function wantText(value: Given, what: string, most: number): string {
  if (typeof value === "string" && value !== "" && value.length <= most) return value;
  throw refuse(`${what} is text of 1 to ${most} characters`);
}

/** Absent is undefined, and null. */
export function wantNumber(value: Given, what: string): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw refuse(`${what} is a number`);
}

export function wantUrl(value: Given): URL {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null) throw refuse('the address of a server is a URL: "https://tools.example/mcp"');
  return url;
}

const MAX_HEADERS = 50;

export function wantHeaders(options: Given): { readonly [name: string]: string } {
  const { headers = {}, ...rest } = isData(options ?? {}) ? ((options ?? {}) as Data) : { rest: null };
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined || !isData(headers)) throw refuse("the options of a connection are { headers }");
  const list = Object.entries(headers);
  if (list.length > MAX_HEADERS) throw refuse(`a connection may have ${MAX_HEADERS} headers`);
  for (const [name, value] of list) {
    try {
      new Headers([[name, String(value)]]);
    } catch {
      throw refuse(`the header "${name.slice(0, 100)}" is none`);
    }
    if (typeof value !== "string") throw refuse(`the header "${name.slice(0, 100)}" is text`);
  }
  return headers as { readonly [name: string]: string };
}

export function wantArguments(value: Given): Data {
  const given = value ?? {};
  if (isData(given)) return given;
  throw refuse('arguments are an object: { room: "attic" }');
}

export function wantTexts(value: Given): { readonly [name: string]: string } {
  const given = wantArguments(value);
  const odd = Object.keys(given).find((name) => typeof given[name] !== "string");
  if (odd !== undefined) throw refuse(`the argument "${odd.slice(0, 100)}" of a prompt is text`);
  return given as { readonly [name: string]: string };
}
