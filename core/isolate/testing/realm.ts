/** The realm as the test host reaches it, and the service by which it speaks to the runner. */
import type { TestRealm, WireAnswer, WireRequest } from "./seam.ts";
import { REGISTER, RUNNER, type StepData, type StepResult } from "./seam.ts";

interface Sdk {
  readonly [REGISTER]: (data: StepData, handler: (context: { readonly payload: unknown }) => unknown) => void;
  readonly [RUNNER]: {
    request(request: WireRequest): Promise<WireAnswer>;
    /** Null: the real time. */
    clock(epochMs: number | null): Promise<void>;
  };
}

const symbols = globalThis as unknown as Record<symbol, unknown>;

export const realm = symbols[Symbol.for("aiwebengine.testing.realm")] as TestRealm;

const sdk = symbols[Symbol.for("aiwebengine.sdk")] as Sdk;
export const runner = sdk[RUNNER];

/** A function that the runner can call; what it throws is a result, too. */
export function addStep(data: StepData, run: (payload: unknown) => unknown): void {
  sdk[REGISTER](data, async ({ payload }): Promise<StepResult> => {
    try {
      const value = await run(payload);
      return data.kind === "call" && value !== undefined ? { ok: true, value } : { ok: true };
    } catch (error) {
      return { ok: false, failure: describe(error) };
    }
  });
}

/** @throws outside of a case or hook, where nothing could be undone. */
export function requireStep(what: string): void {
  if (realm.currentId() !== undefined) return;
  throw realm.problem("not_in_invocation", `${what} works inside a case or a hook only.`);
}

/** The engine's own modules in a bundle of tests: their frames help nobody. */
const ENGINE_FRAME = /\(?(?:@aiwebengine\/|aiwebengine:)[^\n]*$/;

/** The lines of a stack that are the author's. */
export function framesOf(stack: string): string[] {
  return stack.split("\n").filter((line) => /^ +at /.test(line) && !ENGINE_FRAME.test(line));
}

function textOf(value: unknown, key: string): string | undefined {
  const text = (value as Record<string, unknown>)[key];
  return typeof text === "string" ? text : undefined;
}

function describe(error: unknown) {
  if (typeof error !== "object" || error === null)
    return { name: "", message: `A value that is no error was thrown: ${String(error)}`, stack: "" };
  const expected = textOf(error, "expected");
  const actual = textOf(error, "actual");
  return {
    name: textOf(error, "name") ?? "Error",
    message: textOf(error, "message") ?? "",
    stack: framesOf(textOf(error, "stack") ?? "").join("\n"),
    ...(expected !== undefined && { expected }),
    ...(actual !== undefined && { actual }),
  };
}
