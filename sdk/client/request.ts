/** From a route's name and the parts of a call to the Request that is sent. */
import type { CallParts } from "./parts.ts";

const ROUTE = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (\/\S*)$/;

function asText(what: string, value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object" || typeof value === "function" || typeof value === "symbol")
    throw new TypeError(`${what} must be a text, a number, a boolean or a Date.`);
  return String(value);
}

/** URLs take "." and ".." away, encoded too: such a value would name another route. */
function segment(what: string, text: string): string {
  if (text === "." || text === "..") throw new TypeError(`${what} must not be "${text}": no address can carry it.`);
  return encodeURIComponent(text);
}

function fill(route: string, part: string, params: CallParts["params"]): readonly string[] {
  if (part !== "*" && !part.startsWith(":")) return [part];
  const optional = part.endsWith("?");
  const name = part === "*" ? part : part.slice(1, optional ? -1 : undefined);
  const what = `${route}: params.${name}`;
  const value = params !== undefined && Object.hasOwn(params, name) ? params[name] : undefined;
  if (value === undefined && optional) return [];
  const text = value === undefined ? "" : asText(what, value);
  if (part === "*" && value !== undefined) return text.split("/").map((piece) => segment(what, piece));
  if (text === "") throw new TypeError(`${what} is missing.`);
  return [segment(what, text)];
}

function address(base: URL, route: string, path: string, { params, query = {} }: CallParts): URL {
  const parts = path
    .slice(1)
    .split("/")
    .flatMap((part) => fill(route, part, params));
  const url = new URL(base);
  url.hash = "";
  url.pathname = `${base.pathname.replace(/\/+$/, "")}/${parts.join("/")}`;
  for (const [name, value] of Object.entries(query)) {
    for (const item of Array.isArray(value) ? (value as readonly unknown[]) : [value])
      if (item !== undefined) url.searchParams.append(name, asText(`${route}: query.${name}`, item));
  }
  return url;
}

/** What `fetch` sends as it is; every other value is JSON. */
function isRaw(body: unknown): body is BodyInit {
  return (
    body instanceof FormData ||
    body instanceof Blob ||
    body instanceof URLSearchParams ||
    body instanceof ReadableStream ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body)
  );
}

/** @throws TypeError for a route that is none, a missing parameter, or a value that no address can carry. */
export function toRequest(base: URL, route: string, parts: CallParts, common: object = {}): Request {
  const [, method, path] = ROUTE.exec(route) ?? [];
  if (method === undefined || path === undefined)
    throw new TypeError(`api("${route}"): a route is a method and a path, as in "GET /notes/:id".`);
  const headers = new Headers();
  for (const [name, value] of [...Object.entries(common), ...Object.entries(parts.headers ?? {})])
    if (value !== undefined) headers.set(name, asText(`${route}: headers.${name}`, value));
  const init: RequestInit & { duplex?: "half" } = { method, headers };
  if (parts.signal) init.signal = parts.signal;
  const { body } = parts;
  if (isRaw(body)) {
    init.body = body;
    // Required for a stream, and not in every library of types yet: https://fetch.spec.whatwg.org/#dom-requestinit-duplex
    if (body instanceof ReadableStream) init.duplex = "half";
  } else if (body !== undefined) {
    init.body = JSON.stringify(body);
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
  }
  return new Request(address(base, route, path, parts), init);
}
