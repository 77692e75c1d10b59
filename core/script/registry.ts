/** The scripts as they are now: builds what changed, swaps it in whole, and keeps the last good version serving. */
import { resolve, sep } from "node:path";
import { limitsFor, scriptConfig, type Config } from "../config/index.ts";
import { checkPattern, compileRoutes, RouteClash, type RouteEntry, type RouteTable } from "../http/router.ts";
import type { EngineRoute } from "../http/server.ts";
import type { Builder, BuildInput } from "./build.ts";
import type { Isolates, PooledRoute } from "./isolates.ts";
import type { ScriptPool } from "./pool.ts";
import { discoverScripts, watchScripts, type ScriptSource } from "./source.ts";
import type { BuildProblem, Json, ScriptBundle } from "./types.ts";
import type { ScriptMeta } from "./../isolate/realm/script.ts";

export type AnyRoute = PooledRoute | EngineRoute;

/** What happened to a script; for the log and the console. */
export type ScriptEvent =
  | { readonly kind: "loaded" | "reloaded"; readonly script: string; readonly routes: number; readonly ms: number }
  | { readonly kind: "removed"; readonly script: string }
  | { readonly kind: "failed"; readonly script: string; readonly problems: readonly BuildProblem[]; readonly serving: boolean }
  | { readonly kind: "warning"; readonly script: string; readonly problems: readonly BuildProblem[] };

interface Entry {
  source: ScriptSource;
  bundle: ScriptBundle | null;
  pool: ScriptPool | null;
  routes: readonly RouteEntry<AnyRoute>[];
  problems: readonly BuildProblem[];
  /** A build runs; when it ends another one follows if `dirty`. */
  building: Promise<void> | null;
  dirty: boolean;
}

export interface RegistryOptions {
  readonly config: Config;
  readonly scriptsDir: string;
  readonly builder: Builder;
  readonly isolates: Isolates;
  readonly services: ScriptMeta["services"];
  readonly engineRoutes: readonly RouteEntry<AnyRoute>[];
  readonly onEvent: (event: ScriptEvent) => void;
}

export interface ScriptStatus {
  readonly name: string;
  readonly routes: number;
  readonly problem?: BuildProblem;
}

