/** What `config print` and `config schema` are made of. */
import { describe, expect, test } from "bun:test";
import { readConfig, type ConfigInput } from "../../../core/config/index.ts";
import { configJsonSchema } from "../../../core/config/json-schema.ts";
import { checkPlugins, type KnownPlugin } from "../../../core/config/plugins.ts";
import { configRows, type ConfigRow } from "../../../core/config/report.ts";
import { makeValidator } from "../../../core/isolate/realm/validate.ts";
import { project, refusal } from "./project.ts";

const MAIL: KnownPlugin = {
  name: "mail",
  schema: {
    type: "object",
    properties: {
      from: { type: "string", default: "a@b.c" },
      pin: { type: "string", secret: true },
      credentials: { type: "boolean", default: false },
      servers: {
        type: "array",
        items: { type: "object", properties: { host: { type: "string" }, key: { writeOnly: true } } },
      },
    },
    required: ["pin"],
  },
};

function rows(
  input: Partial<ConfigInput>,
  files: Record<string, string>,
  known: readonly KnownPlugin[] = [],
): Map<string, ConfigRow> {
  const loaded = readConfig({ dir: project(files), set: [], flags: {}, ...input });
  return new Map(configRows(loaded, known, checkPlugins(loaded, known)).map((row) => [row.path.join("."), row]));
}

describe("config print", () => {
  test("says of every key where its value came from", () => {
    const toml =
      "server.port = 1\nlog.level = 'warn'\n[profile.p]\nlog.level = 'error'\nisolates.max = 9\nlimits.cpuMs = 50";
    const found = rows(
      {
        profile: "p",
        env: { AIWEBENGINE_ISOLATES__MAX: "8", AIWEBENGINE_LIMITS__WALL_MS: "70" },
        set: ["limits.wallMs=80"],
        flags: { port: "2" },
      },
      { "aiwebengine.toml": toml },
    );
    const told = (key: string): unknown => {
      const { value, from, place } = found.get(key) as ConfigRow;
      return [value, from, place];
    };
    expect(told("server.host")).toEqual(["127.0.0.1", "default", undefined]);
    expect(told("server.port")).toEqual([2, "flag", "--port"]);
    expect(told("log.level")).toEqual(["error", "profile", "aiwebengine.toml:4"]);
    expect(told("isolates.max")).toEqual([8, "environment", "AIWEBENGINE_ISOLATES__MAX"]);
    expect(told("limits.cpuMs")).toEqual([50, "profile", "aiwebengine.toml:6"]);
    expect(told("limits.wallMs")).toEqual([80, "--set", "--set"]);
    expect(told("server.tls.cert")).toEqual([null, "default", undefined]);
  });

  test("takes a script's settings apart, and names only what was said of a script", () => {
    const toml = "[scripts.a]\nlimits.wallMs = 5\nconfig = { x = { y = 1 }, list = [1] }";
    const found = rows({ set: ["scripts.a.config.x.z=2"] }, { "aiwebengine.toml": toml });
    expect([...found.keys()].filter((key) => key.startsWith("scripts."))).toEqual([
      "scripts.a.enabled",
      "scripts.a.limits.wallMs",
      "scripts.a.isolation",
      "scripts.a.hosts",
      "scripts.a.config.x.y",
      "scripts.a.config.x.z",
      "scripts.a.config.list",
    ]);
    expect(found.get("scripts.a.config.x.y")).toMatchObject({ value: 1, from: "file" });
    expect(found.get("scripts.a.config.x.z")).toMatchObject({ value: 2, from: "--set" });
  });

  test("hides secrets: by schema, by name, and inside lists", () => {
    const toml = `
[scripts.a.config]
password = "hunter2"
users = [{ name = "n", token = "hunter2" }]
[scripts.a.config.apiKey]
live = "hunter2"
[plugins.mail]
pin = "hunter2"
servers = [{ host = "h", key = "hunter2" }]
`;
    const found = rows({}, { "aiwebengine.toml": toml }, [MAIL]);
    expect(JSON.stringify([...found.values()])).not.toContain("hunter2");
    expect(found.get("scripts.a.config.password")?.value).toBe("[hidden]");
    expect(found.get("scripts.a.config.users")?.value).toEqual([{ name: "n", token: "[hidden]" }]);
    expect(found.get("plugins.mail.pin")).toMatchObject({
      value: "[hidden]",
      from: "file",
      place: "aiwebengine.toml:8",
    });
    expect(found.get("plugins.mail.servers")?.value).toEqual([{ host: "h", key: "[hidden]" }]);
    expect(found.get("plugins.mail.credentials")?.value).toBe(false);
    expect(found.get("plugins.mail.from")).toMatchObject({ value: "a@b.c", from: "default" });
    expect(found.get("plugins.mail.enabled")?.value).toBe(true);
  });
});

