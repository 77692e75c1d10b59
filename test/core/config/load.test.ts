/** The config system from its front door: what is accepted, what is refused, and how a refusal reads. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsFor, LIMITS, loadConfig, scriptConfig, type Config, type Limits } from "../../../core/config/index.ts";
import { parseHostPattern } from "../../../core/fetch/address.ts";
import { project, refusal } from "./project.ts";
import { JAIL_PARTS } from "../../../core/isolate/jail/parts.ts";

const folder = (toml?: string | Uint8Array): string => project(toml === undefined ? {} : { "aiwebengine.toml": toml });
const load = (toml?: string, ...set: string[]): Config => loadConfig({ dir: folder(toml), set, flags: {} });
describe("defaults", () => {
  test("an empty folder gives the documented defaults", () => {
    const config = load();
    expect(config.server).toEqual({
      host: "127.0.0.1",
      port: 8080,
      trustedProxies: [],
      maxHeaderBytes: 16384,
      requestTimeoutMs: 30000,
      shutdownTimeoutMs: 10000,
      sockets: { maxMessageBytes: 1_048_576, maxQueueBytes: 1_048_576, idleSeconds: 60 },
      tls: { cert: undefined, key: undefined },
    });
    expect(config.isolates).toEqual({ mode: "auto", max: 64, perScript: 4, spare: 1, idleMs: 60000, require: [] });
    expect(config.limits.memoryBytes).toBe(134217728);
    expect(config.limits.requestBytes).toBe(10485760);
    expect(config.log).toEqual({ level: "info", format: "auto", scriptBytes: 8388608, requestBytes: 4194304 });
    expect(config.fetch).toEqual({ allowPrivate: false, allowHosts: [], denyHosts: [] });
    expect(config.file).toBeUndefined();
    expect(config.dev).toBe(false);
  });

  test("no default is above its own maximum or below its own minimum", () => {
    for (const row of Object.values(LIMITS)) {
      expect(row.default).toBeLessThanOrEqual(row.max);
      expect(row.default).toBeGreaterThanOrEqual(row.min);
    }
  });

  test("the result is frozen all the way down", () => {
    const config = load("[scripts.a.config]\nlist = [{ x = 1 }]");
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(config)).toBe(true);
  });
});

describe("order", () => {
  test("file lies over defaults, --set over file, flags over --set", () => {
    const dir = folder('[server]\nhost = "0.0.0.0"\nport = 1\nmaxHeaderBytes = 2048');
    const config = loadConfig({ dir, set: ["server.port=2", "server.host=::1"], flags: { port: "3", dev: true } });
    expect(config.server.host).toBe("::1");
    expect(config.server.port).toBe(3);
    expect(config.server.maxHeaderBytes).toBe(2048);
    expect(config.dev).toBe(true);
    expect(config.file).toBe(join(dir, "aiwebengine.toml"));
  });

  test("--set takes TOML values, bare words as strings, and merges tables", () => {
    const config = load(
      "[scripts.a.config]\nkept = true",
      "log.level=debug",
      'isolates.require=["seccomp", "landlock"]',
      "scripts.a.config.word=two words",
      "scripts.a.config.number=1.5",
      "scripts.a.mount=/x",
      "fetch.allowPrivate=true",
      "scripts.b.limits={ wallMs = 5 }",
    );
    expect(config.log.level).toBe("debug");
    expect(config.isolates.require).toEqual(["seccomp", "landlock"]);
    expect(config.scripts["a"]?.config).toEqual({ kept: true, word: "two words", number: 1.5 });
    expect(config.scripts["a"]?.mount).toBe("/x");
    expect(config.fetch.allowPrivate).toBe(true);
    expect(limitsFor(config, "b").wallMs).toBe(5);
  });

  test("--config must exist, a missing aiwebengine.toml need not", () => {
    const error = refusal(() => loadConfig({ dir: folder(), file: "/nowhere/a.toml", set: [], flags: {} }));
    expect(error.message).toContain("/nowhere/a.toml: cannot be read: there is no such file");
  });
});

describe("refusals", () => {
  test("an unknown key has file, line, column, a caret and a suggestion", () => {
    const error = refusal(() => load('# first\n[server]\nhost = "::"\n  prot = 80\n'));
    expect(error.message).toBe(
      [
        "The config has a problem.",
        "",
        "aiwebengine.toml:4:3: server.prot: unknown key",
        "  4 |   prot = 80",
        "    |   ^",
        "  Did you mean server.port?",
      ].join("\n"),
    );
  });

  test("a key at the wrong place is sent to the right one", () => {
    expect(refusal(() => load("port = 80")).problems[0]?.hint).toBe("Did you mean server.port?");
    expect(refusal(() => load("[limits]\nwall_ms = 80")).problems[0]?.hint).toBe("Did you mean limits.wallMs?");
    expect(refusal(() => load("[zzzzzz]")).problems[0]?.hint).toContain("server, isolates, limits");
  });

  test("all problems are told at once, those of --set too", () => {
    const toml =
      '[server]\nport = "80"\n[log]\nlevel = "inof"\n[isolates]\nmax = 0\nrequire = "seccomp"\n[fetch]\nallowPrivate = 1';
    const { problems } = refusal(() => load(toml, "limits.wallMs=ten", "nonsense", "serve.port=1"));
    const lines = problems.map(({ place, key, message }) => `${place} ${key} ${message}`);
    expect(lines.toSorted()).toEqual(
      [
        "--set nonsense  expected key=value",
        '--set limits.wallMs=ten limits.wallMs expected a whole number from 1 to 1099511627776, got the string "ten"',
        "--set serve.port=1 serve unknown key",
        'aiwebengine.toml:2:1 server.port expected a whole number from 0 to 65535, got the string "80"',
        'aiwebengine.toml:4:1 log.level expected one of "debug", "info", "warn", "error" (did you mean "info"?), got the string "inof"',
        "aiwebengine.toml:6:1 isolates.max expected a whole number from 1 to 4096, got the number 0",
        'aiwebengine.toml:7:1 isolates.require expected a list of strings, got the string "seccomp"',
        "aiwebengine.toml:9:1 fetch.allowPrivate expected true or false, got the number 1",
      ].toSorted(),
    );
  });

  const bad: readonly (readonly [string, string])[] = [
    ["=1", "expected key=value"],
    ["server..port=1", "expected key=value"],
    ["server.port", "expected key=value"],
    ['isolates.require=["selinux"]', "one of seccomp, landlock"],
    ["server.port=65536", "0 to 65535"],
    ["server.port=1.5", "whole number"],
    ["server.port=-1", "whole number"],
    ["limits.requestBytes=-1", "whole number"],
    ["limits.requestBytes=1e300", "whole number"],
    ["server=5", "expected a table, got the number 5"],
    ["server.port={ a = 1 }", "got a table"],
    ['server.trustedProxies=["proxy.local"]', "an IP address or a range"],
    ['fetch.denyHosts=["http://x"]', "a host such as"],
    ["scripts.a.mount=x", 'starts with "/"'],
    ["scripts.Shop.enabled=true", "lower-case letters"],
    ["scripts.a.isolation=none", '"shared", "invocation"'],
    ["scripts.a.enable=true", "unknown key"],
    ["scripts.a.config=5", "expected a table"],
    ["scripts.a.config.x=nan", "finite"],
    ["scripts.a.limits.wall=1", "unknown key"],
    ['scripts.a.config.x={ "__proto__" = 1 }', "__proto__"],
    ["scripts.a.config.__proto__=1", "__proto__"],
    ["__proto__.polluted=1", "unknown key"],
    ["constructor.prototype=1", "unknown key"],
  ];
  for (const [set, said] of bad) {
    test(`--set ${set} is refused`, () => {
      const error = refusal(() => load(undefined, set));
      expect(error.message).toContain(said);
      expect(error.message).toContain(`--set ${set}`);
      expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    });
  }

  test("a port that is no number is refused as it was typed", () => {
    const error = refusal(() => loadConfig({ dir: folder(), set: [], flags: { port: "80a" } }));
    expect(error.message).toContain(
      '--port 80a: server.port: expected a whole number from 0 to 65535, got the string "80a"',
    );
  });

  test("broken TOML, bytes that are no UTF-8 and a folder in the file's place are told apart", () => {
    const broken = refusal(() => load("[server\nport = 1"));
    expect(broken.message).toContain("aiwebengine.toml:1:");
    expect(broken.message).toContain("not valid TOML");
    const binary = folder(new Uint8Array([0xff, 0xfe, 0x61]));
    expect(refusal(() => loadConfig({ dir: binary, set: [], flags: {} })).message).toContain("not UTF-8");
    expect(refusal(() => loadConfig({ dir: tmpdir(), file: tmpdir(), set: [], flags: {} })).message).toContain(
      "it is a folder",
    );
  });
});

test("a --set that is none does not show a secret", () => {
  const { message } = refusal(() => load(undefined, "scripts.a..password=hunter2"));
  expect(message).toContain("--set [hidden]: expected key=value");
});

test("isolates.require takes every part that the jail knows", () => {
  expect(load(undefined, `isolates.require=${JSON.stringify(JAIL_PARTS)}`).isolates.require).toEqual(JAIL_PARTS);
});

describe("limits", () => {
  test("a script's limit above the maximum is an error that names both, not a clamp", () => {
    const error = refusal(() => load("[limits.max]\nwallMs = 20000\n[scripts.shop.limits]\nwallMs = 30000"));
    expect(error.message).toContain("aiwebengine.toml:4:1");
    expect(error.message).toContain("scripts.shop.limits.wallMs is 30000, above limits.max.wallMs, which is 20000");
  });

  test("a maximum below the engine's default is an error at the maximum", () => {
    const error = refusal(() => load("[limits]\nmax.wallMs = 5"));
    expect(error.message).toContain("aiwebengine.toml:2:1");
    expect(error.message).toContain("limits.wallMs is 10000, above limits.max.wallMs, which is 5");
  });

  test("limitsFor lays a script's limits over the engine's", () => {
    const config = load("[limits]\nwallMs = 7000\ncpuMs = 500\n[scripts.a.limits]\ncpuMs = 900");
    expect(limitsFor(config, "a")).toEqual({ ...defaults, wallMs: 7000, cpuMs: 900 });
    expect(limitsFor(config, "b")).toEqual({ ...defaults, wallMs: 7000, cpuMs: 500 });
  });

  const defaults = Object.fromEntries(Object.entries(LIMITS).map(([name, row]) => [name, row.default])) as Limits;
});

describe("addresses and hosts", () => {
  const good = [
    "10.0.0.1",
    "10.0.0.0/8",
    "::1",
    "fd00::/8",
    "localhost",
    "api.example.com",
    "*.example.com",
    "bücher.example",
  ];
  const refused = [
    "10.0.0.1/33",
    "127.1",
    "0x7f.1",
    "1",
    "10.0.0.256",
    "010.0.0.1",
    "::/129",
    "fe80::1%eth0",
    "*",
    "a b",
    "x:80",
    "http://x",
    "",
    "*.*.x",
    "10.0.0.0/8/8",
  ];

  test("what is accepted, the guard of outgoing requests and the proxy list take too", () => {
    const config = load(
      `fetch.allowHosts = ${JSON.stringify(good)}\nserver.trustedProxies = ${JSON.stringify(good.slice(0, 4))}`,
    );
    expect(config.fetch.allowHosts.map(parseHostPattern)).toHaveLength(good.length);
  });

  for (const host of refused) {
    test(`${JSON.stringify(host)} is refused`, () => {
      for (const key of ["fetch.denyHosts", "scripts.a.hosts", "server.trustedProxies"]) {
        expect(refusal(() => load(`${key} = [${JSON.stringify(host)}]`)).problems[0]?.key).toBe(key);
      }
    });
  }
});

describe("scripts", () => {
  test("a script that config does not name has the defaults, also when it is called constructor", () => {
    const config = load('[scripts.a]\nenabled = false\nhosts = ["a.example", "*.b.example"]');
    expect(scriptConfig(config, "a")).toMatchObject({ enabled: false, hosts: ["a.example", "*.b.example"] });
    for (const name of ["b", "constructor", "valueof"]) {
      expect(scriptConfig(config, name)).toEqual({
        enabled: true,
        limits: {},
        isolation: "shared",
        mount: undefined,
        hosts: [],
        config: {},
      });
    }
  });

  test("a script's config is JSON data: dates become text", () => {
    const config = load("[scripts.a.config]\nwhen = 2026-01-02T03:04:05Z\nnested.list = [1, { a = true }]");
    expect(scriptConfig(config, "a").config).toEqual({
      when: "2026-01-02T03:04:05.000Z",
      nested: { list: [1, { a: true }] },
    });
  });
});

describe("tls", () => {
  test("certificate and key come together, exist, and are absolute afterwards", () => {
    const dir = folder('[server.tls]\ncert = "c.pem"\nkey = "k.pem"');
    const missing = refusal(() => loadConfig({ dir, set: [], flags: {} }));
    expect(missing.problems.map((problem) => problem.key)).toEqual(["server.tls.cert", "server.tls.key"]);
    expect(missing.message).toContain(`the file ${join(dir, "c.pem")} does not exist`);
    writeFileSync(join(dir, "c.pem"), "");
    writeFileSync(join(dir, "k.pem"), "");
    expect(loadConfig({ dir, set: [], flags: {} }).server.tls).toEqual({
      cert: join(dir, "c.pem"),
      key: join(dir, "k.pem"),
    });
    const half = folder('server = { tls = { cert = "c.pem" } }');
    writeFileSync(join(half, "c.pem"), "");
    expect(refusal(() => loadConfig({ dir: half, set: [], flags: {} })).message).toContain(
      "needs server.tls.key as well",
    );
  });
});
