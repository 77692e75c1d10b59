/** Every config key changes what the engine does: shown here, or in the test file that the table names. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { LIMIT_NAMES, type LimitName } from "../../core/config/limits.ts";
import type { Key } from "../../core/config/key.ts";
import { SCHEMA } from "../../core/config/schema.ts";
import { prepareFolder, runEngine, startEngine, type Engine } from "./engine.ts";

setDefaultTimeout(30_000);

const HERE = "config.test.ts";
type Shown = readonly [file: string, claim: string];
const inLimits = (claim: string): Shown => ["limits.test.ts", claim];
const LIMIT_SHOWN: Readonly<Record<LimitName, Shown>> = {
  wallMs: inLimits("ends the invocation with 504, and the isolate serves on"),
  loadMs: [HERE, "limits.loadMs of a script ends its build"],
  uninterruptedMs: inLimits("${path} is killed in time, and the script answers again"),
  cpuMs: inLimits("${path} yields all the time and is killed all the same"),
  memoryBytes: inLimits("memoryBytes: a script that holds more is killed, and told so"),
  concurrency: inLimits("concurrency: two run, two wait, the fifth is told to come again"),
  pendingCalls: inLimits("pendingCalls: three at once are served, the fourth is refused by name"),
  timers: inLimits("timers: the fourth is refused, and the log names the limit"),
  subrequests: inLimits("subrequests: the third is refused by name"),
  requestBytes: ["http.test.ts", "limits.requestBytes, of the engine and of one script, declared and chunked"],
  responseBytes: inLimits("${path} is refused by name"),
  logLines: inLimits("${name}: an invocation that logs more is ended by name"),
  logBytes: inLimits("${name}: an invocation that logs more is ended by name"),
  streams: inLimits("one more than limits.streams is refused, and one that ended makes room"),
  streamIdleMs: inLimits("streamIdleMs: a stream that stands still is broken off, and the log says why"),
};
const limits = (
  names: readonly LimitName[],
  of: (name: LimitName) => Shown,
  prefix = "limits.",
): Record<string, Shown> => Object.fromEntries(names.map((name) => [prefix + name, of(name)]));

/** Where each key is shown to change something: the file, and the claim of a test there. A new key needs a row. */
const SHOWN: Readonly<Record<string, Shown>> = {
  "server.host": [HERE, "host and port are where it listens; flags win over the file"],
  "server.port": [HERE, "host and port are where it listens; flags win over the file"],
  "server.trustedProxies": ["http.test.ts", "server.trustedProxies"],
  "server.maxHeaderBytes": ["http.test.ts", "server.maxHeaderBytes"],
  "server.requestTimeoutMs": ["http.test.ts", "server.requestTimeoutMs"],
  "server.shutdownTimeoutMs": [
    "lifecycle.test.ts",
    "what takes longer than server.shutdownTimeoutMs is broken off; the end is still clean",
  ],
  "server.sockets.maxMessageBytes": [
    "sockets.test.ts",
    "server.sockets.maxMessageBytes: a longer message ends its socket with 1009",
  ],
  "server.sockets.maxQueueBytes": ["sockets.test.ts", "server.sockets.maxQueueBytes: more is dropped"],
  "server.sockets.idleSeconds": [
    "sockets.test.ts",
    "server.sockets.idleSeconds: who answers no ping is hung up on; who does stays",
  ],
  "server.tls.cert": ["http.test.ts", "server.tls serves HTTPS from cert and key files"],
  "server.tls.key": ["http.test.ts", "server.tls serves HTTPS from cert and key files"],
  "isolates.mode": ["isolates.test.ts", "serves, streams, ends at deadlines, kills a loop, reloads, and stops"],
  "isolates.max": [
    "isolates.test.ts",
    "isolates.max: the one not used for longest makes room, and a busy one in the end",
  ],
  "isolates.perScript": [
    "isolates.test.ts",
    "none before the first call, more while it is busy, none after isolates.idleMs",
  ],
  "isolates.spare": ["isolates.test.ts", "a spare is kept warm"],
  "isolates.idleMs": [
    "isolates.test.ts",
    "none before the first call, more while it is busy, none after isolates.idleMs",
  ],
  "isolates.require": ["start.test.ts", "where isolates.require asks for what the mode does not have"],
  ...limits(LIMIT_NAMES, (name) => LIMIT_SHOWN[name]),
  ...limits(LIMIT_NAMES, () => [HERE, "is the most that a limit may be, of the engine and of a script"], "limits.max."),
  ...limits(LIMIT_NAMES, () => [HERE, "a script's own limits are those it sees"], "scripts.*.limits."),
  "scripts.*.enabled": [HERE, "enabled = false leaves a script out"],
  "scripts.*.isolation": [
    "isolates.test.ts",
    'isolation = "invocation": each call has globals of its own, also at the same time',
  ],
  "scripts.*.mount": [HERE, "mount is where the fetch form answers, and config is its env"],
  "scripts.*.hosts": [HERE, "fetch.allowHosts opens single private hosts; hosts narrows what one script may reach"],
  "scripts.*.config": [HERE, "mount is where the fetch form answers, and config is its env"],
  "plugins.*.enabled": [HERE, "enabled = false leaves a plugin out, and its other keys are its own"],
  "plugins.*.optional": [HERE, "optional = true leaves a plugin out that cannot start"],
  "log.level": [HERE, "level is the least that is written"],
  "log.format": [HERE, "format is json for machines and pretty for people; --dev is for people"],
  "log.scriptBytes": ["logs.test.ts", "what is kept of a script's log stays under log.scriptBytes"],
  "log.requestBytes": [HERE, "requestBytes = 0 keeps no lines of requests"],
  "fetch.allowPrivate": [HERE, "fetch.allowPrivate opens all, and fetch.denyHosts closes some of it again"],
  "fetch.allowHosts": [HERE, "fetch.allowHosts opens single private hosts; hosts narrows what one script may reach"],
  "fetch.denyHosts": [HERE, "fetch.allowPrivate opens all, and fetch.denyHosts closes some of it again"],
};

