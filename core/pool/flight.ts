/** One invocation on its way through an isolate, seen from the engine: what was sent, what it may still do, its answer. */
import type { Invocation } from "../http/dispatch.ts";
import type { ProblemError } from "../../sdk/errors.ts";
import type { AnswerStream } from "./answer-stream.ts";
import type { BodyFeed } from "./body.ts";
import type { DataInvocation, DataReply } from "./data-call.ts";

/** State only: `isolate.ts` and `pool.ts` move it along. */
export interface Flight {
  readonly invocation: Invocation | DataInvocation;
  readonly resolve: (response: Response) => void;
  /** Who waits for data; null for a request. */
  readonly data: DataReply | null;
  /** Milliseconds of `performance.now()`. */
  deadline: number;
  /** How often it was sent to an isolate. */
  attempts: number;
  /** The number under which the present isolate knows it; 0 while it waits. */
  local: number;
  /** When it was handed to the isolate; to see a queue inside. */
  sentAt: number;
  /** It called something that changes the world: never send it again. */
  mutated: boolean;
  /** The response was handed over. */
  answered: boolean;
  /** Nothing of it runs any more, as far as the engine knows. */
  done: boolean;
  /** Charged by the watchdog, milliseconds. */
  cpuMs: number;
  calls: number;
  /** Of what a service holds open between calls; made for the first that asks. */
  ended: AbortController | null;
  subrequests: number;
  logLines: number;
  logBytes: number;
  /** The last call that was refused: its limit is named if the script lets the refusal through to its caller. */
  refusal: ProblemError | null;
  /** The answer, while it streams. */
  stream: AnswerStream | null;
  /** Its stream was taken back, and the script may clean up: until it says that it is done, or the deadline. */
  closing: boolean;
  /** The request's body, if it streams. It outlives the isolate: nothing of it may have been given to that one. */
  feed: BodyFeed | null;
  /** The engine listens for the client's leaving: only once an invocation takes longer than a tick of the watchdog. */
  watched: boolean;
}

export function makeFlight(
  invocation: Invocation | DataInvocation,
  wallMs: number,
  resolve: (response: Response) => void,
  data: DataReply | null = null,
): Flight {
  return {
    invocation,
    resolve,
    data,
    deadline: performance.now() + wallMs,
    attempts: 0,
    local: 0,
    sentAt: 0,
    mutated: false,
    answered: false,
    done: false,
    cpuMs: 0,
    calls: 0,
    ended: null,
    subrequests: 0,
    logLines: 0,
    logBytes: 0,
    refusal: null,
    stream: null,
    closing: false,
    feed: null,
    watched: false,
  };
}

/** Tells whoever waits that it failed: a client by a response, which is made and logged by `toResponse`. */
export function answerProblem(
  flight: Flight,
  problem: ProblemError,
  toResponse: (flight: Flight, problem: ProblemError) => Response,
): void {
  const response = toResponse(flight, problem);
  if (flight.data) flight.data.reject(problem);
  else flight.resolve(response);
}

/** Makes it as it was before it was sent; the deadline stays, and so does the number of attempts. */
export function renew(flight: Flight): Flight {
  flight.local = 0;
  flight.cpuMs = 0;
  flight.calls = 0;
  flight.subrequests = 0;
  flight.logLines = 0;
  flight.logBytes = 0;
  flight.refusal = null;
  flight.stream = null;
  return flight;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
/** An invocation that was never entered is innocent; still, it must not travel for ever. */
const MOST_ATTEMPTS = 3;

/** After a kill: whether it may go to another isolate (docs/sandbox.md, "Watchdog"). `entered`: its user code began. */
export function maySendAgain(flight: Flight, entered: boolean): boolean {
  if (flight.answered || flight.feed?.given) return false;
  if (!entered) return flight.attempts < MOST_ATTEMPTS;
  const { method } = flight.invocation;
  return flight.attempts < 2 && !flight.mutated && method !== null && SAFE.has(method);
}
