/** What `@aiwebengine/sdk/testing` does before it asks the runner: one form for every argument, and refusals that explain. */
import { afterEach, beforeEach, expect, test as bunTest } from "bun:test";
import * as testing from "../../../sdk/testing.ts";
import type { TestHost } from "../../../sdk/testing/host.ts";

const HOST = Symbol.for("aiwebengine.testing");
const place = globalThis as { [HOST]?: TestHost };

type Stub = { matches: (request: Request) => boolean; answer: (request: Request) => Promise<Response> };
let added: { what: string; name: string; options: object; run: () => unknown }[];
let hooks: string[];
let sent: Request[];
let stubs: Stub[];
let clock: number[];
let next: () => number;
let services: { service: string; method: string; answer: (args: readonly unknown[]) => Promise<unknown> }[];

beforeEach(() => {
  [added, hooks, sent, stubs, services, clock] = [[], [], [], [], [], []];
  place[HOST] = {
    addTest: (name, run, options) => void added.push({ what: "test", name, options, run }),
    addGroup(name, body, options) {
      added.push({ what: "group", name, options, run: body });
      body();
    },
    addHook: (hook) => void hooks.push(hook),
    async request(request) {
      sent.push(request);
      return new Response("ok");
    },
    addFetchStub: (matches, answer) => void stubs.push({ matches, answer }),
    addServiceStub: (service, method, answer) => void services.push({ service, method, answer }),
    setTime: (epochMs) => void clock.push(epochMs),
    advanceTime: async (ms) => void clock.push(ms),
    setRandom(source) {
      next = source;
    },
    logs: () => [{ level: "info", message: "hello" }],
    messages: () => [{ name: "ping", payload: 1 }],
  };
});
afterEach(() => {
  delete place[HOST];
});

bunTest("cases, groups and hooks reach the runner with their mode and time", () => {
  testing.test("a", () => 1, { timeoutMs: 10 });
  testing.it.skip("b", () => 2);
  testing.describe("group", () => testing.test.only("c", () => 3));
  testing.describe.skip("d", () => {});
  testing.describe.only("e", () => {});
  for (const hook of [testing.beforeAll, testing.beforeEach, testing.afterEach, testing.afterAll]) hook(() => {});
  expect(added.map(({ what, name, options }) => [what, name, options])).toEqual([
    ["test", "a", { timeoutMs: 10 }],
    ["test", "b", { mode: "skip" }],
    ["group", "group", {}],
    ["test", "c", { mode: "only" }],
    ["group", "d", { mode: "skip" }],
    ["group", "e", { mode: "only" }],
  ]);
  expect(hooks).toEqual(["beforeAll", "beforeEach", "afterEach", "afterAll"]);
});

bunTest("each row is a case of its own, named by its values", () => {
  const seen: unknown[] = [];
  testing.test.each([
    [1, "one"],
    [2, "two"],
  ])("%s is %s of %s", (n, word) => seen.push([n, word]));
  testing.test.each([{ id: 1 }])("an object", (row) => seen.push(row.id));
  for (const { run } of added) run();
  expect(added.map(({ name }) => name)).toEqual(["1 is one of %s", "2 is two of %s", "an object"]);
  expect(seen).toEqual([[1, "one"], [2, "two"], 1]);
});

bunTest("a request is to the script's own engine, and json is a POST unless told otherwise", async () => {
  expect(await (await testing.request("/a?b=1")).text()).toBe("ok");
  await testing.request("/a", { json: { n: 1 } });
  await testing.request("/a", { method: "PUT", json: null, headers: { "content-type": "application/vnd.a+json" } });
  await testing.request(new Request("http://any/x", { headers: { "x-a": "1" } }), { json: 2 });
  expect(sent.map(({ method, url, headers }) => [method, url, headers.get("content-type")])).toEqual([
    ["GET", "http://localhost/a?b=1", null],
    ["POST", "http://localhost/a", "application/json"],
    ["PUT", "http://localhost/a", "application/vnd.a+json"],
    ["POST", "http://any/x", "application/json"],
  ]);
  expect(await sent[1]!.json()).toEqual({ n: 1 });
  expect(await sent[2]!.text()).toBe("null");
  expect(sent[3]!.headers.get("x-a")).toBe("1");
  await expect(testing.request("http://elsewhere/")).rejects.toThrow('a path starts with "/"');
  await expect(testing.request("/a", { json: 1, body: "2" })).rejects.toThrow("either json or body");
});

