/** Takes a request's body in: never more bytes than the limit, never longer than the time a client may take. */
import { ProblemError } from "../../sdk/errors.ts";

/** A body up to this size is read whole before the script is asked. */
const WHOLE_BYTES = 64 * 1024;
/** So is one up to this size, which is several times cheaper than a stream, while all of them together are within the sum. */
const WHOLE_MOST_BYTES = 1024 * 1024;
const WHOLE_SUM_BYTES = 64 * 1024 * 1024;
let arriving = 0;

export interface BodyLimits {
  /** `limits.requestBytes` of the route. */
  readonly bytes: number;
  /** `server.requestTimeoutMs`: counted only while the engine waits for the client. */
  readonly timeoutMs: number;
}

/**
 * The body of a request: null without one, the bytes of a small one, a guarded stream of a large one.
 *
 * @throws {ProblemError} `body_too_large` when the declared length is over the limit, before anything is read.
 */
export function receiveBody(request: Request, limits: BodyLimits): null | Promise<Uint8Array> | GuardedBody {
  const declared = request.headers.get("content-length");
  if (declared === null) return request.body === null ? null : new GuardedBody(request.body, limits);
  // The server below has checked the syntax; equal repetitions ("5, 5") pass it.
  const length = Number.parseInt(declared, 10);
  if (length > limits.bytes) throw tooLarge(limits.bytes, length);
  if (length === 0) return null;
  if (length > WHOLE_BYTES) {
    if (length > WHOLE_MOST_BYTES || arriving + length > WHOLE_SUM_BYTES) {
      return request.body === null ? null : new GuardedBody(request.body, limits);
    }
    return largeWhole(request, length, limits.timeoutMs);
  }
  const pending = request.bytes();
  // Most small bodies came in one packet with the head: then there is nothing to wait for, and no timer to set.
  return Bun.peek.status(pending) === "fulfilled" ? pending : withinTime(pending, limits.timeoutMs);
}

async function largeWhole(request: Request, length: number, timeoutMs: number): Promise<Uint8Array> {
  arriving += length;
  try {
    return await withinTime(request.bytes(), timeoutMs);
  } finally {
    arriving -= length;
  }
}

/** A streamed body that errors once it is over the limit or too slow. */
export class GuardedBody {
  readonly stream: ReadableStream<Uint8Array>;
  /** Settles only when the client broke a limit: then the request is answered with this, whatever the script says. */
  readonly fault: Promise<ProblemError>;
  private readonly report: (fault: ProblemError) => void;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private seen = 0;
  private waitedMs = 0;
  private begun = false;
  private ended = false;

  constructor(
    source: ReadableStream<Uint8Array>,
    private readonly limits: BodyLimits,
  ) {
    const { promise, resolve } = Promise.withResolvers<ProblemError>();
    this.fault = promise;
    this.report = resolve;
    this.reader = source.getReader();
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => this.pull(controller),
        cancel: (reason) => this.reader.cancel(reason),
      },
      // Nothing is read ahead: the socket's own backpressure holds the client.
      { highWaterMark: 0 },
    );
  }

  /** False while nothing of it was asked for. */
  get touched(): boolean {
    return this.begun;
  }

  private async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.begun = true;
    const since = performance.now();
    const timer = setTimeout(
      () => this.fail(controller, tooSlow(this.limits.timeoutMs)),
      Math.max(0, this.limits.timeoutMs - this.waitedMs),
    );
    let chunk;
    try {
      chunk = await this.reader.read();
    } catch (cause) {
      this.end(
        controller,
        new ProblemError("bad_request", "The connection ended before the body was complete.", { cause }),
      );
      return;
    } finally {
      clearTimeout(timer);
      this.waitedMs += performance.now() - since;
    }
    if (this.ended) return;
    if (chunk.done) {
      this.ended = true;
      controller.close();
      return;
    }
    this.seen += chunk.value.byteLength;
    if (this.seen > this.limits.bytes) this.fail(controller, tooLarge(this.limits.bytes, this.seen));
    else controller.enqueue(chunk.value);
  }

  private fail(controller: ReadableStreamDefaultController<Uint8Array>, fault: ProblemError): void {
    if (this.ended) return;
    this.report(fault);
    this.end(controller, fault);
    // What the socket still holds is of no use; its own failure adds nothing to the fault.
    this.reader.cancel(fault).catch(() => undefined);
  }

  private end(controller: ReadableStreamDefaultController<Uint8Array>, fault: ProblemError): void {
    if (this.ended) return;
    this.ended = true;
    controller.error(fault);
  }
}

function withinTime(pending: Promise<Uint8Array>, timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(tooSlow(timeoutMs)), timeoutMs);
    pending.then(
      (bytes) => {
        clearTimeout(timer);
        resolve(bytes);
      },
      (cause: unknown) => {
        clearTimeout(timer);
        reject(new ProblemError("bad_request", "The connection ended before the body was complete.", { cause }));
      },
    );
  });
}

function tooLarge(value: number, used: number): ProblemError {
  return new ProblemError("body_too_large", `The body has ${used} bytes or more; this route takes at most ${value}.`, {
    limit: { name: "requestBytes", value, used, key: "limits.requestBytes" },
  });
}

function tooSlow(value: number): ProblemError {
  return new ProblemError("request_timeout", `The body did not arrive within ${value} ms.`, {
    limit: { name: "requestTimeoutMs", value, key: "server.requestTimeoutMs" },
  });
}
