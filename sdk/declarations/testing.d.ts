/**
 * What a script's `*.test.ts` imports from `@aiwebengine/sdk/testing`. `aiwebengine test` runs such a file in the script's
 * own sandbox; each case starts with an empty stage: what it wrote, stubbed and set is undone when it ends.
 */
export { expect } from "./testing/expect.js";
export type { Expect, Matchers } from "./testing/matchers.js";
export interface TestOptions {
  /** Default 5,000 ms. */
  readonly timeoutMs?: number;
}
type Body = () => unknown;
interface AddTest {
  /** A case. It fails when `body` throws or rejects, or when it takes longer than `timeoutMs`. */
  (name: string, body: Body, options?: TestOptions): void;
}
interface AddTests {
  /**
   * One case for each row; a row that is an array gives the arguments. In the name `%s` stands for the next argument.
   *
   * @example test.each([[1, 2], [2, 4]])("%s doubled is %s", (n, twice) => expect(n * 2).toBe(twice));
   */
  <const Row extends readonly unknown[]>(
    rows: readonly Row[],
  ): (name: string, body: (...row: [...Row]) => unknown) => void;
  <const Row>(rows: readonly Row[]): (name: string, body: (row: Row) => unknown) => void;
}
export interface Test extends AddTest {
  readonly skip: AddTest;
  /** Where one case or group is `only`, no other runs. */
  readonly only: AddTest;
  readonly each: AddTests;
}
interface AddGroup {
  (name: string, body: () => void): void;
}
export interface Describe extends AddGroup {
  readonly skip: AddGroup;
  readonly only: AddGroup;
}
/** @example test("says hello", async () => expect(await (await request("/hello/Ada")).text()).toBe("Hello, Ada")); */
export declare const test: Test;
/** The same function as `test`. */
export declare const it: Test;
/** A group of cases with hooks of its own. */
export declare const describe: Describe;
/** Once, before the first case of the file or group. What it writes stays for all of them. */
export declare function beforeAll(body: Body): void;
export declare function beforeEach(body: Body): void;
/** Runs also after a case that failed. */
export declare function afterEach(body: Body): void;
export declare function afterAll(body: Body): void;
export interface TestRequestInit extends RequestInit {
  /** Sent as JSON, with its content type; the method is POST unless another is named. */
  readonly json?: unknown;
}
/**
 * A request to this script's own routes, through the whole engine: routing, schemas, hooks, limits.
 * @param path `/notes/1?full=yes`, or a Request of which method, path, query, headers and body count.
 * @example const answer = await request("/notes/1", { json: { text: "milk" } });
 */
export declare function request(path: string | Request, init?: TestRequestInit): Promise<Response>;
/** The outgoing requests that a stub has answered, in their order; their bodies can be read. */
export interface FetchStub {
  readonly requests: readonly Request[];
}
/**
 * Answers the script's outgoing requests in this case. One that no stub answers fails with `fetch_blocked`.
 * @param url the whole address, a beginning that ends with `*`, or an expression that the address must match
 * @param answer a Response, a value that is sent as JSON, or a function of the request that gives either (or throws)
 * @example const rates = stubFetch("https://rates.example/*", { eur: 1.1 });
 */
export declare function stubFetch(
  url: string | RegExp,
  answer: unknown | ((request: Request) => unknown | Promise<unknown>),
): FetchStub;
/** The calls of a service that a stub has answered, each with its arguments, in their order. */
export interface ServiceStub {
  readonly calls: readonly (readonly unknown[])[];
}
/**
 * Answers a service's method in this case, instead of its plugin: what has no place in a test.
 * @param answer a value, or a function of the arguments that gives one (or throws)
 * @example const inn = stubService("mcp", "connect", { callTool: async () => ({ content: [] }) });
 */
export declare function stubService(
  service: string,
  method: string,
  answer: unknown | ((...args: readonly never[]) => unknown),
): ServiceStub;
/**
 * Sets the clock of this case: `Date`, and what the engine's services take for now. It stands still until `advanceTime`.
 * @example setTime("2027-01-01T00:00:00Z");
 */
export declare function setTime(time: Date | number | string): void;
/** Moves the clock on, and fires the timers that fall due on the way. */
export declare function advanceTime(ms: number): Promise<void>;
/**
 * Makes the randomness of this case repeatable: `Math.random`, `crypto.randomUUID` and `crypto.getRandomValues`.
 * @param seed a number, or a function that gives the next number from 0 (inclusive) to 1 (exclusive)
 */
export declare function setRandom(seed: number | (() => number)): void;
/** A line that the script logged. */
export interface LoggedLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly data?: unknown;
  /** The invocation that wrote it: the `x-request-id` of its answer. */
  readonly id?: string;
}
/** What the script has logged in this case, in order. */
export declare function logs(): readonly LoggedLine[];
/** A message that the script sent. Other scripts do not get it: only this one runs. */
export interface SentMessage {
  /** Absent: to every script that has a handler of that name. */
  readonly script?: string;
  readonly name: string;
  readonly payload: unknown;
}
/** What the script has sent with `sendMessage` in this case, in order. */
export declare function messages(): readonly SentMessage[];
