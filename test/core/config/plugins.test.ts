/** Plugins in config: their own schemas decide, and every refusal points. */
import { describe, expect, test } from "bun:test";
import { pluginConfig, readConfig } from "../../../core/config/index.ts";
import { checkPlugins, type CheckedPlugins, type KnownPlugin } from "../../../core/config/plugins.ts";
import { project, refusal } from "./project.ts";

const CORS: KnownPlugin = {
  name: "cors",
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      origins: { type: "array", items: { type: "string" }, default: [] },
      maxAgeSeconds: { type: "integer", minimum: 0, default: 600, description: "How long." },
      credentials: { type: "boolean", default: false },
      mode: { enum: ["open", "closed"], default: "closed" },
      rules: {
        type: "array",
        items: { type: "object", properties: { path: { type: "string" }, deny: { type: "boolean" } } },
      },
    },
  },
};
const MAIL: KnownPlugin = {
  name: "my-mail",
  schema: {
    type: "object",
    properties: {
      baseURL: { type: "string", format: "uri" },
      code: { type: "string", secret: true, minLength: 20 },
      pin: { type: "integer", writeOnly: true },
      headers: { type: "object", additionalProperties: { type: "string" } },
    },
    required: ["baseURL"],
  },
};
const OTHER: KnownPlugin = { name: "other", schema: {} };
const KNOWN = [CORS, OTHER];

interface Given {
  readonly toml?: string;
  readonly yaml?: string;
  readonly set?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly profile?: string;
  readonly known?: readonly KnownPlugin[];
}
function check({ toml, yaml, set = [], env = {}, profile, known = KNOWN }: Given): CheckedPlugins {
  const files = {
    ...(toml !== undefined && { "aiwebengine.toml": toml }),
    ...(yaml !== undefined && { "aiwebengine.yaml": yaml }),
  };
  return checkPlugins(readConfig({ dir: project(files), set, env, profile, flags: {} }), known);
}
const refused = (given: Given): readonly string[] =>
  refusal(() => check(given)).problems.map(({ place, key, message, hint }) =>
    [place, key, message, hint].filter(Boolean).join(" | "),
  );

const DEFAULTS = { origins: [], maxAgeSeconds: 600, credentials: false, mode: "closed" };

describe("what a plugin gets", () => {
  test("is its defaults where config says nothing, and frozen", () => {
    const plugins = check({});
    expect(plugins["cors"]).toEqual(DEFAULTS);
    expect(plugins["other"]).toEqual({});
    expect(
      Object.isFrozen(plugins) && Object.isFrozen(plugins["cors"]) && Object.isFrozen(plugins["cors"]?.["origins"]),
    ).toBe(true);
  });

  test("is what file, profile, environment and --set say, in that order", () => {
    const toml =
      "[plugins.cors]\norigins = ['https://a']\nmaxAgeSeconds = 1\n[profile.p.plugins.cors]\nmaxAgeSeconds = 2\ncredentials = true";
    expect(check({ toml })["cors"]).toEqual({ ...DEFAULTS, origins: ["https://a"], maxAgeSeconds: 1 });
    expect(check({ toml, profile: "p" })["cors"]).toMatchObject({ maxAgeSeconds: 2, credentials: true });
    const env = {
      AIWEBENGINE_PLUGINS__CORS__ORIGINS: '["https://b"]',
      AIWEBENGINE_PLUGINS__CORS__MAX_AGE_SECONDS: "3",
    };
    expect(check({ toml, env, profile: "p" })["cors"]).toMatchObject({ origins: ["https://b"], maxAgeSeconds: 3 });
    expect(check({ toml, env, set: ["plugins.cors.maxAgeSeconds=4"] })["cors"]).toMatchObject({ maxAgeSeconds: 4 });
  });

  test("is text where its schema wants text, whatever the text looks like", () => {
    const known: readonly KnownPlugin[] = [
      {
        name: "a",
        schema: {
          properties: { text: { type: "string" }, either: { type: ["string", "number"] }, pick: { enum: ["1", "2"] } },
        },
      },
    ];
    const set = ["plugins.a.text=5", "plugins.a.either=5", "plugins.a.pick=1"];
    expect(check({ set, known })["a"]).toEqual({ text: "5", either: 5, pick: "1" });
    const env = {
      AIWEBENGINE_PLUGINS__A__TEXT: "true",
      AIWEBENGINE_PLUGINS__A__EITHER: "x",
      AIWEBENGINE_PLUGINS__A__PICK: '"2"',
    };
    expect(check({ env, known })["a"]).toEqual({ text: "true", either: "x", pick: "2" });
  });

  test("is spelled by its schema where a variable cannot say it", () => {
    const env = {
      AIWEBENGINE_PLUGINS__MY_MAIL__BASE_URL: "https://a.example/",
      AIWEBENGINE_PLUGINS__MY_MAIL__HEADERS__X: "1",
    };
    expect(check({ env, known: [MAIL] })["my-mail"]).toEqual({ baseURL: "https://a.example/", headers: { x: "1" } });
  });

  test("follows references of its schema", () => {
    const known: readonly KnownPlugin[] = [
      {
        name: "a",
        schema: {
          $ref: "#/$defs/root",
          $defs: {
            root: { type: "object", properties: { deep: { $ref: "#/$defs/deep" } } },
            deep: { type: "object", properties: { x: { type: "integer" } } },
          },
        },
      },
    ];
    expect(check({ toml: "plugins.a.deep.x = 1", known })["a"]).toEqual({ deep: { x: 1 } });
    expect(refused({ toml: "plugins.a.deep.y = 1", known })).toEqual([
      "aiwebengine.toml:1:1 | plugins.a.deep.y | unknown key | Did you mean plugins.a.deep.x?",
    ]);
  });
});

