/** FormData. https://xhr.spec.whatwg.org/#interface-formdata */
import { isObject, need, toFunction, toUsv } from "./convert.ts";
import { blobState, fileState, makeFile } from "./blob.ts";
import { named, once } from "./define.ts";
import { iterable, pairIterators } from "./iterate.ts";

export interface FormEntry {
  readonly name: string;
  readonly value: string | File;
}

let entriesOf: ((value: object) => FormEntry[] | undefined) | undefined;

/** The entries of a FormData, or undefined for every other value. */
export function formEntries(value: unknown): FormEntry[] | undefined {
  return isObject(value) ? entriesOf?.(value) : undefined;
}

/** A Blob becomes a File named "blob"; a file name given beside it wins. */
function makeEntry(name: unknown, value: unknown, filename: unknown, what: string): FormEntry {
  const key = toUsv(name);
  const blob = isObject(value) ? blobState(value) : undefined;
  if (blob === undefined) {
    if (filename !== undefined) throw new TypeError(`${what}: a file name needs a Blob`);
    return { name: key, value: toUsv(value) };
  }
  const file = fileState(value as object);
  if (file !== undefined && filename === undefined) return { name: key, value: value as File };
  const title = filename === undefined ? "blob" : toUsv(filename);
  return { name: key, value: makeFile(blob.bytes, title, blob.type, file?.lastModified) };
}

export const formDataParts = once(() => {
  class FormData {
    #entries: FormEntry[] = [];
    constructor(form?: unknown) {
      if (form !== undefined) throw new TypeError("new FormData: there are no forms here");
    }
    static {
      entriesOf = (value) => (#entries in value ? value.#entries : undefined);
    }
    append(name: unknown, value: unknown, filename?: unknown): void {
      need(arguments.length, 2, "FormData.append");
      const entry = makeEntry(name, value, filename, "FormData.append");
      this.#entries[this.#entries.length] = entry;
    }
    set(name: unknown, value: unknown, filename?: unknown): void {
      need(arguments.length, 2, "FormData.set");
      const entry = makeEntry(name, value, filename, "FormData.set");
      const kept: FormEntry[] = [];
      let done = false;
      for (let i = 0; i < this.#entries.length; i++) {
        const old = this.#entries[i] as FormEntry;
        const hit = old.name === entry.name;
        if (!hit) kept[kept.length] = old;
        else if (!done) kept[kept.length] = entry;
        done ||= hit;
      }
      if (!done) kept[kept.length] = entry;
      this.#entries = kept;
    }
    delete(name: unknown): void {
      need(arguments.length, 1, "FormData.delete");
      const key = toUsv(name);
      const kept: FormEntry[] = [];
      for (let i = 0; i < this.#entries.length; i++) {
        const entry = this.#entries[i] as FormEntry;
        if (entry.name !== key) kept[kept.length] = entry;
      }
      this.#entries = kept;
    }
    get(name: unknown): string | File | null {
      need(arguments.length, 1, "FormData.get");
      const key = toUsv(name);
      for (let i = 0; i < this.#entries.length; i++) {
        const entry = this.#entries[i] as FormEntry;
        if (entry.name === key) return entry.value;
      }
      return null;
    }
    getAll(name: unknown): (string | File)[] {
      need(arguments.length, 1, "FormData.getAll");
      const key = toUsv(name);
      const all: (string | File)[] = [];
      for (let i = 0; i < this.#entries.length; i++) {
        const entry = this.#entries[i] as FormEntry;
        if (entry.name === key) all[all.length] = entry.value;
      }
      return all;
    }
    has(name: unknown): boolean {
      need(arguments.length, 1, "FormData.has");
      const key = toUsv(name);
      for (let i = 0; i < this.#entries.length; i++) if (this.#entries[i]?.name === key) return true;
      return false;
    }
    entries(): IterableIterator<[string, string | File]> {
      void this.#entries;
      return iterators.make(this, "entries");
    }
    keys(): IterableIterator<string> {
      void this.#entries;
      return iterators.make(this, "keys");
    }
    values(): IterableIterator<string | File> {
      void this.#entries;
      return iterators.make(this, "values");
    }
    forEach(callback: unknown, self?: unknown): void {
      void this.#entries;
      iterators.each(this, toFunction(callback, "FormData.forEach"), self);
    }
  }
  const iterators = pairIterators<FormData>("FormData", (form, index) => {
    const entry = entriesOf?.(form)?.[index];
    return entry === undefined ? undefined : [entry.name, entry.value];
  });
  iterable(FormData.prototype);
  return named(FormData, "FormData");
});

/** A FormData with these entries. */
export function makeForm(entries: readonly FormEntry[]): FormData {
  const form = new (formDataParts())();
  const list = entriesOf?.(form) as FormEntry[];
  for (let i = 0; i < entries.length; i++) list[i] = entries[i] as FormEntry;
  return form as unknown as FormData;
}
