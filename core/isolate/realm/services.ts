/** Calls out of the realm: services and `fetch`. A call is data with an id; its answer comes back as data. */
import { CALL, CALL_CANCEL, CALL_CREDIT, FETCH, FETCH_CHUNK, FETCH_END, WINDOW_BYTES } from "../frames.ts";
import { ScriptError } from "./errors.ts";
import { sendWithin } from "./flow.ts";
import { emit } from "./host.ts";
import {
  apply,
  defineProperty,
  hasOwn,
  isBytes,
  jsonParse,
  jsonStringify,
  onSettled,
  PromiseCtor,
} from "./primordials.ts";
import { requireInvocation, type Live } from "./state.ts";
import { makeByteStream, makeFetchArgs, makeResponse, pumpStream, utf8Encode, type BytePipe } from "./web/index.ts";

const mapGet = Map.prototype.get;
const mapSet = Map.prototype.set;
const mapDelete = Map.prototype.delete;
const asyncDispose = Symbol.asyncDispose;

interface Call {
  readonly live: Live;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly fetch: boolean;
  pipe: BytePipe | null;
  /** Bytes handed to the stream that its reader has not asked past yet. */
  unread: number;
  /** Bytes of the outgoing body that the engine has not taken yet. */
  ahead: number;
  resume: (() => void) | null;
  stopBody: (() => void) | null;
}

const calls = new Map<number, Call>();
let last = 0;

function callOf(id: number): Call | undefined {
  return apply(mapGet, calls, [id]) as Call | undefined;
}

function open(live: Live, fetch: boolean, resolve: Call["resolve"], reject: Call["reject"]): number {
  last = last >= 0xffff_fff0 ? 1 : last + 1;
  const call: Call = { live, resolve, reject, fetch, pipe: null, unread: 0, ahead: 0, resume: null, stopBody: null };
  apply(mapSet, calls, [last, call]);
  return last;
}

type Tap = (service: string, method: string, args: readonly unknown[]) => Promise<unknown> | undefined;
let tap: Tap | null = null;

/** Where tests are loaded, their host sees every call, and may answer it. */
export function tapCalls(see: Tap): void {
  tap = see;
}

/** Calls a method of a service outside; the arguments and the answer are JSON, of which `made` may make something. */
export function callService(
  service: string,
  method: string,
  args: unknown[],
  made?: (value: unknown) => unknown,
): Promise<unknown> {
  const answered = tap?.(service, method, args);
  if (answered !== undefined) return answered;
  return new PromiseCtor((resolve, reject) => {
    const live = requireInvocation(`${service}.${method}()`);
    const text = jsonStringify([service, method, args]);
    const id = open(live, false, made ? (value) => resolve(made(value)) : resolve, reject);
    emit(CALL, id, live.id, text);
  });
}

function abortError(signal: AbortSignal): unknown {
  return signal.reason ?? new ScriptError("invocation_ended", "The request was aborted.");
}

/** The Fetch standard's function; the engine makes the request, under its guard. https://fetch.spec.whatwg.org/#fetch-method */
export function realmFetch(input: unknown, init?: unknown): Promise<unknown> {
  return new PromiseCtor((resolve, reject) => {
    const request = makeFetchArgs(input, init);
    if (!request) throw new TypeError("fetch: the body of this request was already read.");
    const live = requireInvocation("fetch()");
    if (request.signal?.aborted) {
      reject(abortError(request.signal));
      return;
    }
    const id = open(live, true, resolve, reject);
    const body = typeof request.body === "string" ? utf8Encode(request.body) : request.body;
    const bytes = isBytes(body) ? body : null;
    const whole = bytes !== null && bytes.length <= WINDOW_BYTES;
    const head = {
      method: request.method,
      url: request.url,
      headers: request.headers,
      redirect: request.redirect,
      body: body === null ? 0 : whole ? 1 : 2,
    };
    emit(FETCH, id, live.id, jsonStringify(head), whole ? bytes : undefined);
    if (bytes && !whole) sendBytes(id, bytes);
    else if (body !== null && !bytes) sendStream(id, body as ReadableStream<Uint8Array>);
    const signal = request.signal;
    if (signal) {
      signal.addEventListener("abort", () => {
        const call = callOf(id);
        if (!call) return;
        emit(CALL_CANCEL, id, 0, "");
        finish(id, call, abortError(signal));
      });
    }
  });
}

function sendPieces(id: number, call: Call, bytes: Uint8Array): Promise<void> | undefined {
  return sendWithin(
    call,
    bytes,
    (piece) => emit(FETCH_CHUNK, id, 0, "", piece),
    () => callOf(id) !== call,
  );
}

