/** Runs a point's handler: data in, data out, no HTTP. */
import { HEADERS_JSON, HEADERS_NONE } from "../frames.ts";
import { sendEach, sendFailure, sendOnce } from "./answer.ts";
import { isIterable } from "./answer-kinds.ts";
import { DataContext, RequestedContext, type DataHead } from "./data-context.ts";
import { ScriptError } from "./errors.ts";
import { htmlText, isHtml } from "./jsx.ts";
import { hasOwn, isBytes, isThenable, jsonParse, jsonStringify, onSettled, PromiseCtor } from "./primordials.ts";
import type { Handler } from "./register.ts";
import { checkData, type DataRunner } from "./runner.ts";
import type { Live } from "./state.ts";
import type { ValidationError } from "./validate.ts";
import { isResponse, isStream, utf8Encode } from "./web/index.ts";

/** Of the fields that do not fit. */
const MAX_TOLD = 5;

/** `head` is a `DataHead` as JSON. */
export function runData(live: Live, runner: DataRunner, head: string): void {
  let value: unknown;
  let output: DataRunner["checkOutput"] = null;
  let sender = send;
  try {
    const data = jsonParse(head) as DataHead;
    if (data.stream) sender = sendStream;
    const handler = handlerOf(runner, data.handler);
    const context = data.request === undefined ? new DataContext(live, data) : new RequestedContext(live, data);
    live.context = context;
    // The schemas are the handler's; of a function among the options only where the caller says so.
    const part = data.check ?? (data.handler === undefined ? (context.args === undefined ? "payload" : "args") : null);
    if (part !== null) {
      output = runner.checkOutput;
      checkData(runner, part, context[part]);
    }
    value = handler(context);
  } catch (error) {
    sendFailure(live, error);
    return;
  }
  if (isThenable(value)) {
    onSettled(
      new PromiseCtor((resolve) => resolve(value)),
      (result: unknown) => sender(live, output, result),
      (error: unknown) => sendFailure(live, error),
    );
  } else sender(live, output, value);
}

function handlerOf({ handler, inOptions }: DataRunner, option: string | undefined): Handler {
  const found = option === undefined ? handler : inOptions && hasOwn(inOptions, option) ? inOptions[option] : null;
  if (found) return found;
  throw new ScriptError("not_found", "The registration has no such handler.");
}

function send(live: Live, output: DataRunner["checkOutput"], value: unknown): void {
  try {
    if (live.cancelled || (value === undefined && !output)) {
      return sendOnce(live, 204, HEADERS_NONE, undefined);
    }
    sendOnce(live, 200, HEADERS_JSON, jsonOf(output, value));
  } catch (error) {
    sendFailure(live, error);
  }
}

/** For a caller that takes many values: what an iterable yields, a line of JSON each; anything else as ever. */
function sendStream(live: Live, output: DataRunner["checkOutput"], value: unknown): void {
  try {
    if (live.cancelled || typeof value !== "object" || value === null || isStream(value) || !isIterable(value))
      return send(live, output, value);
    sendEach(live, value, HEADERS_NONE, (item) => utf8Encode(`${jsonOf(output, item)}\n`));
  } catch (error) {
    sendFailure(live, error);
  }
}

function jsonOf(output: DataRunner["checkOutput"], value: unknown): string {
  const json = jsonStringify(isHtml(value) ? htmlText(value) : dataOnly(value));
  if (typeof json !== "string") throw notData(`a ${typeof value}`);
  // As a caller will read it: a Date is a text by then.
  if (output) wantOutput(output(jsonParse(json)));
  return json;
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
