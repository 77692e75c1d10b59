/** Steps as a script registered them. It may have done so by itself, with anything: what is no step is left out. */
import type { StepData, StepGroup } from "../isolate/testing/seam.ts";
import type { Json } from "../script/types.ts";

type Data = { readonly [key: string]: Json };

const HOOKS: ReadonlySet<unknown> = new Set(["beforeAll", "beforeEach", "afterEach", "afterAll"]);

function isData(value: Json | undefined): value is Data {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isGroup(value: Json): boolean {
  return isData(value) && typeof value["id"] === "number" && value["id"] > 0 && typeof value["name"] === "string";
}

function isCase({ name, skip, only, timeoutMs }: Data): boolean {
  const flags = typeof skip === "boolean" && typeof only === "boolean";
  return typeof name === "string" && flags && typeof timeoutMs === "number" && timeoutMs > 0;
}

/** Null for what is no step. */
export function readStep(value: Json | undefined): StepData | null {
  if (!isData(value)) return null;
  const { kind, file, groups, line, column } = value;
  if (typeof file !== "string" || !Array.isArray(groups) || !groups.every(isGroup)) return null;
  if ((line !== undefined && typeof line !== "number") || (column !== undefined && typeof column !== "number"))
    return null;
  const known = kind === "stage" || kind === "call" || (kind === "hook" && HOOKS.has(value["hook"]));
  if (!known && !(kind === "case" && isCase(value))) return null;
  return value as unknown as StepData & { readonly groups: readonly StepGroup[] };
}
