/** Request. https://fetch.spec.whatwg.org/#request-class */
import { followSignals, isAbortSignal, makeAbort } from "./abort.ts";
import {
  type Body,
  bodyStream,
  cloneBody,
  emptyBody,
  extractBody,
  isEmpty,
  isUnusable,
  isUsed,
  moveBody,
  type OpenBody,
  readBlob,
  readBuffer,
  readBytes,
  readForm,
  readJson,
  readText,
  takeBody,
} from "./body.ts";
import { isObject, need, toDictionary, toText } from "./convert.ts";
import { INTERNAL, named, once } from "./define.ts";
import {
  addHeader,
  copyHeaders,
  fillHeaders,
  hasHeader,
  headerList,
  headerOf,
  type HeaderList,
  wrapHeaders,
} from "./headers.ts";
import { absolute, checkModes, toMethod, toReferrer, word } from "./request-init.ts";

export type Redirect = "follow" | "error" | "manual";

interface State {
  method: string;
  url: string;
  list: HeaderList;
  headers: Headers | null;
  /** For a request that came over the wire: its headers, when they are first needed. */
  makeHeaders: (() => Headers) | null;
  body: Body;
  signal: AbortSignal | null;
  /** The signal that the caller gave, which the request's own follows. */
  source: AbortSignal | null;
  redirect: Redirect;
  mode: string;
  credentials: string;
  cache: string;
  referrer: string;
  referrerPolicy: string;
  integrity: string;
  keepalive: boolean;
}

/** A request as data: what `fetch` sends. */
export interface OpenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: string[];
  readonly redirect: Redirect;
  readonly body: OpenBody;
  readonly signal: AbortSignal | null;
}

export interface WireRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: () => Headers;
  readonly body: (() => ReadableStream<Uint8Array>) | Uint8Array | null;
  /** Nobody but the request will ask for the bytes of `body`. Asked when they are read. */
  readonly own: () => boolean;
  readonly signal: AbortSignal;
}

let stateOf: ((value: object) => State | undefined) | undefined;

function listOf(state: State): HeaderList {
  if (state.makeHeaders !== null) headersOf(state);
  return state.list;
}

function headersOf(state: State): Headers {
  if (state.headers !== null) return state.headers;
  if (state.makeHeaders !== null) {
    state.headers = state.makeHeaders();
    state.makeHeaders = null;
    state.list = headerList(state.headers) as HeaderList;
    return state.headers;
  }
  return (state.headers = wrapHeaders(state.list));
}

function build(input: unknown, options: unknown): State {
  const init = toDictionary(options, "new Request");
  const from = isObject(input) ? stateOf?.(input) : undefined;
  const url = from === undefined ? absolute(input) : from.url;
  const method = init["method"] === undefined ? (from?.method ?? "GET") : toMethod(init["method"]);
  const list: HeaderList = from !== undefined && init["headers"] === undefined ? copyHeaders(listOf(from)) : [];
  if (init["headers"] !== undefined) fillHeaders(list, init["headers"]);
  const given = init["signal"];
  if (given !== undefined && given !== null && !isAbortSignal(given)) {
    throw new TypeError("new Request: signal is not an AbortSignal");
  }
  const source =
    given === undefined ? (from === undefined ? null : (from.signal ?? from.source)) : (given as AbortSignal | null);
  const state: State = {
    method,
    url,
    list,
    headers: null,
    makeHeaders: null,
    body: emptyBody(),
    signal: null,
    source,
    redirect: word(init, "redirect", from?.redirect ?? "follow") as Redirect,
    mode: word(init, "mode", from?.mode ?? "cors"),
    credentials: word(init, "credentials", from?.credentials ?? "same-origin"),
    cache: word(init, "cache", from?.cache ?? "default"),
    referrer: init["referrer"] === undefined ? (from?.referrer ?? "about:client") : toReferrer(init["referrer"]),
    referrerPolicy: word(init, "referrerPolicy", from?.referrerPolicy ?? ""),
    integrity: init["integrity"] === undefined ? (from?.integrity ?? "") : toText(init["integrity"]),
    keepalive: init["keepalive"] === undefined ? (from?.keepalive ?? false) : !!init["keepalive"],
  };
  checkModes(init, state);
  const payload = init["body"];
  const bodyless = method === "GET" || method === "HEAD";
  if (payload !== undefined && payload !== null) {
    if (bodyless) throw new TypeError(`A ${method} request has no body.`);
    const { body, type } = extractBody(payload);
    state.body = body;
    if (type !== null && !hasHeader(list, "content-type")) addHeader(list, "content-type", type);
  } else if (from !== undefined && payload !== null) {
    if (bodyless && !isEmpty(from.body)) throw new TypeError(`A ${method} request has no body.`);
    state.body = moveBody(from.body);
  }
  return state;
}