export class Registry {
  readonly #options: RegistryOptions;
  readonly #entries = new Map<string, Entry>();
  #folderProblems: readonly BuildProblem[] = [];
  #table: RouteTable<AnyRoute>;
  #watcher: { close(): void } | null = null;
  #scan: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#table = compileRoutes(options.engineRoutes);
  }

  get routes(): RouteTable<AnyRoute> {
    return this.#table;
  }

  get status(): readonly ScriptStatus[] {
    return [...this.#entries.values()].map(({ source, routes, problems }) => ({
      name: source.name,
      routes: routes.length,
      ...(problems[0] ? { problem: problems[0] } : {}),
    }));
  }

  get folderProblems(): readonly BuildProblem[] {
    return this.#folderProblems;
  }

  /** Loads all scripts: from the cache at once; what must be built within `patienceMs`, or later while serving. */
  async start(patienceMs: number): Promise<void> {
    const { scripts, problems } = await discoverScripts(this.#options.scriptsDir);
    this.#noteFolder(problems);
    const stale: Entry[] = [];
    for (const source of scripts) {
      if (!scriptConfig(this.#options.config, source.name).enabled) continue;
      const entry = this.#add(source);
      const bundle = await this.#options.builder.cached(this.#input(source));
      if (!bundle || !this.#adopt(entry, bundle, 0, false)) stale.push(entry);
    }
    this.#swap();
    const builds = Promise.all(stale.map((entry) => this.#build(entry)));
    const timer = Promise.withResolvers<void>();
    const handle = setTimeout(timer.resolve, patienceMs);
    await Promise.race([builds, timer.promise]);
    clearTimeout(handle);
  }

  /** From now on a change of a file is a new version. */
  watch(): void {
    this.#watcher = watchScripts(this.#options.scriptsDir, (paths) => {
      this.#scan = this.#scan.then(() => this.#rescan(paths));
    });
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
  }

  #add(source: ScriptSource): Entry {
    const entry: Entry = { source, bundle: null, pool: null, routes: [], problems: [], building: null, dirty: false };
    this.#entries.set(source.name, entry);
    return entry;
  }

  #noteFolder(problems: readonly BuildProblem[]): void {
    const known = new Set(this.#folderProblems.map((problem) => problem.message));
    const fresh = problems.filter((problem) => !known.has(problem.message));
    this.#folderProblems = problems;
    if (fresh.length > 0) this.#options.onEvent({ kind: "failed", script: "", problems: fresh, serving: false });
  }

  #input(source: ScriptSource): BuildInput {
    const { name, entry, root } = source;
    const config = scriptConfig(this.#options.config, name).config as Json;
    return { name, entry, root, scriptsDir: this.#options.scriptsDir, config };
  }

  async #rescan(paths: ReadonlySet<string>): Promise<void> {
    if (this.#closed) return;
    const { scripts, problems } = await discoverScripts(this.#options.scriptsDir);
    this.#noteFolder(problems);
    const found = new Map(scripts.map((source) => [source.name, source]));
    let removed = false;
    for (const [name, entry] of [...this.#entries]) {
      if (found.has(name)) continue;
      this.#entries.delete(name);
      if (entry.pool) this.#options.isolates.retire(entry.pool);
      this.#options.onEvent({ kind: "removed", script: name });
      removed = true;
    }
    if (removed) this.#swap();
    const builds: Promise<void>[] = [];
    for (const source of scripts) {
      if (!scriptConfig(this.#options.config, source.name).enabled) continue;
      const entry = this.#entries.get(source.name);
      const moved = entry !== undefined && entry.source.entry !== source.entry;
      if (entry) entry.source = source;
      const clashed = removed && entry?.problems.some((problem) => problem.code === "route_taken");
      if (!entry || moved || clashed || this.#touches(entry, paths)) builds.push(this.#build(entry ?? this.#add(source)));
    }
    await Promise.all(builds);
  }

  /** Whether a change concerns a script. An empty set means that anything may have changed. */
  #touches(entry: Entry, paths: ReadonlySet<string>): boolean {
    if (paths.size === 0) return true;
    const inputs = new Set(entry.bundle?.inputs);
    for (const path of paths) {
      const full = resolve(this.#options.scriptsDir, path);
      if (full === entry.source.entry || inputs.has(full)) return true;
      const [top] = path.split(sep);
      if (entry.source.kind === "folder" && top === entry.source.name) return true;
      // What a failed build wanted is not known: anything shared may mend it. A package's files are told as one.
      if ((entry.problems.length > 0 || !entry.bundle) && (top === "_shared" || top === "node_modules")) return true;
      if (path.endsWith("node_modules") && [...inputs].some((input) => input.startsWith(full + sep))) return true;
    }
    return false;
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
      } while (entry.dirty && !this.#closed);
      entry.building = null;
    };
    entry.building = run();
    return entry.building;
  }

  async #buildOnce(entry: Entry): Promise<void> {
    const { name } = entry.source;
    const since = performance.now();
    const result = await this.#options.builder.build(this.#input(entry.source));
    if (this.#closed || this.#entries.get(name) !== entry) return;
    if (!result.ok) {
      // A file that vanished between change and build is a removal; the next scan tells it.
      this.#fail(entry, result.problems);
      return;
    }
    if (result.warnings.length > 0) this.#options.onEvent({ kind: "warning", script: name, problems: result.warnings });
    if (entry.bundle?.hash === result.bundle.hash && entry.problems.length === 0) return;
    this.#adopt(entry, result.bundle, performance.now() - since, true);
  }

  #fail(entry: Entry, problems: readonly BuildProblem[]): void {
    entry.problems = problems;
    this.#options.onEvent({ kind: "failed", script: entry.source.name, problems, serving: entry.bundle !== null });
  }

  /** Takes a bundle into service, or (a route clash) leaves everything as it was. */
  #adopt(entry: Entry, bundle: ScriptBundle, ms: number, swap: boolean): boolean {
    const { name } = entry.source;
    const malformed = bundle.registrations.map(({ path }) => ({ path, why: checkPattern(path) })).find(({ why }) => why !== null);
    if (malformed) {
      this.#fail(entry, [{ code: "bad_registration", message: `The path "${malformed.path}" cannot be registered: ${malformed.why}.`, file: this.#fileOf(entry) }]);
      return false;
    }
    const pool = this.#open(bundle);
    const routes = this.#routesOf(bundle, pool);
    const before = entry.routes;
    entry.routes = routes;
    let table: RouteTable<AnyRoute> | null = null;
    try {
      if (swap) table = this.#compile();
    } catch (error) {
      if (!(error instanceof RouteClash)) throw error;
      entry.routes = before;
      this.#options.isolates.retire(pool);
      this.#fail(entry, [{ code: "route_taken", message: error.message, file: this.#fileOf(entry), hint: "Change one of the two paths." }]);
      return false;
    }
    const old = entry.pool;
    const first = entry.bundle === null;
    entry.bundle = bundle;
    entry.pool = pool;
    entry.problems = [];
    if (table) this.#table = table;
    if (old) this.#options.isolates.retire(old);
    this.#options.onEvent({ kind: first ? "loaded" : "reloaded", script: name, routes: routes.length, ms });
    if (swap) this.#retryClashes(entry);
    return true;
  }

  /** A route may be free now that another script wanted. */
  #retryClashes(changed: Entry): void {
    for (const entry of this.#entries.values()) {
      if (entry !== changed && entry.problems.some((problem) => problem.code === "route_taken") && !entry.building) {
        void this.#options.builder.cached(this.#input(entry.source)).then((bundle) => {
          if (bundle && this.#entries.get(entry.source.name) === entry && entry.problems.length > 0) this.#tryQuietly(entry, bundle);
        });
      }
    }
  }

  #tryQuietly(entry: Entry, bundle: ScriptBundle): void {
    const pool = this.#open(bundle);
    const before = entry.routes;
    entry.routes = this.#routesOf(bundle, pool);
    let free = true;
    try {
      this.#compile();
    } catch (error) {
      if (!(error instanceof RouteClash)) throw error;
      free = false;
    }
    entry.routes = before;
    this.#options.isolates.retire(pool);
    if (free) this.#adopt(entry, bundle, 0, true);
  }

  #fileOf(entry: Entry): string {
    return entry.source.entry.slice(this.#options.scriptsDir.length + 1);
  }

  #open(bundle: ScriptBundle): ScriptPool {
    const { config, isolates, services } = this.#options;
    const { name, hash, form, registrations, registrationsHash } = bundle;
    const settings = scriptConfig(config, name);
    const limits = limitsFor(config, name);
    const schemas: { [id: string]: ScriptBundle["registrations"][number]["schemas"] } = {};
    for (const registration of registrations) {
      if (Object.keys(registration.schemas).length > 0) schemas[registration.id] = registration.schemas;
    }
    return isolates.open({
      name,
      limits,
      hosts: settings.hosts,
      registrationsHash,
      fresh: settings.isolation === "invocation",
      message: async () => {
        const { code, map } = await bundle.readCode();
        const meta: ScriptMeta = { name, version: hash, form, map, config: settings.config as Json, schemas, services, limits, dev: config.dev };
        return { name, form, code, meta: JSON.stringify(meta) };
      },
    });
  }

  #routesOf(bundle: ScriptBundle, pool: ScriptPool): RouteEntry<AnyRoute>[] {
    const script = bundle.name;
    const mount = scriptConfig(this.#options.config, script).mount;
    return bundle.registrations.flatMap((registration) => {
      const value: PooledRoute = { script, registration, pool };
      if (registration.fn !== "default.fetch") return [{ method: registration.method, path: registration.path, value, owner: script }];
      const base = (mount ?? `/${script}`).replace(/\/+$/, "");
      return [{ method: "ANY", path: `${base}/*`, value, owner: script }];
    });
  }

  #compile(): RouteTable<AnyRoute> {
    const entries = [...this.#options.engineRoutes];
    for (const entry of this.#entries.values()) entries.push(...entry.routes);
    return compileRoutes(entries);
  }

  /** Makes the table from all that is loaded. A clash leaves the later script (by name) out, and says so. */
  #swap(): void {
    for (;;) {
      try {
        this.#table = this.#compile();
        return;
      } catch (error) {
        if (!(error instanceof RouteClash)) throw error;
        const loser = this.#entries.get(error.owner);
        if (!loser || loser.routes.length === 0) throw error;
        loser.routes = [];
        if (loser.pool) this.#options.isolates.retire(loser.pool);
        loser.pool = null;
        loser.bundle = null;
        this.#fail(loser, [{ code: "route_taken", message: error.message, file: this.#fileOf(loser), hint: "Change one of the two paths." }]);
      }
    }
  }
}
