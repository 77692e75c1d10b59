/** The streams of the realm: web-streams-polyfill, loaded at first use, and the bridge's own ends of streams. */
import { apply, byteLength, defineProperty, getOwnPropertyDescriptor, isBytes, onSettled } from "../primordials.ts";
import { once } from "./define.ts";
import { utf8Encode } from "./encoding.ts";

type Bytes = Uint8Array;
type Stream = ReadableStream<Uint8Array>;

/** What a chunk counts against the buffer of a body: its bytes. */
const BODY_BUFFER = 64 * 1024;

/** The library and the methods that the bridge calls, taken before the library's prototypes reach a script. */
export const streamParts = once(() => {
  // A CommonJS require becomes a function in the bundle: the library is evaluated here and not before.
  const library = require("web-streams-polyfill") as typeof import("web-streams-polyfill");
  const { ReadableStream, ReadableStreamDefaultReader, ReadableStreamDefaultController } = library;
  const stream = ReadableStream.prototype;
  const reader = ReadableStreamDefaultReader.prototype;
  const controller = ReadableStreamDefaultController.prototype;
  return {
    library,
    locked: getOwnPropertyDescriptor(stream, "locked")?.get as () => boolean,
    getReader: stream.getReader as () => ReadableStreamDefaultReader<Uint8Array>,
    pipeThrough: stream.pipeThrough as (pair: ReadableWritablePair<Bytes, Bytes>) => Stream,
    tee: stream.tee as () => [Stream, Stream],
    read: reader.read as () => Promise<ReadableStreamReadResult<unknown>>,
    cancel: reader.cancel as (reason: unknown) => Promise<void>,
    enqueue: controller.enqueue as (chunk: Bytes) => void,
    close: controller.close as () => void,
    error: controller.error as (reason: unknown) => void,
    desired: getOwnPropertyDescriptor(controller, "desiredSize")?.get as () => number | null,
  };
});

let loaded = false;
const parts = (): ReturnType<typeof streamParts> => {
  loaded = true;
  return streamParts();
};

/** The classes that go on the global. */
export const STREAM_GLOBALS = [
  "ReadableStream",
  "ReadableStreamDefaultReader",
  "ReadableStreamDefaultController",
  "WritableStream",
  "WritableStreamDefaultWriter",
  "WritableStreamDefaultController",
  "TransformStream",
  "TransformStreamDefaultController",
  "ByteLengthQueuingStrategy",
  "CountQueuingStrategy",
] as const;

export function streamGlobal(name: (typeof STREAM_GLOBALS)[number]): unknown {
  // Minifying took the class's name.
  const type = parts().library[name];
  defineProperty(type, "name", { __proto__: null, value: name, configurable: true } as PropertyDescriptor);
  return type;
}

export function isStream(value: unknown): value is Stream {
  if (!loaded || typeof value !== "object" || value === null) return false;
  try {
    apply(parts().locked, value, []);
    return true;
  } catch {
    return false;
  }
}

export function isLocked(stream: Stream): boolean {
  return apply(parts().locked, stream, []);
}

/** Something was read from it, or it was cancelled. */
export function isDisturbed(stream: Stream): boolean {
  // The library keeps the standard's [[disturbed]] slot under this name and has no public form of it.
  return (stream as unknown as { _disturbed: boolean })._disturbed;
}

export function teeStream(stream: Stream): [Stream, Stream] {
  return apply(parts().tee, stream, []) as [Stream, Stream];
}

/** Another stream with the same chunks; the first is locked by it. */
export function relay(stream: Stream): Stream {
  const { library, pipeThrough } = parts();
  const pair = new library.TransformStream() as unknown as ReadableWritablePair<Bytes, Bytes>;
  return apply(pipeThrough, stream, [pair]);
}

/** The producing end of a stream. Nothing throws; after the end nothing has an effect. */
export interface BytePipe {
  enqueue(chunk: Uint8Array): void;
  close(): void;
  error(reason: unknown): void;
  /** Bytes that the buffer still takes; 0 or less when the reader is behind. */
  readonly desired: number;
}

export interface ByteSource {
  pull(pipe: BytePipe): void;
  cancel(reason: unknown): void;
}

export function makeByteStream(on: ByteSource): { stream: Stream; pipe: BytePipe } {
  const { library, enqueue, close, error, desired } = parts();
  let controller!: ReadableStreamDefaultController<Bytes>;
  let open = true;
  const pipe: BytePipe = {
    enqueue(chunk) {
      if (open && byteLength(chunk) > 0) apply(enqueue, controller, [chunk]);
    },
    close() {
      if (open) apply(close, controller, []);
      open = false;
    },
    error(reason) {
      if (open) apply(error, controller, [reason]);
      open = false;
    },
    get desired() {
      return open ? (apply(desired, controller, []) ?? 0) : 0;
    },
  };
  const source = {
    __proto__: null,
    start(made: ReadableStreamDefaultController<Bytes>) {
      controller = made;
    },
    pull: () => on.pull(pipe),
    cancel(reason: unknown) {
      open = false;
      on.cancel(reason);
    },
  };
  const strategy = { __proto__: null, highWaterMark: BODY_BUFFER, size: byteLength };
  return { stream: new library.ReadableStream(source, strategy) as unknown as Stream, pipe };
}

/** A stream of one chunk. */
export function streamOf(bytes: () => Uint8Array): Stream {
  const { stream, pipe } = makeByteStream({
    pull(self) {
      self.enqueue(bytes());
      self.close();
    },
    cancel() {},
  });
  void pipe;
  return stream;
}

export interface PumpEnd {
  /** A promise holds the next chunk back until it settles. */
  chunk(bytes: Uint8Array): void | Promise<void>;
  done(): void;
  failed(error: unknown): void;
}

/** Reads a stream to its end. Strings are taken as UTF-8; any other chunk that is not bytes fails it. */
export function pumpStream(stream: Stream, on: PumpEnd): { cancel(reason: unknown): void } {
  const { getReader, read, cancel } = parts();
  let over = false;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const end = (error?: { reason: unknown }): void => {
    if (over) return;
    over = true;
    if (error === undefined) on.done();
    else on.failed(error.reason);
  };
  const fail = (reason: unknown): void => {
    if (over) return;
    end({ reason });
    if (reader !== undefined) onSettled(apply(cancel, reader, [reason]), ignore, ignore);
  };
  const next = (): void => {
    if (!over) onSettled(apply(read, reader, []), take, (reason) => end({ reason }));
  };
  const take = (result: ReadableStreamReadResult<unknown>): void => {
    if (over) return;
    try {
      if (result.done) return end();
      const chunk = typeof result.value === "string" ? utf8Encode(result.value) : result.value;
      if (!isBytes(chunk))
        return fail(new TypeError("A body's stream gave a chunk that is neither a Uint8Array nor a string."));
      const wait = on.chunk(chunk);
      if (wait === undefined) next();
      else onSettled(wait, next, fail);
    } catch (error) {
      fail(error);
    }
  };
  try {
    reader = apply(getReader, stream, []) as ReadableStreamDefaultReader<Uint8Array>;
    next();
  } catch (error) {
    end({ reason: error });
  }
  return {
    cancel(reason) {
      if (over) return;
      over = true;
      if (reader !== undefined) onSettled(apply(cancel, reader, [reason]), ignore, ignore);
    },
  };
}

/** For promises whose outcome changes nothing any more. */
function ignore(): void {}
