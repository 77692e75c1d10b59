/** JSON-RPC: what is refused before the protocol's library sees it, in the protocol's own form. */

/** @param id of the request, where it is known */
export function rpcError(status: number, code: number, message: string, id: string | number | null = null): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id }, { status });
}

/** A body may be this deep: a parser would go through a megabyte of brackets for seconds. */
export const MAX_DEPTH = 200;

/** @throws SyntaxError for what is no JSON, or too deep */
export function parseBody(text: string): unknown {
  if (deeperThan(text, MAX_DEPTH)) throw new SyntaxError(`nested deeper than ${MAX_DEPTH} levels`);
  return JSON.parse(text);
}

const QUOTE = 34;
const BACKSLASH = 92;

function deeperThan(text: string, most: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      while (++at < text.length && text.charCodeAt(at) !== QUOTE) if (text.charCodeAt(at) === BACKSLASH) at++;
    } else if (code === 91 || code === 123) {
      if (++depth > most) return true;
    } else if (code === 93 || code === 125) depth--;
  }
  return false;
}
