/** What the realm knows of the script that it holds; set once, when it loads. */
import type { Json, JsonSchema, Offer } from "../../script/types.ts";

/** Comes with LOAD, beside the code. */
export interface ScriptMeta extends Offer {
  readonly name: string;
  /** The bundle's hash. */
  readonly version: string;
  readonly form: "module" | "classic";
  readonly map: string;
  readonly config: Json;
  /** By registration id; absent while the builder loads. */
  readonly schemas?: { readonly [id: string]: { readonly [part: string]: JsonSchema } };
  /** The script's limits, as it may read them. */
  readonly limits: { readonly [name: string]: number };
  /** Check answers against `response` schemas. */
  readonly dev: boolean;
  /** Its tests are loaded with it. */
  readonly testing?: boolean;
}

let info: { readonly name: string; readonly version: string } = { name: "", version: "" };
let config: unknown = Object.freeze({});
let limits: unknown = Object.freeze({});

const freeze = Object.freeze;
const keysOf = Object.keys;

function deepFreeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  const keys = keysOf(value);
  for (let i = 0; i < keys.length; i++) deepFreeze((value as Record<string, unknown>)[keys[i] as string]);
  return freeze(value);
}

export function useMeta(meta: ScriptMeta): void {
  info = freeze({ name: meta.name, version: meta.version });
  config = deepFreeze(meta.config ?? {});
  limits = deepFreeze(meta.limits);
}

export function scriptInfo(): { readonly name: string; readonly version: string } {
  return info;
}
export function scriptConfig(): unknown {
  return config;
}
export function scriptLimits(): unknown {
  return limits;
}
