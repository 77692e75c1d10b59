/** What the engine and a builder say to each other, in the frames of `core/isolate/wire.ts`. */
import type { BuildProblem, BuiltRegistration, Json, Offer } from "../../script/types.ts";
import type { Input } from "./files.ts";
import type { BuildScope } from "./scope.ts";

/** Engine to builder. text: `BuildRequest` as JSON, body: the entry's bytes for a single-file script. */
export const BUILD = 1;

/** Builder to engine; hostile until checked. a: a stage, sent before it begins. */
export const STAGE = 32;
/** body: the code. */
export const CODE = 33;
/** body: the source map. */
export const MAP = 34;
/** text: `BuiltMessage` as JSON; CODE and MAP came before. */
export const BUILT = 35;
/** text: `FailedMessage` as JSON. */
export const FAILED = 36;

/** What was going on when a limit struck. The index is what STAGE carries. */
export const STAGES = ["starting", "bundling", "loading", "compiling the schemas of"] as const;
export const STAGE_READY = 0;
export const STAGE_BUNDLE = 1;
export const STAGE_LOAD = 2;
export const STAGE_SCHEMAS = 3;

/** The script is built to be tested, or to have its functions called one by one. */
export interface Harness {
  readonly files: readonly HarnessFile[];
}

/** A test file. */
export interface HarnessFile {
  /** Relative to the folder of scripts. */
  readonly path: string;
  /** Of a single-file script: its folder is not readable in the builder. */
  readonly text?: string;
}

export interface BuildRequest {
  readonly scope: BuildScope;
  readonly config: Json;
  /** The script's limits and what plugins give, as the script sees them while it loads. */
  readonly limits: { readonly [name: string]: number };
  readonly offer: Offer;
  /** Of the entry that comes as body; 0 without one. */
  readonly entryMtimeMs: number;
  readonly harness?: Harness;
}

export interface BuiltMessage {
  readonly form: "module" | "classic";
  /** As the realm reported them: JSON text of `Registration[]`. */
  readonly reported: string;
  readonly registrations: readonly BuiltRegistration[];
  readonly inputs: readonly Input[];
  readonly warnings: readonly BuildProblem[];
}

export interface FailedMessage {
  readonly problems: readonly BuildProblem[];
  readonly inputs: readonly Input[];
}
