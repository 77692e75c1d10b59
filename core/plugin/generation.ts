/** One generation: every plugin set up, in order, into one immutable set of contributions; or nothing at all. */
import type { AnyPlugin, Dispose, EndpointInfo, HealthResult, PluginContext, PluginLog } from "../../sdk/plugin.ts";
import { Contributions, makeContext, type Scope } from "./context.ts";
import { makeChains, type Chains } from "./hook.ts";
import type { Keeper } from "./keep.ts";
import type { Manifest } from "./manifest.ts";
import { orderPlugins } from "./order.ts";
import { PluginFailure, type PluginPlace, type PluginProblem } from "./problem.ts";

/** A plugin that is loaded, ready to be set up. */
export interface LoadedPlugin extends Manifest {
  /** `built-in`, or the file relative to the project folder. */
  readonly origin: string;
  readonly setup: AnyPlugin["setup"];
  /** Checked, with defaults. */
  readonly options: unknown;
  /** Left out instead of failing the generation. */
  readonly optional: boolean;
  /** Ends what the plugin left running; answers what it should have ended itself. */
  readonly end?: () => string | null;
  /** An error of its code, with the place in its files. */
  readonly describe: (error: unknown, what: string) => PluginProblem;
}

export interface GenerationParts {
  readonly plugins: readonly LoadedPlugin[];
  /** A container for one generation alone, with what the engine provides. */
  readonly newScope: () => Scope;
  /** Capabilities that the engine provides. */
  readonly given: readonly string[];
  readonly keeper: Keeper;
  readonly paths: PluginContext["paths"];
  readonly logFor: (plugin: string) => PluginLog;
  readonly onHookFailure: Parameters<typeof makeChains>[1];
  /** Said of an optional plugin that was left out, and of what a plugin did not end itself. */
  readonly onProblem: (problem: PluginProblem) => void;
  readonly setupMs?: number;
}

/** What `setup` may take. */
const SETUP_MS = 10_000;

export class Generation {
  readonly #undo: { readonly plugin: LoadedPlugin; readonly dispose: Dispose }[];
  readonly #onProblem: GenerationParts["onProblem"];
  readonly #end = new AbortController();
  #entered = 0;
  #drained: (() => void) | null = null;

  constructor(
    /** In their order. */
    readonly plugins: readonly LoadedPlugin[],
    readonly contributions: Contributions,
    readonly chains: Chains,
    undo: { readonly plugin: LoadedPlugin; readonly dispose: Dispose }[],
    onProblem: GenerationParts["onProblem"],
  ) {
    this.#undo = undo;
    this.#onProblem = onProblem;
  }

  /** A request begins that this generation answers. */
  enter(): void {
    this.#entered++;
  }

