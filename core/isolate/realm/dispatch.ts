/** Runs a handler for one invocation: body, schemas, the call itself, the answer. */
import { BODY_DATA, BODY_STREAM, BODY_TAKEN, CANCEL_DEADLINE } from "../frames.ts";
import { breakOff, sendAnswer, sendFailure, settleLate } from "./answer.ts";
import { isEnvelope, isIterable } from "./answer-kinds.ts";
import { Context } from "./context.ts";
import { runData } from "./data.ts";
import { ScriptError } from "./errors.ts";
import { countStream, windowBytes } from "./flow.ts";
import { emit } from "./host.ts";
import { isHtml } from "./jsx.ts";
import { around } from "./middleware.ts";
import { concatBytes, isBytes, isThenable, jsonParse, jsonStringify, onSettled, PromiseCtor } from "./primordials.ts";
import { endPipe } from "./request-body.ts";
import type { Handler } from "./register.ts";
import { checkRequest, type Runner, type WebRunner } from "./runner.ts";
import { scriptConfig } from "./script.ts";
import { addLive, liveOf, type Live } from "./state.ts";
import { hold } from "./wait-until.ts";
import type { ValidationError } from "./validate.ts";
import { isResponse, makeDomException } from "./web/index.ts";

let runners: readonly (Runner | null)[] = [];
let middleware: readonly Handler[] = [];

/** By registration id; null where there is nothing to call. */
export function useRunners(list: readonly (Runner | null)[], around: readonly Handler[]): void {
  runners = list;
  middleware = around;
}

function callFetchForm(live: Live, runner: WebRunner, context: Context): unknown {
  const extra = {
    waitUntil: (promise: unknown) => hold(live, promise),
    passThroughOnException(): void {},
  };
  return runner.handler(context.request, scriptConfig(), extra);
}

/** The schemas, then the handler. */
function call(live: Live, runner: WebRunner, context: Context): unknown {
  checkRequest(runner, context);
  return runner.fetchForm ? callFetchForm(live, runner, context) : runner.handler(context);
}

function run(live: Live, runner: WebRunner, context: Context): void {
  if (middleware.length > 0) return runAround(live, runner, context);
  let value: unknown;
  try {
    value = call(live, runner, context);
  } catch (error) {
    sendFailure(live, error);
    return;
  }
  if (isThenable(value)) {
    onSettled(
      new PromiseCtor((resolve) => resolve(value)),
      (result: unknown) => answer(live, runner, context, result),
      (error: unknown) => sendFailure(live, error),
    );
  } else answer(live, runner, context, value);
}

function runAround(live: Live, runner: WebRunner, context: Context): void {
  const innermost = async (): Promise<unknown> => {
    const value = await call(live, runner, context);
    checkAnswer(runner, value);
    return value;
  };
  onSettled(
    around(middleware, context, innermost),
    (value: unknown) => {
      try {
        sendAnswer(live, value, Context.extraHeaders(context));
      } catch (error) {
        fail(live, error);
      }
    },
    (error: unknown) => sendFailure(live, error),
  );
}

/** What the caller gets is the JSON form: a Date is a string there. */
function checkAnswer(runner: WebRunner, value: unknown): void {
  if (!runner.checkAnswer || !isData(value)) return;
  const errors = runner.checkAnswer(jsonParse(jsonStringify(value) ?? "null"));
  if (errors.length === 0) return;
  const { path, message } = errors[0] as ValidationError;
  throw new TypeError(`The answer does not fit the route's response schema: ${path || "/"} ${message}.`);
}

function answer(live: Live, runner: WebRunner, context: Context, value: unknown): void {
  try {
    checkAnswer(runner, value);
    sendAnswer(live, value, Context.extraHeaders(context));
  } catch (error) {
    fail(live, error);
  }
}

/** Of an answer that was begun, its caller would wait for the rest. */
function fail(live: Live, error: unknown): void {
  if (live.answered && !live.cancelled) breakOff(live, error);
  else sendFailure(live, error);
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
    if (!runner || runner.data !== (kind === BODY_DATA))
      throw new ScriptError("not_found", "The registration is not there.");
    if (runner.data) return runData(live, runner, head);
    const context = new Context(live, head, kind, body, runner.schemaBody);
    live.context = context;
    if (kind === BODY_STREAM && Context.wantsWhole(context)) gather(live, runner, context);
    else run(live, runner, context);
  } catch (error) {
    sendFailure(live, error);
  }
}

function gather(live: Live, runner: WebRunner, context: Context): void {
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
  if (!live) return;
  if (live.cancelled) return endClosing(live);
  live.cancelled = true;
  const why =
    reason === CANCEL_DEADLINE
      ? makeDomException("The invocation passed its deadline.", "TimeoutError")
      : makeDomException("The client left.", "AbortError");
  endPipe(live, "the request ended");
  live.stopAnswer?.();
  live.abort?.(why);
  live.resume?.();
  if (live.streaming) countStream(-1);
  live.streaming = false;
  live.answered = true;
  settleLate(live);
}

/** It had its time to clean up. */
function endClosing(live: Live): void {
  live.closing = false;
  settleLate(live);
}

/** CREDIT: the client took bytes of the answer. */
export function credit(id: number, bytes: number): void {
  const live = liveOf(id);
  if (!live) return;
  live.ahead -= bytes;
  if (live.ahead < windowBytes() && live.resume) {
    const resume = live.resume;
    live.resume = null;
    resume();
  }
}
