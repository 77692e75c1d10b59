/** Runs a point's handler: data in, data out, no HTTP. */
import { HEADERS_JSON, HEADERS_NONE } from "../frames.ts";
import { isIterable, sendFailure, sendOnce } from "./answer.ts";
import { DataContext, type DataHead } from "./data-context.ts";
import { htmlText, isHtml } from "./jsx.ts";
import { isBytes, isThenable, jsonParse, jsonStringify, onSettled, PromiseCtor } from "./primordials.ts";
import { checkData, type DataRunner } from "./runner.ts";
import type { Live } from "./state.ts";
import { isResponse, isStream } from "./web/index.ts";

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
      (result: unknown) => send(live, result),
      (error: unknown) => sendFailure(live, error),
    );
  } else send(live, value);
}

function send(live: Live, value: unknown): void {
  try {
    if (value === undefined || live.cancelled) return sendOnce(live, 204, HEADERS_NONE, undefined);
    const json = jsonStringify(isHtml(value) ? htmlText(value) : dataOnly(value));
    if (typeof json !== "string") throw notData(`a ${typeof value}`);
    sendOnce(live, 200, HEADERS_JSON, json);
  } catch (error) {
    sendFailure(live, error);
  }
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
