/** Errors of a realm: the classes that scripts see, stack traces in the author's own lines, and their description as data. */
import { makeLookup, type Position } from "./sourcemap.ts";

/** A frame of the author's code. */
export interface Frame extends Position {
  readonly name: string;
}

const apply = Reflect.apply;
const defineProperty = Object.defineProperty;
const freeze = Object.freeze;
const slice = String.prototype.slice;
const indexOf = String.prototype.indexOf;
const RealmError = Error;
const stringify = JSON.stringify;

/** The file name under which the host compiles a script's code. */
export const SCRIPT_FILE = "script:";
/** The wrapper that the host puts around the code takes this many lines. */
const WRAPPER_LINES = 1;
const MAX_FRAMES = 20;

/** An error of the engine's own, with a stable code: `not_in_invocation`, `fetch_blocked`, … */
export class ScriptError extends Error {
  readonly #code: string;
  constructor(code: string, message: string) {
    super(message);
    this.#code = code;
  }
  get code(): string {
    return this.#code;
  }
  override get name(): string {
    return "ScriptError";
  }
  static codeOf(value: unknown): string | null {
    return typeof value === "object" && value !== null && #code in value ? value.#code : null;
  }
}

export interface HttpErrorOptions {
  readonly code?: string;
  readonly errors?: readonly unknown[];
  readonly headers?: { readonly [name: string]: string };
  readonly cause?: unknown;
}

