/** Holds the generation that serves, and makes the next one when plugins or config change: one change at a time. */
import { join } from "node:path";
import type { BuiltInPlugin, PluginInfo } from "../../sdk/plugin.ts";
import type { JsonSchema } from "../script/types.ts";
import { watchScripts } from "../script/watch.ts";
import type { PluginBundles } from "./bundle.ts";
import { discoverPlugins, type DroppedPlugin } from "./discover.ts";
import { buildGeneration, type Generation, type GenerationParts } from "./generation.ts";
import { loadBuiltIn, loadDropped, type Candidate } from "./load.ts";
import { OrderProblem } from "./order.ts";
import { PluginFailure, type PluginProblem } from "./problem.ts";

/** What the config says of plugins; a new one with each change of the config. */
export interface PluginSettings {
  enabled(name: string): boolean;
  optional(name: string): boolean;
  /** The options of each, checked, with defaults. @throws what names every key that is wrong. */
  check(
    known: readonly { readonly name: string; readonly schema: JsonSchema }[],
    /** Names of plugins that are there and are left out. */
    others: readonly string[],
  ): { readonly [name: string]: unknown };
}

/** What happened to plugins; for the log and the console. */
export type PluginEvent =
  | {
      readonly kind: "changed";
      readonly added: readonly string[];
      readonly changed: readonly string[];
      readonly removed: readonly string[];
      readonly ms: number;
    }
  /** The generation before still serves. */
  | { readonly kind: "refused"; readonly problems: readonly PluginProblem[] }
  /** Of a generation that serves. */
  | { readonly kind: "warning"; readonly problem: PluginProblem };

export interface PluginHostOptions extends Omit<GenerationParts, "plugins" | "keeper" | "onProblem"> {
  readonly builtIns: readonly BuiltInPlugin[];
  readonly bundles: PluginBundles;
  readonly engineVersion: string;
  readonly settings: PluginSettings;
  readonly keeper: GenerationParts["keeper"];
  /**
   * Puts the next generation in place of the one that serves: routes, services, points. What it throws leaves
   * everything as it was.
   */
  readonly adopt: (next: Generation) => void;
  readonly onEvent: (event: PluginEvent) => void;
  /** How long a generation that was replaced may take to finish its requests. */
  readonly drainMs: number;
}

export class PluginHost {
  readonly #options: PluginHostOptions;
  #settings: PluginSettings;
  #current: Generation | null = null;
  /** What went into the generation that serves: name → what changes when the plugin does. */
  #stamps: ReadonlyMap<string, string> = new Map();
  #work: Promise<unknown> = Promise.resolve();
  readonly #draining = new Set<Promise<void>>();
  #watcher: { close(): void } | null = null;

