/** What a script offers, gathered while it loads: its web handlers and middleware; points.ts adds what plugins take. */
import type { Json, Registration, SchemaPart, WebRegistration } from "../../script/types.ts";
import { includes, PATH, plain, refuse, suggest } from "./checks.ts";
import { logFailure } from "./console.ts";
import { cut, find, keysOf, matches, upper } from "./primordials.ts";

export type Handler = (context: unknown, ...rest: unknown[]) => unknown;

export interface Entry {
  readonly data: Registration;
  /** Null where the point takes none. */
  readonly handler: Handler | string | null;
  /** Functions among the options, or their names. */
  readonly inOptions?: { readonly [option: string]: Handler | string };
}

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];
const SCHEMAS = ["params", "query", "headers", "body", "response"];
const PLAIN = ["summary", "description", "tags", "deprecated"];

const freeze = Object.freeze;

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

function readOptions(options: object): Pick<WebRegistration, "options" | "definitions"> & { method: unknown } {
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

/** All forms of docs/scripts.md, "Registering a route". */
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
  return addWeb("registerWebHandler", method ?? "GET", path, read, handler as Handler | string);
}

/** Takes a registration in, or says that it comes too late. `make` gets its id. */
export function add(
  label: string,
  handler: Entry["handler"],
  make: (id: number) => Registration,
  inOptions?: Entry["inOptions"],
): void {
  if (open) entries[entries.length] = { data: make(entries.length), handler, ...(inOptions ? { inOptions } : {}) };
  else
    logFailure(
      "registration ignored",
      `${label} was called after the script had loaded; register at top level or in init().`,
    );
}

function addWeb(
  fn: WebRegistration["fn"],
  method: string,
  path: string,
  { options, definitions }: Pick<WebRegistration, "options" | "definitions">,
  handler: Handler | string,
): object {
  add(`${fn}("${method} ${path}")`, handler, (id) => {
    const named = typeof handler === "string" ? { handler } : {};
    return { id, fn, method, path, options, definitions, ...named };
  });
  return freeze({ kind: "http", method, path });
}

/** `export default { fetch }`: every path below the script's name. */
export function registerFetchForm(name: string, handler: Handler): void {
  addWeb("default.fetch", "ANY", `/${name}/*`, { options: {}, definitions: {} }, handler);
}

/** Around the script's web handlers, in the order of registration. */
export function registerMiddleware(handler: unknown, ...rest: unknown[]): void {
  if ((typeof handler !== "function" && typeof handler !== "string") || rest.length > 0) {
    refuse("registerMiddleware(handler) needs one function (context, next), or the name of one, and nothing else.");
  }
  add("registerMiddleware()", handler as Handler | string, (id) => {
    const named = typeof handler === "string" ? { handler } : {};
    return { id, fn: "registerMiddleware", options: {}, definitions: {}, ...named };
  });
}

/** How messages name a registration. */
export function labelOf(data: Registration): string {
  if ("method" in data) return `"${data.method} ${data.path}"`;
  if (!("point" in data)) return data.fn;
  const { fn, name, path } = data;
  return name !== undefined ? `${fn} "${name}"` : path !== undefined ? `${fn} "${path}"` : fn;
}
