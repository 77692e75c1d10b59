/** Every key that may change in a running engine does: one engine, three configs after each other, and what each shows. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Key } from "../../core/config/key.ts";
import { LIMIT_NAMES } from "../../core/config/limits.ts";
import { SCHEMA } from "../../core/config/schema.ts";
import { rawRequest } from "../core/http/raw.ts";
import { runEngine, startEngine, type Engine } from "./engine.ts";

setDefaultTimeout(60_000);

const SCRIPTS = {
  "web.ts": `import { limits, registerWebHandler } from "@aiwebengine/sdk";
    registerWebHandler("GET /web/limits", () => limits);
    registerWebHandler("POST /web/echo", async ({ request }) => (await request.text()).length);
    registerWebHandler("GET /web/say", () => { console.debug("quiet"); console.warn("loud"); });
    registerWebHandler("GET /web/reach/:host", async ({ params, config }) => {
      try { return await (await fetch("http://" + params.host + ":" + config.port + "/")).text(); }
      catch (error) { return error.code; }
    });`,
  "own.ts": `import { config, limits, registerWebHandler } from "@aiwebengine/sdk";
    let calls = 0;
    registerWebHandler("GET /own", () => ({ config, limits, calls: ++calls }));`,
  "narrow.ts": `registerWebHandler("GET /narrow", async ({ config }) => {
      try { return await (await fetch("http://127.0.0.1:" + config.port + "/")).text(); } catch (error) { return error.code; }
    });`,
  "off.ts": `registerWebHandler("GET /off", () => "on");`,
  "mounted.ts": `export default { fetch: () => new Response("mounted") };`,
  "busy.ts": `const me = Math.random();
    registerWebHandler("GET /busy", async () => { await new Promise((r) => setTimeout(r, 150)); return String(me); });`,
  "other.ts": `registerWebHandler("GET /other", () => "other");`,
};
const TEA = `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({ name: "tea", version: "1.0.0", setup: ({ route }) => route("GET /tea", () => new Response("tea")) });`;

/** Both with the same keys, so that each differs. */
const config = (port: number, second: boolean): string => `
[server]
trustedProxies = ${second ? '["127.0.0.1"]' : "[]"}
requestTimeoutMs = ${second ? 400 : 300}
shutdownTimeoutMs = ${second ? 200 : 50_000}
[isolates]
perScript = ${second ? 3 : 1}
[limits]
${LIMIT_NAMES.map((name) => `${name} = ${valueOf(name, second ? 1 : 0)}`).join("\n")}
[scripts.own]
isolation = "${second ? "invocation" : "shared"}"
config = { word = "${second ? "second" : "first"}" }
[scripts.own.limits]
${LIMIT_NAMES.map((name) => `${name} = ${valueOf(name, second ? 3 : 2)}`).join("\n")}
[scripts.web.config]
port = ${port}
[scripts.narrow]
hosts = ["127.0.0.${second ? 9 : 1}"]
config = { port = ${port} }
[scripts.off]
enabled = ${second}
[scripts.mounted]
mount = "${second ? "/there" : "/here"}"
[scripts.busy.limits]
concurrency = 1
[plugins.tea]
enabled = ${second}
[log]
level = "${second ? "debug" : "info"}"
requestBytes = ${second ? 0 : 4_194_304}
[fetch]
allowHosts = ["127.0.0.${second ? 2 : 1}"]
denyHosts = ["127.0.0.${second ? 1 : 2}"]
`;

function valueOf(name: string, step: number): number {
  return (name === "memoryBytes" ? 100_000_000 : 9_000) + step;
}

let engine: Engine;
let outside: ReturnType<typeof Bun.serve>;
const text = async (path: string, init?: RequestInit): Promise<string> => (await engine.fetch(path, init)).text();
const status = async (path: string): Promise<number> => (await engine.fetch(path)).status;
const json = async (path: string): Promise<Record<string, unknown>> => JSON.parse(await text(path));

/** The lines of one call, once the script's own has been written: on standard output, and in its log on disk. */
async function said(): Promise<{ readonly levels: readonly string[]; readonly kept: boolean }> {
  const id = (await engine.fetch("/web/say")).headers.get("x-request-id") ?? "none";
  await engine.waitForLog((line) => line.includes(id) && line.includes('"message":"request"'));
  const levels = engine.logs
    .split("\n")
    .filter((line) => line.includes(id) && /"message":"(?:quiet|loud)"/.test(line))
    .map((line) => (JSON.parse(line) as { level: string }).level);
  for (;;) {
    const { stdout } = await runEngine(["logs", "web", "--dir", engine.dir, "--json", "--id", id]);
    if (stdout.includes("loud")) return { levels, kept: stdout.includes('"message":"request"') };
  }
}

