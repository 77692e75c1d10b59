/** Runs code in a realm that has the web globals and nothing else of the engine, and compares it with plain Bun. */
import { expect } from "bun:test";
import { join } from "node:path";
import vm from "node:vm";
import { TIMER_START } from "../../../../../core/isolate/frames.ts";
import { makeAsk } from "../../../../../core/isolate/host-ops.ts";
import type { Ask, Emit } from "../../../../../core/isolate/realm/host.ts";
import { ASK_CURRENT } from "../../../../../core/isolate/realm/state.ts";

interface Doors {
  alloc(length: number): Uint8Array;
  fireTimer(id: number, failed: (error: unknown) => void): void;
}

export interface Realm {
  /** Evaluates an expression or statements; the value is of the realm. */
  evaluate(code: string): unknown;
  /** The body of an async function, inside the realm: its result, or what it threw, as text. */
  run(code: string): Promise<string>;
}

async function bundle(): Promise<vm.Script> {
  const built = await Bun.build({ entrypoints: [join(import.meta.dir, "boot.ts")], format: "iife", target: "browser" });
  return new vm.Script(await (built.outputs[0] as Blob).text(), { filename: "realm" });
}

const script = await bundle();

/**
 * Turns a promise into text that is the same in every realm. The host never awaits a promise of a realm: that would call
 * its `then`, which a test may have replaced, with functions of the host. It looks whether the outcome is there.
 */
const WATCH = `(() => {
  const { apply } = Reflect, { then } = Promise.prototype, { stringify } = JSON;
  return (run) => {
    let outcome;
    apply(then, run(), [
      (value) => { outcome = value === undefined ? "undefined" : stringify(value); },
      (error) => { outcome = "throws " + error.name; },
    ]);
    return () => outcome;
  };
})()`;

type Watch = (run: unknown) => () => string | undefined;

async function outcomeOf(watch: Watch, run: unknown): Promise<string> {
  const peek = watch(run);
  for (;;) {
    const outcome = peek();
    if (outcome !== undefined) return outcome;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** `exposed`: the engine's own functions are there as `engine`. */
export function openRealm(exposed = false): Realm {
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY as unknown as vm.Context, {
    codeGeneration: { strings: false, wasm: false },
  });
  script.runInContext(context);
  const evaluate = (code: string): unknown => new vm.Script(code).runInContext(context) as unknown;
  const boot = evaluate("(() => { const made = boot; delete globalThis.boot; return made; })()") as (
    emit: Emit,
    ask: Ask,
    exposed: boolean,
  ) => Doors;
  const host = makeAsk((length) => doors.alloc(length));
  const emit: Emit = (type, id, ms) => {
    if (type === TIMER_START) setTimeout(() => doors.fireTimer(id, () => {}), ms);
  };
  const doors = boot(emit, (op, a, b, c) => (op === ASK_CURRENT ? 1 : host(op, a, b, c)), exposed);
  const watch = evaluate(WATCH) as Watch;
  return { evaluate, run: (code) => outcomeOf(watch, evaluate(`(async () => { ${code} })`)) };
}

/** Runs the same code in this process. */
export function runHere(code: string): Promise<string> {
  const evaluate = (text: string): unknown => new vm.Script(text).runInThisContext() as unknown;
  return outcomeOf(evaluate(WATCH) as Watch, evaluate(`(async () => { ${code} })`));
}

/** Each piece of code must have the same outcome in the realm as in plain Bun. */
export async function expectAsHere(realm: Realm, cases: readonly string[]): Promise<void> {
  for (const code of cases) expect(`${code} → ${await realm.run(code)}`).toBe(`${code} → ${await runHere(code)}`);
}

/** Each piece of code must have the outcome beside it; undefined stands for "undefined", an `Error` for its name. */
export async function expectOutcomes(realm: Realm, cases: readonly (readonly [string, unknown])[]): Promise<void> {
  for (const [code, wanted] of cases) {
    const outcome = wanted instanceof Error ? `throws ${wanted.name}` : (JSON.stringify(wanted) ?? "undefined");
    expect(`${code} → ${await realm.run(code)}`).toBe(`${code} → ${outcome}`);
  }
}
