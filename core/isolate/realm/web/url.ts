/**
 * URL. The host parses and gives back only the href; the realm splits that. https://url.spec.whatwg.org/#url-class
 * (Parts as JSON would be 4 times slower, a parser in JavaScript 30 times.)
 */
import { ask } from "../host.ts";
import { cut, find, matches, pattern } from "../primordials.ts";
import { Op, URL_PARTS, type UrlPart } from "../ops.ts";
import { need, toUsv } from "./convert.ts";
import { named, once } from "./define.ts";
import { attachParams, type Params, resetParams } from "./url-search-params.ts";
import { parsePairs } from "./urlencoded.ts";

/** The absolute form of a URL, or undefined when it is none. */
export function parseUrl(url: string, base?: string): string | undefined {
  const href = ask(Op.UrlParse, url, base);
  return typeof href === "string" ? href : undefined;
}

/** Where the parts of a serialised URL begin and end; https://url.spec.whatwg.org/#url-serializing read backwards. */
interface Marks {
  /** After the scheme's colon. */
  readonly scheme: number;
  /** The authority: after `//`, and after the `@` if there is one, else the same; its end. */
  readonly user: number;
  readonly host: number;
  readonly hostEnd: number;
  readonly path: number;
  readonly pathEnd: number;
  readonly queryEnd: number;
}

function markHref(href: string): Marks {
  const scheme = find(href, ":") + 1;
  const sharp = find(href, "#", scheme);
  const queryEnd = sharp < 0 ? href.length : sharp;
  const mark = find(href, "?", scheme);
  const pathEnd = mark < 0 || mark > queryEnd ? queryEnd : mark;
  if (href[scheme] !== "/" || href[scheme + 1] !== "/") {
    // "/." keeps a path that starts with two slashes from looking like a host.
    const dotted = cut(href, scheme, scheme + 4) === "/.//";
    return {
      scheme,
      user: scheme,
      host: scheme,
      hostEnd: scheme,
      path: dotted ? scheme + 2 : scheme,
      pathEnd,
      queryEnd,
    };
  }
  const user = scheme + 2;
  const slash = find(href, "/", user);
  const path = slash < 0 || slash > pathEnd ? pathEnd : slash;
  const at = find(href, "@", user);
  return { scheme, user, host: at < 0 || at > path ? user : at + 1, hostEnd: path, path, pathEnd, queryEnd };
}

/** The index of the colon before the port, or the host's end. */
function portMark(href: string, { host, hostEnd }: Marks): number {
  // A port has at most five digits, so the colon is near the end; "]" ends an IPv6 address, which has colons of its own.
  for (let at = hostEnd - 1; at >= host && at >= hostEnd - 6; at--) {
    if (href[at] === ":") return at;
    if (href[at] === "]") break;
  }
  return hostEnd;
}

/** User name and password of a serialised URL. */
export function credentialsOf(href: string, marks = markHref(href)): { username: string; password: string } {
  const { user, host } = marks;
  if (host === user) return { username: "", password: "" };
  const both = cut(href, user, host - 1);
  const colon = find(both, ":");
  return colon < 0
    ? { username: both, password: "" }
    : { username: cut(both, 0, colon), password: cut(both, colon + 1) };
}

/** Schemes whose origin is made of scheme, host and port. */
const SPECIAL = { __proto__: null, "http:": 1, "https:": 1, "ws:": 1, "wss:": 1, "ftp:": 1 } as unknown as Record<
  string,
  1
>;

function originOf(href: string, marks: Marks): string {
  const { scheme, host, hostEnd, path, pathEnd } = marks;
  const protocol = cut(href, 0, scheme);
  if (SPECIAL[protocol] === 1) return `${protocol}//${cut(href, host, hostEnd)}`;
  const inner = protocol === "blob:" ? parseUrl(cut(href, path, pathEnd)) : undefined;
  return inner !== undefined && matches(HTTP, inner) ? originOf(inner, markHref(inner)) : "null";
}
const HTTP = pattern(/^https?:/);

let hrefOf: ((value: object) => string | undefined) | undefined;

/** The href of a URL object, or undefined for every other value. */
export function urlHref(value: object): string | undefined {
  return hrefOf?.(value);
}

