/** Hands the registrations of the scripts that serve to the plugins that own their points: all of them, or none. */
import type {
  Json,
  PointRegistration,
  PointSpec,
  Remote,
  RemoteStream,
  RemoteValues,
  RouteEvent,
} from "../../sdk/plugin.ts";
import { ProblemError } from "../../sdk/errors.ts";
import { PointRefusal } from "../script/point-refusal.ts";
import type { CallInput, CallValue } from "../pool/data-call.ts";
import type { ScriptPool } from "../pool/pool.ts";
import type { ValueStream } from "../pool/value-stream.ts";
import { isPoint, type BuiltPointRegistration, type Offer } from "../script/types.ts";
import type { Version } from "../script/version.ts";
import type { Owned } from "./context.ts";

/** Calls a handler of a script. */
export type CallHandler = (
  pool: ScriptPool,
  registration: BuiltPointRegistration,
  input: CallInput,
) => Promise<CallValue>;

type Registrations = readonly PointRegistration[];

export interface PointDeskOptions {
  /** What scripts are given now. */
  readonly offer: () => Offer;
  readonly call: CallHandler;
  /** What a plugin threw although it had taken the same registrations before. */
  readonly onFailure: (point: Owned<PointSpec>, error: unknown) => void;
}

export class PointDesk {
  readonly #options: PointDeskOptions;
  /** What each owner has now; a generation that is gone takes its own along. */
  readonly #held = new WeakMap<PointSpec, Registrations>();
  /** The same objects for as long as a version lives: what did not change is not told again. */
  readonly #made = new WeakMap<Version, ReadonlyMap<string, Registrations>>();

  constructor(options: PointDeskOptions) {
    this.#options = options;
  }

  /** Gives every point what the versions register; answers which script is in the way, and then nothing has changed. */
  take(points: Iterable<Owned<PointSpec>>, versions: readonly Version[]): PointRefusal | null {
    const changed: {
      readonly point: Owned<PointSpec>;
      readonly next: Registrations;
      readonly previous: Registrations;
    }[] = [];
    // In one order, whichever script came last: what did not change is the same list.
    const ordered = versions.toSorted((a, b) => (a.bundle.name < b.bundle.name ? -1 : 1));
    for (const point of points) {
      const previous = this.#held.get(point.spec) ?? [];
      const next = ordered.flatMap((version) => this.#offered(version, point.name));
      if (same(next, previous)) continue;
      const refusal = validate(point, next, previous) ?? change(point, next, previous);
      if (refusal !== null) {
        for (const one of changed.reverse()) this.#giveBack(one.point, one.previous, one.next);
        return refusal;
      }
      this.#held.set(point.spec, next);
      changed.push({ point, next, previous });
    }
    return null;
  }

  #giveBack(point: Owned<PointSpec>, next: Registrations, previous: Registrations): void {
    this.#held.set(point.spec, next);
    try {
      point.spec.change(next, previous);
    } catch (error) {
      this.#options.onFailure(point, error);
    }
  }

  /** Without what was made by a function that is another one now: its script is about to be built again. */
  #offered(version: Version, point: string): Registrations {
    const all = this.#of(version).get(point) ?? [];
    const { offer: built } = version.bundle;
    const now = this.#options.offer();
    if (all.length === 0 || built === now) return all;
    return all.filter(({ fn }) => JSON.stringify(built.points[fn]) === JSON.stringify(now.points[fn]));
  }

  /** A request for a path that a script registered at a point. */
  answer(points: Iterable<Owned<PointSpec>>, version: Version, id: number, event: RouteEvent) {
    for (const { name, spec } of points) {
      const registration = this.#offered(version, name).find((one) => one.id === id);
      if (registration && spec.route) return spec.route.handle(event, registration);
    }
    // Its plugin went, or is another one now, and the script is about to be built again.
    throw new ProblemError("point_missing", `No plugin of this engine answers ${event.path} at the moment.`);
  }

  #of(version: Version): ReadonlyMap<string, Registrations> {
    const known = this.#made.get(version);
    if (known) return known;
    const made = new Map<string, PointRegistration[]>();
    for (const one of version.bundle.registrations.filter(isPoint)) {
      made.set(one.point, [...(made.get(one.point) ?? []), this.#make(one, version)]);
    }
    this.#made.set(version, made);
    return made;
  }

  #make(registration: BuiltPointRegistration, { bundle, pool }: Version): PointRegistration {
    const { id, fn, name, path, options, data, schemas, callable, handlers } = registration;
    const remote =
      (more: Pick<CallInput, "handler"> = {}): Remote =>
      async (input) =>
        (await this.#options.call(pool, registration, { ...input, ...more })) as Json | undefined;
    const stream: RemoteStream = async (input) => {
      const value = await this.#options.call(pool, registration, { ...input, stream: true });
      return isStream(value) ? value : only(value);
    };
    return {
      script: bundle.name,
      id,
      fn,
      ...(name === undefined ? {} : { name }),
      ...(path === undefined ? {} : { path }),
      options: options as PointRegistration["options"],
      ...(data === undefined ? {} : { data }),
      schemas: schemas as PointRegistration["schemas"],
      ...(callable ? { invoke: remote(), stream } : {}),
      ...(handlers ? { handlers: Object.fromEntries(handlers.map((handler) => [handler, remote({ handler })])) } : {}),
    };
  }
}

/** A hook may have put its own around the one of the isolate. */
function isStream(value: CallValue): value is ValueStream {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function only(value: Json | undefined): RemoteValues {
  const values = (async function* (): AsyncGenerator<Json, void, void> {
    if (value !== undefined) yield value;
  })();
  return Object.assign(values, { single: true as const });
}

function same(a: Registrations, b: Registrations): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}

function validate(point: Owned<PointSpec>, next: Registrations, previous: Registrations): PointRefusal | null {
  const known = new Set(previous);
  for (const registration of next) {
    if (known.has(registration)) continue;
    try {
      point.spec.validate?.(registration, next);
    } catch (error) {
      return refusalOf(point, registration, error);
    }
  }
  return null;
}

/** Who is at fault is not known where a change as a whole is refused: the last that is new is left out, and the rest tried. */
function change(point: Owned<PointSpec>, next: Registrations, previous: Registrations): PointRefusal | null {
  try {
    point.spec.change(next, previous);
    return null;
  } catch (error) {
    const known = new Set(previous);
    const last = next.findLast((one) => !known.has(one));
    if (last === undefined) throw error;
    return refusalOf(point, last, error);
  }
}

function refusalOf(point: Owned<PointSpec>, registration: PointRegistration, error: unknown): PointRefusal {
  const { script, fn, name, path } = registration;
  const what = `${fn}(${name === undefined ? (path ?? "") : JSON.stringify(name)})`;
  const known = error instanceof ProblemError;
  const why = known ? error.detail : `the plugin "${point.plugin}" failed: ${String(error)}`;
  return new PointRefusal(point.plugin, script, {
    code: known ? error.code : "internal",
    message: `${what}: ${why}`,
  });
}
