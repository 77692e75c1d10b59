/** Every config key changes what the engine does: shown here, or in the test file that the table names. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LIMIT_NAMES } from "../../core/config/limits.ts";
import type { Key } from "../../core/config/key.ts";
import { SCHEMA } from "../../core/config/schema.ts";
import { runEngine, startEngine, type Engine } from "./engine.ts";

setDefaultTimeout(30_000);

const HERE = "config.test.ts";
/** Where each key is shown. A new key needs a line here, and a test there that names it. */
const SHOWN: Readonly<Record<string, string>> = {
  "server.host": HERE,
  "server.port": HERE,
  "server.trustedProxies": "http.test.ts",
  "server.maxHeaderBytes": "http.test.ts",
  "server.requestTimeoutMs": "http.test.ts",
  "server.shutdownTimeoutMs": "lifecycle.test.ts",
  "server.tls.cert": "http.test.ts",
  "server.tls.key": "http.test.ts",
  "isolates.mode": "isolates.test.ts",
  "isolates.max": "isolates.test.ts",
  "isolates.perScript": "isolates.test.ts",
  "isolates.spare": "isolates.test.ts",
  "isolates.idleMs": "isolates.test.ts",
  "isolates.require": "start.test.ts",
  "limits.loadMs": HERE,
  "limits.requestBytes": "http.test.ts",
  ...Object.fromEntries(
    LIMIT_NAMES.filter((name) => name !== "loadMs" && name !== "requestBytes").map((name) => [
      `limits.${name}`,
      "limits.test.ts",
    ]),
  ),
  ...Object.fromEntries(LIMIT_NAMES.map((name) => [`limits.max.${name}`, HERE])),
  ...Object.fromEntries(LIMIT_NAMES.map((name) => [`scripts.*.limits.${name}`, HERE])),
  "scripts.*.enabled": HERE,
  "scripts.*.isolation": "isolates.test.ts",
  "scripts.*.mount": HERE,
  "scripts.*.hosts": HERE,
  "scripts.*.config": HERE,
  "log.level": HERE,
  "log.format": HERE,
  "fetch.allowPrivate": HERE,
  "fetch.allowHosts": HERE,
  "fetch.denyHosts": HERE,
};

function keysOf(key: Key, path: string): readonly string[] {
  if (key.type === "table")
    return Object.entries(key.keys).flatMap(([name, inner]) => keysOf(inner, path === "" ? name : `${path}.${name}`));
  return key.type === "map" ? keysOf(key.value, `${path}.*`) : [path];
}

test("every key of the schema is shown to change something, by a test that names it", () => {
  expect(Object.keys(SHOWN).toSorted()).toEqual([...keysOf(SCHEMA, "")].toSorted());
  for (const [key, file] of Object.entries(SHOWN)) {
    if (file === HERE) continue;
    const path = join(import.meta.dir, file);
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    expect(`${file}: ${text.includes(key.split(".").at(-1) as string) ? key : "is not named"}`).toBe(`${file}: ${key}`);
  }
});

const dir = await mkdtemp(join(tmpdir(), "aiwebengine-e2e-"));
afterAll(() => rm(dir, { recursive: true, force: true }));

describe("server", () => {
  test.skipIf(process.platform !== "linux")("host and port are where it listens; flags win over the file", async () => {
    const taken = createServer().listen(0, "127.0.0.2");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    const set = ["--set", "server.host=127.0.0.2", "--set", `server.port=${port}`];
    const { code, stderr } = await runEngine(["serve", "--dir", dir, ...set]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(`port ${port} on 127.0.0.2 is taken`)]);
    await using engine = await startEngine({ args: set.slice(2), config: '[server]\nhost = "127.0.0.2"\n' });
    expect(engine.port).not.toBe(port);
    taken.close();
  });
});

describe("limits.max", () => {
  test("is the most that a limit may be, of the engine and of a script", async () => {
    for (const name of LIMIT_NAMES) {
      const set = ["--set", `limits.max.${name}=50`, "--set", `scripts.a.limits.${name}=51`];
      const { code, stderr } = await runEngine(["serve", "--dir", dir, ...set]);
      expect(code).toBe(2);
      expect(stderr).toMatch(new RegExp(`scripts\\.a\\.limits\\.${name}|limits\\.max\\.${name}`));
    }
  });
});

