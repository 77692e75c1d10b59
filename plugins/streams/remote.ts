/** What engines tell each other: messages, whose connections end, and how far each has come. Others may write there too: nothing is believed unseen. */
import type { Json } from "../../sdk/plugin.ts";
import { isOneLine } from "./event.ts";
import { isObject, readFilter, type Filter } from "./filter.ts";
import { isNode, isPlace } from "./position.ts";

/** The longest name that an event may have, in characters. */
export const MAX_EVENT_NAME = 100;
/** The longest reason with which a WebSocket may end. https://www.rfc-editor.org/rfc/rfc6455#section-5.5 */
export const MAX_REASON_BYTES = 123;
const MAX_PATH = 2000;

/** For clients of a script, also of other engines. */
interface Addressed {
  /** The engine that sent it. */
  readonly node: string;
  /** Its number there. */
  readonly place: number;
  readonly script: string;
  /** Of the stream; all of the script without it. */
  readonly path?: string | undefined;
  readonly filter?: Filter | undefined;
}

export interface Message extends Addressed {
  readonly event?: string | undefined;
  readonly data: string;
}

/** The end of connections. Code and reason are for WebSockets. */
export interface Goodbye extends Addressed {
  readonly code: number;
  readonly reason: string;
}

/** How far an engine has come; `asks` when it has just started, and does not know it of the others. */
export interface Beat {
  readonly node: string;
  readonly place: number;
  readonly asks: boolean;
}

export type Told = Message | Goodbye | Beat;

/** As it is sent: a member that is undefined is none. */
export function toWire(told: Told): Json {
  if ("asks" in told || told.filter === undefined) return { ...told } as unknown as Json;
  const { mode, criteria } = told.filter;
  return { ...told, filter: { [mode]: criteria } } as unknown as Json;
}

/** Undefined for what no engine says. */
export function fromWire(given: Json, maxBytes: number): Told | undefined {
  if (!isObject(given)) return undefined;
  const { node, place, asks, script, path, filter } = given;
  if (!isNode(node) || !isPlace(place)) return undefined;
  if (typeof asks === "boolean") return { node, place, asks };
  if (typeof script !== "string" || !isText(path, MAX_PATH)) return undefined;
  const said = readGoodbye(given) ?? readMessage(given, maxBytes);
  if (said === undefined) return undefined;
  try {
    return { node, place, script, path, filter: readFilter(filter), ...said };
  } catch {
    // Whoever wrote it is not there to be told.
    return undefined;
  }
}

type Given = { readonly [key: string]: Json };

function readGoodbye({ code = null, reason = null }: Given): Pick<Goodbye, "code" | "reason"> | undefined {
  return isCloseCode(code) && isCloseReason(reason) ? { code, reason } : undefined;
}

function readMessage({ event, data }: Given, maxBytes: number): Pick<Message, "event" | "data"> | undefined {
  if (typeof data !== "string" || Buffer.byteLength(data) > maxBytes) return undefined;
  if (!isText(event, MAX_EVENT_NAME) || (event !== undefined && !isOneLine(event))) return undefined;
  return { event, data };
}

/** What an application may end a WebSocket with. https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2 */
export function isCloseCode(value: Json): value is number {
  return value === 1000 || (typeof value === "number" && Number.isInteger(value) && value >= 3000 && value <= 4999);
}

export function isCloseReason(value: Json): value is string {
  return typeof value === "string" && Buffer.byteLength(value) <= MAX_REASON_BYTES;
}

function isText(value: Json | undefined, most: number): value is string | undefined {
  return value === undefined || (typeof value === "string" && value.length <= most);
}
