/** What the runner of tests and its host in the realm say to each other: all of it is JSON. */

/** The plugin, its point and its service: a project that has a plugin of this name cannot be tested. */
export const RUNNER = "tests";
/** How the realm names a step to the engine: `registerTestStep(data, handler)`. */
export const REGISTER = "registerTestStep";

export interface StepGroup {
  /** From 1, over all files. */
  readonly id: number;
  readonly name: string;
}

export type HookKind = "beforeAll" | "beforeEach" | "afterEach" | "afterAll";

/** Something that the runner can call in the realm, in the order of registration. */
export type StepData = (
  | {
      readonly kind: "case";
      readonly name: string;
      readonly skip: boolean;
      readonly only: boolean;
      readonly timeoutMs: number;
    }
  | { readonly kind: "hook"; readonly hook: HookKind }
  /** Payload `begin` or `end`: around each case. */
  | { readonly kind: "stage" }
  /** Calls an exported function. Payload: `CallInput`. */
  | { readonly kind: "call" }
) & {
  /** Relative to the folder of scripts. */
  readonly file: string;
  /** Outermost first. */
  readonly groups: readonly StepGroup[];
  readonly line?: number;
  readonly column?: number;
};

export interface CallInput {
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What the step threw. */
export interface StepFailure {
  readonly name: string;
  readonly message: string;
  /** Frames of the author's files only. */
  readonly stack: string;
  /** Of a failed `expect`. */
  readonly expected?: string;
  readonly actual?: string;
}

export type StepResult =
  { readonly ok: true; readonly value?: unknown } | { readonly ok: false; readonly failure: StepFailure };

export interface WireRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** base64 */
  readonly body?: string;
}

export interface WireAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** base64 */
  readonly body: string;
}

/** What the realm gives to its test host, under `Symbol.for("aiwebengine.testing.realm")`. */
export interface TestRealm {
  readonly script: string;
  /** What the script exports; of a classic script, its top-level functions. Once it has loaded. */
  names(): { readonly [name: string]: unknown };
  /** Of the invocation that the running code belongs to. */
  currentId(): string | undefined;
  /** An error with a problem code, which the engine passes on to callers. */
  problem(code: string, message: string): Error;
  /** Sees every line that is logged. */
  tapLog(tap: (level: number, message: string, data: unknown) => void): void;
  /** Sees what nobody caught: the error's stack. */
  tapUnhandled(tap: (text: string) => void): void;
  /** Sees every call of a service; what it answers, unless undefined, is the answer. */
  tapCalls(tap: (service: string, method: string, args: readonly unknown[]) => Promise<unknown> | undefined): void;
}