describe("enabled and optional", () => {
  test("are the engine's, and no part of what the plugin gets", () => {
    const loaded = readConfig({
      dir: project({ "aiwebengine.toml": "[plugins.cors]\noptional = true" }),
      set: [],
      flags: {},
    });
    expect(pluginConfig(loaded.config, "cors")).toEqual({ enabled: true, optional: true });
    expect(pluginConfig(loaded.config, "constructor")).toEqual({ enabled: true, optional: false });
    expect(checkPlugins(loaded, KNOWN)["cors"]).toEqual(DEFAULTS);
  });

  test("take true or false only", () => {
    expect(refused({ toml: "plugins.cors.enabled = 'no'" })).toEqual([
      'aiwebengine.toml:1:1 | plugins.cors.enabled | expected true or false, got the string "no"',
    ]);
  });

  test("a plugin that is left out may lack what it requires; what is said of it must still be right", () => {
    const off = "[plugins.my-mail]\nenabled = false\n";
    expect(Object.keys(check({ toml: off, known: [MAIL] }))).toEqual([]);
    expect(refused({ toml: `${off}baseURL = 5`, known: [MAIL] })).toEqual([
      "aiwebengine.toml:3:1 | plugins.my-mail.baseURL | expected a URL (was a number)",
    ]);
  });
});

test("a plugin that is not loaded is known by its name, and may have any keys", () => {
  const known: readonly KnownPlugin[] = [{ name: "dropped" }];
  expect(check({ toml: "[plugins.dropped]\nenabled = true\nany = 1", known })["dropped"]).toEqual({ any: 1 });
  expect(refused({ toml: "[plugins.droped]\nenabled = false", known })).toEqual([
    'aiwebengine.toml:1:2 | plugins.droped | there is no plugin "droped" | Did you mean plugins.dropped?',
  ]);
});