test("the name of a script, a plugin or a profile makes no secret of its keys", () => {
  const toml = `
[scripts.password.config]
word = "shown"
[plugins.secrets]
file = "shown"
[profile.token.scripts.password.config]
other = "shown"
[profile.token.scripts.password.config.apiKey]
live = "hunter2"
`;
  const known: readonly KnownPlugin[] = [
    { name: "secrets", schema: { properties: { file: { type: "string" }, token: { type: "string" } } } },
  ];
  const found = rows({ profile: "token" }, { "aiwebengine.toml": toml }, known);
  const values = ["scripts.password.config.word", "scripts.password.config.other", "plugins.secrets.file"];
  expect(values.map((key) => found.get(key)?.value)).toEqual(["shown", "shown", "shown"]);
  expect(found.get("scripts.password.config.apiKey.live")?.value).toBe("[hidden]");
});

test("a refusal shows its line, unless the line may hold a secret", () => {
  const frameOf = (toml: string): string | undefined =>
    refusal(() => rows({}, { "aiwebengine.toml": toml })).problems[0]?.frame;
  expect(frameOf("[scripts.password]\nmount = 'x'")).toContain("mount = 'x'");
  expect(frameOf("[profile.token.server]\nport = 'x'")).toContain("port = 'x'");
  expect(frameOf("scripts.a = { mount = 'x', config = { password = 'hunter2' } }")).toBeUndefined();
  expect(frameOf("scripts.a.config = { password = 'hunter2', x = nan }")).toBeUndefined();
});

describe("config schema", () => {
  const schema = configJsonSchema([MAIL]);
  const errors = (value: unknown): readonly string[] => makeValidator(schema)(value).map(({ path }) => path);

  test("takes what the engine takes, plugins and profiles included", () => {
    const good = {
      $schema: "x",
      server: { port: 1, tls: { cert: "a" } },
      limits: { wallMs: 5, max: { wallMs: 6 } },
      scripts: { "my-shop": { enabled: false, limits: { cpuMs: 10 }, config: { any: ["thing"] } } },
      plugins: { mail: { enabled: false, from: "x" } },
      profile: {
        production: { inherits: "base", plugins: { mail: { optional: true } } },
        base: { log: { level: "warn" } },
      },
    };
    expect(errors(good)).toEqual([]);
  });

  test("refuses unknown keys and wrong values everywhere", () => {
    for (const [value, path] of [
      [{ serve: {} }, "/serve"],
      [{ server: { prot: 1 } }, "/server/prot"],
      [{ server: { port: 70_000 } }, "/server/port"],
      [{ scripts: { Shop: {} } }, "/scripts/Shop"],
      [{ scripts: { a: { limits: { wall: 1 } } } }, "/scripts/a/limits/wall"],
      [{ plugins: { mial: {} } }, "/plugins/mial"],
      [{ plugins: { mail: { form: "x" } } }, "/plugins/mail/form"],
      [{ plugins: { mail: { enabled: 1 } } }, "/plugins/mail/enabled"],
      [{ profile: { a: { log: { level: "loud" } } } }, "/profile/a/log/level"],
      [{ profile: { a: { profile: {} } } }, "/profile/a/profile"],
    ] as const)
      expect(errors(value)).toEqual([path]);
  });

  test("describes every key for the one who types it", () => {
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $defs: { server: { properties: { port: { default: 8080, description: expect.stringContaining("listen") } } } },
    });
  });
});
