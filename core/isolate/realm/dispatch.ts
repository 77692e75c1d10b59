/** Runs a handler for one invocation: body, schemas, the call itself, the answer. */
import { BODY_STREAM, BODY_TAKEN, CANCEL_DEADLINE, WINDOW_BYTES } from "../frames.ts";
import type { Schemas } from "../../script/types.ts";
import { isEnvelope, isIterable, sendAnswer, sendFailure, settleLate } from "./answer.ts";
import { log } from "./console.ts";
import { Context } from "./context.ts";
import { InputError, ScriptError } from "./errors.ts";
import { emit } from "./host.ts";
import { isHtml } from "./jsx.ts";
import { concatBytes, isBytes, jsonParse, jsonStringify, onSettled, PromiseCtor } from "./primordials.ts";
import { endPipe } from "./request-body.ts";
import type { Handler } from "./register.ts";
import { scriptConfig } from "./script.ts";
import { addLive, liveOf, type Live } from "./state.ts";
import { hold } from "./wait-until.ts";
import { makeCoercer, makeValidator, type ValidationError } from "./validate.ts";
import { isResponse, makeDomException } from "./web/index.ts";

type Check = (context: Context, errors: ValidationError[]) => void;

/** A registration inside the realm. */
export interface Runner {
  readonly fetchForm: boolean;
  readonly handler: Handler;
  /** Null when it declared no schemas. */
  readonly check: Check | null;
  readonly schemaBody: boolean;
  readonly checkAnswer: ((value: unknown) => readonly ValidationError[]) | null;
}

let runners: Runner[] = [];

function addErrors(into: ValidationError[], part: string, found: readonly ValidationError[]): void {
  for (let i = 0; i < found.length; i++) {
    const { path, message, expected } = found[i] as ValidationError;
    into[into.length] = { path: `/${part}${path}`, message, expected };
  }
}

function makeCheck(schemas: Schemas): Check | null {
  const params = schemas.params ? makeCoercer(schemas.params) : null;
  const query = schemas.query ? makeCoercer(schemas.query) : null;
  const headers = schemas.headers ? makeCoercer(schemas.headers) : null;
  const body = schemas.body ? makeValidator(schemas.body) : null;
  const form = schemas.body ? makeCoercer(schemas.body) : null;
  if (!params && !query && !headers && !body) return null;
  return (context, errors) => {
    if (params) {
      const made = params(context.params as Record<string, string>);
      addErrors(errors, "params", made.errors);
      Context.setParams(context, made.value);
    }
    if (query) {
      const made = query(context.query);
      addErrors(errors, "query", made.errors);
      Context.setQuery(context, made.value);
    }
    if (headers) {
      const record: Record<string, string> = {};
      context.headers.forEach((value, name) => {
        record[name] = value;
      });
      addErrors(errors, "headers", headers(record).errors);
    }
    if (body && form) {
      const value = context.body;
      if (Context.bodyIsForm(context)) {
        const made = form(value as Record<string, string>);
        addErrors(errors, "body", made.errors);
        Context.setBody(context, made.value);
      } else addErrors(errors, "body", body(value));
    }
  };
}

/** Prepares one handler; `schemas` come from the builder. */
export function makeRunner(handler: Handler, fetchForm: boolean, schemas: Schemas, dev: boolean): Runner {
  return {
    fetchForm,
    handler,
    check: makeCheck(schemas),
    schemaBody: schemas.body !== undefined,
    checkAnswer: dev && schemas.response ? makeValidator(schemas.response, { defaults: "leave" }) : null,
  };
}

export function useRunners(list: Runner[]): void {
  runners = list;
}

function callFetchForm(live: Live, runner: Runner, context: Context): unknown {
  const extra = {
    waitUntil: (promise: unknown) => hold(live, promise),
    passThroughOnException(): void {},
  };
  return runner.handler(context.request, scriptConfig(), extra);
}

