/** `registerWebHandler` and its aliases: what a script offers, gathered while it loads. */
import type { Json, Registration, SchemaPart } from "../../script/types.ts";
import { logFailure } from "./console.ts";
import { ScriptError } from "./errors.ts";
import {
  cut,
  find,
  jsonParse,
  jsonStringify,
  keysOf,
  matches,
  pattern as primordialPattern,
  upper,
} from "./primordials.ts";

export type Handler = (context: unknown, ...rest: unknown[]) => unknown;

interface Entry {
  readonly data: Registration;
  readonly handler: Handler | string;
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];
const SCHEMAS = ["params", "query", "headers", "body", "response"];
const PLAIN = ["summary", "description", "tags", "deprecated"];

const freeze = Object.freeze;
const PATH = primordialPattern(/^\/[^\s#\\]*$/);

let entries: Entry[] = [];
let open = false;

export function openRegistrations(): void {
  entries = [];
  open = true;
}

export function closeRegistrations(): void {
  open = false;
}

export function registered(): readonly Entry[] {
  return entries;
}

function refuse(message: string): never {
  throw new ScriptError("bad_registration", message);
}

function includes(list: readonly string[], word: string): boolean {
  for (let i = 0; i < list.length; i++) if (list[i] === word) return true;
  return false;
}

/** Edits between two words, for "did you mean". */
function distance(a: string, b: string): number {
  let row: number[] = [];
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    const next: number[] = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const grow = Math.min(row[j] as number, next[j - 1] as number) + 1;
      next[j] = change < grow ? change : grow;
    }
    row = next;
  }
  return row[b.length] as number;
}

function suggest(word: string, known: readonly string[]): string {
  let best = "";
  let least = 3;
  for (let i = 0; i < known.length; i++) {
    const d = word.length > 40 ? 99 : distance(word, known[i] as string);
    if (d < least) {
      least = d;
      best = known[i] as string;
    }
  }
  return best === "" ? "" : ` Did you mean "${best}"?`;
}

/** Plain data, as JSON carries it. Functions and cycles are refused. */
function plain(value: unknown, what: string): Json {
  let json: unknown;
  try {
    json = jsonStringify(value, (_key, item: unknown) => {
      if (typeof item === "function" || typeof item === "symbol" || typeof item === "bigint") refuse("data");
      return item;
    });
  } catch {
    refuse(`${what} must be plain data (strings, numbers, booleans, arrays and objects of them).`);
  }
  if (typeof json !== "string") refuse(`${what} must be plain data.`);
  return jsonParse(json) as Json;
}

function splitPattern(pattern: string): { method: string | null; path: string } {
  const space = find(pattern, " ");
  return space < 0
    ? { method: null, path: pattern }
    : { method: cut(pattern, 0, space), path: cut(pattern, space + 1) };
}

function checkMethod(method: unknown): string {
  if (typeof method !== "string") refuse('The method must be a string such as "POST".');
  const capital = upper(method);
  if (!includes(METHODS, capital))
    refuse(`"${method}" is not a method that can be registered.${suggest(capital, METHODS)}`);
  return capital;
}

function readOptions(options: object): Pick<Registration, "options" | "definitions"> & { method: unknown } {
  const out: Record<string, Json> = {};
  const definitions: Partial<Record<SchemaPart, Json>> = {};
  let method: unknown;
  const keys = keysOf(options);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const value = (options as Record<string, unknown>)[key];
    if (value === undefined) continue;
    if (key === "method") method = value;
    else if (includes(SCHEMAS, key)) definitions[key as SchemaPart] = plain(value, `The ${key} schema`);
    else if (includes(PLAIN, key)) out[key] = plain(value, `The option "${key}"`);
    else refuse(`registerWebHandler has no option "${key}".${suggest(key, ["method", ...SCHEMAS, ...PLAIN])}`);
  }
  return { method, options: out, definitions };
}

/** All four forms of INTERFACES.md, "registerWebHandler". */
export function registerWebHandler(pattern: unknown, ...rest: unknown[]): object {
  if (typeof pattern !== "string") refuse('registerWebHandler needs a path such as "GET /notes/:id" first.');
  const { method: named, path } = splitPattern(pattern);
  if (!matches(PATH, path)) refuse(`"${path}" is not a path: it starts with "/" and has no spaces and no "#".`);
  const first = rest[0];
  const withOptions = typeof first === "object" && first !== null;
  const handler = withOptions ? rest[1] : first;
  const last = withOptions ? rest[2] : rest[1];
  if (typeof handler !== "function" && typeof handler !== "string") {
    refuse(
      `The handler of "${pattern}" must be a function, or the name of one; it is ${handler === null ? "null" : typeof handler}.`,
    );
  }
  const read = readOptions(withOptions ? first : {});
  let method: string | null = null;
  const places = [named, read.method, last];
  for (let i = 0; i < places.length; i++) {
    const given = places[i];
    if (given === null || given === undefined) continue;
    if (method !== null) refuse(`"${pattern}" is given its method twice; name it once.`);
    method = checkMethod(given);
  }
  return add("registerWebHandler", method ?? "GET", path, read, handler as Handler | string);
}

function add(
  fn: string,
  method: string,
  path: string,
  read: Pick<Registration, "options" | "definitions">,
  handler: Handler | string,
): object {
  const result = freeze({ kind: "http", method, path });
  if (!open) {
    logFailure(
      "registration ignored",
      `${fn}("${method} ${path}") was called after the script had loaded; register at top level or in init().`,
    );
    return result;
  }
  const data: Registration = {
    id: entries.length,
    fn,
    method,
    path,
    options: read.options,
    definitions: read.definitions,
    ...(typeof handler === "string" ? { handler } : {}),
  };
  entries[entries.length] = { data, handler };
  return result;
}

/** `export default { fetch }`: every path below the script's name. */
export function registerFetchForm(name: string, handler: Handler): void {
  add("default.fetch", "ANY", `/${name}/*`, { options: {}, definitions: {} }, handler);
}
