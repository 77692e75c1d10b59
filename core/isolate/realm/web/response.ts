/** Response. https://fetch.spec.whatwg.org/#response-class */
import { jsonStringify, matches, pattern } from "../primordials.ts";
import {
  type Body,
  bodyStream,
  cloneBody,
  emptyBody,
  extractBody,
  isUnusable,
  isUsed,
  type OpenBody,
  readBlob,
  readBuffer,
  readBytes,
  readForm,
  readJson,
  readText,
  streamBody,
  takeBody,
} from "./body.ts";
import { isObject, need, toDictionary, toInteger, toText, toUsv } from "./convert.ts";
import { INTERNAL, named, once } from "./define.ts";
import { addHeader, copyHeaders, fillHeaders, hasHeader, headerOf, type HeaderList, wrapHeaders } from "./headers.ts";
import { parseUrl } from "./url.ts";

interface State {
  readonly type: "default" | "error" | "basic";
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
  readonly list: HeaderList;
  headers: Headers | null;
  /** Its headers cannot be changed. */
  readonly fixed: boolean;
  readonly body: Body;
}

/** A response as data. `status` is 0 for `Response.error()`. */
export interface OpenResponse {
  status: number;
  headers: string[];
  body: OpenBody;
}

export interface FetchedResponse {
  readonly status: number;
  readonly statusText: string;
  readonly url: string;
  readonly redirected: boolean;
  readonly headers: readonly string[];
  readonly body: ReadableStream<Uint8Array> | null;
}

/** What a reason phrase may not hold. */
const NOT_PHRASE = pattern(/[^\t\x20-\x7e\x80-\xff]/);
const PRINTABLE = pattern(/^[\x21-\x7e]+$/);
const ANY_BASE = "http://relative.invalid/";

function isNullBody(status: number): boolean {
  return status === 101 || status === 103 || status === 204 || status === 205 || status === 304;
}

function build(payload: Body, type: string | null, options: unknown, what: string): State {
  const init = toDictionary(options, what);
  const status = init["status"] === undefined ? 200 : toInteger(init["status"], 200) & 0xffff;
  if (status < 200 || status > 599) throw new RangeError(`${what}: status ${status} is not from 200 to 599`);
  const phrase = init["statusText"];
  const statusText = phrase === undefined ? "" : toText(phrase);
  if (matches(NOT_PHRASE, statusText)) throw new TypeError(`${what}: statusText holds characters that are not allowed`);
  const list: HeaderList = [];
  if (init["headers"] !== undefined) fillHeaders(list, init["headers"]);
  const { source, stream } = payload;
  if ((source !== null || stream !== null) && isNullBody(status)) {
    throw new TypeError(`${what}: status ${status} has no body`);
  }
  if (type !== null && !hasHeader(list, "content-type")) addHeader(list, "content-type", type);
  return {
    type: "default",
    status,
    statusText,
    url: "",
    redirected: false,
    list,
    headers: null,
    fixed: false,
    body: payload,
  };
}

function bare(type: State["type"], status: number, list: HeaderList): State {
  const body = emptyBody();
  return { type, status, statusText: "", url: "", redirected: false, list, headers: null, fixed: true, body };
}

/** A URL for `location`. Relative ones are kept as they are: a script does not know where it is mounted. */
function toLocation(value: unknown): string {
  const text = toUsv(value);
  const href = parseUrl(text);
  if (href !== undefined) return href;
  if (matches(PRINTABLE, text) && parseUrl(text, ANY_BASE) !== undefined) return text;
  throw new TypeError(`Response.redirect: "${text}" is not a URL`);
}

let stateOf: ((value: object) => State | undefined) | undefined;

