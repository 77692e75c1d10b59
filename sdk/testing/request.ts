/** Makes the Request of a test's `request()`. */
import type { TestRequestInit } from "../testing.ts";

/** No such host is ever asked: the runner looks at the path and what follows. */
const ORIGIN = "http://localhost";

export function toRequest(path: string | Request, init: TestRequestInit = {}): Request {
  const { json, ...rest } = init;
  if (typeof path === "string" && !path.startsWith("/"))
    throw new TypeError(`request("${path}"): a path starts with "/"; a test reaches its own script only.`);
  const target = typeof path === "string" ? `${ORIGIN}${path}` : path;
  if (json === undefined) return new Request(target, rest);
  if (rest.body !== undefined && rest.body !== null) throw new TypeError("request(): give either json or body.");
  const headers = new Headers(rest.headers ?? (path instanceof Request ? path.headers : undefined));
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return new Request(target, { method: "POST", ...rest, headers, body: JSON.stringify(json) });
}