describe("scripts", () => {
  /** Answers what the host answers, or why it was not asked. */
  const asks = (name: string): string => `registerWebHandler("GET /${name}/:host", async ({ params, config }) => {
    try { return await (await fetch("http://" + params.host + ":" + config.port + "/")).text(); }
    catch (error) { return error.code; }
  });`;
  let outside: ReturnType<typeof Bun.serve>;
  let engine: Engine;
  beforeAll(async () => {
    outside = Bun.serve({ hostname: "0.0.0.0", port: 0, fetch: () => new Response("reached") });
    engine = await startEngine({
      scripts: {
        "on.ts": `registerWebHandler("GET /on", () => "on");`,
        "off.ts": `registerWebHandler("GET /off", () => "off");`,
        "mounted.ts": `export default { fetch: (request, env) => new Response(new URL(request.url).pathname + " " + env.greeting) };`,
        "wide.ts": asks("wide"),
        "narrow.ts": asks("narrow"),
        "limited.ts": `import { limits } from "@aiwebengine/sdk";\nregisterWebHandler("GET /limited", () => limits);`,
        "never.ts": `export function init() { return new Promise(() => {}); }`,
      },
      config: `
[scripts.off]
enabled = false
[scripts.mounted]
mount = "/at/home"
config = { greeting = "hello" }
[scripts.wide]
config = { port = ${outside.port} }
[scripts.narrow]
hosts = ["127.0.0.2"]
config = { port = ${outside.port} }
[scripts.never.limits]
loadMs = 300
[scripts.limited.limits]
${LIMIT_NAMES.map((name) => `${name} = ${name === "memoryBytes" ? 100_000_000 : 4321}`).join("\n")}
[fetch]
allowHosts = ["127.0.0.1"]
`,
    });
  });
  afterAll(async () => {
    await engine?.stop();
    await outside?.stop(true);
  });
  const text = async (path: string): Promise<string> => (await engine.fetch(path)).text();

  test("enabled = false leaves a script out", async () => {
    expect(await text("/on")).toBe("on");
    expect((await engine.fetch("/off")).status).toBe(404);
  });

  test("mount is where the fetch form answers, and config is its env", async () => {
    expect(await text("/at/home/x")).toBe("/at/home/x hello");
    expect((await engine.fetch("/mounted/x")).status).toBe(404);
  });

  test("fetch.allowHosts opens single private hosts; hosts narrows what one script may reach", async () => {
    expect(await text("/wide/127.0.0.1")).toBe("reached");
    expect(await text("/wide/127.0.0.2")).toBe("fetch_blocked");
    expect(await text("/narrow/127.0.0.1")).toBe("fetch_blocked");
  });

  test("fetch.allowPrivate opens all, and fetch.denyHosts closes some of it again", async () => {
    await using open = await startEngine({
      scripts: { "wide.ts": asks("wide") },
      config: `[scripts.wide.config]\nport = ${outside.port}\n[fetch]\nallowPrivate = true\ndenyHosts = ["127.0.0.2"]\n`,
    });
    expect(await (await open.fetch("/wide/127.0.0.1")).text()).toBe("reached");
    expect(await (await open.fetch("/wide/127.0.0.2")).text()).toBe("fetch_blocked");
  });

  test("limits.loadMs of a script ends its build", async () => {
    const line = await engine.waitForLog((one) => one.includes('"script failed"') && one.includes('"never"'));
    expect(JSON.parse(line)).toMatchObject({
      code: "deadline_exceeded",
      problem: expect.stringContaining("300 ms (limits.loadMs)"),
    });
  });

  test("a script's own limits are those it sees", async () => {
    const seen = (await (await engine.fetch("/limited")).json()) as Record<string, number>;
    for (const name of LIMIT_NAMES)
      expect([name, seen[name]]).toEqual([name, name === "memoryBytes" ? 100_000_000 : 4321]);
  });
});

describe("log", () => {
  const scripts = { "a.ts": `registerWebHandler("GET /a", () => { console.debug("quiet"); console.warn("loud"); });` };

  test("level is the least that is written", async () => {
    await using quiet = await startEngine({ scripts, args: ["--set", "log.level=info"] });
    await quiet.fetch("/a");
    await quiet.waitForLog(/"message":"request"/);
    expect(quiet.logs).toContain("loud");
    expect(quiet.logs).not.toContain("quiet");
    await using chatty = await startEngine({ scripts, args: ["--set", "log.level=debug"] });
    await chatty.fetch("/a");
    await chatty.waitForLog(/"level":"debug".*quiet/);
  });

  test("format is json for machines and pretty for people; --dev is for people", async () => {
    await using json = await startEngine({ scripts, args: ["--dev", "--set", "log.format=json"] });
    for (const line of json.logs.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("level");
    await using dev = await startEngine({ scripts, args: ["--dev"] });
    await dev.waitForLog(/^ {2}dev +answers show error details/);
  });
});
