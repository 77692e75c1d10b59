/**
 * What a script's `*.test.ts` imports from `@aiwebengine/sdk/testing`. `aiwebengine test` runs such a file in the script's
 * own sandbox; each case starts with an empty stage: what it wrote, stubbed and set is undone when it ends.
 */
import { testHost, type CaseOptions } from "./testing/host.ts";
import { seededRandom } from "./testing/random.ts";
import { toRequest } from "./testing/request.ts";

export { expect } from "./testing/expect.ts";
export type { Expect, Matchers } from "./testing/matchers.ts";

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

function checked(what: string, name: unknown, body: unknown): void {
  if (typeof name !== "string" || name === "") throw new TypeError(`${what}(name, …): the name must be a text.`);
  if (typeof body !== "function") throw new TypeError(`${what}("${name}", …): the second argument must be a function.`);
}

function adder(what: string, mode: CaseOptions["mode"]): AddTest {
  return (name, body, options = {}) => {
    checked(what, name, body);
    const { timeoutMs } = options;
    if (timeoutMs !== undefined && !(timeoutMs > 0))
      throw new RangeError(`${what}("${name}", …): timeoutMs must be a number of milliseconds above 0.`);
    testHost(`${what}()`).addTest(name, body, { mode, timeoutMs });
  };
}

function each(rows: readonly unknown[]): (name: string, body: (...row: never) => unknown) => void {
  if (!Array.isArray(rows)) throw new TypeError("test.each(rows): rows must be an array.");
  return (name, body) => {
    for (const row of rows) {
      const given: readonly unknown[] = Array.isArray(row) ? row : [row];
      let next = 0;
      const title = name.replace(/%s/g, (mark) => (next < given.length ? String(given[next++]) : mark));
      test(title, () => (body as (...row: readonly unknown[]) => unknown)(...given));
    }
  };
}

function grouper(what: string, mode: CaseOptions["mode"]): AddGroup {
  return (name, body) => {
    checked(what, name, body);
    testHost(`${what}()`).addGroup(name, body, { mode });
  };
}

/** @example test("says hello", async () => expect(await (await request("/hello/Ada")).text()).toBe("Hello, Ada")); */
export const test: Test = Object.assign(adder("test", undefined), {
  skip: adder("test.skip", "skip"),
  only: adder("test.only", "only"),
  each: each as AddTests,
});

/** The same function as `test`. */
export const it: Test = test;

/** A group of cases with hooks of its own. */
export const describe: Describe = Object.assign(grouper("describe", undefined), {
  skip: grouper("describe.skip", "skip"),
  only: grouper("describe.only", "only"),
});

/** Once, before the first case of the file or group. What it writes stays for all of them. */
export function beforeAll(body: Body): void {
  testHost("beforeAll()").addHook("beforeAll", body);
}
export function beforeEach(body: Body): void {
  testHost("beforeEach()").addHook("beforeEach", body);
}
/** Runs also after a case that failed. */
export function afterEach(body: Body): void {
  testHost("afterEach()").addHook("afterEach", body);
}
export function afterAll(body: Body): void {
  testHost("afterAll()").addHook("afterAll", body);
}

export interface TestRequestInit extends RequestInit {
  /** Sent as JSON, with its content type; the method is POST unless another is named. */
  readonly json?: unknown;
}

/**
 * A request to this script's own routes, through the whole engine: routing, schemas, hooks, limits.
 * @param path `/notes/1?full=yes`, or a Request of which method, path, query, headers and body count.
 * @example const answer = await request("/notes/1", { json: { text: "milk" } });
 */
export async function request(path: string | Request, init?: TestRequestInit): Promise<Response> {
  return testHost("request()").request(toRequest(path, init));
}

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
export function stubFetch(
  url: string | RegExp,
  answer: unknown | ((request: Request) => unknown | Promise<unknown>),
): FetchStub {
  const requests: Request[] = [];
  const matches = ({ url: address }: Request): boolean =>
    typeof url !== "string"
      ? new RegExp(url.source, url.flags.replace(/[gy]/g, "")).test(address)
      : url.endsWith("*")
        ? address.startsWith(url.slice(0, -1))
        : address === url || address === `${url}/`;
  testHost("stubFetch()").addFetchStub(matches, async (sent) => {
    requests.push(sent.clone());
    const value: unknown = typeof answer === "function" ? await answer(sent) : answer;
    // A stub answers more than once, and a body can be read only once.
    return value instanceof Response ? value.clone() : Response.json(value ?? null);
  });
  return { requests };
}

/** The calls of a service that a stub has answered, each with its arguments, in their order. */
export interface ServiceStub {
  readonly calls: readonly (readonly unknown[])[];
}

/**
 * Answers a service's method in this case, instead of its plugin: what has no place in a test.
 * @param answer a value, or a function of the arguments that gives one (or throws)
 * @example const inn = stubService("mcp", "connect", { callTool: async () => ({ content: [] }) });
 */
export function stubService(
  service: string,
  method: string,
  answer: unknown | ((...args: readonly never[]) => unknown),
): ServiceStub {
  const calls: (readonly unknown[])[] = [];
  testHost("stubService()").addServiceStub(service, method, async (args) => {
    calls.push(args);
    return typeof answer === "function" ? await (answer as (...given: readonly unknown[]) => unknown)(...args) : answer;
  });
  return { calls };
}

/**
 * Sets the clock of this case: `Date`, and what the engine's services take for now. It stands still until `advanceTime`.
 * @example setTime("2027-01-01T00:00:00Z");
 */
export function setTime(time: Date | number | string): void {
  const epochMs = new Date(time).getTime();
  if (Number.isNaN(epochMs)) throw new RangeError(`setTime(time): ${String(time)} is no time.`);
  testHost("setTime()").setTime(epochMs);
}

/** Moves the clock on, and fires the timers that fall due on the way. */
export async function advanceTime(ms: number): Promise<void> {
  if (!(ms >= 0 && ms < Infinity)) throw new RangeError("advanceTime(ms): ms must be a number from 0.");
  return testHost("advanceTime()").advanceTime(ms);
}

/**
 * Makes the randomness of this case repeatable: `Math.random`, `crypto.randomUUID` and `crypto.getRandomValues`.
 * @param seed a number, or a function that gives the next number from 0 (inclusive) to 1 (exclusive)
 */
export function setRandom(seed: number | (() => number)): void {
  testHost("setRandom()").setRandom(typeof seed === "function" ? seed : seededRandom(seed));
}

/** A line that the script logged. */
export interface LoggedLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly data?: unknown;
  /** The invocation that wrote it: the `x-request-id` of its answer. */
  readonly id?: string;
}

/** What the script has logged in this case, in order. */
export function logs(): readonly LoggedLine[] {
  return testHost("logs()").logs();
}

/** A message that the script sent. Other scripts do not get it: only this one runs. */
export interface SentMessage {
  /** Absent: to every script that has a handler of that name. */
  readonly script?: string;
  readonly name: string;
  readonly payload: unknown;
}

/** What the script has sent with `sendMessage` in this case, in order. */
export function messages(): readonly SentMessage[] {
  return testHost("messages()").messages();
}
