/**
 * URL. The host parses and gives back only the href; the realm splits that. https://url.spec.whatwg.org/#url-class
 * (Parts as JSON would be 4 times slower, a parser in JavaScript 30 times.)
 */
import { ask } from "../host.ts";
import { cut, find, findLast } from "../primordials.ts";
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

interface Parts {
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
}

/** Splits a serialised URL: https://url.spec.whatwg.org/#url-serializing read backwards. */
export function splitHref(href: string): Parts {
  const colon = find(href, ":");
  const protocol = cut(href, 0, colon + 1);
  let end = href.length;
  const sharp = find(href, "#", colon);
  const hash = sharp < 0 || sharp === end - 1 ? "" : cut(href, sharp);
  if (sharp >= 0) end = sharp;
  const mark = find(href, "?", colon);
  const hasQuery = mark >= 0 && mark < end;
  const search = hasQuery && mark < end - 1 ? cut(href, mark, end) : "";
  if (hasQuery) end = mark;
  let at = colon + 1;
  let username = "";
  let password = "";
  let hostname = "";
  let port = "";
  if (href[at] === "/" && href[at + 1] === "/") {
    const slash = find(href, "/", at + 2);
    const stop = slash < 0 || slash > end ? end : slash;
    let authority = cut(href, at + 2, stop);
    at = stop;
    const user = findLast(authority, "@");
    if (user >= 0) {
      const split = find(authority, ":");
      const both = split >= 0 && split < user;
      username = cut(authority, 0, both ? split : user);
      password = both ? cut(authority, split + 1, user) : "";
      authority = cut(authority, user + 1);
    }
    const digits = findLast(authority, ":");
    const hasPort = digits > findLast(authority, "]");
    hostname = hasPort ? cut(authority, 0, digits) : authority;
    port = hasPort ? cut(authority, digits + 1) : "";
  } else if (href[at] === "/" && href[at + 1] === "." && href[at + 2] === "/" && href[at + 3] === "/") {
    // "/." keeps a path that starts with two slashes from looking like a host.
    at += 2;
  }
  return { protocol, username, password, hostname, port, pathname: cut(href, at, end), search, hash };
}

/** Schemes whose origin is made of scheme, host and port. */
const SPECIAL = { __proto__: null, "http:": 1, "https:": 1, "ws:": 1, "wss:": 1, "ftp:": 1 } as unknown as Record<
  string,
  1
>;

function hostOf({ hostname, port }: Parts): string {
  return port === "" ? hostname : `${hostname}:${port}`;
}

function originOf(parts: Parts): string {
  if (SPECIAL[parts.protocol] === 1) return `${parts.protocol}//${hostOf(parts)}`;
  if (parts.protocol !== "blob:") return "null";
  const inner = parseUrl(parts.pathname);
  if (inner === undefined) return "null";
  const innerParts = splitHref(inner);
  return innerParts.protocol === "http:" || innerParts.protocol === "https:" ? originOf(innerParts) : "null";
}

let hrefOf: ((value: object) => string | undefined) | undefined;

/** The href of a URL object, or undefined for every other value. */
export function urlHref(value: object): string | undefined {
  return hrefOf?.(value);
}

export const urlParts = once(() => {
  class URL {
    #href: string;
    #parts: Parts | undefined;
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
    #split(): Parts {
      return (this.#parts ??= splitHref(this.#href));
    }
    #set(part: UrlPart, value: unknown): void {
      let index = 0;
      while (URL_PARTS[index] !== part) index++;
      this.#move(ask(Op.UrlSet, this.#href, index, toUsv(value)));
    }
    #move(href: unknown): void {
      if (typeof href !== "string" || href === this.#href) return;
      this.#href = href;
      this.#parts = undefined;
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
      return originOf(this.#split());
    }
    get protocol(): string {
      return this.#split().protocol;
    }
    set protocol(value: unknown) {
      this.#set("protocol", value);
    }
    get username(): string {
      return this.#split().username;
    }
    set username(value: unknown) {
      this.#set("username", value);
    }
    get password(): string {
      return this.#split().password;
    }
    set password(value: unknown) {
      this.#set("password", value);
    }
    get host(): string {
      return hostOf(this.#split());
    }
    set host(value: unknown) {
      this.#set("host", value);
    }
    get hostname(): string {
      return this.#split().hostname;
    }
    set hostname(value: unknown) {
      this.#set("hostname", value);
    }
    get port(): string {
      return this.#split().port;
    }
    set port(value: unknown) {
      this.#set("port", value);
    }
    get pathname(): string {
      return this.#split().pathname;
    }
    set pathname(value: unknown) {
      this.#set("pathname", value);
    }
    get search(): string {
      return this.#split().search;
    }
    set search(value: unknown) {
      this.#set("search", value);
      this.#requery();
    }
    get searchParams(): Params {
      return (this.#params ??= attachParams(parsePairs(cut(this.search, 1)), (query) => this.#set("search", query)));
    }
    get hash(): string {
      return this.#split().hash;
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
