/** Blob and File. The bytes are held flat, so that nothing about them is ever asynchronous inside. https://w3c.github.io/FileAPI/ */
import {
  Bytes,
  byteLength,
  bytesOf,
  concatBytes,
  copyBytes,
  joinText,
  lower,
  matches,
  part,
  splitText,
  wellFormed,
  pattern,
} from "../primordials.ts";
import { isObject, need, toDictionary, toInteger, toSequence, toText, toUsv } from "./convert.ts";
import { INTERNAL, named, once } from "./define.ts";
import { utf8Decode, utf8Encode } from "./encoding.ts";
import { streamOf } from "./streams.ts";

type Chunk = Uint8Array<ArrayBuffer>;

const NOT_PRINTABLE = pattern(/[^\x20-\x7e]/);

function blobType(type: unknown): string {
  const text = type === undefined ? "" : toText(type);
  return matches(NOT_PRINTABLE, text) ? "" : lower(text);
}

/** Every line break becomes "\n"; this system's native form. */
function nativeEndings(text: string): string {
  return joinText(splitText(joinText(splitText(text, "\r\n"), "\n"), "\r"), "\n");
}

function gather(parts: unknown, endings: unknown): Chunk {
  const list = toSequence(parts, "new Blob");
  const form = endings === undefined ? "transparent" : toText(endings);
  if (form !== "transparent" && form !== "native") throw new TypeError(`new Blob: endings "${form}" is not known`);
  const chunks: Chunk[] = [];
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    const bytes = blobBytes(item) ?? bytesOf(item);
    if (bytes !== null) chunks[i] = bytes;
    else {
      const text = wellFormed(toText(item));
      chunks[i] = utf8Encode(form === "native" ? nativeEndings(text) : text);
    }
  }
  return concatBytes(chunks);
}

let open: ((value: object) => { bytes: Chunk; type: string } | undefined) | undefined;
let openFile: ((value: object) => { name: string; lastModified: number } | undefined) | undefined;

/** The bytes of a Blob or File, not to be changed; null for every other value. */
export function blobBytes(value: unknown): Chunk | null {
  return (isObject(value) && open?.(value)?.bytes) || null;
}

export function blobState(value: object): { bytes: Chunk; type: string } | undefined {
  return open?.(value);
}

export function fileState(value: object): { name: string; lastModified: number } | undefined {
  return openFile?.(value);
}

export const blobParts = once(() => {
  class Blob {
    #bytes: Chunk;
    #type: string;
    constructor(parts?: unknown, options?: unknown, token?: unknown) {
      if (token === INTERNAL) {
        this.#bytes = parts as Chunk;
        this.#type = options as string;
        return;
      }
      const { endings, type } = toDictionary(options, "new Blob");
      this.#bytes = parts === undefined ? new Bytes(0) : gather(parts, endings);
      this.#type = blobType(type);
    }
    static {
      open = (value) => (#bytes in value ? { bytes: value.#bytes, type: value.#type } : undefined);
    }
    get size(): number {
      return byteLength(this.#bytes);
    }
    get type(): string {
      return this.#type;
    }
    slice(start?: unknown, end?: unknown, type?: unknown): Blob {
      const size = byteLength(this.#bytes);
      const from = clamp(toInteger(start, 0), size);
      const to = clamp(toInteger(end, size), size);
      // The memory is shared: no one can change the bytes of a Blob.
      return new Blob(part(this.#bytes, from, to > from ? to : from), blobType(type), INTERNAL);
    }
    async text(): Promise<string> {
      return utf8Decode(this.#bytes);
    }
    async bytes(): Promise<Chunk> {
      return copyBytes(this.#bytes);
    }
    async arrayBuffer(): Promise<ArrayBuffer> {
      return copyBytes(this.#bytes).buffer;
    }
    stream(): ReadableStream<Uint8Array> {
      const bytes = this.#bytes;
      return streamOf(() => copyBytes(bytes));
    }
  }
  named(Blob, "Blob");

  class File extends Blob {
    readonly #name: string;
    readonly #lastModified: number;
    constructor(parts: unknown, name: unknown, options?: unknown, token?: unknown, modified?: unknown) {
      if (token !== INTERNAL) need(arguments.length, 2, "new File");
      if (token !== INTERNAL && parts === undefined) throw new TypeError("new File: no sequence of parts");
      super(parts, options, token);
      this.#name = toUsv(name);
      const given = token === INTERNAL ? modified : toDictionary(options, "new File").lastModified;
      this.#lastModified = given === undefined ? clock() : toInteger(given, 0);
    }
    static {
      openFile = (value) => (#name in value ? { name: value.#name, lastModified: value.#lastModified } : undefined);
    }
    get name(): string {
      return this.#name;
    }
    get lastModified(): number {
      return this.#lastModified;
    }
    get webkitRelativePath(): string {
      void this.#name;
      return "";
    }
  }
  named(File, "File");
  return { Blob, File };
});

const clock = Date.now;

function clamp(index: number, size: number): number {
  if (index < 0) return size + index < 0 ? 0 : size + index;
  return index > size ? size : index;
}

/** A Blob over bytes that nobody else will change. */
export function makeBlob(bytes: Chunk, type: string): Blob {
  return new (blobParts().Blob)(bytes, type, INTERNAL) as unknown as Blob;
}

/** A File over bytes that nobody else will change. */
export function makeFile(bytes: Chunk, name: string, type: string, lastModified?: number): File {
  return new (blobParts().File)(bytes, name, type, INTERNAL, lastModified) as unknown as File;
}
