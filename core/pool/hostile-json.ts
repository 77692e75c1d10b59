/**
 * JSON from an isolate or a builder. Deep nesting is no fault in JSON, and costs the engine's thread seconds: here a
 * megabyte of brackets takes 0.4 s to parse, and 4 s to fail to be printed again.
 */
import { ProtocolError } from "../isolate/wire.ts";

/** Deeper than data is, and shallow enough for whoever walks it with a call for each level. */
export const MAX_DEPTH = 1000;

export class TooDeep extends ProtocolError {
  constructor(most: number) {
    super(`data that is nested deeper than ${most} levels`);
  }
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** @throws TooDeep before it is parsed, SyntaxError when it is no JSON. */
export function parseHostile(text: string, most = MAX_DEPTH): unknown {
  if (isDeep(text, most)) throw new TooDeep(most);
  return JSON.parse(text);
}

/** Counts brackets outside of strings; what is no JSON may be judged either way. */
export function isDeep(text: string, most: number): boolean {
  if (text.length <= most) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      if (at < 0) return false;
    } else if (code === OPEN_LIST || code === OPEN_OBJECT) {
      if (++depth > most) return true;
    } else if (code === CLOSE_LIST || code === CLOSE_OBJECT) depth--;
  }
  return false;
}

/** The place of the closing quote; -1 when there is none. */
function endOfString(text: string, open: number): number {
  for (let at = text.indexOf('"', open + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1;
    while (text.charCodeAt(before) === BACKSLASH) before--;
    if ((at - before) % 2 === 1) return at;
  }
  return -1;
}
