/** What a script sends to subscriptions, as it gave it. */
import { ProblemError, readFilter, type Json } from "../../../sdk/plugin.ts";
import type { Message } from "./remote.ts";

/** `(name, payload [, filter])`. @throws ProblemError `bad_request` */
export function readSend(
  [name, payload = null, filter]: readonly Json[],
  maxBytes: number,
): Pick<Message, "field" | "payload" | "bytes" | "filter"> {
  if (typeof name !== "string") {
    throw new ProblemError("bad_request", "graphql.send: the first argument is the name of a subscription");
  }
  const bytes = Buffer.byteLength(JSON.stringify(payload));
  if (bytes > maxBytes) {
    const detail = `graphql.send: a message may take ${maxBytes} bytes; it has ${bytes}`;
    throw new ProblemError("bad_request", detail);
  }
  return { field: name.slice(0, MAX_NAME), payload, bytes, filter: readFilter(filter, "graphql.send") };
}

const MAX_NAME = 200;