/** What each key shows, under the first config and under the second. */
const SHOWN: Readonly<Record<string, readonly [look: () => Promise<unknown>, first: unknown, second: unknown]>> = {
  "server.trustedProxies": [
    async () =>
      (await engine.fetch("/other", { headers: { "x-request-id": "mine" } })).headers.get("x-request-id") === "mine",
    false,
    true,
  ],
  "server.requestTimeoutMs": [
    async () => {
      const head = "POST /web/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
      return JSON.parse((await rawRequest(engine.port, head))?.body ?? "{}").limit.value;
    },
    300,
    400,
  ],
  "isolates.perScript": [
    async () => new Set(await Promise.all(Array.from({ length: 2 }, () => text("/busy")))).size > 1,
    false,
    true,
  ],
  ...Object.fromEntries(
    LIMIT_NAMES.flatMap((name) => [
      [`limits.${name}`, [async () => (await json("/web/limits"))[name], valueOf(name, 0), valueOf(name, 1)]],
      [
        `scripts.*.limits.${name}`,
        [
          async () => ((await json("/own"))["limits"] as Record<string, unknown>)[name],
          valueOf(name, 2),
          valueOf(name, 3),
        ],
      ],
    ]),
  ),
  "scripts.*.enabled": [() => status("/off"), 404, 200],
  "scripts.*.isolation": [async () => (await json("/own"))["calls"] !== (await json("/own"))["calls"], true, false],
  "scripts.*.mount": [async () => [await status("/here/x"), await status("/there/x")], [200, 404], [404, 200]],
  "scripts.*.hosts": [() => text("/narrow"), "reached", "fetch_blocked"],
  "scripts.*.config": [async () => (await json("/own"))["config"], { word: "first" }, { word: "second" }],
  "plugins.*.enabled": [() => status("/tea"), 404, 200],
  "log.level": [async () => (await said()).levels, ["warn"], ["debug", "warn"]],
  "log.requestBytes": [async () => (await said()).kept, true, false],
  "fetch.allowHosts": [() => text("/web/reach/127.0.0.1"), "reached", "fetch_blocked"],
  "fetch.denyHosts": [() => text("/web/reach/127.0.0.2"), "fetch_blocked", "reached"],
};

/** Shown by the third config, or nothing that an engine holds. */
const APART: Readonly<Record<string, string>> = {
  "server.shutdownTimeoutMs": "the last test",
  "isolates.max": "the last test but one",
  "isolates.spare": "only how fast a first call is",
  "isolates.idleMs": "asked at each sweep, as max at each start",
  "fetch.allowPrivate": "the last test but one",
  "plugins.*.optional": "decides whether a change is refused",
  "log.scriptBytes": "read where requestBytes is",
};

function changeable(key: Key, path: string): readonly string[] {
  if (key.type === "map") return changeable(key.value, `${path}.*`);
  if (key.type !== "table") return key.restart === true || path.startsWith("limits.max.") ? [] : [path];
  return Object.entries(key.keys).flatMap(([name, inner]) => changeable(inner, path === "" ? name : `${path}.${name}`));
}

async function change(toml: string): Promise<void> {
  const after = engine.mark();
  await engine.write("aiwebengine.toml", toml);
  await engine.waitForLog(/"config (changed|refused)"/, { after });
}

/** A change of scripts is built beside those that serve: looks until it is there. */
async function settles(look: () => Promise<unknown>, wanted: unknown): Promise<unknown> {
  const until = performance.now() + 20_000;
  for (;;) {
    const seen = await look();
    if (Bun.deepEquals(seen, wanted) || performance.now() > until) return seen;
    await Bun.sleep(20);
  }
}

beforeAll(async () => {
  outside = Bun.serve({ hostname: "0.0.0.0", port: 0, fetch: () => new Response("reached") });
  const first = config(outside.port ?? 0, false);
  engine = await startEngine({ scripts: SCRIPTS, files: { "plugins/tea.ts": TEA }, config: first });
});
afterAll(async () => {
  await engine?.stop();
  await outside?.stop(true);
});

test("every key that needs no restart has a row", () => {
  expect([...Object.keys(SHOWN), ...Object.keys(APART)].toSorted()).toEqual([...changeable(SCHEMA, "")].toSorted());
});

const rows = Object.entries(SHOWN);
describe("the first config", () => {
  test.each(rows)("%s", async (_key, [look, first]) => {
    expect(await settles(look, first)).toEqual(first);
  });
});

describe.skipIf(process.platform !== "linux")("the second, in the same engine", () => {
  beforeAll(() => change(config(outside.port ?? 0, true)));

  test.each(rows)("%s", async (_key, [look, , second]) => {
    expect(await settles(look, second)).toEqual(second);
  });
});

test("isolates.max and fetch.allowPrivate take hold, too", async () => {
  await change(
    `[isolates]\nmax = 1\nspare = 0\n[fetch]\nallowPrivate = true\n[scripts.web.config]\nport = ${outside.port}\n[server]\nshutdownTimeoutMs = 200\n`,
  );
  expect(await settles(() => text("/web/reach/127.0.0.1"), "reached")).toBe("reached");
  // Room for one: each call of the other takes the place of the first, and what it counted.
  const counted = async (): Promise<unknown> => {
    const { calls } = await json("/own");
    await text("/other");
    return [calls, (await json("/own"))["calls"]];
  };
  expect(await settles(counted, [1, 1])).toEqual([1, 1]);
});

test("server.shutdownTimeoutMs is what holds at the end", async () => {
  const waiting = engine.fetch("/web/reach/127.0.0.1").catch(() => null);
  await waiting;
  await engine.write("scripts/slow.ts", `registerWebHandler("GET /slow", () => new Promise(() => {}));`);
  expect(await settles(async () => engine.logs.includes('"slow"'), true)).toBe(true);
  const slow = engine.fetch("/slow").catch(() => null);
  await Bun.sleep(200); // on its way: nothing tells that a request has arrived
  const began = performance.now();
  expect(await engine.stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(8_000);
  await slow;
});
