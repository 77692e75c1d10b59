/** `request()` of a test: out of the realm, through the whole engine, and back to the script as any caller comes. */
import { requireStep, runner } from "./realm.ts";

const CHUNK = 0x2000;
/** Answers of these statuses have no body, not even an empty one. https://fetch.spec.whatwg.org/#null-body-status */
const NO_BODY: ReadonlySet<number> = new Set([101, 103, 204, 205, 304]);

function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

export async function request(given: Request): Promise<Response> {
  requireStep("request()");
  const { pathname, search } = new URL(given.url);
  const body = given.body === null ? undefined : toBase64(new Uint8Array(await given.arrayBuffer()));
  const answer = await runner.request({
    method: given.method,
    target: pathname + search,
    headers: Array.from(given.headers),
    ...(body !== undefined && { body }),
  });
  const { status, statusText } = answer;
  const headers = new Headers();
  for (const [name, value] of answer.headers) headers.append(name, value);
  return new Response(NO_BODY.has(status) ? null : fromBase64(answer.body), { status, statusText, headers });
}
