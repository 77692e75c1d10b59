/** One line a request, whoever answers it; what is left out, and what never is. */
import { afterEach, expect, test } from "bun:test";
import { definePlugin, type AnyPlugin, type Hooks, type RequestLine } from "../../sdk/plugin.ts";
import accessLog from "../../plugins/access-log.ts";
import { serve, type Served, type ServeOptions } from "./harness.ts";

let served: Served | undefined;
let lines: RequestLine[] = [];

afterEach(async () => {
  await served?.close();
  served = undefined;
  lines = [];
});

async function start(config: object = {}, more: readonly AnyPlugin[] = [], answer?: ServeOptions["answer"]) {
  served = await serve([accessLog, ...more], {
    config: { "access-log": config },
    given: { "request-log": { write: (line: RequestLine) => void lines.push(line) } },
    answer: answer ?? (() => new Response("ok")),
  });
  return served;
}

const hooking = (name: string, handler: Hooks["request"]): AnyPlugin =>
  definePlugin({ name, version: "1.0.0", setup: ({ hook }) => hook("request", handler) });

const paths = (): string[] => lines.map(({ path, status }) => `${path} ${status}`);

test("a request has one line, with what the log tells, and the path without its query", async () => {
  const route = { method: "GET", path: "/notes/:id", owner: "notes", ofPlugin: false, options: {}, schemas: {} };
  await (await start()).ask("/notes/1?token=hunter2", { route });
  expect(lines).toEqual([
    {
      id: "019a0000-0000-7000-8000-000000000000",
      method: "GET",
      path: "/notes/1",
      status: 200,
      ms: expect.any(Number),
      ip: "127.0.0.1",
      script: "notes",
      route: "/notes/:id",
      clientRequestId: undefined,
    },
  ]);
});

test("an answer that is there at once stays so; one that comes later is waited for", async () => {
  const { host, ask } = await start({}, [], async () => {
    await Promise.resolve();
    return new Response(null, { status: 201 });
  });
  const now = host.current.chains.request?.({ path: "/" } as never, () => new Response("ok"));
  expect(now).toBeInstanceOf(Response);
  await ask("/later");
  expect(paths()).toEqual(["/ 200", "/later 201"]);
});

test("what other plugins answer, refuse or break has a line: its hook is around theirs", async () => {
  const own = hooking("aaa", ({ path }, next) => (path === "/own" ? new Response(null, { status: 418 }) : next()));
  const bad = hooking("bad", ({ path }, next) => {
    if (path === "/bad") throw new Error("no");
    return next();
  });
  const { ask } = await start({}, [own, bad]);
  for (const path of ["/own", "/bad", "/good"]) await ask(path);
  expect(paths()).toEqual(["/own 418", "/bad 500", "/good 200"]);
});

test("paths to skip have none, exactly or below, unless the engine failed", async () => {
  let status = 200;
  const { ask } = await start({ skip: ["/health/live", "/assets/*"] }, [], () => new Response(null, { status }));
  for (const path of ["/health/live", "/assets/a.css", "/health/live/x", "/assets", "/health"]) await ask(path);
  expect(paths()).toEqual(["/health/live/x 200", "/assets 200", "/health 200"]);
  lines = [];
  status = 404;
  await ask("/assets/none");
  status = 503;
  await ask("/health/live");
  expect(paths()).toEqual(["/health/live 503"]);
});

test("a least status leaves the good news out", async () => {
  let status = 200;
  const { ask } = await start({ minStatus: 400 }, [], () => new Response(null, { status }));
  for (status of [200, 304, 399, 400, 500]) await ask("/");
  expect(paths()).toEqual(["/ 400", "/ 500"]);
});