bunTest("a stub answers by address, again and again, and remembers who asked", async () => {
  const stub = testing.stubFetch("https://a.example/v1/*", { eur: 1 });
  testing.stubFetch("https://b.example", () => new Response("b", { status: 202 }));
  testing.stubFetch(/c\.example/g, new Response("again"));
  const [a, b, c] = stubs as [Stub, Stub, Stub];
  const request = (url: string, init?: RequestInit): Request => new Request(url, init);
  expect(a.matches(request("https://a.example/v1/x?y=1"))).toBe(true);
  expect(a.matches(request("https://a.example/v2"))).toBe(false);
  expect(b.matches(request("https://b.example/"))).toBe(true);
  expect(b.matches(request("https://b.example/more"))).toBe(false);
  for (let i = 0; i < 2; i++) expect(c.matches(request("https://c.example/"))).toBe(true);
  const posted = request("https://a.example/v1/x", { method: "POST", body: "hi" });
  expect(await (await a.answer(posted)).json()).toEqual({ eur: 1 });
  expect(await stub.requests[0]!.text()).toBe("hi");
  expect((await b.answer(request("https://b.example/"))).status).toBe(202);
  for (let i = 0; i < 2; i++) expect(await (await c.answer(request("https://c.example/"))).text()).toBe("again");
});

bunTest("time and randomness are repeatable, and what is no time is refused", async () => {
  testing.setTime("2027-01-01T00:00:00Z");
  testing.setTime(new Date(5));
  await testing.advanceTime(100);
  expect(clock).toEqual([Date.UTC(2027, 0, 1), 5, 100]);
  expect(() => testing.setTime("tomorrow")).toThrow("tomorrow is no time");
  await expect(testing.advanceTime(-1)).rejects.toThrow("from 0");
  testing.setRandom(7);
  const first = [next(), next(), next()];
  testing.setRandom(7);
  expect([next(), next(), next()]).toEqual(first);
  expect(first.every((n) => n >= 0 && n < 1)).toBe(true);
  expect(new Set(first).size).toBe(3);
  testing.setRandom(() => 0.5);
  expect(next()).toBe(0.5);
  expect(() => testing.setRandom(NaN)).toThrow("finite");
});

bunTest("logs and messages are the runner's", () => {
  expect(testing.logs()).toEqual([{ level: "info", message: "hello" }]);
  expect(testing.messages()).toEqual([{ name: "ping", payload: 1 }]);
});

bunTest("a mistake is told where it was made", () => {
  expect(() => testing.test("", () => 1)).toThrow("the name must be a text");
  expect(() => testing.describe("x", 1 as never)).toThrow('describe("x", …): the second argument must be a function.');
  expect(() => testing.test("x", () => 1, { timeoutMs: 0 })).toThrow("above 0");
  expect(() => testing.test.each(1 as never)).toThrow("rows must be an array");
});

bunTest(
  "a stub of a service answers with a value, or with what a function gives or throws, and keeps the calls",
  async () => {
    const stub = testing.stubService("kv", "get", 7);
    testing.stubService("kv", "set", (key: string) => `${key}!`);
    testing.stubService("kv", "delete", () => {
      throw new Error("full");
    });
    expect(services.map(({ service, method }) => [service, method])).toEqual([
      ["kv", "get"],
      ["kv", "set"],
      ["kv", "delete"],
    ]);
    expect(await services[0]?.answer(["a"])).toBe(7);
    expect(stub.calls).toEqual([["a"]]);
    expect(await services[1]?.answer(["a", 1])).toBe("a!");
    await expect(services[2]?.answer([])).rejects.toThrow("full");
  },
);

bunTest("without a runner every call says which command runs tests", async () => {
  delete place[HOST];
  for (const call of [
    () => testing.test("a", () => 1),
    () => testing.describe("a", () => {}),
    () => testing.beforeAll(() => {}),
    () => testing.stubFetch("https://a.example", 1),
    () => testing.stubService("kv", "get", 1),
    () => testing.setTime(0),
    () => testing.setRandom(1),
    () => testing.logs(),
    () => testing.messages(),
  ])
    expect(call).toThrow(expect.objectContaining({ code: "not_in_invocation" }));
  await expect(testing.request("/")).rejects.toThrow("run `aiwebengine test`");
  await expect(testing.advanceTime(1)).rejects.toThrow("run `aiwebengine test`");
});
