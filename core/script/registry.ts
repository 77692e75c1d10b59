/** The scripts as they are now: builds what changed, swaps it in whole, and keeps the last good version serving. */
import { statSync } from "node:fs";
import { limitsFor, scriptConfig } from "../config/index.ts";
import type { ScriptInfo } from "../../sdk/plugin.ts";
import type { RouteEntry, RouteTable } from "../http/router.ts";
import type { Builder, BuildInput } from "./build.ts";
import { concerns, type Changes } from "./changes.ts";
import { broken, newEntry, statusOf, type Entry, type ScriptStatus } from "./entry.ts";
import { Serving, type Obstacle, type ServingOptions } from "./serving.ts";
import { discoverScripts, watchScripts, type Discovered, type ScriptSource } from "./source.ts";
import type { BuildProblem, BuildResult, Json } from "./types.ts";
import { malformedRoute, openVersion, settingsText, type AnyRoute } from "./version.ts";

export interface RegistryOptions extends ServingOptions {
  readonly scriptsDir: string;
  readonly builder: Builder;
  /** All names that are in the folder of scripts, whether they load or not; whenever they changed. */
  readonly onNames: (names: ReadonlySet<string>) => void;
  /** Changes may go unnoticed from now on; the scripts serve on as they are. */
  readonly onUnwatched: (error: Error) => void;
}

/** So long a file that serves may be gone or empty before that is meant: some editors delete and write, or empty and write. */
const REWRITE_MS = 100;

