/** The functions that plugins give to scripts, made from data: no code of a plugin enters a realm. */
import type { Json, PointEntry, PointRegistration, PointTable } from "../../script/types.ts";
import { includes, PATH, plain, refuse, suggest } from "./checks.ts";
import { ScriptError } from "./errors.ts";
import { cut, hasOwn, isArray, joinText, keysOf, matches, pattern } from "./primordials.ts";
import { add, type Handler } from "./register.ts";
import { POINTS_OF_PLUGINS } from "./sdk-names.ts";
import { callService } from "./services.ts";

type Kind = "name" | "path" | "options" | "handler" | "data";

interface Slot {
  readonly kind: Kind;
  readonly optional: boolean;
}

/** What a call brought, by kind. */
type Given = { [kind in Kind]?: unknown };

const freeze = Object.freeze;
const MAX_NAME = 200;
/** No control characters: names go to logs and to other scripts. */
const NAME = pattern(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/);
/** Beyond this a value that was meant as something else is no help in a message. */
const MAX_SHOWN = 60;

const WANTED: { readonly [kind in Kind]: string } = {
  name: `text of 1 to ${MAX_NAME} characters without control characters`,
  path: 'text such as "/events": it starts with "/" and has no spaces and no "#"',
  options: "an object of options",
  handler: "a function, or the name of one",
  data: "plain data",
};

function fits(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case "name":
      return typeof value === "string" && value.length <= MAX_NAME && matches(NAME, value);
    case "path":
      return typeof value === "string" && matches(PATH, value);
    case "options":
      return typeof value === "object" && value !== null && !isArray(value);
    case "handler":
      return typeof value === "function" || (typeof value === "string" && value !== "");
    default:
      return value !== undefined;
  }
}

function show(value: unknown): string {
  if (typeof value === "string") return value.length > MAX_SHOWN ? `"${cut(value, 0, MAX_SHOWN)}…"` : `"${value}"`;
  if (value === null || value === undefined) return `${value}`;
  return isArray(value) ? "an array" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function slotsOf(entry: PointEntry): Slot[] {
  const slots: Slot[] = [];
  for (let i = 0; i < entry.args.length; i++) {
    const word = entry.args[i] as string;
    const optional = word[word.length - 1] === "?";
    slots[i] = { kind: (optional ? cut(word, 0, word.length - 1) : word) as Kind, optional };
  }
  return slots;
}

/** `registerMessageHandler(name, options?, handler)`. */
function usageOf(fn: string, entry: PointEntry): string {
  return `${fn}(${joinText(entry.args, ", ")})`;
}

/** In their order; one that may be absent is left out when what stands there is none. */
function sort(args: readonly unknown[], slots: readonly Slot[], usage: string): Given {
  const given: Given = {};
  let at = 0;
  for (let i = 0; i < slots.length; i++) {
    const { kind, optional } = slots[i] as Slot;
    const value = args[at];
    if (fits(kind, value)) {
      given[kind] = value;
      at++;
    } else if (!optional) {
      refuse(`${usage}: the ${kind} must be ${WANTED[kind]}; it is ${show(value)}.`);
      // `undefined` may hold an absent argument's place: `f("name", undefined, handler)`.
    } else if (value === undefined) at++;
  }
  for (; at < args.length; at++)
    if (args[at] !== undefined) refuse(`${usage}: argument ${at + 1} has no place there; it is ${show(args[at])}.`);
  return given;
}

/** Keys of an arktype definition of an object, without the mark of what may be absent. */
function optionNames(entry: PointEntry): string[] {
  const names: string[] = [];
  const keys = keysOf(entry.options ?? {});
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    if (key !== "+") names[names.length] = key[key.length - 1] === "?" ? cut(key, 0, key.length - 1) : key;
  }
  addMissing(names, entry.definitions ?? []);
  addMissing(names, entry.handlers ?? []);
  return names;
}

function addMissing(names: string[], more: readonly string[]): void {
  for (let i = 0; i < more.length; i++)
    if (!includes(names, more[i] as string)) names[names.length] = more[i] as string;
}