function run(live: Live, runner: Runner, context: Context): void {
  let value: unknown;
  try {
    if (runner.check) {
      const errors: ValidationError[] = [];
      runner.check(context, errors);
      if (errors.length > 0) throw new InputError("The request does not fit the route's schema.", errors);
    }
    value = runner.fetchForm ? callFetchForm(live, runner, context) : runner.handler(context);
  } catch (error) {
    sendFailure(live, error);
    return;
  }
  if (typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function") {
    onSettled(
      new PromiseCtor((resolve) => resolve(value)),
      (result: unknown) => answer(live, runner, context, result),
      (error: unknown) => sendFailure(live, error),
    );
  } else answer(live, runner, context, value);
}

function answer(live: Live, runner: Runner, context: Context, value: unknown): void {
  try {
    if (runner.checkAnswer && isData(value)) {
      // What the caller gets is the JSON form: a Date is a string there.
      const errors = runner.checkAnswer(jsonParse(jsonStringify(value) ?? "null"));
      if (errors.length > 0) {
        const { path, message } = errors[0] as ValidationError;
        throw new TypeError(`The answer does not fit the route's response schema: ${path || "/"} ${message}.`);
      }
    }
    sendAnswer(live, value, Context.extraHeaders(context));
  } catch (error) {
    if (live.answered) log.error("the answer broke off", error);
    sendFailure(live, error);
  }
}

/** Streams, HTML and Responses have no schema: what they carry is not known before it is sent. */
function isData(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value !== undefined;
  return !isResponse(value) && !isHtml(value) && !isBytes(value) && !isIterable(value) && !isEnvelope(value);
}

/** INVOKE. */
export function dispatch(
  id: number,
  registration: number,
  kind: number,
  head: string,
  body: Uint8Array | undefined,
): void {
  const live = addLive(id);
  try {
    const runner = runners[registration];
    if (!runner) throw new ScriptError("not_found", "The registration is not there.");
    const context = new Context(live, head, kind, body, runner.schemaBody);
    live.context = context;
    if (kind === BODY_STREAM && Context.wantsWhole(context)) gather(live, runner, context);
    else run(live, runner, context);
  } catch (error) {
    sendFailure(live, error);
  }
}

function gather(live: Live, runner: Runner, context: Context): void {
  live.onBody = (failure) => {
    if (failure !== null) {
      sendFailure(live, new ScriptError(failure, "The request body did not arrive in full."));
      return;
    }
    Context.giveBody(context, concatBytes(live.early));
    live.early.length = 0;
    run(live, runner, context);
  };
  const early = live.early;
  live.early = [];
  for (let i = 0; i < early.length; i++) bodyChunk(live.id, early[i] as Uint8Array);
}

/** BODY_CHUNK. */
export function bodyChunk(id: number, bytes: Uint8Array): void {
  const live = liveOf(id);
  if (!live) return;
  if (live.pipe) live.pipe.enqueue(bytes);
  else {
    live.early[live.early.length] = bytes;
    if (live.onBody) emit(BODY_TAKEN, id, bytes.length, "");
  }
}

/** BODY_END. */
export function bodyEnd(id: number, failed: number, code: string): void {
  const live = liveOf(id);
  if (!live) return;
  live.bodyEnd = failed ? code : null;
  endPipe(live, live.bodyEnd);
  live.onBody?.(live.bodyEnd);
}

/** CANCEL: the deadline has passed, or the client has left. */
export function cancel(id: number, reason: number): void {
  const live = liveOf(id);
  if (!live || live.cancelled) return;
  live.cancelled = true;
  const why =
    reason === CANCEL_DEADLINE
      ? makeDomException("The invocation passed its deadline.", "TimeoutError")
      : makeDomException("The client left.", "AbortError");
  endPipe(live, "the request ended");
  live.stopAnswer?.();
  live.abort?.(why);
  live.resume?.();
  live.streaming = false;
  live.answered = true;
  settleLate(live);
}

/** CREDIT: the client took bytes of the answer. */
export function credit(id: number, bytes: number): void {
  const live = liveOf(id);
  if (!live) return;
  live.ahead -= bytes;
  if (live.ahead < WINDOW_BYTES && live.resume) {
    const resume = live.resume;
    live.resume = null;
    resume();
  }
}
