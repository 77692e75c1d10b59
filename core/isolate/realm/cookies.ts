/** `ctx.cookies`: reading the request's, setting the answer's. https://www.rfc-editor.org/rfc/rfc6265 */
import { cut, find, matches, pattern, splitText, trimText } from "./primordials.ts";

export interface CookieOptions {
  readonly path?: string;
  readonly domain?: string;
  /** Seconds. */
  readonly maxAge?: number;
  readonly expires?: Date;
  /** Default true. */
  readonly httpOnly?: boolean;
  readonly secure?: boolean;
  /** Default "Lax". */
  readonly sameSite?: "Strict" | "Lax" | "None";
}

/** Not a string, so that no script can name it. */
export const setCookies: unique symbol = Symbol("setCookies");

export interface Cookies {
  get(name: string): string | undefined;
  set(name: string, value: string, options?: CookieOptions): void;
  delete(name: string, options?: Pick<CookieOptions, "path" | "domain">): void;
  [setCookies](): readonly string[];
}

const NAME = pattern(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);
const ATTRIBUTE = pattern(/^[\x20-\x3a\x3c-\x7e]*$/);
const encode = encodeURIComponent;
const decode = decodeURIComponent;

function read(header: string, name: string): string | undefined {
  const parts = splitText(header, ";");
  for (let i = 0; i < parts.length; i++) {
    const part = trimText(parts[i] as string);
    const equals = find(part, "=");
    if (equals < 0 || cut(part, 0, equals) !== name) continue;
    const raw = cut(part, equals + 1);
    const value = raw.length > 1 && raw[0] === '"' && raw[raw.length - 1] === '"' ? cut(raw, 1, -1) : raw;
    try {
      return decode(value);
    } catch {
      return value; // set by something that does not percent-encode
    }
  }
  return undefined;
}

function attribute(name: string, value: string): string {
  if (!matches(ATTRIBUTE, value)) throw new TypeError(`The cookie's ${name} has a character that is not allowed.`);
  return `; ${name}=${value}`;
}

function write(name: string, value: string, options: CookieOptions): string {
  if (!matches(NAME, name)) throw new TypeError(`"${name}" is not a valid cookie name (RFC 6265 token).`);
  let text = `${name}=${encode(value)}${attribute("Path", options.path ?? "/")}`;
  if (options.domain !== undefined) text += attribute("Domain", options.domain);
  if (options.maxAge !== undefined) text += attribute("Max-Age", `${options.maxAge}`);
  if (options.expires !== undefined) text += attribute("Expires", options.expires.toUTCString());
  text += attribute("SameSite", options.sameSite ?? "Lax");
  if (options.httpOnly ?? true) text += "; HttpOnly";
  if (options.secure ?? options.sameSite === "None") text += "; Secure";
  return text;
}

export function makeCookies(header: () => string): Cookies {
  const out: string[] = [];
  const add = (line: string): void => {
    out[out.length] = "set-cookie";
    out[out.length] = line;
  };
  return {
    get: (name) => read(header(), `${name}`),
    set: (name, value, options = {}) => add(write(`${name}`, `${value}`, options)),
    delete: (name, options = {}) => add(write(`${name}`, "", { ...options, maxAge: 0 })),
    [setCookies]: () => out,
  };
}
