/** Where in the URL space the assets of each script stand. */
import { lstatSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { ScriptInfo } from "../../sdk/plugin.ts";
import { readPath } from "./path.ts";

/** A script's assets, as seen from one request path. */
export interface Mounted {
  /** Absolute and real: `…/scripts/<name>/assets`. */
  readonly root: string;
  /** What of the path lies below it. */
  readonly rest: readonly string[];
}

export class Mounts {
  /** Script → the key of its mount. */
  readonly #configured = new Map<string, string>();
  readonly #scripts: () => readonly ScriptInfo[];
  #table: { readonly byKey: ReadonlyMap<string, readonly string[]>; readonly depth: number } | null = null;

  /** @throws Error for a mount that is no path, or that two scripts share. */
  constructor(configured: { readonly [script: string]: string }, scripts: () => readonly ScriptInfo[]) {
    this.#scripts = scripts;
    for (const [script, path] of Object.entries(configured)) {
      const read = readPath(path);
      if (read === null) throw new Error(`mounts.${script} is "${path}"; write a path without dots, such as "/docs"`);
      const key = read.segments.join("/");
      const other = [...this.#configured].find(([, taken]) => taken === key)?.[0];
      if (other !== undefined) throw new Error(`mounts.${script} and mounts.${other} are both "${path}"; change one`);
      this.#configured.set(script, key);
    }
  }

  /** Scripts came or went. */
  forget(): void {
    this.#table = null;
  }

  /** All that could hold the path, the most specific first. */
  *find(segments: readonly string[]): Generator<Mounted> {
    this.#table ??= this.#read();
    const { byKey, depth } = this.#table;
    for (let length = Math.min(depth, segments.length); length >= 0; length--) {
      for (const folder of byKey.get(segments.slice(0, length).join("/")) ?? []) {
        const root = assetsOf(folder);
        if (root !== null) yield { root, rest: segments.slice(length) };
      }
    }
  }

  #read(): { readonly byKey: ReadonlyMap<string, readonly string[]>; readonly depth: number } {
    const byKey = new Map<string, string[]>();
    let depth = 0;
    for (const { name, folder } of this.#scripts()) {
      if (folder === undefined) continue;
      const configured = this.#configured.get(name);
      const key = configured ?? name;
      depth = Math.max(depth, key === "" ? 0 : key.split("/").length);
      // Where config puts one script at the name of another, what config says comes first.
      const held = byKey.get(key) ?? [];
      byKey.set(key, configured === undefined ? [...held, folder] : [folder, ...held]);
    }
    return { byKey, depth };
  }
}

/** Asked each time: the folder may come, go, or become a link while the script stays as it is. */
function assetsOf(folder: string): string | null {
  try {
    const root = join(realpathSync(folder), "assets");
    return lstatSync(root).isDirectory() ? root : null;
  } catch {
    return null; // there is none
  }
}
