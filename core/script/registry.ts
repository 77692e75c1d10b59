/** The scripts as they are now: builds what changed, swaps it in whole, and keeps the last good version serving. */
import { statSync } from "node:fs";
import { limitsFor, scriptConfig } from "../config/index.ts";
import { compileRoutes, RouteClash, type RouteEntry, type RouteTable } from "../http/router.ts";
import type { Builder, BuildInput } from "./build.ts";
import { concerns, type Changes } from "./changes.ts";
import { fileOf, newEntry, routeTaken, statusOf, type Entry, type ScriptEvent, type ScriptStatus } from "./entry.ts";
import { discoverScripts, watchScripts, type Discovered, type ScriptSource } from "./source.ts";
import type { BuildProblem, Json, ScriptBundle } from "./types.ts";
import { malformedRoute, openVersion, type AnyRoute, type Version, type VersionOptions } from "./version.ts";

export interface RegistryOptions extends VersionOptions {
  readonly scriptsDir: string;
  readonly builder: Builder;
  readonly engineRoutes: readonly RouteEntry<AnyRoute>[];
  readonly onEvent: (event: ScriptEvent) => void;
  /** All names that are in the folder of scripts, whether they load or not; whenever they changed. */
  readonly onNames: (names: ReadonlySet<string>) => void;
}

/** So long a file that serves may be gone or empty before that is meant: some editors delete and write, or empty and write. */
const REWRITE_MS = 100;

