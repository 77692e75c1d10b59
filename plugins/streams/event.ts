/** Events as text/event-stream carries them. https://html.spec.whatwg.org/multipage/server-sent-events.html */

export interface StreamEvent {
  /** The name that `addEventListener` knows; `message` without it. */
  readonly event?: string | undefined;
  /** Lines break where it has CR, LF or both. */
  readonly data: string;
}

const utf8 = new TextEncoder();
const LINE_BREAK = /\r\n|\r|\n/;
const ONE_LINE = /^[^\u0000-\u001f\u007f]*$/;

/** A field of one line: what breaks it would be another field, of somebody else's making. */
export function isOneLine(text: string): boolean {
  return ONE_LINE.test(text);
}

/** Stands before an event. */
export function encodeId(id: string): Uint8Array {
  return utf8.encode(`id: ${id}\n`);
}

export function encodeEvent({ event, data }: StreamEvent): Uint8Array {
  const name = event === undefined ? "" : `event: ${event}\n`;
  const lines = data
    .split(LINE_BREAK)
    .map((line) => `data: ${line}\n`)
    .join("");
  return utf8.encode(`${name}${lines}\n`);
}

/** What a connection begins with: a server sends no head before the first byte. */
export function encodeOpening(retryMs: number): Uint8Array {
  return utf8.encode(`: open\nretry: ${retryMs}\n\n`);
}

/** Makes no event, and yet is remembered: who leaves before the first message resumes from here. */
export function encodeMarker(id: string): Uint8Array {
  return utf8.encode(`id: ${id}\n\n`);
}

/** Keeps proxies from closing a connection on which nothing moves. */
export const PING: Uint8Array = utf8.encode(": ping\n\n");

/** What a client says that it takes. https://www.rfc-editor.org/rfc/rfc9110#field.accept */
export function acceptsEvents(accept: string | null): boolean {
  if (accept === null || accept.trim() === "") return true;
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const refused = parameters.some((one) => /^q=0(\.0*)?$/.test(one));
    return !refused && (type === "text/event-stream" || type === "text/*" || type === "*/*");
  });
}
