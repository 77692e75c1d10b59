/** What engines tell each other: messages, and how far each has come. Others may write there too: nothing is believed unseen. */
import type { Json } from "../../sdk/plugin.ts";
import { isOneLine } from "./event.ts";
import { isObject, readFilter, type Filter } from "./filter.ts";
import { isNode, isPlace } from "./position.ts";

/** The longest name that an event may have, in characters. */
export const MAX_EVENT_NAME = 100;
const MAX_PATH = 2000;

/** A message on its way, also to other engines. */
export interface Message {
  /** The engine that sent it. */
  readonly node: string;
  /** Its number there. */
  readonly place: number;
  readonly script: string;
  /** Of the stream; all of the script without it. */
  readonly path?: string | undefined;
  readonly event?: string | undefined;
  readonly data: string;
  readonly filter?: Filter | undefined;
}

/** How far an engine has come; `asks` when it has just started, and does not know it of the others. */
export interface Beat {
  readonly node: string;
  readonly place: number;
  readonly asks: boolean;
}

/** As it is sent: a member that is undefined is none. */
export function toWire(told: Message | Beat): Json {
  if (!("data" in told) || told.filter === undefined) return { ...told } as unknown as Json;
  const { mode, criteria } = told.filter;
  return { ...told, filter: { [mode]: criteria } } as unknown as Json;
}

/** Undefined for what no engine says. */
export function fromWire(given: Json, maxBytes: number): Message | Beat | undefined {
  if (!isObject(given)) return undefined;
  const { node, place, asks, script, path, event, data, filter } = given;
  if (!isNode(node) || !isPlace(place)) return undefined;
  if (typeof asks === "boolean") return { node, place, asks };
  if (typeof script !== "string" || !isText(path, MAX_PATH) || !isText(event, MAX_EVENT_NAME)) return undefined;
  if (typeof data !== "string" || Buffer.byteLength(data) > maxBytes) return undefined;
  if (event !== undefined && !isOneLine(event)) return undefined;
  try {
    return { node, place, script, path, event, data, filter: readFilter(filter) };
  } catch {
    // Whoever wrote it is not there to be told.
    return undefined;
  }
}

function isText(value: Json | undefined, most: number): value is string | undefined {
  return value === undefined || (typeof value === "string" && value.length <= most);
}
