/** `aiwebengine config` from the command line: what it prints, where, and with which exit code. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BuiltInPlugin } from "../../../sdk/plugin.ts";
import { COMMANDS } from "../../../core/cli/commands.ts";
import { runCli } from "../../../core/cli/index.ts";
import { PLAIN } from "../../../core/cli/paint.ts";
import { loadConfig } from "../../../core/config/index.ts";

const root = mkdtempSync(join(tmpdir(), "awe-config-cli-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function project(files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(join(root, "p-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const MAIL: BuiltInPlugin = {
  name: "mail",
  version: "1.0.0",
  requires: [],
  provides: [],
  schema: {
    type: "object",
    properties: { from: { type: "string", default: "a@b.c" }, pin: { type: "string", secret: true } },
  },
  load: () => Promise.reject(new Error("config does not run plugins")),
};

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = "";
  let err = "";
  const code = await runCli(["config", ...argv], {
    commands: COMMANDS,
    version: "1.2.3",
    builtIns: () => Promise.resolve([MAIL]),
    io: {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      paint: PLAIN,
      errorPaint: PLAIN,
      live: false,
    },
  });
  return { code, out, err };
}

describe("print", () => {
  test("is TOML that means the same config, with the origin of each key beside it", async () => {
    const toml = `server.port = 9000
[scripts.shop]
hosts = ["a.example"]
config = { text = "a\\u001b[2J \\"b\\"", deep = { list = [1, { x = true }] }, "odd key" = 1.5 }
`;
    const dir = project({ "aiwebengine.toml": toml });
    const { code, out } = await run("print", "--dir", dir, "--set", "log.level=debug");
    expect(code).toBe(0);
    expect(out).toStartWith(`# ${join(dir, "aiwebengine.toml")}\n`);
    expect(out).toMatch(/^server\.port = 9000 +# aiwebengine\.toml:1$/m);
    expect(out).toMatch(/^log\.level = "debug" +# --set$/m);
    expect(out).toMatch(/^server\.host = "127\.0\.0\.1" +# default$/m);
    expect(out).toMatch(/^# server\.tls\.cert is not set$/m);
    // A terminal must not obey what stands in a config file.
    expect(out).not.toContain("\x1b");
    const {
      dir: _dir,
      file: _file,
      ...again
    } = loadConfig({ dir: project({ "aiwebengine.toml": out }), set: [], flags: {} });
    const { dir: _d, file: _f, ...first } = loadConfig({ dir, set: ["log.level=debug"], flags: {} });
    expect({ ...again, plugins: {} }).toEqual({ ...first, plugins: {} });
  });

  test("shows plugins beside each other: what is built in with its defaults, what is dropped with what was said", async () => {
    const toml = "[plugins.mail]\npin = 'hunter2'\n[plugins.tea]\nstrength = 3\n";
    const dir = project({
      "aiwebengine.toml": toml,
      "plugins/tea.ts": "throw new Error('config does not run plugins');",
    });
    const { out, code } = await run("print", "--dir", dir);
    expect(code).toBe(0);
    expect(
      out
        .split("\n")
        .filter((line) => line.startsWith("plugins."))
        .map((line) => line.replace(/ +#/, " #")),
    ).toEqual([
      "plugins.mail.enabled = true # default",
      "plugins.mail.optional = false # default",
      'plugins.mail.pin = "[hidden]" # aiwebengine.toml:2',
      'plugins.mail.from = "a@b.c" # default',
      "plugins.tea.enabled = true # default",
      "plugins.tea.optional = false # default",
      "plugins.tea.strength = 3 # aiwebengine.toml:4",
    ]);
  });

  test("--json is for programs", async () => {
    const dir = project({ "aiwebengine.yaml": "profile: { p: { server: { port: 7 } } }\n" });
    const { out } = await run("print", "--json", "--profile", "p", "--dir", dir);
    expect(JSON.parse(out)).toMatchObject({
      "server.port": { value: 7, from: "profile", place: "aiwebengine.yaml:1" },
      "server.host": { value: "127.0.0.1", from: "default" },
    });
  });

  test("refuses a wrong config with 2, on stderr", async () => {
    const { code, out, err } = await run("print", "--dir", project({ "aiwebengine.toml": "server.prot = 1" }));
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain("aiwebengine.toml:1:1: server.prot: unknown key");
  });
});

describe("validate", () => {
  test("says what it checked", async () => {
    const dir = project({ "aiwebengine.toml": "[profile.a]\n[profile.b]" });
    const all = `The config is right (${join(dir, "aiwebengine.toml")}, profile a, profile b).\n`;
    expect(await run("validate", "--dir", dir)).toEqual({ code: 0, out: all, err: "" });
    expect((await run("validate", "--dir", dir, "--profile", "b")).out).toContain("aiwebengine.toml, profile b).");
    expect((await run("validate", "--dir", project({}))).out).toBe(
      "The config is right (no config file: the defaults).\n",
    );
  });

  test("finds what is wrong in a profile only, and in a plugin's own keys", async () => {
    const dir = project({ "aiwebengine.toml": "[limits.max]\nwallMs = 20000\n[profile.a]\nlimits.wallMs = 30000" });
    const { code, err } = await run("validate", "--dir", dir);
    expect(code).toBe(2);
    expect(err).toContain("aiwebengine.toml:4:1: limits.wallMs: limits.wallMs is 30000, above limits.max.wallMs");
    const plugin = project({ "aiwebengine.toml": "[profile.a.plugins.mail]\nform = 'x'" });
    expect((await run("validate", "--dir", plugin)).err).toContain("Did you mean plugins.mail.from?");
  });
});

test("schema is JSON Schema with the plugins that there are", async () => {
  const { code, out } = await run("schema", "--dir", project({ "plugins/tea.ts": "" }));
  expect(code).toBe(0);
  const schema = JSON.parse(out) as { $defs: { plugins: { properties: object } } };
  expect(schema).toMatchObject({ $schema: "https://json-schema.org/draft/2020-12/schema", type: "object" });
  expect(Object.keys(schema.$defs.plugins.properties)).toEqual(["mail", "tea"]);
});
