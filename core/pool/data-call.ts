/** A call of a point's handler: data in, data out. What goes in, who waits, and what an isolate may answer. */
import type { RemoteInput, RouteEvent } from "../../sdk/plugin.ts";
import { isProblemCode, ProblemError, type ProblemCode } from "../../sdk/errors.ts";
import { ProtocolError, type Frame } from "../isolate/wire.ts";
import type { DataHead } from "../isolate/realm/data-context.ts";
import type { Limits } from "../config/index.ts";
import type { ReadFailure } from "./answer.ts";
import { headOf } from "./head.ts";
import { parseHostile } from "./hostile-json.ts";
import { limitUse } from "./limit-use.ts";
import type { ScriptPool } from "./pool.ts";
import type { ValueStream } from "./value-stream.ts";
import type { BuiltPointRegistration, Json } from "../script/types.ts";

/** What a point's plugin gives, and what only the engine's own code may. */
export interface CallInput extends RemoteInput {
  /** A deadline of its own, in milliseconds, in place of `limits.wallMs`. */
  readonly wallMs?: number;
  /** The option whose function is called, in place of the handler. */
  readonly handler?: string;
  /** What an async generator of the script yields is wanted, as a `ValueStream`; another answer comes as ever. */
  readonly stream?: true;
}

/** Stands where a request's `Invocation` stands; `method` tells them apart. */
export interface DataInvocation {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly route: {
    readonly script: string;
    readonly registration: BuiltPointRegistration;
    readonly pool: ScriptPool;
  };
  readonly method: null;
  /** `DataHead` as JSON. */
  readonly head: string;
  readonly body: null;
  readonly user: Json;
  readonly signal: AbortSignal;
}

export type CallValue = Json | undefined | ValueStream;

/** Who waits for it. */
export interface DataReply {
  resolve(value: CallValue): void;
  reject(problem: ProblemError): void;
  /** Takes a stream of values. */
  readonly streams: boolean;
}

const NEVER = new AbortController().signal;

/** @throws ProblemError when the input is no data, or more than a script takes. */
export function newDataInvocation(
  pool: ScriptPool,
  registration: BuiltPointRegistration,
  {
    id = Bun.randomUUIDv7(),
    parentId,
    payload,
    args,
    user = null,
    signal = NEVER,
    handler,
    check,
    request,
    stream,
  }: CallInput,
): DataInvocation {
  const { name, limits } = pool.script;
  const input: DataHead = {
    id,
    kind: registration.point,
    ...(payload === undefined ? {} : { payload }),
    ...(args === undefined ? {} : { args }),
    ...(user === null ? {} : { user }),
    ...(handler === undefined ? {} : { handler }),
    ...(check === undefined ? {} : { check }),
    ...(stream === undefined ? {} : { stream }),
  };
  let head: string;
  try {
    head = JSON.stringify(input);
  } catch (cause) {
    throw new ProblemError("bad_request", `What the script "${name}" was to be given is no data.`, { cause });
  }
  if (head.length > limits.requestBytes) {
    const detail = `The input has ${head.length} characters; limits.requestBytes of "${name}" is ${limits.requestBytes}.`;
    throw new ProblemError("body_too_large", detail, { limit: limitUse(limits, "requestBytes", head.length) });
  }
  // A request's head is held by `server.maxHeaderBytes` already.
  if (request !== undefined) head = JSON.stringify({ ...input, request: headOf(requestOf(request, id)) });
  return {
    id,
    parentId,
    route: { script: name, registration, pool },
    method: null,
    head,
    body: null,
    user,
    signal,
  };
}

function requestOf({ method, url, ip, params, request }: RouteEvent, id: string): Parameters<typeof headOf>[0] {
  return { method, url: url.href, ip, id, params, headers: request.headers };
}

const STATUS_VALUE = 200;
const STATUS_NOTHING = 204;

/** RESULT of a call. @throws TooDeep for a value that nobody should walk, another ProtocolError for what no realm sends. */
export function readValue(status: number, frame: Frame): Json | undefined {
  if (status === STATUS_NOTHING && frame.bodyLength === 0) return undefined;
  if (status !== STATUS_VALUE) throw new ProtocolError("an answer that is no data");
  return parseHostile(frame.bodyText()) as Json;
}

/** The codes of HttpErrors that named none. */
const CODE_OF_STATUS: { readonly [status: number]: ProblemCode } = {
  400: "bad_request",
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  405: "method_not_allowed",
  406: "not_acceptable",
  408: "request_timeout",
  409: "conflict",
  413: "body_too_large",
  422: "invalid_input",
  429: "too_many_requests",
};

export function codeOfStatus(status: number): ProblemCode {
  return CODE_OF_STATUS[status] ?? (status < 500 ? "bad_request" : "script_failed");
}

/** What a handler threw as an HttpError, to whoever called it. A code of the script's own is in `given`. */
export class HandlerProblem extends ProblemError {
  override readonly status: number;
  constructor(failure: ReadFailure) {
    const { status = 500, code, message, errors } = failure;
    super(code !== undefined && isProblemCode(code) ? code : codeOfStatus(status), message || "The handler refused.", {
      errors,
      given: code,
      cause: failure,
    });
    this.status = status;
  }
}

/** How deep calls may cause calls. */
const MAX_NESTED = 8;
/** Calls are remembered past their end: what they cause may begin later. */
const REMEMBERED = 10_000;

/** Which call caused which: so that scripts that call each other do not do so for ever. */
export class CallChains {
  readonly #known = new Map<string, { readonly parentId: string | undefined; readonly depth: number }>();

  /** @throws ProblemError when calls are nested too deeply. */
  enter({ id, parentId, route }: DataInvocation): void {
    const depth = (this.#known.get(parentId ?? "")?.depth ?? 0) + 1;
    if (depth > MAX_NESTED) {
      const detail = `The script "${route.script}" would be the ${depth}th that is called by another in a row; ${MAX_NESTED} are allowed.`;
      throw new ProblemError("overloaded", detail);
    }
    this.#known.set(id, { parentId, depth });
    if (this.#known.size <= REMEMBERED) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }

  /** Invocations that wait for this one. */
  ancestors(id: string): ReadonlySet<string> {
    const found = new Set<string>();
    for (let at = this.#known.get(id)?.parentId; at !== undefined && !found.has(at); at = this.#known.get(at)?.parentId)
      found.add(at);
    return found;
  }
}

/** A script that waits for itself would do so until its deadline. */
export function refuseWaitingForSelf({ name, limits }: { name: string; limits: Limits }): ProblemError {
  const detail = `The script "${name}" is full with invocations that wait for calls of itself.`;
  const limit = limitUse(limits, "concurrency", limits.concurrency + 1);
  return new ProblemError("overloaded", detail, { retryAfterSeconds: 1, limit });
}
