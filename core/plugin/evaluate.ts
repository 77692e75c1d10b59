/** Runs the bundle of a dropped plugin, in the engine's own global: plugins are trusted as the engine is. */
import { createRequire } from "node:module";
import { relative, resolve } from "node:path";
import { readFileSync } from "node:fs";
import { compileFunction } from "node:vm";
import * as pluginSdk from "../../sdk/plugin.ts";
import { codeFrame } from "../isolate/build/code-frame.ts";
import type { makeLookup } from "../isolate/realm/sourcemap.ts";
import { PROVIDED, type PluginBundle } from "./bundle.ts";
import type { PluginProblem } from "./problem.ts";

/** Timers of one plugin, so that none outlives it. */
export class Timers {
  readonly #running = new Map<ReturnType<typeof setTimeout>, "once" | "repeated">();

  readonly given = {
    setTimeout: (task: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const timer = setTimeout(() => {
        this.#running.delete(timer);
        task(...args);
      }, ms);
      this.#running.set(timer, "once");
      return timer;
    },
    setInterval: (task: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const timer = setInterval(task, ms, ...args);
      this.#running.set(timer, "repeated");
      return timer;
    },
    clearTimeout: (timer: ReturnType<typeof setTimeout> | undefined) => this.#clear(timer),
    clearInterval: (timer: ReturnType<typeof setTimeout> | undefined) => this.#clear(timer),
  };

  #clear(timer: ReturnType<typeof setTimeout> | undefined): void {
    clearTimeout(timer);
    if (timer !== undefined) this.#running.delete(timer);
  }

  /** Ends what still runs, and answers how many intervals that were: a plugin clears its own with `defer`. */
  end(): number {
    let intervals = 0;
    for (const [timer, kind] of this.#running) {
      clearTimeout(timer);
      if (kind === "repeated") intervals++;
    }
    this.#running.clear();
    return intervals;
  }
}

const HEAD = /^\/\/ @bun[^\n]*\n/;

/** The exports of the bundle, evaluated anew: two generations share no state of a plugin's modules. */
export function evaluate(bundle: PluginBundle, filename: string, timers: Timers): { readonly default?: unknown } {
  const names = Object.keys(timers.given);
  // The first line stays the first: positions are looked up in the bundle's map.
  const make = compileFunction(`return ${bundle.code.replace(HEAD, "")}`, names, { filename }) as (
    ...given: unknown[]
  ) => (exports: object, require: unknown, module: object, file: string, folder: string) => void;
  const host = createRequire(`${bundle.folder}/`);
  const give = (name: string): unknown => (PROVIDED.includes(name) ? pluginSdk : host(name));
  const module: { exports: { default?: unknown } } = { exports: {} };
  make(...Object.values(timers.given))(module.exports, give, module, filename, bundle.folder);
  return module.exports;
}

/** What leads from a stack to the files that a plugin was bundled of. */
export interface PluginSource {
  readonly bundle: PluginBundle;
  readonly filename: string;
  readonly projectDir: string;
  readonly lookup: ReturnType<typeof makeLookup>;
}

/** An error of a plugin, with the place in its author's files where its stack leads there. */
export function describeError(
  error: unknown,
  plugin: string,
  what: string,
  source: PluginSource | null,
): PluginProblem {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  const problem = {
    plugin,
    message: `The plugin "${plugin}" ${what}: ${/[.?!]$/.test(reason) ? reason : `${reason}.`}`,
  };
  if (source === null || !(error instanceof Error)) return problem;
  const at = error.stack?.match(new RegExp(`${RegExp.escape(source.filename)}:(\\d+):(\\d+)`));
  if (!at) return problem;
  // The generated first line was cut off, and the head of `compileFunction` stands in its place.
  const place = source.lookup(Number(at[1]), Number(at[2]));
  if (place === null) return problem;
  const path = resolve(source.bundle.folder, place.file);
  return {
    ...problem,
    ...place,
    file: relative(source.projectDir, path),
    frame: frameAt(path, place.line, place.column),
  };
}

function frameAt(path: string, line: number, column: number): string {
  try {
    return codeFrame(readFileSync(path, "utf8"), line, column);
  } catch {
    return ""; // removed since: the place itself is still true
  }
}