const bad: readonly (readonly [what: string, given: Given, said: readonly string[]])[] = [
  [
    "an unknown plugin",
    { toml: "[plugins.crs]" },
    ['aiwebengine.toml:1:2 | plugins.crs | there is no plugin "crs" | Did you mean plugins.cors?'],
  ],
  [
    "an unknown plugin, like nothing there is",
    { toml: "plugins.zzzzzz.x = 1" },
    [
      'aiwebengine.toml:1:1 | plugins.zzzzzz | there is no plugin "zzzzzz" | Take its table out, or put plugins/zzzzzz.ts there. There are: cors, other.',
    ],
  ],
  [
    "a plugin's name that cannot be one",
    { toml: "[plugins.Cors]" },
    ["aiwebengine.toml:1:2 | plugins.Cors | expected a plugin's name: lower-case letters, digits and hyphens"],
  ],
  [
    "a plugin that is no table",
    { toml: "plugins.cors = 1" },
    ["aiwebengine.toml:1:1 | plugins.cors | expected a table, got the number 1"],
  ],
  [
    "an unknown key",
    { toml: "[plugins.cors]\n  origin = []" },
    ["aiwebengine.toml:2:3 | plugins.cors.origin | unknown key | Did you mean plugins.cors.origins?"],
  ],
  [
    "a slip in enabled",
    { toml: "[plugins.cors]\nenable = false" },
    ["aiwebengine.toml:2:1 | plugins.cors.enable | unknown key | Did you mean plugins.cors.enabled?"],
  ],
  [
    "a key of a plugin that has none",
    { toml: "plugins.other.x = 1" },
    ["aiwebengine.toml:1:1 | plugins.other.x | unknown key | Known here: enabled, optional."],
  ],
  [
    "an unknown key inside a list",
    { toml: "[plugins.cors]\nrules = [{ pth = '/' }]" },
    ["aiwebengine.toml:2:1 | plugins.cors.rules.0.pth | unknown key | Did you mean plugins.cors.rules.0.path?"],
  ],
  [
    "a wrong value",
    { yaml: "plugins:\n  cors:\n    maxAgeSeconds: -1\n" },
    ["aiwebengine.yaml:3:5 | plugins.cors.maxAgeSeconds | expected at least 0 (was -1)"],
  ],
  [
    "a wrong item of a list",
    { yaml: "plugins:\n  cors:\n    origins:\n      - a\n      - 5\n" },
    ["aiwebengine.yaml:3:5 | plugins.cors.origins.1 | expected a string (was a number)"],
  ],
  [
    "a wrong value of a variable",
    { env: { AIWEBENGINE_PLUGINS__CORS__CREDENTIALS: "yes" } },
    ["AIWEBENGINE_PLUGINS__CORS__CREDENTIALS | plugins.cors.credentials | expected a boolean (was a string)"],
  ],
  [
    "a slip in a variable",
    { env: { AIWEBENGINE_PLUGINS__CORS__ORIGIN: "[]" } },
    ["AIWEBENGINE_PLUGINS__CORS__ORIGIN | plugins.cors.origin | unknown key | Did you mean plugins.cors.origins?"],
  ],
  [
    "a wrong value of --set",
    { set: ["plugins.cors.mode=opn"] },
    ['--set plugins.cors.mode=opn | plugins.cors.mode | expected "open" or "closed" (was "opn")'],
  ],
  [
    "a wrong value of a profile",
    { toml: "[profile.p.plugins.cors]\nmaxAgeSeconds = 'x'", profile: "p" },
    ["aiwebengine.toml:2:1 | plugins.cors.maxAgeSeconds | expected an integer (was a string)"],
  ],
  [
    "what is missing",
    { known: [MAIL] },
    [
      "plugins.my-mail.baseURL | is missing: expected a URL | Set it, or leave the plugin out: plugins.my-mail.enabled = false",
    ],
  ],
  [
    "what is missing in a table that is there",
    { toml: "[plugins.my-mail.headers]", known: [MAIL] },
    [
      "aiwebengine.toml | plugins.my-mail.baseURL | is missing: expected a URL | Set it, or leave the plugin out: plugins.my-mail.enabled = false",
    ],
  ],
  [
    "__proto__",
    { toml: 'plugins.cors."__proto__" = { x = 1 }' },
    ['aiwebengine.toml:1:1 | plugins.cors.__proto__ | a key may not be called "__proto__"'],
  ],
  [
    "a number that JSON lacks",
    { toml: "plugins.cors.maxAgeSeconds = inf" },
    ["aiwebengine.toml:1:1 | plugins.cors.maxAgeSeconds | expected a finite number"],
  ],
  [
    "a schema that would not be checked",
    { known: [{ name: "a", schema: { not: {} } }] },
    [
      'plugin a | plugins.a | the plugin\'s schema cannot be used: The schema keyword "not" is not supported: state it in the handler.',
    ],
  ],
];
test.each(bad)("%s is refused", (_what, given, said) => {
  expect(refused(given)).toEqual([...said]);
});

test("all problems of all plugins are told at once", () => {
  expect(
    refused({ toml: "[plugins.cors]\nx = 1\nmaxAgeSeconds = -1\n[plugins.other]\ny = 1\n[plugins.no]" }),
  ).toHaveLength(4);
});

test("a secret is in no refusal: not by its schema, not by its name, wherever it was written", () => {
  for (const given of [
    { toml: "[plugins.my-mail]\nbaseURL = 'https://a'\ncode = 'hunter2'" },
    { yaml: "plugins: {my-mail: {baseURL: 'https://a', code: hunter2}}" },
    { set: ["plugins.my-mail.baseURL=https://a", "plugins.my-mail.code=hunter2"] },
    { env: { AIWEBENGINE_PLUGINS__MY_MAIL__BASE_URL: "https://a", AIWEBENGINE_PLUGINS__MY_MAIL__CODE: "hunter2" } },
    { toml: "[plugins.my-mail]\nbaseURL = 'https://a'\npin = 'hunter2'" },
    { toml: "[plugins.my-mail]\nbaseURL = 'https://a'\napiKey = 'hunter2'" },
    { set: ["plugins.my-mail.baseURL=https://a", "plugins.my-mail.token=hunter2"] },
  ]) {
    const { message } = refusal(() => check({ ...given, known: [MAIL] }));
    expect(message).toMatch(/plugins\.my-mail\.(code|pin|apiKey|token)/);
    expect(message).not.toContain("hunter2");
  }
});
