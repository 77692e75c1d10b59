/** Runs a point's handler: data in, data out, no HTTP. */
import { HEADERS_JSON, HEADERS_NONE } from "../frames.ts";
import { isIterable, sendFailure, sendOnce } from "./answer.ts";
import { DataContext, type DataHead } from "./data-context.ts";
import { htmlText, isHtml } from "./jsx.ts";
import { isBytes, isThenable, jsonParse, jsonStringify, onSettled, PromiseCtor } from "./primordials.ts";
import { checkData, type DataRunner } from "./runner.ts";
import type { Live } from "./state.ts";
import type { ValidationError } from "./validate.ts";
import { isResponse, isStream } from "./web/index.ts";

/** Of the fields that do not fit. */
const MAX_TOLD = 5;

/** `head` is a `DataHead` as JSON. */
export function runData(live: Live, runner: DataRunner, head: string): void {
  let value: unknown;
  try {
    const context = new DataContext(live, jsonParse(head) as DataHead);
    live.context = context;
    if (context.args === undefined) checkData(runner, "payload", context.payload);
    else checkData(runner, "args", context.args);
    value = runner.handler(context);
  } catch (error) {
    sendFailure(live, error);
    return;
  }
  if (isThenable(value)) {
    onSettled(
      new PromiseCtor((resolve) => resolve(value)),
      (result: unknown) => send(live, runner, result),
      (error: unknown) => sendFailure(live, error),
    );
  } else send(live, runner, value);
}

function send(live: Live, runner: DataRunner, value: unknown): void {
  try {
    if (live.cancelled || (value === undefined && !runner.checkOutput)) {
      return sendOnce(live, 204, HEADERS_NONE, undefined);
    }
    const json = jsonStringify(isHtml(value) ? htmlText(value) : dataOnly(value));
    if (typeof json !== "string") throw notData(`a ${typeof value}`);
    // As a caller will read it: a Date is a text by then.
    if (runner.checkOutput) wantOutput(runner.checkOutput(jsonParse(json)));
    sendOnce(live, 200, HEADERS_JSON, json);
  } catch (error) {
    sendFailure(live, error);
  }
}

function wantOutput(errors: readonly ValidationError[]): void {
  if (errors.length === 0) return;
  let told = "The answer does not fit the handler's output schema:";
  for (let i = 0; i < errors.length && i < MAX_TOLD; i++) {
    const { path, message } = errors[i] as ValidationError;
    told += `${i === 0 ? "" : ","} ${path === "" ? "it" : path} ${message}`;
  }
  throw new TypeError(`${told}.`);
}

function dataOnly(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (isResponse(value)) throw notData("a Response");
  if (isStream(value) || isIterable(value)) throw notData("a stream");
  if (isBytes(value)) throw notData("bytes");
  return value;
}

function notData(what: string): TypeError {
  return new TypeError(`Only a web handler can answer with ${what}: this one gives back data (JSON) or nothing.`);
}