function signalOf(state: State): AbortSignal {
  if (state.signal !== null) return state.signal;
  return (state.signal = state.source === null ? makeAbort().signal : followSignals([state.source]));
}

export function isRequest(value: object): boolean {
  return stateOf?.(value) !== undefined;
}

export const requestParts = once(() => {
  class Request {
    readonly #state: State;
    constructor(input: unknown, init?: unknown) {
      if (init === INTERNAL) {
        this.#state = input as State;
        return;
      }
      need(arguments.length, 1, "new Request");
      this.#state = build(input, init);
    }
    static {
      stateOf = (value) => (#state in value ? value.#state : undefined);
    }
    get method(): string {
      return this.#state.method;
    }
    get url(): string {
      return this.#state.url;
    }
    get headers(): Headers {
      return headersOf(this.#state);
    }
    get signal(): AbortSignal {
      return signalOf(this.#state);
    }
    get redirect(): string {
      return this.#state.redirect;
    }
    get mode(): string {
      return this.#state.mode;
    }
    get credentials(): string {
      return this.#state.credentials;
    }
    get cache(): string {
      return this.#state.cache;
    }
    get destination(): string {
      void this.#state;
      return "";
    }
    get referrer(): string {
      const { referrer } = this.#state;
      return referrer === "no-referrer" ? "" : referrer;
    }
    get referrerPolicy(): string {
      return this.#state.referrerPolicy;
    }
    get integrity(): string {
      return this.#state.integrity;
    }
    get keepalive(): boolean {
      return this.#state.keepalive;
    }
    get duplex(): string {
      void this.#state;
      return "half";
    }
    get isReloadNavigation(): boolean {
      void this.#state;
      return false;
    }
    get isHistoryNavigation(): boolean {
      void this.#state;
      return false;
    }
    get body(): ReadableStream<Uint8Array> | null {
      return bodyStream(this.#state.body);
    }
    get bodyUsed(): boolean {
      return isUsed(this.#state.body);
    }
    clone(): Request {
      const state = this.#state;
      if (isUnusable(state.body)) throw new TypeError("Request.clone: the body was used already.");
      const copy: State = {
        ...state,
        list: copyHeaders(listOf(state)),
        headers: null,
        makeHeaders: null,
        body: cloneBody(state.body),
        signal: null,
        source: state.signal ?? state.source ?? signalOf(state),
      };
      return new Request(copy, INTERNAL);
    }
    async arrayBuffer(): Promise<ArrayBuffer> {
      return readBuffer(this.#state.body);
    }
    async blob(): Promise<Blob> {
      return readBlob(this.#state.body, headerOf(listOf(this.#state), "content-type"));
    }
    async bytes(): Promise<Uint8Array> {
      return readBytes(this.#state.body);
    }
    async formData(): Promise<FormData> {
      return readForm(this.#state.body, headerOf(listOf(this.#state), "content-type"));
    }
    async json(): Promise<unknown> {
      return readJson(this.#state.body);
    }
    async text(): Promise<string> {
      return readText(this.#state.body);
    }
  }
  return named(Request, "Request");
});

/** The request of an invocation: nothing is checked again, and nothing made before it is needed. */
export function makeRequest(init: WireRequest): Request {
  const { method, url, headers, body, own, signal } = init;
  const stream = typeof body === "function" ? body : null;
  const state: State = {
    method,
    url,
    list: [],
    headers: null,
    makeHeaders: headers,
    body: {
      source: stream === null ? (body as Uint8Array | null) : null,
      stream: null,
      make: stream,
      used: false,
      own,
    },
    signal,
    source: null,
    redirect: "follow",
    mode: "cors",
    credentials: "same-origin",
    cache: "default",
    referrer: "about:client",
    referrerPolicy: "",
    integrity: "",
    keepalive: false,
  };
  return new (requestParts())(state, INTERNAL) as unknown as Request;
}

function open(state: State): OpenRequest | null {
  const body = takeBody(state.body);
  if (body === undefined) return null;
  const { method, url, redirect } = state;
  return { method, url, headers: copyHeaders(listOf(state)), redirect, body, signal: state.signal ?? state.source };
}

/** Takes a Request apart; null for another value, and for one whose body was used. */
export function openRequest(value: unknown): OpenRequest | null {
  const state = isObject(value) ? stateOf?.(value) : undefined;
  return state === undefined ? null : open(state);
}

/** The arguments of `fetch`: as `new Request(input, init)`, and with its errors. */
export function makeFetchArgs(input: unknown, init: unknown): OpenRequest | null {
  return open(build(input, init));
}