function keysOf(key: Key, path: string): readonly string[] {
  if (key.type === "table")
    return Object.entries(key.keys).flatMap(([name, inner]) => keysOf(inner, path === "" ? name : `${path}.${name}`));
  return key.type === "map" ? keysOf(key.value, `${path}.*`) : [path];
}

/** The text of each test of a file, by its claim: from its line to the next test. */
function testsOf(file: string): ReadonlyMap<string, string> {
  const text = readFileSync(join(import.meta.dir, file), "utf8");
  const starts = [...text.matchAll(/^ *test(?:\.\w+\([^\n]*?\))?\(\s*(["'`])(.*?)\1,/gms)];
  return new Map(
    starts.map(({ index, 2: claim = "" }, at) => [claim, text.slice(index, starts[at + 1]?.index ?? text.length)]),
  );
}

test("every key of the schema is shown to change something, by a test that is there", () => {
  expect(Object.keys(SHOWN).toSorted()).toEqual([...keysOf(SCHEMA, "")].toSorted());
  const files = new Map([...new Set(Object.values(SHOWN).map(([file]) => file))].map((file) => [file, testsOf(file)]));
  const missing = Object.entries(SHOWN).filter(([, [file, claim]]) => files.get(file)?.has(claim) !== true);
  expect(missing).toEqual([]);
});

test("a file that shows a key names it", () => {
  for (const [key, [file]] of Object.entries(SHOWN)) {
    // The limits are walked by their names.
    if (file === HERE && key.includes("limits.")) continue;
    const text = readFileSync(join(import.meta.dir, file), "utf8").replace(/const SHOWN[^]*?\n};/, "");
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

describe("plugins", () => {
  const plugin = (name: string, setup: string): string =>
    `import { definePlugin } from "@aiwebengine/sdk/plugin";
export default definePlugin({ name: "${name}", version: "1.0.0", config: { text: "string = 'weak'", more: "number = 1" },
  setup({ config, route }) { ${setup} } });`;
  const tells = (name: string): string => plugin(name, `route("GET /${name}", () => Response.json(config));`);
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({
      files: {
        "plugins/tea.ts": tells("tea"),
        "plugins/off.ts": tells("off"),
        "plugins/dry.ts": plugin("dry", 'throw new Error("no water");'),
        // Both formats of config in one test: see the profile below.
        "aiwebengine.yaml": `
plugins:
  tea: { text: strong }
  dry: { optional: true }
profile:
  quiet: { plugins: { off: { enabled: false } } }
`,
      },
      args: ["--profile", "quiet"],
      env: { AIWEBENGINE_PLUGINS__TEA__MORE: "7" },
    });
  });
  afterAll(() => engine?.stop());

  test("enabled = false leaves a plugin out, and its other keys are its own", async () => {
    expect(await (await engine.fetch("/tea")).json()).toEqual({ text: "strong", more: 7 });
    expect((await engine.fetch("/off")).status).toBe(404);
  });

  test("optional = true leaves a plugin out that cannot start", async () => {
    await engine.waitForLog(/no water.*left out/);
    const project = await prepareFolder({ files: { "plugins/dry.ts": plugin("dry", 'throw new Error("no water");') } });
    const { code, stderr } = await runEngine(["serve", "--dir", project, "--port", "0"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("no water")]);
    await rm(dirname(project), { recursive: true });
  });

  test("a plugin that is not there and a key that it has not are refused, also of one that is left out", async () => {
    const project = await prepareFolder({ files: { "plugins/tea.ts": tells("tea"), "plugins/off.ts": tells("off") } });
    const set = ["plugins.teaa.text=x", "plugins.tea.txt=x", "plugins.of.enabled=false"].flatMap((one) => [
      "--set",
      one,
    ]);
    const { code, stderr } = await runEngine(["serve", "--dir", project, "--port", "0", ...set]);
    expect(code).toBe(2);
    expect(stderr).toContain('plugins.teaa: there is no plugin "teaa"\n  Did you mean plugins.tea?');
    expect(stderr).toContain("plugins.tea.txt: unknown key\n  Did you mean plugins.tea.text?");
    expect(stderr).toContain('plugins.of: there is no plugin "of"\n  Did you mean plugins.off?');
    await rm(dirname(project), { recursive: true });
  });
});

test("the environment and a profile reach the engine; config print says so, and hides what is secret", async () => {
  const config = "[scripts.a.config]\npassword = 'hunter2'\n[profile.p.scripts.a.config]\nword = 'of the profile'\n";
  const script = `registerWebHandler("GET /a", ({ config }) => config);`;
  const env = { AIWEBENGINE_SCRIPTS__A__CONFIG__COUNT: "3", AIWEBENGINE_PROFILE: "p" };
  await using engine = await startEngine({ scripts: { "a.ts": script }, config, env });
  const seen: unknown = await (await engine.fetch("/a")).json();
  expect(seen).toEqual({ password: "hunter2", word: "of the profile", count: 3 });
  const { stdout, code } = await runEngine(["config", "print", "--dir", engine.dir, "--json"], { env });
  expect(code).toBe(0);
  expect(stdout).not.toContain("hunter2");
  expect(JSON.parse(stdout)).toMatchObject({
    "scripts.a.config.password": { value: "[hidden]", from: "file", place: "aiwebengine.toml:2" },
    "scripts.a.config.word": { value: "of the profile", from: "profile", place: "aiwebengine.toml:4" },
    "scripts.a.config.count": { value: 3, from: "environment", place: "AIWEBENGINE_SCRIPTS__A__CONFIG__COUNT" },
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

  test("requestBytes = 0 keeps no lines of requests", async () => {
    await using engine = await startEngine({ scripts, args: ["--set", "log.requestBytes=0"] });
    await engine.fetch("/a");
    await engine.waitForLog(/"message":"request"/);
    const kept = async (): Promise<string> => (await runEngine(["logs", "--dir", engine.dir, "--json"])).stdout;
    let lines = await kept();
    while (!lines.includes("loud")) lines = await kept();
    expect(lines).not.toContain('"message":"request"');
  });
});