  constructor(options: PluginHostOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  get current(): Generation {
    if (this.#current === null) throw new Error("no generation of plugins serves yet");
    return this.#current;
  }

  get plugins(): readonly PluginInfo[] {
    return this.current.plugins.map(({ name, version, origin, requires, provides }) => ({
      name,
      version,
      origin,
      requires,
      provides: [name, ...provides],
    }));
  }

  /** Builds the first generation. @throws PluginFailure, OrderProblem, or what `check` throws. */
  async start(): Promise<void> {
    await this.#swap(this.#settings, true);
  }

  /** From now on a change of `plugins/` is a new generation. */
  watch(onLost: (error: Error) => void): void {
    const folder = join(this.#options.paths.project, "plugins");
    this.#watcher = watchScripts(folder, () => void this.reload(), onLost);
  }

  /**
   * Builds the next generation from what is on disk now, with these settings or the last. Never rejects: what is wrong
   * is an event, and the last generation serves on. Answers whether the new one serves.
   */
  reload(settings?: PluginSettings): Promise<boolean> {
    const done = this.#work.then(async () => {
      try {
        await this.#swap(settings ?? this.#settings, settings !== undefined);
        return true;
      } catch (error) {
        this.#options.onEvent({ kind: "refused", problems: problemsOf(error) });
        return false;
      }
    });
    this.#work = done;
    return done;
  }

  async #swap(settings: PluginSettings, always: boolean): Promise<void> {
    const { paths, onEvent, drainMs } = this.#options;
    const since = performance.now();
    const found = await discoverPlugins(paths.project);
    const dropped = found.filter(({ name }) => settings.enabled(name));
    const builtIns = this.#options.builtIns.filter(
      ({ name }) => settings.enabled(name) && !dropped.some((one) => one.name === name),
    );
    const { stamps, candidates, left } = await this.#load(builtIns, dropped, settings);
    // An editor wrote a file as it was, or one that is no plugin's.
    if (!always && this.#current !== null && sameEntries(stamps, this.#stamps)) {
      for (const { end } of candidates) end?.();
      return;
    }
    const names = [...found, ...this.#options.builtIns].map(({ name }) => name);
    const next = await this.#build(candidates, settings, left, new Set(names));
    const previous = this.#current;
    try {
      this.#options.adopt(next);
    } catch (error) {
      await next.dispose();
      throw error;
    }
    this.#current = next;
    this.#settings = settings;
    const event = changeOf(this.#stamps, stamps, performance.now() - since);
    this.#stamps = stamps;
    if (previous === null) return;
    onEvent(event);
    const gone = previous.drained(drainMs).then(() => previous.dispose());
    this.#draining.add(gone);
    void gone.finally(() => this.#draining.delete(gone));
  }

  /** Loads what must be loaded; an optional plugin that cannot be is left out. */
  async #load(
    builtIns: readonly BuiltInPlugin[],
    dropped: readonly DroppedPlugin[],
    settings: PluginSettings,
  ): Promise<{ stamps: Map<string, string>; candidates: Candidate[]; left: PluginProblem[] }> {
    const { bundles, engineVersion, paths } = this.#options;
    const stamps = new Map<string, string>();
    const candidates: Candidate[] = [];
    const left: PluginProblem[] = [];
    const problems: PluginProblem[] = [];
    const attempt = async (name: string, load: () => Promise<Candidate>): Promise<void> => {
      try {
        const candidate = await load();
        candidates.push(candidate);
        stamps.set(name, `${candidate.origin} ${candidate.stamp}`);
      } catch (error) {
        if (!(error instanceof PluginFailure)) throw error;
        const shown = settings.optional(name) ? left : problems;
        shown.push(...error.problems);
        stamps.set(name, error.message);
      }
    };
    for (const record of builtIns) await attempt(record.name, () => loadBuiltIn(record, engineVersion));
    for (const one of dropped) {
      await attempt(one.name, () => loadDropped(one, bundles, { dir: paths.project, engineVersion }));
    }
    if (problems.length === 0) return { stamps, candidates, left };
    for (const { end } of candidates) end?.();
    throw new PluginFailure(problems);
  }

  async #build(
    candidates: readonly Candidate[],
    settings: PluginSettings,
    left: readonly PluginProblem[],
    names: ReadonlySet<string>,
  ): Promise<Generation> {
    const { onEvent } = this.#options;
    for (const problem of left) {
      const message = `${problem.message} It is optional, and was left out.`;
      onEvent({ kind: "warning", problem: { ...problem, message } });
    }
    try {
      const others = [...names].filter((name) => !candidates.some((one) => one.name === name));
      const options = settings.check(
        candidates.map(({ name, schema }) => ({ name, schema })),
        others,
      );
      return await buildGeneration({
        ...this.#options,
        plugins: candidates.map((one) => ({
          ...one,
          options: options[one.name],
          optional: settings.optional(one.name),
        })),
        onProblem: (problem) => onEvent({ kind: "warning", problem }),
      });
    } catch (error) {
      for (const { end } of candidates) end?.();
      throw error;
    }
  }

  /** Disposes the generation that serves, after those that it replaced. */
  async dispose(): Promise<void> {
    this.#watcher?.close();
    await this.#work;
    await Promise.all(this.#draining);
    await this.#current?.dispose();
  }
}

/** Of a generation that was refused. */
export function problemsOf(error: unknown): readonly PluginProblem[] {
  if (error instanceof PluginFailure) return error.problems;
  if (error instanceof OrderProblem) return [{ plugin: error.plugin, message: error.message }];
  return [{ plugin: "", message: error instanceof Error ? error.message : String(error) }];
}

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, stamp]) => b.get(name) === stamp);
}

function changeOf(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  ms: number,
): PluginEvent & { kind: "changed" } {
  return {
    kind: "changed",
    added: [...after.keys()].filter((name) => !before.has(name)),
    changed: [...after].filter(([name, stamp]) => (before.get(name) ?? stamp) !== stamp).map(([name]) => name),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    ms,
  };
}
