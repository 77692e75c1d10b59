/** Where the generation that serves sits, and what of it the router, the bridge and the builder ask for. */
import type { PointRoute, PointSpec, RouteInfo, ServiceSpec } from "../../sdk/plugin.ts";
import type { PluginRoute } from "../http/dispatch.ts";
import type { RouteEntry } from "../http/router.ts";
import type { Offer, PointTable } from "../script/types.ts";
import type { Service } from "./service.ts";
import type { TypingsOptions } from "../script/typings.ts";
import { namesOf, type Contributions, type Owned } from "./context.ts";
import type { Generation } from "./generation.ts";

/** One generation as the rest of core sees it; made once per generation. */
interface Seated {
  readonly generation: Generation;
  readonly routes: readonly RouteEntry<PluginRoute>[];
  readonly services: ReadonlyMap<string, Service>;
  readonly offer: Offer;
}

export class PluginSeat {
  #seated: Seated | null = null;

  get #current(): Seated {
    if (this.#seated === null) throw new Error("no generation of plugins serves yet");
    return this.#seated;
  }

  get generation(): Generation {
    return this.#current.generation;
  }
  get routes(): readonly RouteEntry<PluginRoute>[] {
    return this.#seated?.routes ?? [];
  }
  get points(): Iterable<Owned<PointSpec>> {
    return this.#seated?.generation.contributions.points.values() ?? [];
  }
  get services(): ReadonlyMap<string, Service> {
    return this.#current.services;
  }
  /** The same object for as long as this generation sits. */
  get offer(): Offer {
    return this.#current.offer;
  }

  /** What script authors complete against. */
  get types(): Omit<TypingsOptions, "version"> {
    const { points } = this.generation.contributions;
    return {
      services: Array.from(this.services.values(), ({ name, types, functions }) => ({ name, types, functions })),
      points: Array.from(points.values(), ({ spec }) => ({ names: namesOf(spec), types: spec.types })),
    };
  }

  /** Seats the next generation; when `settle` throws, the one before sits again. */
  take(generation: Generation, settle: () => void): void {
    const before = this.#seated;
    this.#seated = seat(generation);
    try {
      settle();
    } catch (error) {
      this.#seated = before;
      throw error;
    }
  }
}

function seat(generation: Generation): Seated {
  const { contributions } = generation;
  const list = Array.from(contributions.services.values(), serviceOf);
  const methods = list.map((service) => [service.name, offeredMethods(service)] as const);
  const objects = list.flatMap(({ name, objects: all }) => (all === undefined ? [] : [[name, all] as const]));
  return {
    generation,
    routes: contributions.routes.map(({ plugin, method, path, options, handler }) => {
      const info: RouteInfo = { method, path, owner: plugin, ofPlugin: true, options, schemas: {} };
      return { method, path, owner: plugin, ofPlugin: true, value: { info, handle: handler } };
    }),
    services: new Map(list.map((service) => [service.name, service])),
    offer: {
      services: Object.fromEntries(methods),
      points: pointTable(contributions),
      ...(objects.length > 0 && { objects: Object.fromEntries(objects) }),
    },
  };
}

/** Without those of its objects. */
function offeredMethods({ methods, objects = {} }: Service): string[] {
  const inside = Object.values(objects).flat();
  return Object.keys(methods).filter((method) => !inside.includes(method));
}

function serviceOf({ name, spec }: Owned<ServiceSpec>): Service {
  const { methods, types, mutates = [], functions = {}, objects, release } = spec;
  return {
    name,
    types,
    mutates,
    functions,
    ...(objects && { objects }),
    methods: methods as Service["methods"],
    ...(release ? { close: (script: string) => release.call(spec, script) } : {}),
  };
}

function routeData({ method, produces, protocol }: PointRoute): NonNullable<PointTable[string]["route"]> {
  return { method, ...(produces && { produces }), ...(protocol && { protocol }) };
}

function pointTable({ points, services }: Contributions): PointTable {
  const table: { [fn: string]: PointTable[string] } = {};
  for (const { name: service, spec } of services.values()) {
    for (const [fn, method] of Object.entries(spec.functions ?? {})) {
      table[fn] = { point: service, canonical: fn, args: [], calls: { service, method } };
    }
  }
  for (const { name: point, spec } of points.values()) {
    for (const [canonical, { args, aliases = [] }] of Object.entries(spec.functions)) {
      const { options, definitions, handlers, route } = spec;
      const entry = {
        point,
        canonical,
        args,
        ...(options ? { options } : {}),
        ...(definitions ? { definitions } : {}),
        ...(handlers ? { handlers } : {}),
        ...(route ? { route: routeData(route) } : {}),
      };
      for (const fn of [canonical, ...aliases]) table[fn] = entry;
    }
  }
  return table;
}
