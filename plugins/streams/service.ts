/** What scripts do with their streams and WebSockets: they send to the clients, and end connections. */
import { ProblemError, type Json, type PointRegistration, type ServiceSpec } from "../../sdk/plugin.ts";
import { isOneLine } from "./event.ts";
import { isObject, readFilter, type Filter } from "./filter.ts";
import type { Hub } from "./hub.ts";
import { isCloseCode, isCloseReason, MAX_EVENT_NAME, MAX_REASON_BYTES, type Told } from "./remote.ts";
import { SERVICE_TYPES } from "./types.ts";

/** A connection has done what it was for. https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const NORMAL_CLOSURE = 1000;

export interface ServiceParts {
  readonly hub: Hub;
  /** Streams and WebSockets of all scripts. */
  readonly all: () => readonly PointRegistration[];
  readonly maxMessageBytes: number;
  /** To the other engines. */
  readonly publish: (told: Told) => Promise<void>;
}

export function streamsService({ hub, all, maxMessageBytes, publish }: ServiceParts): ServiceSpec {
  /** @throws ProblemError for a path that the script does not serve. */
  function checkPath(script: string, path: string | undefined): void {
    const own = all().filter((one) => one.script === script);
    if (path === undefined || own.some((one) => one.path === path)) return;
    const known = own.map((one) => one.path).join(", ") || "none";
    const detail = `streams: this script registers no stream at "${path.slice(0, 100)}"; it has ${known.slice(0, 500)}`;
    throw new ProblemError("not_found", detail);
  }

  return {
    types: SERVICE_TYPES,
    functions: { sendStreamMessage: "send" },
    mutates: ["send", "close"],
    methods: {
      async send({ script }, ...args) {
        const { path, message, filter, event } = readSend(args);
        checkPath(script, path);
        const data = typeof message === "string" ? message : JSON.stringify(message);
        const bytes = Buffer.byteLength(data);
        if (bytes > maxMessageBytes) {
          const detail = `streams: a message may take ${maxMessageBytes} bytes; it has ${bytes}`;
          throw new ProblemError("bad_request", detail);
        }
        const sent = { ...hub.stamp(), script, path, event, data, filter };
        const delivery = hub.deliver(sent);
        await publish(sent);
        return { ...delivery };
      },
      async close({ script }, ...args) {
        const { path, filter, code, reason } = readClose(args);
        checkPath(script, path);
        const said = { ...hub.stamp(), script, path, filter, code, reason };
        const ended = hub.end(said);
        await publish(said);
        return { ...ended };
      },
    },
  };
}

interface Send {
  readonly path: string | undefined;
  readonly message: Json;
  readonly filter: Filter | undefined;
  readonly event: string | undefined;
}

/** `([path,] message [, filter [, options]])`: a single text is the message. */
function readSend(args: readonly Json[]): Send {
  const withPath = typeof args[0] === "string" && args.length > 1;
  const [message = null, filter, options] = withPath ? args.slice(1) : args;
  return {
    path: withPath ? (args[0] as string) : undefined,
    message,
    filter: readFilter(filter),
    event: readEventName(options ?? {}),
  };
}

function readEventName(options: Json): string | undefined {
  const { event = null, ...rest } = isObject(options) ? options : { options };
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new ProblemError("bad_request", "streams: a message's options are { event }");
  if (event === null) return undefined;
  if (typeof event === "string" && event.length <= MAX_EVENT_NAME && isOneLine(event)) return event;
  throw new ProblemError(
    "bad_request",
    `streams: the name of an event is text of at most ${MAX_EVENT_NAME} characters without line breaks`,
  );
}

interface Close {
  readonly path: string | undefined;
  readonly filter: Filter | undefined;
  readonly code: number;
  readonly reason: string;
}

/** `([path] [, filter [, options]])` */
function readClose(args: readonly Json[]): Close {
  const [first] = args;
  const path = typeof first === "string" ? first : undefined;
  const [filter, options] = path === undefined ? args : args.slice(1);
  return { path, filter: readFilter(filter), ...readCloseOptions(options ?? {}) };
}

function readCloseOptions(options: Json): Pick<Close, "code" | "reason"> {
  const { code = NORMAL_CLOSURE, reason = "", ...rest } = isObject(options) ? options : { options };
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new ProblemError("bad_request", "streams: close takes the options { code, reason }");
  if (!isCloseCode(code))
    throw new ProblemError("bad_request", "streams: the code of a close is 1000, or a number from 3000 to 4999");
  if (!isCloseReason(reason)) {
    const detail = `streams: the reason of a close is text of at most ${MAX_REASON_BYTES} bytes`;
    throw new ProblemError("bad_request", detail);
  }
  return { code, reason };
}