export class Registry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Entry>();
  #folderProblems: readonly BuildProblem[] = [];
  #names = "";
  #table: RouteTable<AnyRoute>;
  #watcher: { close(): void } | null = null;
  #scan: Promise<void> = Promise.resolve();
  #recheck: ReturnType<typeof setTimeout> | undefined;
  #starting = true;
  #closed = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#table = compileRoutes(options.engineRoutes);
  }

  get routes(): RouteTable<AnyRoute> {
    return this.#table;
  }

  get status(): readonly ScriptStatus[] {
    const folder = this.#folderProblems.map((problem) => ({
      name: problem.file ?? "scripts",
      routes: 0,
      building: false,
      problem,
    }));
    return [...folder, ...Array.from(this.#entries.values(), statusOf)];
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
      const bundle = await this.#options.builder.cached(this.#input(source));
      const version = bundle && openVersion(bundle, this.#options);
      if (!version || malformedRoute(version)) stale.push(entry);
      else {
        entry.serving = version;
        this.#options.onEvent({
          kind: "loaded",
          script: source.name,
          routes: version.routes.length,
          ms: 0,
          cached: true,
        });
      }
    }
    this.#compileAll();
    const builds = Promise.all(stale.map((entry) => this.#build(entry)));
    const timer = Promise.withResolvers<void>();
    const handle = setTimeout(timer.resolve, patienceMs);
    await Promise.race([builds, timer.promise]);
    clearTimeout(handle);
    this.#starting = false;
  }

  /**
   * From now on a change of a file is a new version. Called before `start`, so that no change falls between the two.
   *
   * @throws when the system has no watches left: the scripts serve on as they are.
   */
  watch(): void {
    this.#watcher = watchScripts(this.#options.scriptsDir, (paths) => this.#look(paths.size === 0 ? "all" : paths));
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
        void this.#build(entry);
    }
  }

  #dropMissing(present: ReadonlySet<string>): void {
    const now = performance.now();
    let again = false;
    for (const [name, entry] of [...this.#entries]) {
      if (present.has(name)) continue;
      entry.missing ??= now;
      if (now - entry.missing >= REWRITE_MS) this.#remove(entry);
      else again = true;
    }
    clearTimeout(this.#recheck);
    if (again) this.#recheck = setTimeout(() => this.#look("none"), REWRITE_MS);
  }

  #remove(entry: Entry): void {
    const { name } = entry.source;
    this.#entries.delete(name);
    entry.serving?.retire();
    this.#compileAll();
    this.#options.onEvent({ kind: "removed", script: name });
    this.#retryRefused(true);
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

  #build(entry: Entry): Promise<void> {
    if (entry.building) {
      entry.dirty = true;
      return entry.building;
    }
    const run = async (): Promise<void> => {
      do {
        entry.dirty = false;
        await this.#buildOnce(entry);
      } while (entry.dirty && this.#holds(entry));
      entry.building = null;
    };
    entry.building = run();
    return entry.building;
  }

  #holds(entry: Entry): boolean {
    return !this.#closed && this.#entries.get(entry.source.name) === entry;
  }

  async #buildOnce(entry: Entry): Promise<void> {
    if (entry.serving && isEmpty(entry.source.entry)) await Bun.sleep(REWRITE_MS);
    const since = performance.now();
    const result = await this.#options.builder.build(this.#input(entry.source));
    if (!this.#holds(entry)) return;
    if (!result.ok) {
      // A file that changed or went since was perhaps read by half: the next look tells.
      if (!entry.dirty && entry.missing === null) this.#fail(entry, result.problems);
      return;
    }
    if (result.warnings.length > 0)
      this.#options.onEvent({ kind: "warning", script: entry.source.name, problems: result.warnings });
    if (entry.serving?.bundle.hash !== result.bundle.hash) this.#adopt(entry, result.bundle, performance.now() - since);
    else if (entry.problems.length > 0) this.#settle(entry, entry.serving, performance.now() - since);
  }

  #fail(entry: Entry, problems: readonly BuildProblem[], refused: ScriptBundle | null = null): void {
    entry.problems = problems;
    entry.refused = refused;
    this.#options.onEvent({ kind: "failed", script: entry.source.name, problems, serving: entry.serving !== null });
  }

  /** Takes a bundle into service, or leaves everything as it was and says why. */
  #adopt(entry: Entry, bundle: ScriptBundle, ms: number): void {
    const version = openVersion(bundle, this.#options);
    const hadRoutes = entry.serving !== null;
    const refusal = malformedRoute(version) ?? this.#place([[entry, version]]);
    if (refusal instanceof RouteClash && this.#starting && entry.source.name < refusal.holder) {
      // Nobody was served yet: the names decide, not which build was done first, or the next start would differ.
      this.#settle(entry, version, ms);
      return this.#compileAll();
    }
    if (refusal instanceof RouteClash) this.#fail(entry, [routeTaken(entry, refusal)], bundle);
    else if (refusal) this.#fail(entry, [{ ...refusal, file: fileOf(entry) }]);
    else this.#settle(entry, version, ms);
    if (refusal) version.retire();
    this.#retryRefused(hadRoutes && !refusal);
  }

  /** The version has its routes: the one before goes. */
  #settle(entry: Entry, version: Version, ms: number): void {
    const old = entry.serving;
    entry.serving = version;
    entry.problems = [];
    entry.refused = null;
    if (old !== version) old?.retire();
    this.#options.onEvent({
      kind: old ? "reloaded" : "loaded",
      script: entry.source.name,
      routes: version.routes.length,
      ms,
      cached: false,
    });
  }

  /** Makes the table with these versions in place of what the scripts had, or answers what is in the way. */
  #place(versions: readonly (readonly [Entry, Version])[]): RouteClash | null {
    const coming = new Map(versions);
    const routes = [...this.#options.engineRoutes];
    for (const entry of this.#entries.values()) if (!coming.has(entry)) routes.push(...(entry.serving?.routes ?? []));
    // Last, so that a clash names the newcomer as the one who wants.
    for (const version of coming.values()) routes.push(...version.routes);
    try {
      this.#table = compileRoutes(routes);
      return null;
    } catch (error) {
      if (!(error instanceof RouteClash)) throw error;
      const holder = this.#entries.get(error.holder);
      if (!holder || holder.missing === null) return error;
      // A script that was renamed: the old name need not be waited for.
      this.#entries.delete(error.holder);
      holder.serving?.retire();
      this.#options.onEvent({ kind: "removed", script: error.holder });
      return this.#place(versions);
    }
  }

  /** Where routes became free, one of those that wait may have it; or all of them at once, if they swapped theirs. */
  #retryRefused(freed: boolean): void {
    const waiting = [...this.#entries.values()].flatMap((entry) =>
      entry.refused ? [[entry, openVersion(entry.refused, this.#options)] as const] : [],
    );
    const groups = [...(freed ? waiting.map((one) => [one]) : []), ...(waiting.length > 1 ? [waiting] : [])];
    const placed = groups.find((group) => this.#place(group) === null) ?? [];
    for (const one of waiting) if (!placed.includes(one)) one[1].retire();
    for (const [entry, version] of placed) this.#settle(entry, version, 0);
    if (placed.length > 0) this.#retryRefused(true);
  }

  /** Makes the table of all that serves. Of two scripts with one route the later by name is left out, and says so. */
  #compileAll(): void {
    for (let clash = this.#place([]); clash !== null; clash = this.#place([])) {
      const loser = this.#entries.get(clash.owner);
      if (!loser?.serving) throw clash;
      const { bundle } = loser.serving;
      loser.serving.retire();
      loser.serving = null;
      this.#fail(loser, [routeTaken(loser, clash)], bundle);
    }
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