function sendBytes(id: number, bytes: Uint8Array): void {
  const call = callOf(id);
  if (!call) return;
  const end = (): void => {
    if (callOf(id) === call) emit(FETCH_END, id, 0, "");
  };
  const wait = sendPieces(id, call, bytes);
  if (wait) onSettled(wait, end, end);
  else end();
}

function sendStream(id: number, stream: ReadableStream<Uint8Array>): void {
  const pump = pumpStream(stream, {
    chunk(bytes) {
      const call = callOf(id);
      return call ? sendPieces(id, call, bytes) : undefined;
    },
    done() {
      if (callOf(id)) emit(FETCH_END, id, 0, "");
    },
    failed(error) {
      const call = callOf(id);
      if (!call) return;
      emit(FETCH_END, id, 1, "");
      finish(id, call, error);
    },
  });
  const call = callOf(id);
  if (call) call.stopBody = () => pump.cancel(undefined);
}

/** Ends a call for good. */
function finish(id: number, call: Call, error: unknown): void {
  apply(mapDelete, calls, [id]);
  call.stopBody?.();
  call.resume?.();
  if (call.pipe) call.pipe.error(error);
  else call.reject(error);
}

interface FetchHead {
  status: number;
  statusText: string;
  url: string;
  redirected: boolean;
  headers: string[];
  body: boolean;
}

function openAnswer(id: number, call: Call, head: FetchHead): void {
  let stream: ReadableStream<Uint8Array> | null = null;
  if (head.body) {
    const made = makeByteStream({
      pull() {
        const now = callOf(id);
        if (!now || now.unread === 0) return;
        emit(CALL_CREDIT, id, now.unread, "");
        now.unread = 0;
      },
      cancel() {
        if (!callOf(id)) return;
        apply(mapDelete, calls, [id]);
        emit(CALL_CANCEL, id, 0, "");
      },
    });
    stream = made.stream;
    call.pipe = made.pipe;
  } else apply(mapDelete, calls, [id]);
  const { status, statusText, url, redirected, headers } = head;
  call.resolve(makeResponse({ status, statusText, url, redirected, headers, body: stream }));
}

/** CALL_RESULT: a value or an error. */
export function callResult(id: number, failed: number, text: string): void {
  const call = callOf(id);
  if (!call) return;
  if (failed) {
    const { code, message } = jsonParse(text) as { code: string; message: string };
    // The Fetch standard: a network failure is a TypeError.
    const error = code === "network" ? new TypeError(message) : new ScriptError(code, message);
    finish(id, call, error);
  } else if (call.fetch) openAnswer(id, call, jsonParse(text) as FetchHead);
  else {
    apply(mapDelete, calls, [id]);
    call.resolve(text === "" ? undefined : jsonParse(text));
  }
}

/** CALL_CHUNK: a piece of the answer to fetch. */
export function callChunk(id: number, bytes: Uint8Array): void {
  const call = callOf(id);
  if (!call?.pipe) return;
  call.unread += bytes.length;
  call.pipe.enqueue(bytes);
}

/** CALL_END. */
export function callEnd(id: number, failed: number, text: string): void {
  const call = callOf(id);
  if (!call?.pipe) return;
  apply(mapDelete, calls, [id]);
  if (failed) call.pipe.error(new TypeError(text));
  else call.pipe.close();
}

/** CALL_TAKEN: the engine took part of an outgoing body. */
export function callTaken(id: number, bytes: number): void {
  const call = callOf(id);
  if (!call) return;
  call.ahead -= bytes;
  if (call.ahead < WINDOW_BYTES && call.resume) {
    const resume = call.resume;
    call.resume = null;
    resume();
  }
}

type Objects = { readonly [method: string]: readonly string[] };

/** The object that scripts see for a service: its methods are made of its name alone, and checked outside. */
export function makeService(name: string, methods: readonly string[], objects?: Objects): Record<string, unknown> {
  const service: Record<string, unknown> = {};
  for (let i = 0; i < methods.length; i++) {
    const method = methods[i] as string;
    const inside = objects && hasOwn(objects, method) ? objects[method] : undefined;
    service[method] = (...args: unknown[]) =>
      callService(name, method, args, inside && ((key) => makeObject(name, key, inside)));
  }
  return Object.freeze(service);
}

/** What a method gives that answers with an object: `key` goes with each call of it. */
function makeObject(name: string, key: unknown, methods: readonly string[]): Record<PropertyKey, unknown> {
  const object: Record<PropertyKey, unknown> = {};
  for (let i = 0; i < methods.length; i++) {
    const method = methods[i] as string;
    object[method] = (...args: unknown[]) => {
      const all: unknown[] = [key];
      for (let at = 0; at < args.length; at++) all[at + 1] = args[at];
      return callService(name, method, all);
    };
    if (method === "close") defineProperty(object, asyncDispose, { value: object[method] });
  }
  return Object.freeze(object);
}
