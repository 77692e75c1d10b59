/** The seam between `@aiwebengine/sdk/testing` and whoever runs the tests: the engine puts one object under one symbol. */
import { ProblemError } from "../errors.ts";
import type { LoggedLine, SentMessage } from "../testing.ts";

export type Hook = "beforeAll" | "beforeEach" | "afterEach" | "afterAll";

export interface CaseOptions {
  readonly mode?: "skip" | "only" | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What a runner does. Arguments are checked and brought to one form before they come here. */
export interface TestHost {
  addTest(name: string, run: () => unknown, options: CaseOptions): void;
  /** Calls `body` at once; tests and hooks that it adds belong to the group. */
  addGroup(name: string, body: () => void, options: CaseOptions): void;
  addHook(hook: Hook, run: () => unknown): void;
  /** Through the whole engine: router, hooks, limits. */
  request(request: Request): Promise<Response>;
  /** Until the case ends. The stub that was added last is asked first. */
  addFetchStub(matches: (request: Request) => boolean, answer: (request: Request) => Promise<Response>): void;
  /** The same for calls of services. */
  addServiceStub(service: string, method: string, answer: (args: readonly unknown[]) => Promise<unknown>): void;
  /** Milliseconds since 1970; the clock stands still from then on. */
  setTime(epochMs: number): void;
  /** Fires the timers that fall due on the way, in their order. */
  advanceTime(ms: number): Promise<void>;
  /** `next` gives the numbers from 0 (inclusive) to 1 (exclusive) that all randomness is made of. */
  setRandom(next: () => number): void;
  logs(): readonly LoggedLine[];
  messages(): readonly SentMessage[];
}

const HOST: unique symbol = Symbol.for("aiwebengine.testing") as never;

/** @throws ProblemError `not_in_invocation` where no runner stands. */
export function testHost(what: string): TestHost {
  const host = (globalThis as { [HOST]?: TestHost })[HOST];
  if (host !== undefined) return host;
  throw new ProblemError(
    "not_in_invocation",
    `${what} works in a script's test only: run \`aiwebengine test\`, which loads *.test.ts beside the script.`,
  );
}
