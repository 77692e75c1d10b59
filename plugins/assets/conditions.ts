/** Conditional requests. https://www.rfc-editor.org/rfc/rfc9110#section-13 */

/** What is compared: of the representation that would be sent. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

/** 304 or 412 instead of an answer with content; null: go on. */
export function conditionOf(headers: Headers, now: Validators): 304 | 412 | null {
  const match = headers.get("if-match");
  const unmodified = dateOf(headers.get("if-unmodified-since"));
  const seconds = Math.floor(now.modifiedMs / 1000) * 1000;
  if (match !== null) {
    if (!names(match, now.etag, false)) return 412;
  } else if (unmodified !== null && seconds > unmodified) return 412;
  const none = headers.get("if-none-match");
  if (none !== null) return names(none, now.etag, true) ? 304 : null;
  const since = dateOf(headers.get("if-modified-since"));
  return since !== null && seconds <= since ? 304 : null;
}

/** Whether `If-Range` lets a part be sent: only of the very bytes that the client has the other parts of. */
export function mayResume(headers: Headers, now: Validators): boolean {
  const said = headers.get("if-range");
  if (said === null) return true;
  if (said.includes('"')) return said.trim() === now.etag;
  const date = dateOf(said);
  // A file may change twice in the second that it was sent in.
  const settled = now.modifiedMs + 1000 <= Date.now();
  return date !== null && settled && date === Math.floor(now.modifiedMs / 1000) * 1000;
}

/** @param weakly whether `W/"x"` is `"x"` */
function names(list: string, etag: string, weakly: boolean): boolean {
  if (list.trim() === "*") return true;
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[^"]*")/g)) {
    if (tag === etag && (weakly || weak === undefined)) return true;
  }
  return false;
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Milliseconds. What is no date is heeded as if it were absent, as the RFC wants. */
function dateOf(text: string | null): number | null {
  if (text === null || !HTTP_DATE.test(text.trim())) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}
