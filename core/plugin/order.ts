/** Which plugin comes before which: one order for setting up, and for the hooks around each other. */
import { suggest } from "../config/suggest.ts";

/** What the order is made from. */
export interface Ordered {
  readonly name: string;
  /** Capabilities without which it cannot work. */
  readonly requires: readonly string[];
  /** Capabilities that it gives; its own name is always one. */
  readonly provides: readonly string[];
  /** Wishes: plugins or capabilities, or `*` for all others. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** No order can be found. `message` names the plugins and what to do. */
export class OrderProblem extends Error {
  constructor(
    readonly plugin: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Sorts by needs, then by wishes, then by name. The first is set up first, and its hooks are the outermost.
 *
 * @param given capabilities that the engine itself provides
 * @throws OrderProblem for a missing need, two providers of one capability, or a circle.
 */
export function orderPlugins<T extends Ordered>(plugins: readonly T[], given: readonly string[]): T[] {
  const byName = new Map([...plugins].sort(compareNames).map((plugin) => [plugin.name, plugin]));
  const providers = findProviders([...byName.values()], given);
  /** Name → names that must come before it. */
  const earlier = new Map<string, Set<string>>([...byName.keys()].map((name) => [name, new Set<string>()]));
  const put = (first: string, second: string): void => {
    if (first !== second) earlier.get(second)?.add(first);
  };
  for (const plugin of byName.values()) {
    for (const need of plugin.requires) {
      const provider = providers.get(need);
      if (provider === undefined && !given.includes(need)) throw missing(plugin, need, [...providers.keys(), ...given]);
      if (provider !== undefined) put(provider, plugin.name);
    }
    for (const wish of plugin.before) {
      const other = providers.get(wish);
      if (other !== undefined) put(plugin.name, other);
    }
    for (const wish of plugin.after) {
      const other = providers.get(wish);
      if (other !== undefined) put(other, plugin.name);
    }
  }
  refuseCircle(earlier);
  wishForEnds([...byName.values()], earlier);
  return sort(byName, earlier);
}

function compareNames(a: Ordered, b: Ordered): number {
  return a.name < b.name ? -1 : 1;
}

/** Capability → the plugin that gives it. */
function findProviders(plugins: readonly Ordered[], given: readonly string[]): Map<string, string> {
  const providers = new Map<string, string>();
  for (const { name, provides } of plugins) {
    for (const capability of new Set([name, ...provides])) {
      const other = given.includes(capability) ? "the engine" : providers.get(capability);
      if (other !== undefined) {
        const holder = other === "the engine" ? other : `"${other}"`;
        throw new OrderProblem(
          name,
          `The plugins cannot be ordered: both ${holder} and "${name}" provide "${capability}"; disable one of them (plugins.${name}.enabled = false), or let one provide another name.`,
        );
      }
      providers.set(capability, name);
    }
  }
  return providers;
}

function missing(plugin: Ordered, need: string, known: readonly string[]): OrderProblem {
  const near = suggest(need, known);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  return new OrderProblem(
    plugin.name,
    `The plugin "${plugin.name}" requires "${need}", which no plugin provides: add or enable one that does, or disable "${plugin.name}" (plugins.${plugin.name}.enabled = false).${hint}`,
  );
}

/** All that must come before a plugin, however far. */
function allEarlier(name: string, earlier: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const one of earlier.get(next) ?? []) {
      if (found.has(one)) continue;
      found.add(one);
      open.push(one);
    }
  }
  return found;
}

function refuseCircle(earlier: ReadonlyMap<string, ReadonlySet<string>>): void {
  const state = new Map<string, "open" | "done">();
  const way: string[] = [];
  const visit = (name: string): void => {
    if (state.get(name) === "done") return;
    way.push(name);
    if (state.get(name) === "open") {
      const circle = way.slice(way.indexOf(name)).toReversed();
      const shown = circle.map((one) => `"${one}"`).join(" before ");
      throw new OrderProblem(
        name,
        `The plugins cannot be ordered: ${shown}; take back one of their wishes in requires, before or after.`,
      );
    }
    state.set(name, "open");
    for (const one of earlier.get(name) ?? []) visit(one);
    state.set(name, "done");
    way.pop();
  };
  for (const name of earlier.keys()) visit(name);
}

/** `*` is the weakest wish: it holds against every plugin that nothing stronger puts on the other side. */
function wishForEnds(plugins: readonly Ordered[], earlier: ReadonlyMap<string, Set<string>>): void {
  for (const plugin of plugins) {
    const first = plugin.before.includes("*");
    if (!first && !plugin.after.includes("*")) continue;
    for (const other of plugins) {
      const equal = first ? other.before.includes("*") : other.after.includes("*");
      if (other === plugin || equal) continue;
      const [one, two] = first ? [plugin.name, other.name] : [other.name, plugin.name];
      if (!allEarlier(one, earlier).has(two)) earlier.get(two)?.add(one);
    }
  }
}

function sort<T extends Ordered>(
  byName: ReadonlyMap<string, T>,
  earlier: ReadonlyMap<string, ReadonlySet<string>>,
): T[] {
  const sorted: T[] = [];
  const done = new Set<string>();
  const left = new Map(byName);
  while (left.size > 0) {
    // The names are in order: the first that is free is the next.
    const next = [...left.values()].find(({ name }) => [...(earlier.get(name) ?? [])].every((one) => done.has(one)));
    if (next === undefined) throw new Error("plugins wait for each other although no circle was found");
    left.delete(next.name);
    done.add(next.name);
    sorted.push(next);
  }
  return sorted;
}
