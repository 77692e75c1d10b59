/** The one argument of every handler. Everything in it is made when it is first asked for. */
import { BODY_NONE, BODY_WHOLE } from "../frames.ts";
import { log } from "./console.ts";
import { makeCookies, setCookies, type Cookies } from "./cookies.ts";
import { HttpError } from "./errors.ts";
import { parseQuery, type QueryRecord } from "./query.ts";
import { cut, ErrorCtor, find, isArray, jsonParse, keysOf, lower, splitText, trimText } from "./primordials.ts";
import { isForm, isJson, openBodyStream } from "./request-body.ts";
import type { Live } from "./state.ts";
import { hold } from "./wait-until.ts";
import { scriptInfo, scriptConfig } from "./script.ts";
import { render } from "./templates.ts";
import { makeAbort, makeHeaders, makeRequest, makeUrl, parseForm, utf8Decode, utf8DecodeStrict } from "./web/index.ts";

const create = Object.create;

/** Lines of the head that comes with INVOKE. */
const METHOD = 0;
const URL_LINE = 1;
const IP = 2;
const ID = 3;
const PARAMS = 4;
const HEADERS = 5;

export interface FormParts {
  readonly form: Record<string, unknown>;
  readonly files: Record<string, unknown>;
}

export class Context {
  readonly #live: Live;
  readonly #head: string;
  readonly #bodyKind: number;
  readonly #schemaBody: boolean;
  #bytes: Uint8Array | undefined;
  #lines: string[] | undefined;
  #headers: Headers | undefined;
  #params: Record<string, unknown> | undefined;
  #query: QueryRecord | undefined;
  #url: URL | undefined;
  #request: Request | undefined;
  #signal: AbortSignal | undefined;
  #cookies: Cookies | undefined;
  #state: Record<string, unknown> | undefined;
  #parts: FormParts | undefined;
  #body: unknown;
  #bodyKnown = false;
  #type: string | undefined;
  #stream: ReadableStream<Uint8Array> | undefined;
  #waitUntil: ((promise: unknown) => void) | undefined;

  constructor(live: Live, head: string, bodyKind: number, bytes: Uint8Array | undefined, schemaBody: boolean) {
    this.#live = live;
    this.#head = head;
    this.#bodyKind = bodyKind;
    this.#bytes = bytes;
    this.#schemaBody = schemaBody;
  }

