/** Which versions serve, and the table of their routes: all of a script's routes are taken in at once, or none. */
import { compileRoutes, RouteClash, type RouteEntry, type RouteTable } from "../http/router.ts";
import { fileOf, routeTaken, type Entry, type ScriptEvent } from "./entry.ts";
import { PointRefusal } from "./point-refusal.ts";
import type { BuildProblem, ScriptBundle } from "./types.ts";
import { malformedRoute, openVersion, type AnyRoute, type Version, type VersionOptions } from "./version.ts";

export interface ServingOptions extends VersionOptions {
  /** Of the generation that serves, or of the one that is about to. */
  readonly pluginRoutes: () => readonly RouteEntry<AnyRoute>[];
  /** Gives the plugins what these versions register at points; answers who is in the way, and nothing has changed. */
  readonly takePoints: (versions: readonly Version[]) => PointRefusal | null;
  readonly onEvent: (event: ScriptEvent) => void;
}

/** What keeps a version from serving until something else changes. */
export type Obstacle = RouteClash | PointRefusal;

export class Serving {
  /** Nobody was served yet. */
  starting = true;
  readonly #entries: Map<string, Entry>;
  readonly #options: ServingOptions;
  #table: RouteTable<AnyRoute>;

  /** `entries` is shared with the registry, which adds to it. */
  constructor(entries: Map<string, Entry>, options: ServingOptions) {
    this.#entries = entries;
    this.#options = options;
    this.#table = compileRoutes(options.pluginRoutes());
  }

  get routes(): RouteTable<AnyRoute> {
    return this.#table;
  }

  remove(entry: Entry): void {
    const { name } = entry.source;
    this.#entries.delete(name);
    entry.serving?.retire();
    this.compile();
    this.#options.onEvent({ kind: "removed", script: name });
    this.#retryRefused(true);
  }

  fail(entry: Entry, problems: readonly BuildProblem[], refused: ScriptBundle | null = null): void {
    entry.problems = problems;
    entry.refused = refused;
    this.#options.onEvent({ kind: "failed", script: entry.source.name, problems, serving: entry.serving !== null });
  }

  /** Takes a bundle into service, or leaves everything as it was and says why. */
  adopt(entry: Entry, bundle: ScriptBundle, ms: number): void {
    const version = openVersion(bundle, this.#options);
    const hadRoutes = entry.serving !== null;
    const refusal = malformedRoute(version) ?? this.#place([[entry, version]]);
    if (refusal instanceof RouteClash && this.starting && !refusal.heldByPlugin && entry.source.name < refusal.holder) {
      // Nobody was served yet: the names decide, not which build was done first, or the next start would differ.
      this.settle(entry, version, ms);
      return this.compile();
    }
    if (refusal instanceof RouteClash || refusal instanceof PointRefusal) {
      this.fail(entry, [problemOf(entry, refusal)], bundle);
    } else if (refusal) this.fail(entry, [{ ...refusal, file: fileOf(entry) }]);
    else this.settle(entry, version, ms);
    if (refusal) version.retire();
    this.#retryRefused(hadRoutes && !refusal);
  }

  /** The version has its routes: the one before goes. */
  settle(entry: Entry, version: Version, ms: number): void {
    const old = entry.serving;
    entry.serving = version;
    entry.problems = [];
    entry.refused = null;
    if (old !== version) old?.retire();
    this.#options.onEvent({
      kind: old ? "reloaded" : "loaded",
      script: entry.source.name,
      routes: version.routes.length,
      registrations: version.registrations,
      ms,
      cached: false,
    });
  }

  /** Makes the table with these versions in place of what the scripts had, or answers what is in the way. */
  #place(versions: readonly (readonly [Entry, Version])[]): Obstacle | null {
    const coming = new Map(versions);
    const all: Version[] = [];
    for (const entry of this.#entries.values()) if (entry.serving && !coming.has(entry)) all.push(entry.serving);
    // Last, so that a clash names the newcomer as the one who wants.
    all.push(...coming.values());
    try {
      const table = compileRoutes([...this.#options.pluginRoutes(), ...all.flatMap(({ routes }) => routes)]);
      const refusal = this.#options.takePoints(all);
      if (refusal === null) this.#table = table;
      return refusal;
    } catch (error) {
      if (!(error instanceof RouteClash)) throw error;
      const holder = error.heldByPlugin ? undefined : this.#entries.get(error.holder);
      if (!holder || holder.missing === null) return error;
      // A script that was renamed: the old name need not be waited for.
      const { name } = holder.source;
      this.#entries.delete(name);
      holder.serving?.retire();
      this.#options.onEvent({ kind: "removed", script: name });
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
    for (const [entry, version] of placed) this.settle(entry, version, 0);
    if (placed.length > 0) this.#retryRefused(true);
  }

  /** The plugins' routes are others now: makes the table anew, or answers which script holds one of them. */
  replan(): Obstacle | null {
    const obstacle = this.#place([]);
    if (obstacle === null) this.#retryRefused(true);
    return obstacle;
  }

  /** Makes the table of all that serves. Of two scripts with one route the later by name is left out, and says so. */
  compile(): void {
    for (let obstacle = this.#place([]); obstacle !== null; obstacle = this.#place([])) {
      const loser = this.#entries.get(obstacle.owner);
      if (!loser?.serving) throw new Error(`"${obstacle.owner}" is in the way of itself`);
      const { bundle } = loser.serving;
      loser.serving.retire();
      loser.serving = null;
      this.fail(loser, [problemOf(loser, obstacle)], bundle);
    }
  }
}

function problemOf(entry: Entry, obstacle: Obstacle): BuildProblem {
  return obstacle instanceof RouteClash ? routeTaken(entry, obstacle) : { ...obstacle.problem, file: fileOf(entry) };
}
