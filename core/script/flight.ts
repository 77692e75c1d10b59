/** One invocation on its way through an isolate, seen from the engine: what was sent, what it may still do, its answer. */
import type { Invocation } from "../http/dispatch.ts";
import { ProblemError } from "../../sdk/errors.ts";

/** State only: `isolate.ts` moves it along. */
export interface Flight {
  readonly invocation: Invocation;
  readonly resolve: (response: Response) => void;
  /** Milliseconds of `performance.now()`. */
  readonly deadline: number;
  /** How often it was sent to an isolate. */
  attempts: number;
  /** The number under which the present isolate knows it; 0 while it waits. */
  local: number;
  /** When it was handed to the isolate; to see a queue inside. */
  sentAt: number;
  /** It called something that changes the world: never send it again. */
  mutated: boolean;
  /** Bytes of a streamed body were given away: it cannot be sent again. */
  bodyGiven: boolean;
  /** The response was handed over. */
  answered: boolean;
  /** Nothing of it runs any more, as far as the isolate says. */
  done: boolean;
  /** Charged by the watchdog, milliseconds. */
  cpuMs: number;
  calls: number;
  subrequests: number;
  logLines: number;
  logBytes: number;
  /** The answer's stream. */
  stream: AnswerStream | null;
  /** Ends reading the request's body. */
  stopBody: (() => void) | null;
  /** The isolate was told that nobody waits any more; its calls were ended. */
  cancelled: boolean;
  /** The engine listens for the client's leaving: only once an invocation takes longer than a tick of the watchdog. */
  watched: boolean;
}

/** A streamed answer between isolate and client. */
export interface AnswerStream {
  push(bytes: Uint8Array): void;
  close(): void;
  fail(error: Error): void;
  /** performance.now() of the last chunk that came or was taken. */
  lastMove: number;
  /** Bytes that the isolate was allowed to send and the client has not taken. */
  readonly held: number;
}

export function makeFlight(invocation: Invocation, wallMs: number, resolve: (response: Response) => void): Flight {
  return {
    invocation,
    resolve,
    deadline: performance.now() + wallMs,
    attempts: 0,
    local: 0,
    sentAt: 0,
    mutated: false,
    bodyGiven: false,
    answered: false,
    done: false,
    cpuMs: 0,
    calls: 0,
    subrequests: 0,
    logLines: 0,
    logBytes: 0,
    stream: null,
    stopBody: null,
    cancelled: false,
    watched: false,
  };
}

/** Makes it as it was before it was sent; the deadline stays, and so does the number of attempts. */
export function renew(flight: Flight): Flight {
  flight.local = 0;
  flight.cpuMs = 0;
  flight.calls = 0;
  flight.subrequests = 0;
  flight.logLines = 0;
  flight.logBytes = 0;
  flight.stream = null;
  flight.stopBody = null;
  flight.cancelled = false;
  return flight;
}

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether it may run a second time although user code was entered (SANDBOX.md, "Watchdog"). */
export function maySendAgain(flight: Flight): boolean {
  return flight.attempts < 2 && !flight.answered && !flight.mutated && !flight.bodyGiven && SAFE.has(flight.invocation.method);
}

/** A stream whose chunks come from an isolate; `credit` tells how many bytes the client took. */
export function makeAnswerStream(credit: (bytes: number) => void, left: () => void): { stream: AnswerStream; readable: ReadableStream<Uint8Array> } {
  const queue: Uint8Array[] = [];
  let held = 0;
  let ended: Error | true | null = null;
  let wake: (() => void) | null = null;
  const stream = {
    lastMove: performance.now(),
    get held() {
      return held;
    },
    push(bytes: Uint8Array) {
      if (ended) return;
      queue.push(bytes);
      held += bytes.length;
      stream.lastMove = performance.now();
      wake?.();
    },
    close() {
      ended ??= true;
      wake?.();
    },
    fail(error: Error) {
      ended ??= error;
      wake?.();
    },
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (queue.length === 0 && !ended) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = null;
        }
        const bytes = queue.shift();
        if (bytes) {
          held -= bytes.length;
          stream.lastMove = performance.now();
          controller.enqueue(bytes);
          credit(bytes.length);
        } else if (ended === true) controller.close();
        else controller.error(ended ?? new ProblemError("internal", "The stream ended."));
      },
      cancel() {
        ended ??= true;
        queue.length = 0;
        left();
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, readable };
}
