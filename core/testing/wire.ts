/** Requests and answers of a test as they cross between the realm and the engine. */
import { ProblemError } from "../../sdk/errors.ts";
import type { WireAnswer, WireRequest } from "../isolate/testing/seam.ts";

/** What a test gets in one message. */
const MAX_BYTES = 16 * 1024 * 1024;

/** @throws TypeError for what is no request. */
export function requestOf(
  { method, target, headers, body }: WireRequest,
  origin: string,
  signal: AbortSignal,
): Request {
  const bytes = body === undefined ? null : Buffer.from(body, "base64");
  const all = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
  // As a server finds them.
  all.set("host", new URL(origin).host);
  if (bytes !== null) all.set("content-length", String(bytes.length));
  return new Request(origin + target, { method, headers: all, body: bytes, signal });
}

/** @throws ProblemError for an answer that is too large to be handed over. */
export async function answerOf(answer: Response): Promise<WireAnswer> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (bytes.length > MAX_BYTES) {
    const detail = `request(): the answer has ${bytes.length} bytes; a test takes ${MAX_BYTES}.`;
    throw new ProblemError("response_too_large", detail);
  }
  const { status, statusText } = answer;
  return { status, statusText, headers: [...answer.headers], body: bytes.toString("base64") };
}
