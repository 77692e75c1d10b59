/** Messages between engines: what another says is checked, since whoever reaches the broker may say anything. */
import { readFilter, type Filter, type Json } from "../../../sdk/plugin.ts";

const MAX_NODE = 40;

/** A message for the subscriptions of a field. */
export interface Message {
  /** The engine that sent it. */
  readonly node: string;
  /** Which of that engine's. */
  readonly place: number;
  readonly script: string;
  /** Of `Subscription`. */
  readonly field: string;
  readonly payload: Json;
  /** Of the payload as JSON. */
  readonly bytes: number;
  readonly filter: Filter | undefined;
}

export function toWire({ filter, bytes: _bytes, ...message }: Message): Json {
  return { ...message, ...(filter === undefined ? {} : { filter: { [filter.mode]: filter.criteria } }) };
}

/** Undefined for what is no message. */
export function fromWire(given: Json, maxBytes: number): Message | undefined {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const { node, place, script, field, payload = null, filter } = given as { readonly [key: string]: Json | undefined };
  if (typeof node !== "string" || node.length > MAX_NODE) return undefined;
  if (typeof place !== "number" || !Number.isSafeInteger(place)) return undefined;
  if (typeof script !== "string" || typeof field !== "string") return undefined;
  const bytes = Buffer.byteLength(JSON.stringify(payload));
  if (bytes > maxBytes) return undefined;
  try {
    return { node, place, script, field, payload, bytes, filter: readFilter(filter, "graphql") };
  } catch {
    return undefined;
  }
}
