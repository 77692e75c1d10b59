/** TextEncoderStream and TextDecoderStream. https://encoding.spec.whatwg.org/#stream-objects */
import { byteLength, cut } from "../primordials.ts";
import { toText } from "./convert.ts";
import { named, once } from "./define.ts";
import { encodingParts } from "./encoding.ts";
import { streamParts } from "./streams.ts";

type Pair = { readonly readable: ReadableStream; readonly writable: WritableStream };
type Controller<T> = TransformStreamDefaultController<T>;

export const encodingStreamParts = once(() => {
  const { TextEncoder, TextDecoder } = encodingParts();
  const transform = (transformer: Transformer): Pair =>
    new (streamParts().library.TransformStream)(transformer as never) as never;

  class TextEncoderStream {
    readonly #pair: Pair;
    constructor() {
      const encoder = new TextEncoder();
      // A high surrogate at the end of a chunk waits for its other half.
      let high = "";
      this.#pair = transform({
        transform(chunk: unknown, controller: Controller<Uint8Array>) {
          const text = high + toText(chunk);
          const last = text[text.length - 1] ?? "";
          high = last >= "\ud800" && last <= "\udbff" ? last : "";
          const bytes = encoder.encode(cut(text, 0, text.length - high.length));
          if (byteLength(bytes) > 0) controller.enqueue(bytes);
        },
        flush(controller: Controller<Uint8Array>) {
          if (high !== "") controller.enqueue(encoder.encode(high));
        },
      });
    }
    get encoding(): string {
      void this.#pair;
      return "utf-8";
    }
    get readable(): ReadableStream {
      return this.#pair.readable;
    }
    get writable(): WritableStream {
      return this.#pair.writable;
    }
  }

  class TextDecoderStream {
    readonly #pair: Pair;
    readonly #decoder: InstanceType<typeof TextDecoder>;
    constructor(label?: unknown, options?: unknown) {
      const decoder = new TextDecoder(label, options);
      this.#decoder = decoder;
      this.#pair = transform({
        transform(chunk: unknown, controller: Controller<string>) {
          const text = decoder.decode(chunk, { stream: true });
          if (text !== "") controller.enqueue(text);
        },
        flush(controller: Controller<string>) {
          const text = decoder.decode();
          if (text !== "") controller.enqueue(text);
        },
      });
    }
    get encoding(): string {
      return this.#decoder.encoding;
    }
    get fatal(): boolean {
      return this.#decoder.fatal;
    }
    get ignoreBOM(): boolean {
      return this.#decoder.ignoreBOM;
    }
    get readable(): ReadableStream {
      return this.#pair.readable;
    }
    get writable(): WritableStream {
      return this.#pair.writable;
    }
  }
  return {
    TextEncoderStream: named(TextEncoderStream, "TextEncoderStream"),
    TextDecoderStream: named(TextDecoderStream, "TextDecoderStream"),
  };
});