/** Ends an invocation with a status and a sentence that the caller may read. */
export class HttpError extends Error {
  readonly #status: number;
  readonly #options: HttpErrorOptions;
  constructor(status: number, message = "", options: HttpErrorOptions = {}) {
    if (typeof status !== "number" || !(status >= 400 && status <= 599) || status % 1 !== 0) {
      throw new RangeError(`new HttpError(status, message): status must be a whole number from 400 to 599.`);
    }
    super(`${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.#status = status;
    this.#options = options;
  }
  get status(): number {
    return this.#status;
  }
  get code(): string | undefined {
    return this.#options.code;
  }
  override get name(): string {
    return "HttpError";
  }
  static open(value: unknown): { status: number; options: HttpErrorOptions } | null {
    return typeof value === "object" && value !== null && #status in value
      ? { status: value.#status, options: value.#options }
      : null;
  }
}

/** Input that did not pass its schema; becomes `invalid_input` with every field named. Middleware may see it. */
export class InputError extends Error {
  readonly errors: readonly unknown[];
  constructor(message: string, errors: readonly unknown[]) {
    super(message);
    this.errors = errors;
  }
  get status(): number {
    return 422;
  }
  get code(): string {
    return "invalid_input";
  }
}

const isScriptError = ScriptError.codeOf;
const openHttpError = HttpError.open;

let lookup: (line: number, column: number) => Position | null = () => null;
let fallbackFile = "script";

/** Tells where the script's code came from; called once, before it runs. */
export function useSourceMap(map: string, file: string): void {
  lookup = makeLookup(map);
  fallbackFile = file;
}

/** The shape of V8's call sites, as far as it is used. They are objects of the host: never let one out. */
interface CallSite {
  getFileName(): unknown;
  getLineNumber(): unknown;
  getColumnNumber(): unknown;
  getFunctionName(): unknown;
}

function frameOf(site: CallSite): Frame | null {
  const file = site.getFileName();
  if (typeof file !== "string" || apply(indexOf, file, [SCRIPT_FILE]) !== 0) return null;
  const line = site.getLineNumber();
  const column = site.getColumnNumber();
  const name = site.getFunctionName();
  if (typeof line !== "number" || typeof column !== "number") return null;
  const at = lookup(line - WRAPPER_LINES, column);
  return {
    name: typeof name === "string" ? name : "",
    file: at?.file ?? fallbackFile,
    line: at?.line ?? line - WRAPPER_LINES,
    column: at?.column ?? column,
  };
}

function header(error: unknown): string {
  let name = "Error";
  let message = "";
  try {
    const fields = error as { name?: unknown; message?: unknown };
    if (typeof fields.name === "string") name = fields.name;
    if (typeof fields.message === "string") message = fields.message;
  } catch {
    // a getter of the script threw: the defaults stand
  }
  return message === "" ? name : `${name}: ${message}`;
}

/** docs/sandbox.md, I5: own, frozen, and it shows the script's frames only. */
function prepareStackTrace(error: unknown, sites: unknown): string {
  let text = header(error);
  try {
    const list = sites as readonly CallSite[];
    let shown = 0;
    for (let i = 0; i < list.length && shown < MAX_FRAMES; i++) {
      const frame = frameOf(list[i] as CallSite);
      if (!frame) continue;
      shown++;
      text += `\n    at ${frame.name === "" ? "" : `${frame.name} `}(${frame.file}:${frame.line}:${frame.column})`;
    }
  } catch {
    // called by a script with things that are no call sites: the header stands
  }
  return text;
}

/** Fixes what decides about stack traces, before user code runs. */
export function lockStackTraces(): void {
  defineProperty(RealmError, "prepareStackTrace", {
    value: freeze(prepareStackTrace),
    writable: false,
    configurable: false,
  });
  defineProperty(RealmError, "stackTraceLimit", { value: MAX_FRAMES, writable: false, configurable: false });
  const captureStackTrace = freeze(function captureStackTrace(target: unknown): void {
    if (typeof target !== "object" || target === null) throw new TypeError("captureStackTrace needs an object.");
    const stack = new RealmError().stack;
    defineProperty(target, "stack", { value: stack, writable: true, configurable: true });
  });
  defineProperty(RealmError, "captureStackTrace", { value: captureStackTrace, writable: false, configurable: false });
}

/** What the engine learns of a thrown value. */
export interface Failure {
  kind: "http" | "input" | "engine" | "thrown";
  name: string;
  message: string;
  stack: string;
  status?: number;
  code?: string;
  errors?: readonly unknown[];
  headers?: unknown;
}

function readText(value: unknown, key: string, most: number): string {
  try {
    const text = (value as Record<string, unknown>)[key];
    return typeof text === "string" ? (apply(slice, text, [0, most]) as string) : "";
  } catch {
    return "";
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

/** What was thrown is no error: its text is all that can be told of it, and it has no place. */
function describeValue(value: unknown): Failure {
  let text: string | undefined;
  try {
    text = isObject(value) ? stringify(value) : `${value as string}`;
  } catch {
    // a symbol, a cycle, or a `toJSON` that threw
  }
  const message = apply(slice, text ?? "a value that has no text", [0, 2000]) as string;
  return { kind: "thrown", name: "", message, stack: `A value that is no error was thrown: ${message}` };
}

/** Describes whatever a script threw. Never throws; runs the script's own getters, inside its own realm. */
export function describe(error: unknown): Failure {
  const stack = readText(error, "stack", 8000);
  const message = readText(error, "message", 4000);
  if (!isObject(error) || (stack === "" && message === "")) return describeValue(error);
  const failure: Failure = { kind: "thrown", name: readText(error, "name", 100) || "Error", message, stack };
  const http = openHttpError(error);
  const code = isScriptError(error);
  if (http) {
    failure.kind = "http";
    failure.status = http.status;
    try {
      const { code: own, errors, headers } = http.options;
      if (typeof own === "string") failure.code = own;
      if (errors !== undefined) failure.errors = errors;
      if (headers !== undefined) failure.headers = headers;
    } catch {
      // options with a throwing getter: status and message stand
    }
  } else if (code !== null) {
    failure.kind = "engine";
    failure.code = code;
  } else if (error instanceof InputError) {
    failure.kind = "input";
    failure.errors = error.errors;
  }
  return failure;
}