export const urlParts = once(() => {
  class URL {
    #href: string;
    #marks: Marks | undefined;
    #params: Params | undefined;

    constructor(url: unknown, base?: unknown) {
      need(arguments.length, 1, "new URL");
      const text = toUsv(url);
      const href = parseUrl(text, base === undefined ? undefined : toUsv(base));
      if (href === undefined) throw new TypeError(`"${text}" cannot be parsed as a URL.`);
      this.#href = href;
    }
    static canParse(url: unknown, base?: unknown): boolean {
      need(arguments.length, 1, "URL.canParse");
      return parseUrl(toUsv(url), base === undefined ? undefined : toUsv(base)) !== undefined;
    }
    static parse(url: unknown, base?: unknown): URL | null {
      need(arguments.length, 1, "URL.parse");
      const href = parseUrl(toUsv(url), base === undefined ? undefined : toUsv(base));
      return href === undefined ? null : new URL(href);
    }
    static {
      hrefOf = (value) => (#href in value ? value.#href : undefined);
    }
    #mark(): Marks {
      return (this.#marks ??= markHref(this.#href));
    }
    #set(part: UrlPart, value: unknown): void {
      let index = 0;
      while (URL_PARTS[index] !== part) index++;
      this.#move(ask(Op.UrlSet, this.#href, index, toUsv(value)));
    }
    #move(href: unknown): void {
      if (typeof href !== "string" || href === this.#href) return;
      this.#href = href;
      this.#marks = undefined;
    }
    #requery(): void {
      if (this.#params !== undefined) resetParams(this.#params, parsePairs(cut(this.search, 1)));
    }
    get href(): string {
      return this.#href;
    }
    set href(value: unknown) {
      const text = toUsv(value);
      const href = parseUrl(text);
      void this.#href;
      if (href === undefined) throw new TypeError(`"${text}" cannot be parsed as a URL.`);
      this.#move(href);
      this.#requery();
    }
    get origin(): string {
      return originOf(this.#href, this.#mark());
    }
    get protocol(): string {
      return cut(this.#href, 0, this.#mark().scheme);
    }
    set protocol(value: unknown) {
      this.#set("protocol", value);
    }
    get username(): string {
      return credentialsOf(this.#href, this.#mark()).username;
    }
    set username(value: unknown) {
      this.#set("username", value);
    }
    get password(): string {
      return credentialsOf(this.#href, this.#mark()).password;
    }
    set password(value: unknown) {
      this.#set("password", value);
    }
    get host(): string {
      const { host, hostEnd } = this.#mark();
      return cut(this.#href, host, hostEnd);
    }
    set host(value: unknown) {
      this.#set("host", value);
    }
    get hostname(): string {
      const marks = this.#mark();
      return cut(this.#href, marks.host, portMark(this.#href, marks));
    }
    set hostname(value: unknown) {
      this.#set("hostname", value);
    }
    get port(): string {
      const marks = this.#mark();
      return cut(this.#href, portMark(this.#href, marks) + 1, marks.hostEnd);
    }
    set port(value: unknown) {
      this.#set("port", value);
    }
    get pathname(): string {
      const { path, pathEnd } = this.#mark();
      return cut(this.#href, path, pathEnd);
    }
    set pathname(value: unknown) {
      this.#set("pathname", value);
    }
    get search(): string {
      const { pathEnd, queryEnd } = this.#mark();
      // A lone question mark is an empty query.
      return queryEnd - pathEnd > 1 ? cut(this.#href, pathEnd, queryEnd) : "";
    }
    set search(value: unknown) {
      this.#set("search", value);
      this.#requery();
    }
    get searchParams(): Params {
      return (this.#params ??= attachParams(parsePairs(cut(this.search, 1)), (query) => this.#set("search", query)));
    }
    get hash(): string {
      const { queryEnd } = this.#mark();
      return this.#href.length - queryEnd > 1 ? cut(this.#href, queryEnd) : "";
    }
    set hash(value: unknown) {
      this.#set("hash", value);
    }
    toString(): string {
      return this.#href;
    }
    toJSON(): string {
      return this.#href;
    }
  }
  return named(URL, "URL");
});