  #line(index: number): string {
    this.#lines ??= splitText(this.#head, "\n");
    return this.#lines[index] as string;
  }

  get id(): string {
    return this.#line(ID);
  }
  get kind(): string {
    return "http";
  }
  get script(): { readonly name: string; readonly version: string } {
    return scriptInfo();
  }
  get config(): unknown {
    return scriptConfig();
  }
  get log(): typeof log {
    return log;
  }
  get render(): typeof render {
    return render;
  }
  get user(): unknown {
    return null;
  }
  /** Of other kinds of handlers. */
  get payload(): unknown {
    return undefined;
  }
  get args(): unknown {
    return undefined;
  }
  get method(): string {
    return this.#line(METHOD);
  }
  get ip(): string {
    return this.#line(IP);
  }
  get path(): string {
    const url = this.#line(URL_LINE);
    const from = find(url, "/", find(url, "://") + 3);
    const to = find(url, "?", from);
    return to < 0 ? cut(url, from) : cut(url, from, to);
  }
  get url(): URL {
    this.#url ??= makeUrl(this.#line(URL_LINE));
    return this.#url;
  }
  get headers(): Headers {
    if (!this.#headers) {
      const record = jsonParse(this.#line(HEADERS) || "{}") as Record<string, string>;
      const list: string[] = [];
      const names = keysOf(record);
      for (let i = 0; i < names.length; i++) {
        list[list.length] = names[i] as string;
        list[list.length] = record[names[i] as string] as string;
      }
      this.#headers = makeHeaders(list);
    }
    return this.#headers;
  }
  get params(): Record<string, unknown> {
    if (!this.#params) {
      const text = this.#line(PARAMS);
      const params = create(null) as Record<string, unknown>;
      if (text !== "") {
        const flat = jsonParse(text) as string[];
        for (let i = 0; i + 1 < flat.length; i += 2) params[flat[i] as string] = flat[i + 1];
      }
      this.#params = params;
    }
    return this.#params;
  }
  get query(): QueryRecord {
    this.#query ??= parseQuery(this.#line(URL_LINE));
    return this.#query;
  }
  get cookies(): Cookies {
    this.#cookies ??= makeCookies(() => this.headers.get("cookie") ?? "");
    return this.#cookies;
  }
  get signal(): AbortSignal {
    if (!this.#signal) {
      const made = makeAbort();
      this.#signal = made.signal;
      if (this.#live.cancelled) made.abort(undefined);
      else this.#live.abort = made.abort;
    }
    return this.#signal;
  }
  get state(): Record<string, unknown> {
    this.#state ??= create(null) as Record<string, unknown>;
    return this.#state;
  }
  get request(): Request {
    if (!this.#request) {
      const whole = this.#bodyKind === BODY_WHOLE || this.#bytes !== undefined;
      this.#request = makeRequest({
        method: this.#line(METHOD),
        url: this.#line(URL_LINE),
        headers: () => this.headers,
        body:
          this.#bodyKind === BODY_NONE
            ? null
            : whole
              ? (this.#bytes as Uint8Array)
              : () => (this.#stream ??= openBodyStream(this.#live)),
        own: () => !Context.wantsWhole(this),
        signal: this.signal,
      });
    }
    return this.#request;
  }
  get body(): unknown {
    if (!this.#bodyKnown) {
      this.#body = this.#parseBody();
      this.#bodyKnown = true;
    }
    return this.#body;
  }
  get form(): Record<string, unknown> {
    return this.#formParts().form;
  }
  get files(): Record<string, unknown> {
    return this.#formParts().files;
  }
  get waitUntil(): (promise: unknown) => void {
    this.#waitUntil ??= (promise) => hold(this.#live, promise);
    return this.#waitUntil;
  }

  /** The media type without its parameters, in lower case. */
  #contentType(): string {
    if (this.#type === undefined) {
      const whole = lower(this.headers.get("content-type") ?? "");
      const end = find(whole, ";");
      this.#type = trimText(end < 0 ? whole : cut(whole, 0, end));
    }
    return this.#type;
  }

  #formParts(): FormParts {
    if (!this.#parts) {
      const form = create(null) as Record<string, unknown>;
      const files = create(null) as Record<string, unknown>;
      const data = this.#bytes ? parseForm(this.#bytes, this.headers.get("content-type") ?? "") : null;
      if (data === null && this.#bytes && isForm(this.#contentType())) {
        throw unreadable("The request body is not a valid form: a boundary or a part's head is missing or broken.");
      }
      data?.forEach((value, name) => {
        const into = typeof value === "string" ? form : files;
        const before = into[name];
        if (before === undefined) into[name] = value;
        else if (isArray(before)) before[before.length] = value;
        else into[name] = [before, value];
      });
      this.#parts = { form, files };
    }
    return this.#parts;
  }

  #parseBody(): unknown {
    const bytes = this.#bytes;
    const type = this.#contentType();
    // A form of which nothing was filled in has no bytes.
    if (!bytes) return this.#schemaBody && isForm(type) ? this.#formParts().form : undefined;
    if (isJson(type) || (type === "" && this.#schemaBody)) {
      const text = utf8DecodeStrict(bytes);
      if (text === undefined) throw unreadable("The request body is not valid JSON: it is not UTF-8.");
      try {
        return jsonParse(text);
      } catch (error) {
        const why = error instanceof ErrorCtor ? error.message : "not JSON";
        throw unreadable(`The request body is not valid JSON: ${why}.`);
      }
    }
    if (isForm(type)) return this.#formParts().form;
    if (this.#schemaBody || cut(type, 0, 5) === "text/") return utf8Decode(bytes);
    return undefined;
  }

  /** True when `body`, `form` or `files` can be asked for, so that the body must be here before the handler runs. */
  static wantsWhole(context: Context): boolean {
    if (context.#schemaBody) return true;
    const type = context.#contentType();
    return isJson(type) || isForm(type) || cut(type, 0, 5) === "text/";
  }

  /** True when `body` is the record of a form: its values are strings that the schema's types are read from. */
  static bodyIsForm(context: Context): boolean {
    return isForm(context.#contentType());
  }

  /** Hands the whole body over, once it has arrived. */
  static giveBody(context: Context, bytes: Uint8Array): void {
    context.#bytes = bytes;
  }

  static setBody(context: Context, body: unknown): void {
    context.#body = body;
    context.#bodyKnown = true;
  }
  static setParams(context: Context, params: Record<string, unknown>): void {
    context.#params = params;
  }
  static setQuery(context: Context, query: Record<string, unknown>): void {
    context.#query = query as QueryRecord;
  }
  /** Headers that the context gathered for the answer. */
  static extraHeaders(context: Context): readonly string[] {
    return context.#cookies ? context.#cookies[setCookies]() : none;
  }
}

const none: readonly string[] = [];

function unreadable(why: string): HttpError {
  return new HttpError(400, why, { code: "bad_request" });
}
