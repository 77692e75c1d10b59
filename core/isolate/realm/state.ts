/** The invocations that are alive in this realm, and which of them the running code belongs to. */
import type { BytePipe } from "./web/index.ts";
import { ask } from "./host.ts";
import { ScriptError } from "./errors.ts";

/** Operations of `ask` that the child answers itself; the web globals' operations lie below 1000. */
export const ASK_CURRENT = 1000;

/** One invocation inside the realm. Null prototypes nowhere needed: it is never given to a script. */
export interface Live {
  readonly id: number;
  /** The value is known and nothing that `waitUntil` holds is left: later host calls are refused. */
  over: boolean;
  /** The engine took the invocation back: deadline, or the client left. */
  cancelled: boolean;
  /** The answer was sent. */
  answered: boolean;
  waiting: number;
  streaming: boolean;
  /** Cancelled, and the iterable that it answered with has not come to its end: its `finally` may call services. */
  closing: boolean;
  timerIds: number[];
  /** Aborts `ctx.signal`, if the script ever asked for it. */
  abort: ((reason: unknown) => void) | null;
  /** The request's body, while it arrives. */
  pipe: BytePipe | null;
  /** Pieces of the body that came before anyone asked for them. */
  early: Uint8Array[];
  /** Called when the whole body is here (null) or broke off (a problem code). */
  onBody: ((failure: string | null) => void) | null;
  /** undefined while it arrives. */
  bodyEnd: string | null | undefined;
  /** Bytes of the answer that are on their way to the client. */
  ahead: number;
  resume: (() => void) | null;
  /** Pieces of the answer that went out without a wait. */
  burst: number;
  stopAnswer: (() => void) | null;
  context: object | null;
}

const apply = Reflect.apply;
const mapGet = Map.prototype.get;
const mapSet = Map.prototype.set;
const mapDelete = Map.prototype.delete;
const invocations = new Map<number, Live>();

export function addLive(id: number): Live {
  const live: Live = {
    id,
    over: false,
    cancelled: false,
    answered: false,
    waiting: 0,
    streaming: false,
    closing: false,
    timerIds: [],
    abort: null,
    pipe: null,
    early: [],
    onBody: null,
    bodyEnd: undefined,
    ahead: 0,
    resume: null,
    burst: 0,
    stopAnswer: null,
    context: null,
  };
  apply(mapSet, invocations, [id, live]);
  return live;
}

export function liveOf(id: number): Live | undefined {
  return apply(mapGet, invocations, [id]) as Live | undefined;
}

export function dropLive(live: Live): void {
  apply(mapDelete, invocations, [live.id]);
}

/** The invocation that the running code belongs to, followed through promises and timers by the host. */
export function current(): Live | undefined {
  return liveOf(ask(ASK_CURRENT) as number);
}

/** @throws ScriptError `not_in_invocation`, or `invocation_ended` for code that outlived its invocation. */
export function requireInvocation(what: string): Live {
  const id = ask(ASK_CURRENT) as number;
  const live = liveOf(id);
  if (live && !live.over && (!live.cancelled || live.closing)) return live;
  if (id === 0) {
    throw new ScriptError(
      "not_in_invocation",
      `${what} needs a running invocation; a script's top level and init() have none.`,
    );
  }
  throw new ScriptError(
    "invocation_ended",
    `${what} was asked for after its invocation ended; keep it alive with waitUntil().`,
  );
}
