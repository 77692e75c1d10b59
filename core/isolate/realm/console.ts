/** `console` and `log`: lines that go to the engine with the id of their invocation. */
import { LOG } from "../frames.ts";
import { emit } from "./host.ts";
import { apply, charCode, cut, ErrorCtor, isArray, jsonStringify, keysOf } from "./primordials.ts";
import { current } from "./state.ts";

const getTime = Date.prototype.toISOString;
const RealmDate = Date;

const MAX_LINE = 16_384;
const MAX_DEPTH = 4;
const MAX_ITEMS = 100;
const MAX_OPEN = 200;

/** A short text of any value, in the manner of consoles. Runs getters of the script in its own realm. */
export function inspect(value: unknown, depth = 0): string {
  if (typeof value === "string") return depth === 0 ? value : jsonStringify(value);
  if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) {
    return typeof value === "symbol" ? `Symbol(${value.description ?? ""})` : `${value as string}`;
  }
  if (value instanceof ErrorCtor)
    return typeof value.stack === "string" ? value.stack : `${value.name}: ${value.message}`;
  if (value instanceof RealmDate) return apply(getTime, value, []) as string;
  if (depth >= MAX_DEPTH) return isArray(value) ? "[…]" : "{…}";
  let text = "";
  if (isArray(value)) {
    const shown = value.length < MAX_ITEMS ? value.length : MAX_ITEMS;
    for (let i = 0; i < shown; i++) text += (i === 0 ? "" : ", ") + inspect(value[i], depth + 1);
    return `[${text}${shown < value.length ? `, … ${value.length - shown} more` : ""}]`;
  }
  const keys = keysOf(value);
  const shown = keys.length < MAX_ITEMS ? keys.length : MAX_ITEMS;
  for (let i = 0; i < shown; i++) {
    const key = keys[i] as string;
    text += `${i === 0 ? "" : ", "}${key}: ${inspect((value as Record<string, unknown>)[key], depth + 1)}`;
  }
  return `{ ${text}${shown < keys.length ? `, … ${keys.length - shown} more` : ""} }`;
}

/** More brackets are open at once than anybody reads. Those in texts count, too: such data is shown another way, no more. */
function isDeep(json: string): boolean {
  if (json.length <= MAX_OPEN) return false;
  let open = 0;
  for (let at = 0; at < json.length; at++) {
    const code = charCode(json, at);
    if (code === 91 || code === 123) {
      if (++open > MAX_OPEN) return true;
    } else if (code === 93 || code === 125) open--;
  }
  return false;
}

let tap: ((level: number, message: string, data: unknown) => void) | null = null;

/** Where tests are loaded, their host sees every line. */
export function tapLog(see: (level: number, message: string, data: unknown) => void): void {
  tap = see;
}

function send(level: number, message: string, data: unknown): void {
  tap?.(level, message, data);
  const shown = message.length > MAX_LINE ? `${cut(message, 0, MAX_LINE)}…` : message;
  let extra = "";
  if (data instanceof ErrorCtor) extra = `,${jsonStringify(cut(inspect(data), 0, MAX_LINE))}`;
  else if (data !== undefined) {
    try {
      const json = jsonStringify(data);
      if (typeof json === "string" && json.length <= MAX_LINE && !isDeep(json)) extra = `,${json}`;
      else extra = `,${jsonStringify(cut(inspect(data), 0, MAX_LINE))}`;
    } catch {
      extra = `,${jsonStringify(cut(inspect(data), 0, MAX_LINE))}`; // a cycle or a BigInt
    }
  }
  emit(LOG, current()?.id ?? 0, level, `[${jsonStringify(shown)}${extra}]`);
}

function line(level: number): (...args: unknown[]) => void {
  return (...args) => {
    let text = "";
    for (let i = 0; i < args.length; i++) text += (i === 0 ? "" : " ") + inspect(args[i]);
    send(level, text, undefined);
  };
}

function record(level: number): (message: unknown, data?: unknown) => void {
  return (message, data) => send(level, inspect(message), data);
}

export const consoleGlobal = {
  debug: line(0),
  trace: line(0),
  log: line(1),
  info: line(1),
  dir: line(1),
  warn: line(2),
  error: line(3),
  assert(condition: unknown, ...args: unknown[]): void {
    if (condition) return;
    let text = "Assertion failed";
    for (let i = 0; i < args.length; i++) text += `${i === 0 ? ": " : " "}${inspect(args[i])}`;
    send(3, text, undefined);
  },
};

/** `ctx.log`: a message and, beside it, data. */
export const log = { debug: record(0), info: record(1), warn: record(2), error: record(3) };

let tapUnhandledError: ((text: string) => void) | null = null;

/** Where tests are loaded, their host learns what nobody caught. */
export function tapUnhandled(see: (text: string) => void): void {
  tapUnhandledError = see;
}

/** What nobody caught: the error's stack, or the value. */
export function logUnhandled(text: string): void {
  logFailure("unhandled error", text);
  tapUnhandledError?.(text);
}

/** Reports what no handler caught. */
export function logFailure(what: string, text: string): void {
  send(3, `${what}: ${text}`, undefined);
}
