/** Reads the members of a RequestInit one by one. https://fetch.spec.whatwg.org/#requestinit */
import { matches, upper, pattern } from "../primordials.ts";
import { isObject, toText, toUsv } from "./convert.ts";
import { credentialsOf, parseUrl, urlHref } from "./url.ts";

const NOT_TOKEN = pattern(/[^!#$%&'*+\-.^_`|~0-9A-Za-z]/);
const NORMALIZED = { __proto__: null, DELETE: 1, GET: 1, HEAD: 1, OPTIONS: 1, POST: 1, PUT: 1 } as unknown as Record<
  string,
  1
>;
const FORBIDDEN = { __proto__: null, CONNECT: 1, TRACE: 1, TRACK: 1 } as unknown as Record<string, 1>;

/** A method, normalised as the standard does. */
export function toMethod(value: unknown): string {
  const text = toText(value);
  if (text === "" || matches(NOT_TOKEN, text)) throw new TypeError(`"${text}" is not a valid HTTP method.`);
  const big = upper(text);
  if (FORBIDDEN[big] === 1) throw new TypeError(`The method ${text} is not allowed in a Request.`);
  return NORMALIZED[big] === 1 ? big : text;
}

/** The members that are one of a few words, with the words. */
const WORDS = {
  duplex: ["half"],
  priority: ["auto", "high", "low"],
  redirect: ["follow", "error", "manual"],
  mode: ["cors", "no-cors", "same-origin", "navigate"],
  credentials: ["same-origin", "omit", "include"],
  cache: ["default", "no-store", "reload", "no-cache", "force-cache", "only-if-cached"],
  referrerPolicy: [
    "",
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "unsafe-url",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
  ],
} as const;

/** A member that is one of a few words. */
export function word(init: Readonly<Record<string, unknown>>, name: keyof typeof WORDS, fallback: string): string {
  const value = init[name];
  if (value === undefined) return fallback;
  const text = toText(value);
  const words = WORDS[name];
  for (let i = 0; i < words.length; i++) if (words[i] === text) return text;
  throw new TypeError(`new Request: ${name} "${text}" is not known`);
}

/** The absolute form of a request's URL. */
export function absolute(input: unknown): string {
  const text = (isObject(input) ? urlHref(input) : undefined) ?? toUsv(input);
  const href = parseUrl(text);
  if (href === undefined) throw new TypeError(`"${text}" is not an absolute URL.`);
  const { username, password } = credentialsOf(href);
  if (username !== "" || password !== "") throw new TypeError("A request's URL may not hold a user name or password.");
  return href;
}

/** A referrer's URL, or `no-referrer`. */
export function toReferrer(value: unknown): string {
  const text = toUsv(value);
  if (text === "") return "no-referrer";
  const href = parseUrl(text);
  if (href === undefined) throw new TypeError(`new Request: referrer "${text}" is not a URL`);
  return href;
}

/** What the standard forbids in combination, and the members that are only checked. */
export function checkModes(
  init: Readonly<Record<string, unknown>>,
  { method, mode, cache }: { readonly method: string; readonly mode: string; readonly cache: string },
): void {
  word(init, "duplex", "half");
  word(init, "priority", "auto");
  const { window } = init;
  if (window !== undefined && window !== null) throw new TypeError("new Request: window can only be null");
  if (mode === "navigate") throw new TypeError('new Request: mode "navigate" is not allowed');
  if (mode === "no-cors" && method !== "GET" && method !== "HEAD" && method !== "POST") {
    throw new TypeError(`new Request: mode "no-cors" does not allow ${method}`);
  }
  if (cache === "only-if-cached" && mode !== "same-origin") {
    throw new TypeError('new Request: cache "only-if-cached" needs mode "same-origin"');
  }
}
