/** The headers of an outgoing request: what a script may set, what the engine sets, what a redirect keeps. */
import { ProblemError } from "../../sdk/errors.ts";

/** Flat: name, value, name, value. Names in lower case. */
export type HeaderList = readonly string[];

const MAX_HEADERS = 200;
const MAX_BYTES = 65_536;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible Latin-1, space and tab: nothing that could end a line. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Headers that belong to the connection, which is the engine's: framing, so that no request can be smuggled behind
 * this one, the host, which was checked, and proxies. Set by a script, they are left out as browsers do.
 */
const OWN = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

/** What an answer says about the connection it came on, and not about itself. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"]);

/** All that crosses to another origin. Anything else may be a secret, whatever its name. */
const CROSS_ORIGIN = new Set(["accept", "accept-language", "content-language", "content-type", "range", "user-agent"]);

const OF_BODY = new Set(["content-encoding", "content-language", "content-location", "content-type"]);

function isProxyHeader(name: string): boolean {
  return name.startsWith("proxy-");
}

function filter(headers: HeaderList, keep: (name: string, value: string) => boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!;
    const value = headers[i + 1]!;
    if (keep(name, value)) kept.push(name, value);
  }
  return kept;
}

/** Checks what a script sends; it may come from a hostile isolate, so nothing is taken for granted. */
export function checkHeaders(headers: readonly string[]): HeaderList {
  if (headers.length % 2 !== 0 || headers.length > MAX_HEADERS * 2) {
    throw new ProblemError("bad_request", `fetch: a request may have ${MAX_HEADERS} headers`);
  }
  let bytes = 0;
  const lower: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i];
    const value = headers[i + 1];
    if (typeof name !== "string" || !TOKEN.test(name)) {
      throw new ProblemError("bad_request", "fetch: a header's name is not valid");
    }
    if (typeof value !== "string" || !VALUE.test(value)) {
      throw new ProblemError("bad_request", `fetch: the value of the header ${name} is not valid`);
    }
    bytes += name.length + value.length;
    lower.push(name.toLowerCase(), value);
  }
  if (bytes > MAX_BYTES) throw new ProblemError("bad_request", `fetch: headers may take ${MAX_BYTES} bytes`);
  return filter(lower, (name) => !OWN.has(name) && !isProxyHeader(name));
}

/** Keeps what may follow to another origin. */
export function forOtherOrigin(headers: HeaderList): HeaderList {
  return filter(headers, (name) => CROSS_ORIGIN.has(name));
}

/** Drops what describes a body that is no longer sent. */
export function withoutBody(headers: HeaderList): HeaderList {
  return filter(headers, (name) => !OF_BODY.has(name));
}

/** The whole head as it goes out. `bodyBytes`: undefined is a body of unknown length. */
export function outgoing(
  headers: HeaderList,
  host: string,
  method: string,
  bodyBytes: number | undefined | null,
): string[] {
  const has = (name: string) => headers.some((text, i) => i % 2 === 0 && text === name);
  const head = ["host", host, ...headers];
  if (!has("accept")) head.push("accept", "*/*");
  // A part of a compressed answer cannot be decoded, so a range is asked for as it is.
  if (!has("accept-encoding")) head.push("accept-encoding", has("range") ? "identity" : "gzip, br");
  if (!has("user-agent")) head.push("user-agent", "aiwebengine");
  if (bodyBytes === undefined) head.push("transfer-encoding", "chunked");
  else if (bodyBytes !== null) head.push("content-length", String(bodyBytes));
  else if (method === "POST" || method === "PUT" || method === "PATCH") head.push("content-length", "0");
  head.push("connection", "close");
  return head;
}

/** What a script sees of an answer's head. A decoded body has another length and no coding. */
export function incoming(rawHeaders: readonly string[], decoded: boolean): string[] {
  const lower = rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  return filter(lower, (name, value) => {
    if (HOP_BY_HOP.has(name) || isProxyHeader(name) || !TOKEN.test(name) || !VALUE.test(value)) return false;
    return !(decoded && (name === "content-encoding" || name === "content-length"));
  });
}