export class Registry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Entry>();
  #folderProblems: readonly BuildProblem[] = [];
  #names = "";
  readonly #serving: Serving;
  #watcher: { close(): void } | null = null;
  #scan: Promise<void> = Promise.resolve();
  #recheck: ReturnType<typeof setTimeout> | undefined;
  #first: Promise<unknown> = Promise.resolve();
  #unbuilt = 0;
  #closed = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#serving = new Serving(this.#entries, options);
  }

  get routes(): RouteTable<AnyRoute> {
    return this.#serving.routes;
  }

  get status(): readonly ScriptStatus[] {
    const folder = this.#folderProblems.map((problem) => ({
      name: problem.file ?? "scripts",
      routes: 0,
      registrations: 0,
      building: false,
      problem,
    }));
    return [...folder, ...Array.from(this.#entries.values(), statusOf)];
  }

  /** Scripts that were there at the start, and whose first build goes on: their routes are not known. */
  get unbuilt(): number {
    return this.#unbuilt;
  }

  /** Settles when none is unbuilt. Never rejects. */
  get built(): Promise<unknown> {
    return this.#first;
  }

  /** All routes that are served, in no order. */
  get routeList(): readonly RouteEntry<AnyRoute>[] {
    const own = [...this.#entries.values()].flatMap(({ serving }) => serving?.routes ?? []);
    return [...this.#options.pluginRoutes(), ...own];
  }

  /** What is known of each script's files, whether it serves or not. */
  get scripts(): readonly ScriptInfo[] {
    return Array.from(this.#entries.values(), ({ source, serving, problems }) => ({
      name: source.name,
      entry: source.entry,
      folder: source.root === source.dir ? undefined : source.root,
      routes: serving?.routes.length ?? 0,
      problem: problems[0]?.message,
    }));
  }

  /** The plugins' routes and points are others now. Answers what is in their way; then all stays as it was. */
  replan(): Obstacle | null {
    return this.#serving.replan();
  }

  /** Config, or what plugins give to scripts, is another now: each script for which that matters gets a new version. */
  reconfigure(): void {
    this.#look("config");
  }

  /**
   * Loads all scripts: from the cache at once; what must be built within `patienceMs`, or later while serving.
   *
   * @throws what the file system says when the folder of scripts cannot be read.
   */
  start(patienceMs: number): Promise<void> {
    const started = this.#start(patienceMs);
    this.#scan = started.catch(() => {}); // whoever called is told
    return started;
  }

  async #start(patienceMs: number): Promise<void> {
    const found = await discoverScripts(this.#options.scriptsDir);
    this.#note(found);
    const stale: Entry[] = [];
    for (const source of this.#enabled(found)) {
      const entry = this.#add(source);
      // What cannot be read from the cache is built, and the build says why it cannot.
      const bundle = await this.#options.builder.cached(this.#input(source)).catch(() => null);
      const version = bundle && openVersion(bundle, this.#options);
      if (!version || malformedRoute(version)) stale.push(entry);
      else {
        entry.serving = version;
        this.#options.onEvent({
          kind: "loaded",
          script: source.name,
          routes: version.routes.length,
          registrations: version.registrations,
          ms: 0,
          cached: true,
        });
      }
    }
    this.#serving.compile();
    this.#unbuilt = stale.length;
    this.#first = Promise.all(stale.map((entry) => this.#build(entry).then(() => this.#unbuilt--)));
    const timer = Promise.withResolvers<void>();
    const handle = setTimeout(timer.resolve, patienceMs);
    await Promise.race([this.#first, timer.promise]);
    clearTimeout(handle);
    this.#serving.starting = false;
  }

  /** From now on a change of a file is a new version. Called before `start`, so that no change falls between the two. */
  watch(): void {
    const { scriptsDir, onUnwatched } = this.#options;
    const tell = (paths: ReadonlySet<string>): void => this.#look(paths.size === 0 ? "all" : paths);
    this.#watcher = watchScripts(scriptsDir, tell, onUnwatched);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#recheck);
    this.#watcher?.close();
  }

  /** One look at the folder after the other; builds do not hold up the next look. */
  #look(changes: Changes): void {
    this.#scan = this.#scan.then(async () => {
      if (this.#closed) return;
      try {
        await this.#rescan(changes);
      } catch (error) {
        this.#noteFolder([unreadable(error)]);
      }
    });
  }

  async #rescan(changes: Changes): Promise<void> {
    const found = await discoverScripts(this.#options.scriptsDir);
    if (this.#closed) return;
    this.#note(found);
    const enabled = this.#enabled(found);
    this.#dropMissing(new Set([...enabled.map(({ name }) => name), ...found.disputed]));
    for (const source of enabled) {
      const known = this.#entries.get(source.name);
      const entry = known ?? this.#add(source);
      const { missing, serving, problems } = entry;
      const moved = entry.source.entry !== source.entry;
      entry.source = source;
      entry.missing = null;
      const failed = problems.length > 0 || serving === null;
      if (
        !known ||
        missing !== null ||
        moved ||
        concerns(changes, { source, inputs: serving?.bundle.inputs ?? [], failed })
      )
        void this.#build(entry, changes === "config");
    }
  }

  #dropMissing(present: ReadonlySet<string>): void {
    const now = performance.now();
    let again = false;
    for (const [name, entry] of [...this.#entries]) {
      if (present.has(name)) continue;
      entry.missing ??= now;
      if (now - entry.missing >= REWRITE_MS) this.#serving.remove(entry);
      else again = true;
    }
    clearTimeout(this.#recheck);
    if (again) this.#recheck = setTimeout(() => this.#look("none"), REWRITE_MS);
  }

  #add(source: ScriptSource): Entry {
    const entry = newEntry(source);
    this.#entries.set(source.name, entry);
    return entry;
  }

  #enabled({ scripts }: Discovered): readonly ScriptSource[] {
    return scripts.filter(({ name }) => scriptConfig(this.#options.config, name).enabled);
  }

  #note({ scripts, disputed, problems }: Discovered): void {
    this.#noteFolder(problems);
    const names = new Set([...scripts.map(({ name }) => name), ...disputed]);
    const text = [...names].join(" ");
    if (text === this.#names) return;
    this.#names = text;
    this.#options.onNames(names);
  }

  #noteFolder(problems: readonly BuildProblem[]): void {
    const known = new Set(this.#folderProblems.map((problem) => problem.message));
    const fresh = problems.filter((problem) => !known.has(problem.message));
    this.#folderProblems = problems;
    if (fresh.length > 0) this.#options.onEvent({ kind: "failed", script: "", problems: fresh, serving: false });
  }

  #input({ name, entry, root, dir }: ScriptSource): BuildInput {
    const { config } = this.#options;
    return {
      name,
      entry,
      root,
      scriptsDir: dir,
      config: scriptConfig(config, name).config as Json,
      limits: limitsFor(config, name),
    };
  }

  /** @param unchanged its files are what they were: a build of them may be kept from before */
  #build(entry: Entry, unchanged = false): Promise<void> {
    if (entry.building) {
      entry.dirty = true;
      return entry.building;
    }
    const run = async (): Promise<void> => {
      do {
        const mayReuse = unchanged && !entry.dirty;
        entry.dirty = false;
        await this.#buildOnce(entry, mayReuse).catch((error: unknown) =>
          this.#serving.fail(entry, [broken(entry, error)]),
        );
      } while (entry.dirty && this.#holds(entry));
      entry.building = null;
    };
    entry.building = run();
    return entry.building;
  }

  #holds(entry: Entry): boolean {
    return !this.#closed && this.#entries.get(entry.source.name) === entry;
  }

  async #buildOnce(entry: Entry, mayReuse: boolean): Promise<void> {
    if (entry.serving && isEmpty(entry.source.entry)) await Bun.sleep(REWRITE_MS);
    const since = performance.now();
    const { builder, config } = this.#options;
    const input = this.#input(entry.source);
    const kept = mayReuse ? await builder.cached(input).catch(() => null) : null;
    const result: BuildResult = kept ? { ok: true, bundle: kept, warnings: [] } : await builder.build(input);
    if (!this.#holds(entry)) return;
    if (!result.ok) {
      // A file that changed or went since was perhaps read by half: the next look tells.
      if (!entry.dirty && entry.missing === null) this.#serving.fail(entry, result.problems);
      return;
    }
    if (result.warnings.length > 0)
      this.#options.onEvent({ kind: "warning", script: entry.source.name, problems: result.warnings });
    const settings = settingsText(entry.source.name, config);
    if (entry.serving?.bundle.hash !== result.bundle.hash || entry.serving.settings !== settings)
      this.#serving.adopt(entry, result.bundle, performance.now() - since);
    else if (entry.problems.length > 0) this.#serving.settle(entry, entry.serving, performance.now() - since);
  }
}

function isEmpty(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.size === 0;
}

function unreadable(error: unknown): BuildProblem {
  const why = error instanceof Error ? error.message : String(error);
  return {
    code: "internal",
    message: `The folder of scripts cannot be read: ${why}.`,
    hint: "Its scripts serve on as they were.",
  };
}
