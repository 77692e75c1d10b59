/** One script of the registry: what serves, what does not, and what is told of it. */
import type { RouteClash } from "../http/router.ts";
import type { FailurePlace } from "../pool/failure-place.ts";
import type { ScriptSource } from "./source.ts";
import type { BuildProblem, ScriptBundle } from "./types.ts";
import type { Version } from "./version.ts";

/** What happened to a script; for the log and the console. */
export type ScriptEvent =
  /** `cached`: as it was built before; nothing changed. */
  | {
      readonly kind: "loaded" | "reloaded";
      readonly script: string;
      readonly routes: number;
      /** In all: routes, tools, fields, handlers of messages. */
      readonly registrations: number;
      readonly ms: number;
      readonly cached: boolean;
    }
  | { readonly kind: "removed"; readonly script: string }
  /** `script` is empty when the folder of scripts is at fault. */
  | {
      readonly kind: "failed";
      readonly script: string;
      readonly problems: readonly BuildProblem[];
      readonly serving: boolean;
    }
  /** A handler threw in an invocation. */
  | {
      readonly kind: "threw";
      readonly script: string;
      readonly invocation: { readonly id: string; readonly kind: string; readonly route: string };
      readonly error: string;
      readonly place: FailurePlace | null;
    }
  | { readonly kind: "warning"; readonly script: string; readonly problems: readonly BuildProblem[] };

export interface Entry {
  source: ScriptSource;
  /** Null until the first version loads. */
  serving: Version | null;
  /** Why the newest version does not serve. */
  problems: readonly BuildProblem[];
  /** The newest version, when all that it lacks is a route that another script holds. */
  refused: ScriptBundle | null;
  /** Since when its file is not there (`performance.now()`): removed, or an editor between deleting and writing. */
  missing: number | null;
  /** A build runs; when it ends another one follows if `dirty`. */
  building: Promise<void> | null;
  dirty: boolean;
}

export interface ScriptStatus {
  /** Or the file at fault, where that is not clear. */
  readonly name: string;
  readonly routes: number;
  readonly registrations: number;
  readonly building: boolean;
  readonly problem?: BuildProblem;
}

export function newEntry(source: ScriptSource): Entry {
  return { source, serving: null, problems: [], refused: null, missing: null, building: null, dirty: false };
}

export function statusOf({ source, serving, problems, building }: Entry): ScriptStatus {
  return {
    name: source.name,
    routes: serving?.routes.length ?? 0,
    registrations: serving?.registrations ?? 0,
    building: building !== null,
    ...(problems[0] ? { problem: problems[0] } : {}),
  };
}

export function fileOf({ source }: Entry): string {
  return source.entry.slice(source.dir.length + 1);
}

export function routeTaken(entry: Entry, clash: RouteClash): BuildProblem {
  return {
    code: clash.code,
    message: `${clash.message}.`,
    file: fileOf(entry),
    hint:
      clash.holder === clash.owner && !clash.heldByPlugin
        ? "Remove one of the two."
        : "It is served as soon as the route is free.",
  };
}

/** A fault of the engine, which concerns this script only. */
export function broken(entry: Entry, error: unknown): BuildProblem {
  const why = error instanceof Error ? error.message : String(error);
  return { code: "internal", message: `The script could not be taken into service: ${why}.`, file: fileOf(entry) };
}