export const responseParts = once(() => {
  class Response {
    readonly #state: State;
    constructor(body?: unknown, init?: unknown) {
      if (init === INTERNAL) this.#state = body as State;
      else if (body === undefined || body === null) this.#state = build(emptyBody(), null, init, "new Response");
      else {
        const extracted = extractBody(body);
        this.#state = build(extracted.body, extracted.type, init, "new Response");
      }
    }
    static {
      stateOf = (value) => (#state in value ? value.#state : undefined);
    }
    static error(): Response {
      return new Response(bare("error", 0, []), INTERNAL);
    }
    static json(data: unknown, init?: unknown): Response {
      need(arguments.length, 1, "Response.json");
      const text = jsonStringify(data) as string | undefined;
      if (text === undefined) throw new TypeError("Response.json: the value has no JSON form");
      return new Response(build(extractBody(text).body, "application/json", init, "Response.json"), INTERNAL);
    }
    static redirect(url: unknown, status: unknown = 302): Response {
      need(arguments.length, 1, "Response.redirect");
      const location = toLocation(url);
      const code = toInteger(status, 302) & 0xffff;
      if (code !== 301 && code !== 302 && code !== 303 && code !== 307 && code !== 308) {
        throw new RangeError(`Response.redirect: ${code} is not the status of a redirect`);
      }
      return new Response(bare("default", code, ["location", location]), INTERNAL);
    }
    get type(): string {
      return this.#state.type;
    }
    get url(): string {
      return this.#state.url;
    }
    get redirected(): boolean {
      return this.#state.redirected;
    }
    get status(): number {
      return this.#state.status;
    }
    get ok(): boolean {
      const { status } = this.#state;
      return status >= 200 && status <= 299;
    }
    get statusText(): string {
      return this.#state.statusText;
    }
    get headers(): Headers {
      const state = this.#state;
      return (state.headers ??= wrapHeaders(state.list, state.fixed));
    }
    get body(): ReadableStream<Uint8Array> | null {
      return bodyStream(this.#state.body);
    }
    get bodyUsed(): boolean {
      return isUsed(this.#state.body);
    }
    clone(): Response {
      const state = this.#state;
      if (isUnusable(state.body)) throw new TypeError("Response.clone: the body was used already.");
      const copy: State = { ...state, list: copyHeaders(state.list), headers: null, body: cloneBody(state.body) };
      return new Response(copy, INTERNAL);
    }
    async arrayBuffer(): Promise<ArrayBuffer> {
      return readBuffer(this.#state.body);
    }
    async blob(): Promise<Blob> {
      return readBlob(this.#state.body, headerOf(this.#state.list, "content-type"));
    }
    async bytes(): Promise<Uint8Array> {
      return readBytes(this.#state.body);
    }
    async formData(): Promise<FormData> {
      return readForm(this.#state.body, headerOf(this.#state.list, "content-type"));
    }
    async json(): Promise<unknown> {
      return readJson(this.#state.body);
    }
    async text(): Promise<string> {
      return readText(this.#state.body);
    }
  }
  return named(Response, "Response");
});

/** `new Response(body, init)` by the class as it was made. `type` is the content type, unless `init` has one. */
export function newResponse(body: unknown, init?: unknown, type?: string): Response {
  const given = body === undefined || body === null ? undefined : extractBody(body);
  const state = build(
    given?.body ?? emptyBody(),
    given === undefined ? null : (type ?? given.type),
    init,
    "new Response",
  );
  return new (responseParts())(state, INTERNAL) as unknown as Response;
}

/** By a private field: a script cannot forge it, and cannot hide it. */
export function isResponse(value: unknown): boolean {
  return typeof value === "object" && value !== null && stateOf?.(value) !== undefined;
}

/** Takes a Response apart for sending; null when its body was used, or is being read. */
export function openResponse(value: unknown): OpenResponse | null {
  const state = isObject(value) ? stateOf?.(value) : undefined;
  const body = state === undefined ? undefined : takeBody(state.body);
  if (state === undefined || body === undefined) return null;
  return { status: state.status, headers: copyHeaders(state.list), body };
}

/** The other way: a Response whose headers can be changed. */
export function reopenResponse({ status, headers, body }: OpenResponse): Response {
  const payload = body === null ? emptyBody() : extractBody(body).body;
  const state = { ...bare("default", status, copyHeaders(headers)), fixed: false, body: payload };
  return new (responseParts())(state, INTERNAL) as unknown as Response;
}

/** What `fetch` resolves to. */
export function makeResponse(init: FetchedResponse): Response {
  const { status, statusText, url, redirected } = init;
  const list = copyHeaders(init.headers);
  const body = init.body === null ? emptyBody() : streamBody(init.body);
  const state: State = { type: "basic", status, statusText, url, redirected, list, headers: null, fixed: true, body };
  return new (responseParts())(state, INTERNAL) as unknown as Response;
}