  leave(): void {
    if (--this.#entered === 0) this.#drained?.();
  }

  /** Aborts when it is about to be undone. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Settles when no request is under way in it, or after so many milliseconds. */
  drained(ms: number): Promise<void> {
    if (this.#entered === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Undoes everything, in reverse; each step is taken whatever becomes of the others. */
  async dispose(): Promise<void> {
    this.#end.abort();
    await unwind(this.#undo, this.#onProblem);
  }

  /** Where in the files of a dropped plugin an error arose, for the log; nothing for any other error. */
  placeOf(error: unknown): PluginPlace {
    for (const one of this.plugins) {
      const { plugin, file, line, column, frame } = one.describe(error, "failed");
      if (line !== undefined) return { plugin, file, line, column, frame };
    }
    return error instanceof Error && error.cause !== undefined ? this.placeOf(error.cause) : {};
  }

  /** Those with something behind them. */
  endpoints(): readonly EndpointInfo[] {
    return this.contributions.endpoints.flatMap(({ plugin, spec }) => {
      const { title, path, summary } = spec;
      try {
        return spec.open?.() === false ? [] : [{ title, path, summary, owner: plugin }];
      } catch {
        // Who cannot say whether it is there is not there.
        return [];
      }
    });
  }

  async checks(): Promise<{ readonly [name: string]: HealthResult }> {
    const { health } = this.contributions;
    const results = await Promise.all(
      [...health.values()].map(async ({ name, spec }): Promise<[string, HealthResult]> => {
        try {
          return [name, await within(Promise.resolve(spec()), HEALTH_MS, "gave no answer")];
        } catch (error) {
          return [name, { ok: false, detail: error instanceof Error ? error.message : String(error) }];
        }
      }),
    );
    return Object.fromEntries(results);
  }
}

const HEALTH_MS = 5_000;

/**
 * Sets all plugins up.
 *
 * @throws PluginFailure, OrderProblem: nothing is left of what was begun.
 */
export async function buildGeneration(parts: GenerationParts): Promise<Generation> {
  const skipped = new Set<string>();
  for (;;) {
    const ordered = orderPlugins(
      parts.plugins.filter(({ name }) => !skipped.has(name)),
      parts.given,
    );
    const undo: { plugin: LoadedPlugin; dispose: Dispose }[] = [];
    const into = new Contributions();
    const failed = await setUpAll(ordered, into, undo, parts.newScope(), parts);
    if (failed === null) {
      return new Generation(ordered, into, makeChains(into.hooks, parts.onHookFailure), undo, parts.onProblem);
    }
    await unwind(undo, parts.onProblem);
    if (!failed.plugin.optional) throw new PluginFailure([failed.problem]);
    // What it began is undone with all others: a hook or a value of a half-made plugin must not stay.
    skipped.add(failed.plugin.name);
    parts.onProblem({ ...failed.problem, message: `${failed.problem.message} It is optional, and was left out.` });
  }
}

interface Failed {
  readonly plugin: LoadedPlugin;
  readonly problem: PluginProblem;
}

async function setUpAll(
  ordered: readonly LoadedPlugin[],
  into: Contributions,
  undo: { plugin: LoadedPlugin; dispose: Dispose }[],
  scope: Scope,
  parts: GenerationParts,
): Promise<Failed | null> {
  for (const plugin of ordered) {
    const own: Dispose[] = [];
    if (plugin.end) {
      own.push(() => {
        const left = plugin.end?.();
        if (left) parts.onProblem({ plugin: plugin.name, message: `The plugin "${plugin.name}" left ${left}.` });
      });
    }
    const { context, close } = makeContext({
      plugin,
      config: plugin.options,
      log: parts.logFor(plugin.name),
      paths: parts.paths,
      into,
      scope,
      keeper: parts.keeper,
      undo: own,
    });
    try {
      const done = Promise.resolve(plugin.setup(context));
      await within(done, parts.setupMs ?? SETUP_MS, "did not end");
    } catch (error) {
      return { plugin, problem: plugin.describe(error, "could not be set up") };
    } finally {
      close();
      undo.push(...own.map((dispose) => ({ plugin, dispose })));
    }
  }
  for (const { plugin: name, capability, visit } of into.visits) {
    if (!scope.has(capability)) continue;
    const plugin = ordered.find((one) => one.name === name);
    if (plugin === undefined) continue;
    try {
      const dispose = visit(scope.get(capability));
      if (dispose) undo.push({ plugin, dispose });
    } catch (error) {
      return { plugin, problem: plugin.describe(error, `could not be joined to "${capability}"`) };
    }
  }
  return null;
}

async function unwind(
  undo: { readonly plugin: LoadedPlugin; readonly dispose: Dispose }[],
  onProblem: GenerationParts["onProblem"],
): Promise<void> {
  for (const { plugin, dispose } of undo.splice(0).reverse()) {
    try {
      await within(Promise.resolve(dispose()), SETUP_MS, "did not end");
    } catch (error) {
      onProblem(plugin.describe(error, "could not be undone in full"));
    }
  }
}

async function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it ${what} within ${ms / 1000} s`)), ms);
  });
  work.catch(() => {}); // when it is late, nobody waits for it any more
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
