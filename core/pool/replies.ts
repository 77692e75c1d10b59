/** What an isolate answers, from frames to Responses: RESULT, RESULT_HEAD, CHUNK, END, FAILURE. All of it is hostile. */
import * as F from "../isolate/frames.ts";
import { ProtocolError, type Frame } from "../isolate/wire.ts";
import type { Limits } from "../config/index.ts";
import { ProblemError } from "../../sdk/errors.ts";
import {
  BadAnswer,
  bodiless,
  failureProblem,
  makeResponse,
  readFailure,
  type AnswerBody,
  type ReadFailure,
} from "./answer.ts";
import { makeAnswerStream } from "./answer-stream.ts";
import { HandlerProblem, readValue, type DataReply } from "./data-call.ts";
import { TooDeep } from "./hostile-json.ts";
import { answerProblem, type Flight } from "./flight.ts";
import { limitUse } from "./limit-use.ts";
import { TooLong, ValueStream } from "./value-stream.ts";
import { wholeBody } from "./whole-body.ts";

export interface ReplyDeps {
  /** A script's failure, for the log. */
  onFailure(flight: Flight, failure: ReadFailure): void;
  /** How a problem becomes a response; it is logged there, too. */
  problem(flight: Flight, error: ProblemError): Response;
  /** An answer that had begun broke off. */
  onBroken(flight: Flight, error: ProblemError): void;
  httpFailure(flight: Flight, failure: ReadFailure): Response;
}

/** What the isolate does for its answers. */
export interface ReplySteps {
  /** The client took that many bytes of a stream. */
  credit(flight: Flight, bytes: number): void;
  /** Takes the invocation back. */
  cancel(flight: Flight): void;
  /** Nothing of the invocation runs any more. */
  finish(flight: Flight): void;
  /** A message that nobody waits for. @throws ProtocolError when there are too many. */
  stray(): void;
}

/** Added to the status of RESULT and FAILURE when work of the invocation goes on. */
const LINGERS = 0x10000;
/** The realm sends less than a window ahead, in pieces of up to a window. */
const MOST_HELD = 2 * F.WINDOW_BYTES;

export class Replies {
  /** Answers that stream. */
  streams = 0;
  readonly #deps: ReplyDeps;
  readonly #steps: ReplySteps;

  constructor(deps: ReplyDeps, steps: ReplySteps) {
    this.#deps = deps;
    this.#steps = steps;
  }

  result(frame: Frame, flight: Flight, limits: Limits): void {
    if (flight.answered) return this.#steps.stray();
    if (flight.data) return this.#value(frame, flight, limits);
    const lingers = frame.a >= LINGERS;
    const length = frame.bodyLength;
    const content = wholeBody(frame, flight.invocation.method);
    const sent = this.#respond(flight, limits, lingers ? frame.a - LINGERS : frame.a, frame.text, content, length);
    if (sent && !lingers) this.#steps.finish(flight);
  }

