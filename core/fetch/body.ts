/** Bodies of outgoing requests: sending with backpressure, and receiving decoded, capped and never stalled for ever. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { pipeline, Transform, type Readable } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { ProblemError } from "../../sdk/errors.ts";
import { NetworkError, networkError } from "./error.ts";

export type OutboundBody = ReadableStream<Uint8Array> | Uint8Array | null;

/** More codings than this only serve to make a small answer cost much. */
const MAX_CODINGS = 2;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(),
  "x-gzip": () => createGunzip(),
  deflate: () => createInflate(),
  br: () => createBrotliDecompress(),
};

/**
 * Sends a body over a connected request, no faster than it is taken. `stop` ends it: an answer may come, or the
 * connection go, before the whole body is read, and then the rest is not wanted. A stream that fails takes the
 * request with it.
 */
export async function sendBody(request: ClientRequest, body: OutboundBody, stop: AbortSignal): Promise<void> {
  if (body === null) return void request.end();
  if (body instanceof Uint8Array) return void request.end(body);
  const reader = body.getReader();
  // A stream that fails to cancel concerns nobody any more: its reader has what it wanted.
  const cancel = () => void reader.cancel().catch(() => undefined);
  if (stop.aborted) return cancel();
  stop.addEventListener("abort", cancel);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (stop.aborted) return;
      if (done) break;
      if (!(value instanceof Uint8Array)) throw new TypeError("a body's chunk is no Uint8Array");
      if (value.byteLength > 0 && !request.write(value)) await drained(request, stop);
    }
    request.end();
  } catch (cause) {
    cancel();
    request.destroy(new NetworkError("the request's body failed", { cause }));
  } finally {
    stop.removeEventListener("abort", cancel);
  }
}

/** Resolves when the request takes more, or when nobody waits for that any longer. */
function drained(request: ClientRequest, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      request.off("drain", go);
      stop.removeEventListener("abort", go);
      resolve();
    };
    request.on("drain", go);
    stop.addEventListener("abort", go);
    if (stop.aborted) go();
  });
}

/** The codings to undo, in the order of undoing; empty where the body stays as it is. */
export function codingsOf(message: IncomingMessage): readonly string[] {
  // Nothing at all is not valid gzip, and yet what some servers send.
  if (message.headers["content-length"] === "0") return [];
  const text = message.headers["content-encoding"] ?? "";
  const codings = text
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding !== "identity");
  if (codings.length > MAX_CODINGS) throw new NetworkError(`the answer is encoded ${codings.length} times over`);
  return codings.every((coding) => Object.hasOwn(DECODERS, coding)) ? codings.reverse() : [];
}

export function tooLarge(value: number, used: number): ProblemError {
  const limit = { name: "responseBytes", value, used, key: "limits.responseBytes" };
  return new ProblemError("response_too_large", `fetch: the answer is larger than ${value} bytes`, { limit });
}

/** Passes bytes on until there are too many. Between decoders: endless input that decodes to nothing must end too. */
function cap(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) done(tooLarge(maxBytes, bytes));
      else done(null, chunk);
    },
  });
}

export interface ReceiveOptions {
  readonly host: string;
  readonly codings: readonly string[];
  readonly maxBytes: number;
  /** How long the other side may be silent while a chunk is awaited. */
  readonly idleMs: number;
  readonly signal: AbortSignal;
  /** Called once, when nothing more will come: releases the connection. */
  readonly release: () => void;
}

/** The answer's body as a stream that reads from the network only as fast as it is read. */
export function receiveBody(message: IncomingMessage, options: ReceiveOptions): ReadableStream<Uint8Array> {
  const { maxBytes, signal } = options;
  const stages = [cap(maxBytes)];
  for (const coding of options.codings) stages.push(DECODERS[coding]!(), cap(maxBytes));
  // Errors of any stage surface where the last one is read, so neither the listeners nor the callback have anything to
  // add; but pipeline() lets go of a stage that has ended, and an error that nobody listens for ends the process.
  for (const stage of stages) stage.on("error", () => undefined);
  const last: Readable = pipeline([message, ...stages], () => undefined) as Transform;
  const chunks = last[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;

  const finish = () => {
    signal.removeEventListener("abort", abort);
    options.release();
  };
  // Also where nobody reads: the connection goes at once, the reader hears of it when it next pulls.
  const abort = () => {
    last.destroy(signal.reason instanceof Error ? signal.reason : new NetworkError("aborted"));
    finish();
  };
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const idle = setTimeout(() => last.destroy(silent(options)), options.idleMs);
        try {
          const { done, value } = await chunks.next();
          if (!done) return controller.enqueue(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
          finish();
          controller.close();
        } catch (error) {
          finish();
          controller.error(signal.aborted ? signal.reason : bodyError(options.host, error));
        } finally {
          clearTimeout(idle);
        }
      },
      cancel() {
        last.destroy();
        finish();
      },
    },
    { highWaterMark: 0 },
  );
}

function silent({ host, idleMs }: ReceiveOptions): ProblemError {
  return new ProblemError("deadline_exceeded", `fetch: ${host} sent nothing for ${idleMs} ms`);
}

function bodyError(host: string, error: unknown): Error {
  if (error instanceof ProblemError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code.startsWith("Z_") || code.startsWith("ERR_BROTLI") || code.startsWith("ERR__ERROR")) {
    return new NetworkError(`${host}: the answer's compression is broken`, { cause: error });
  }
  return networkError(host, error);
}