interface ReadOptions extends Pick<PointRegistration, "options" | "definitions"> {
  readonly handlers: { readonly [option: string]: Handler | string };
}

function readOptions(given: object, entry: PointEntry, fn: string): ReadOptions {
  const options: Record<string, Json> = {};
  const definitions: Record<string, Json> = {};
  const handlers: Record<string, Handler | string> = {};
  const names = optionNames(entry);
  const keys = keysOf(given);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const value = (given as Record<string, unknown>)[key];
    if (value === undefined) continue;
    if (!includes(names, key)) refuse(`${fn} has no option "${key}".${suggest(key, names)}`);
    if (includes(entry.handlers ?? [], key)) {
      if (!fits("handler", value)) refuse(`The option "${key}" must be ${WANTED.handler}; it is ${show(value)}.`);
      handlers[key] = value as Handler | string;
      continue;
    }
    const data = plain(value, `The option "${key}"`);
    if (includes(entry.definitions ?? [], key)) definitions[key] = data;
    else options[key] = data;
  }
  return { options, definitions, handlers };
}

/** In the point's order, whatever the script's is. */
function handlerNames(entry: PointEntry, handlers: ReadOptions["handlers"]): string[] {
  const names: string[] = [];
  const all = entry.handlers ?? [];
  for (let i = 0; i < all.length; i++) if (hasOwn(handlers, all[i] as string)) names[names.length] = all[i] as string;
  return names;
}

function makeFunction(fn: string, entry: PointEntry): (...args: unknown[]) => object {
  const slots = slotsOf(entry);
  const usage = usageOf(fn, entry);
  return (...args) => {
    const given = sort(args, slots, usage);
    const { handlers, ...read } = readOptions((given.options as object | undefined) ?? {}, entry, fn);
    const names = handlerNames(entry, handlers);
    const { point } = entry;
    const handler = (given.handler as Handler | string | undefined) ?? null;
    const named = {
      ...(given.name === undefined ? {} : { name: given.name as string }),
      ...(given.path === undefined ? {} : { path: given.path as string }),
    };
    const data = given.data === undefined ? {} : { data: plain(given.data, `${usage}: the data`) };
    const label = `${fn}(${named.name === undefined ? (named.path ?? "") : `"${named.name}"`})`;
    const make = (id: number): PointRegistration => ({
      id,
      fn,
      point,
      ...named,
      ...read,
      ...data,
      callable: handler !== null,
      ...(names.length === 0 ? {} : { handlers: names }),
      ...(typeof handler === "string" ? { handler } : {}),
    });
    add(label, handler, make, handlers);
    return freeze({ kind: point, ...named });
  };
}

function makeCall({ service, method }: NonNullable<PointEntry["calls"]>): (...args: unknown[]) => Promise<unknown> {
  return (...args) => callService(service, method, args);
}

/** Stands for a function whose plugin this engine does not have. */
function makeAbsent(fn: string, plugin: string): () => never {
  return () => {
    throw new ScriptError(
      "point_missing",
      `\`${fn}()\` is offered by the plugin "${plugin}", which this engine does not have.`,
    );
  };
}

/** Every such function by its name, those of absent plugins among them. Aliases are the same functions. */
export function makePointFunctions(points: PointTable): { readonly [fn: string]: unknown } {
  const made: Record<string, unknown> = {};
  const known = keysOf(POINTS_OF_PLUGINS);
  for (let i = 0; i < known.length; i++) {
    const fn = known[i] as string;
    made[fn] = makeAbsent(fn, POINTS_OF_PLUGINS[fn] as string);
  }
  const names = keysOf(points);
  for (let i = 0; i < names.length; i++) {
    const fn = names[i] as string;
    const entry = points[fn] as PointEntry;
    if (entry.canonical === fn) made[fn] = entry.calls ? makeCall(entry.calls) : makeFunction(fn, entry);
  }
  for (let i = 0; i < names.length; i++) {
    const fn = names[i] as string;
    const { canonical } = points[fn] as PointEntry;
    if (canonical !== fn) made[fn] = made[canonical];
  }
  return made;
}