  /** The value of a call. */
  #value(frame: Frame, flight: Flight, limits: Limits): void {
    const lingers = frame.a >= LINGERS;
    if (frame.bodyLength > limits.responseBytes) return this.refuse(flight, tooLarge(limits, frame.bodyLength));
    try {
      const value = readValue(lingers ? frame.a - LINGERS : frame.a, frame);
      flight.answered = true;
      flight.data?.resolve(value);
    } catch (error) {
      if (!(error instanceof TooDeep)) throw error;
      return this.#unfit(flight, new Error(`The handler gave back ${error.message}.`));
    }
    if (!lingers) this.#steps.finish(flight);
  }

  /** What the handler gave cannot be passed on: the author's fault, and told as one. */
  #unfit(flight: Flight, { message }: Error): void {
    const failure: ReadFailure = { kind: "thrown", name: "TypeError", message, stack: "" };
    this.#deps.onFailure(flight, failure);
    this.refuse(flight, failureProblem(failure, null));
  }

  /** False when it was refused, which has ended the invocation. */
  #respond(flight: Flight, limits: Limits, status: number, headers: string, body: AnswerBody, length: number): boolean {
    if (length > limits.responseBytes) {
      this.refuse(flight, tooLarge(limits, length));
      return false;
    }
    let response: Response;
    try {
      response = makeResponse(status, headers, body);
    } catch (error) {
      if (!(error instanceof BadAnswer)) throw error;
      this.#unfit(flight, new Error(`The answer cannot be sent: ${error.message}`));
      return false;
    }
    flight.answered = true;
    flight.resolve(response);
    return true;
  }

  /** Answers with a problem, and ends the invocation. */
  refuse(flight: Flight, problem: ProblemError): void {
    flight.answered = true;
    answerProblem(flight, problem, (one, error) => this.#deps.problem(one, error));
    this.#steps.cancel(flight);
  }

  /** Ends an invocation whose answer is on its way already. */
  cut(flight: Flight, problem: ProblemError): void {
    this.#deps.onBroken(flight, problem);
    flight.stream?.fail(problem);
    this.#steps.cancel(flight);
  }

  head(frame: Frame, flight: Flight, limits: Limits): void {
    if (flight.answered) return this.#steps.stray();
    if (flight.data && !flight.data.streams) throw new ProtocolError("a stream where data was asked for");
    const [headers = "", declared] = frame.text.split("\n");
    if (flight.data && declared !== undefined) throw new ProtocolError("values of a length");
    const length = declared === undefined ? 0 : Number(declared);
    if (!(length >= 0)) throw new ProtocolError("an answer without a length");
    if (declared === undefined && this.streams >= limits.streams) {
      const limit = limitUse(limits, "streams", this.streams);
      const detail = `The script has ${this.streams} open streams.`;
      return this.refuse(flight, new ProblemError("overloaded", detail, { retryAfterSeconds: 5, limit }));
    }
    if (flight.invocation.method === "HEAD" || bodiless(frame.a)) {
      // Nobody will read it: the script's stream is cancelled instead of waiting for a reader.
      if (this.#respond(flight, limits, frame.a, headers, null, length)) this.#steps.cancel(flight);
      return;
    }
    const { stream, readable } = makeAnswerStream(
      (bytes) => {
        if (flight.stream === stream) this.#steps.credit(flight, bytes);
      },
      () => {
        if (flight.stream === stream) this.#steps.cancel(flight);
      },
    );
    flight.stream = stream;
    this.streams++;
    if (flight.data) return this.#values(flight, flight.data, readable, limits);
    this.#respond(flight, limits, frame.a, headers, readable, length);
  }

  #values(flight: Flight, reply: DataReply, bytes: ReadableStream<Uint8Array>, limits: Limits): void {
    const { stream } = flight;
    flight.answered = true;
    const unfit = (cause: Error): ProblemError => {
      if (cause instanceof TooLong) return tooLarge(limits, cause.bytes);
      const failure = {
        kind: "thrown",
        name: "TypeError",
        message: `The handler yielded ${cause.message}.`,
        stack: "",
      };
      return failureProblem(failure, null);
    };
    const options = {
      maxBytes: limits.responseBytes,
      unfit: (cause: Error) => {
        const problem = unfit(cause);
        if (flight.stream === stream) this.cut(flight, problem);
        else this.#deps.onBroken(flight, problem);
        return problem;
      },
    };
    reply.resolve(new ValueStream(bytes, options));
  }

  chunk(frame: Frame, flight: Flight, limits: Limits): void {
    const { stream } = flight;
    const length = frame.bodyLength;
    if (!stream || length === 0) return this.#steps.stray();
    // A well-behaved isolate waits for credit; one that does not is filling the engine's memory.
    if (stream.held + length > MOST_HELD) throw new ProtocolError("a stream that does not wait for its reader");
    const total = stream.total + length;
    // Values are held one by one, by their reader.
    if (total > limits.responseBytes && !flight.data) return this.cut(flight, tooLarge(limits, total));
    const placed = frame.takePlaced();
    stream.push(placed ?? frame.body, placed !== null);
  }

  end(frame: Frame, flight: Flight): void {
    if (!flight.stream) return this.#steps.stray();
    this.drop(flight, frame.a === 0 ? null : brokenOff(flight));
  }

  /** The answer's stream ends: broken off by `error`, else complete. */
  drop(flight: Flight, error: Error | null): void {
    const { stream } = flight;
    if (!stream) return;
    flight.stream = null;
    this.streams--;
    if (error) stream.fail(error);
    else stream.close();
  }

  failure(frame: Frame, flight: Flight): void {
    if (flight.answered && !flight.stream) return this.#steps.stray();
    const failure = readFailure(frame.text);
    const lingers = frame.a >= LINGERS;
    const problem = failure.kind === "http" ? null : failureProblem(failure, flight.refusal);
    // What comes of a body that did not arrive is its client's fault, and no error of the script.
    const isOwn = flight.feed?.failed !== true;
    if (flight.stream && !flight.data) {
      if (isOwn) this.#deps.onFailure(flight, failure);
      this.drop(flight, brokenOff(flight));
    } else {
      if (problem && failure.kind !== "input" && isOwn) this.#deps.onFailure(flight, failure);
      if (flight.stream) this.drop(flight, problem ?? new HandlerProblem(failure));
      flight.answered = true;
      if (problem) answerProblem(flight, problem, (one, error) => this.#deps.problem(one, error));
      else if (flight.data) flight.data.reject(new HandlerProblem(failure));
      else flight.resolve(this.#deps.httpFailure(flight, failure));
    }
    if (!lingers) this.#steps.finish(flight);
  }
}

/** To whom a stream ends too early, and nothing says why: a client's connection is closed, a caller is told. */
export function brokenOff({ data }: Flight): Error {
  if (data === null) return new Error("the script's stream broke off");
  return new ProblemError("script_failed", "The script's stream broke off. The log has the details under this id.");
}

function tooLarge(limits: Limits, used: number): ProblemError {
  const limit = limitUse(limits, "responseBytes", used);
  const detail = `The answer has ${used} bytes or more; limits.responseBytes is ${limits.responseBytes}.`;
  return new ProblemError("response_too_large", detail, { limit });
}
