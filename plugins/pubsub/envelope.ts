/** What engines write into the channel. Others may write there, too. */
import type { Json } from "../../sdk/plugin.ts";

/** With a topic a message; without one only a sign that the way is open. */
export interface Envelope {
  readonly from: string;
  readonly topic?: string;
  readonly message?: Json;
}

/** A parser takes seconds for a megabyte of brackets. */
const MAX_DEPTH = 100;
const MAX_NAME = 200;
const [QUOTE, BACKSLASH, OPENING, CLOSING] = [0x22, 0x5c, 0x7b, 0x7d];

/** Undefined for what no engine writes. */
export function readEnvelope(text: string): Envelope | undefined {
  if (isDeeper(text, MAX_DEPTH)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { from, topic, message } = value as { readonly [key: string]: Json };
  if (!isName(from)) return undefined;
  if (topic === undefined) return { from };
  return isName(topic) && message !== undefined ? { from, topic, message } : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= MAX_NAME;
}

/** Counts brackets outside of texts, in one pass. What is no JSON may be counted wrongly: the parser refuses it. */
function isDeeper(text: string, most: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) quoted = !quoted;
    else if (quoted) at += char === BACKSLASH ? 1 : 0;
    // `[` and `{` differ in one bit, and so do `]` and `}`.
    else if ((char | 0x20) === OPENING) depth++;
    else if ((char | 0x20) === CLOSING) depth--;
    if (depth > most) return true;
  }
  return false;
}
