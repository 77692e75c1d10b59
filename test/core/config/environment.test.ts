/** The environment as config: how names are read, how values are typed, and what is refused. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Key, LeafKey } from "../../../core/config/key.ts";
import { variableOf } from "../../../core/config/environment.ts";
import { loadConfig, type Config } from "../../../core/config/index.ts";
import { SCHEMA } from "../../../core/config/schema.ts";
import { project, refusal } from "./project.ts";

const dir = project();
type Variables = Readonly<Record<string, string>>;
const load = (env: Variables, set: readonly string[] = []): Config => loadConfig({ dir, env, set, flags: {} });
const problems = (env: Variables): readonly string[] =>
  refusal(() => load(env)).problems.map(({ place, key, message, hint }) =>
    [place, key, message, hint].filter(Boolean).join(" | "),
  );

function leaves(key: Key, path: readonly string[]): readonly (readonly [readonly string[], LeafKey])[] {
  if (key.type === "table") return Object.entries(key.keys).flatMap(([name, inner]) => leaves(inner, [...path, name]));
  return key.type === "map" ? leaves(key.value, [...path, "my-shop"]) : [[path, key]];
}

/** Values that a key takes, as they are and as a variable says them. */
function values(path: readonly string[], key: LeafKey): fc.Arbitrary<readonly [unknown, string]> {
  const asJson = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly [T, string]> =>
    arbitrary.map((value) => [value, JSON.stringify(value)] as const);
  switch (key.type) {
    case "integer":
      return asJson(fc.integer({ min: key.min, max: Math.min(key.max, 2 ** 31 - 1) }));
    case "boolean":
      return asJson(fc.boolean());
    case "choice":
      return fc.constantFrom(...key.choices).map((value) => [value, value] as const);
    case "string":
      return path.at(-1) === "mount"
        ? fc.constant(["/a/b", "/a/b"] as const)
        : fc.stringMatching(/^[a-z0-9.]{1,20}$/).map((value) => [value, value] as const);
    case "strings":
      return asJson(
        path.at(-1) === "require" ? fc.subarray(["seccomp", "uid"]) : fc.subarray(["10.0.0.1", "fd00::/8"]),
      );
    case "data":
      return asJson(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.oneof(fc.boolean(), fc.integer(), fc.string())),
      );
  }
}

const at = (config: Config, path: readonly string[]): unknown =>
  path.reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], config);

describe("names", () => {
  test("every key of the schema has a variable that sets it to what the file would", () => {
    for (const [path, key] of leaves(SCHEMA, [])) {
      // Files that must exist, plugins that must be known, limits that must agree: shown elsewhere.
      if (path.includes("tls") || path[0] === "plugins" || path.includes("limits")) continue;
      fc.assert(
        fc.property(values(path, key), ([value, text]) => {
          expect(at(load({ [variableOf(path)]: text }), path)).toEqual(value);
        }),
        { numRuns: 5 },
      );
    }
  });

  test("a name may be written in any case", () => {
    const mixed = fc.mixedCase(fc.constant("AIWEBENGINE_LIMITS__MAX__WALL_MS"));
    fc.assert(
      fc.property(mixed, (name) => load({ [name]: "20000" }).limits.max.wallMs === 20_000),
      { numRuns: 20 },
    );
  });

  test("a script's hyphens are underscores", () => {
    const names = fc.stringMatching(/^[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,3}$/);
    fc.assert(
      fc.property(names, (name) => {
        const config = load({ [variableOf(["scripts", name, "enabled"])]: "false" });
        expect(config.scripts).toEqual(
          Object.assign(Object.create(null), { [name]: expect.objectContaining({ enabled: false }) }),
        );
      }),
      { numRuns: 50 },
    );
    expect(load({ AIWEBENGINE_SCRIPTS__MY_SHOP__LIMITS__WALL_MS: "5" }).scripts["my-shop"]?.limits.wallMs).toBe(5);
  });

  test("a script's own settings are camelCase", () => {
    const config = load({
      AIWEBENGINE_SCRIPTS__A__CONFIG__API_BASE__FIRST_URL: "x",
      AIWEBENGINE_SCRIPTS__A__CONFIG__V2: "2",
    });
    expect(config.scripts["a"]?.config).toEqual({ apiBase: { firstUrl: "x" }, v2: 2 });
  });

  test("what concerns somebody else is left alone", () => {
    expect(load({ HOME: "/", AIWEBENGINEX_SERVER__PORT: "1", SERVER__PORT: "1" }).server.port).toBe(8080);
  });

  test("what Kubernetes says of a service called aiwebengine is no config", () => {
    const config = load({
      AIWEBENGINE_SERVICE_HOST: "10.0.0.1",
      AIWEBENGINE_SERVICE_PORT: "80",
      AIWEBENGINE_SERVICE_PORT_HTTP: "80",
      AIWEBENGINE_PORT: "tcp://10.0.0.1:80",
      AIWEBENGINE_PORT_80_TCP: "tcp://10.0.0.1:80",
      AIWEBENGINE_PORT_80_TCP_ADDR: "10.0.0.1",
      AIWEBENGINE_ADMIN_PORT: "tcp://10.0.0.1:80",
    });
    expect(config.server.port).toBe(8080);
  });
});

describe("values", () => {
  test("are typed by the schema: a text stays one although it looks like a number", () => {
    const config = load({
      AIWEBENGINE_SERVER__HOST: "0",
      AIWEBENGINE_SERVER__PORT: "0",
      AIWEBENGINE_FETCH__ALLOW_PRIVATE: "true",
      AIWEBENGINE_SERVER__TRUSTED_PROXIES: '["10.0.0.1"]',
      AIWEBENGINE_SCRIPTS__A__LIMITS: '{"wallMs": 7}',
    });
    expect(config.server).toMatchObject({ host: "0", port: 0, trustedProxies: ["10.0.0.1"] });
    expect(config.fetch.allowPrivate).toBe(true);
    expect(config.scripts["a"]?.limits).toMatchObject({ wallMs: 7 });
  });

  test("of a script's own settings are JSON where they read as JSON, else text", () => {
    const config = load({
      AIWEBENGINE_SCRIPTS__A__CONFIG__N: "12",
      AIWEBENGINE_SCRIPTS__A__CONFIG__PIN: "0123",
      AIWEBENGINE_SCRIPTS__A__CONFIG__QUOTED: '"12"',
      AIWEBENGINE_SCRIPTS__A__CONFIG__LIST: "[1]",
    });
    expect(config.scripts["a"]?.config).toEqual({ n: 12, pin: "0123", quoted: "12", list: [1] });
  });
});

describe("refusals name the variable", () => {
  const bad: readonly (readonly [name: string, value: string, said: string])[] = [
    ["AIWEBENGINE_SERVER__PROT", "1", "unknown variable | Did you mean AIWEBENGINE_SERVER__PORT?"],
    ["AIWEBENGINE_SERVER_PORT", "1", "unknown variable | Did you mean AIWEBENGINE_SERVER__PORT?"],
    ["AIWEBENGINE_PORT", "1", "unknown variable | Did you mean AIWEBENGINE_SERVER__PORT?"],
    ["AIWEBENGINE_PROFIL", "1", "unknown variable | Did you mean AIWEBENGINE_PROFILE?"],
    ["AIWEBENGINE_WHATEVER", "1", "unknown variable | Variables are AIWEBENGINE_<SECTION>__<KEY>"],
    ["AIWEBENGINE_SERVER____PORT", "1", "unknown variable"],
    ["AIWEBENGINE_", "1", "unknown variable"],
    ["AIWEBENGINE_PROFILE__A__SERVER__PORT", "1", "unknown variable"],
    ["AIWEBENGINE___PROTO____X", "1", "unknown variable"],
    ["AIWEBENGINE_SCRIPTS___SHOP__ENABLED", "true", "is not a script's name"],
    ["AIWEBENGINE_SERVER__PORT__X", "1", "AIWEBENGINE_SERVER__PORT__ is no table"],
    ["AIWEBENGINE_SERVER__PORT", "80a", 'server.port | expected a whole number from 0 to 65535, got the string "80a"'],
    ["AIWEBENGINE_SERVER__PORT", "", "server.port | expected a whole number"],
    ["AIWEBENGINE_FETCH__ALLOW_PRIVATE", "yes", 'expected true or false, got the string "yes"'],
    ["AIWEBENGINE_FETCH__ALLOW_HOSTS", "a.example", "expected a list of strings"],
    ["AIWEBENGINE_SCRIPTS__A__CONFIG", '{"__proto__": 1}', "__proto__"],
  ];
  test.each(bad)("%s=%s", (name, value, said) => {
    const [problem, ...more] = problems({ [name]: value });
    expect(more).toEqual([]);
    expect(problem).toStartWith(name);
    expect(problem).toContain(said);
  });

  test("two variables for one key", () => {
    expect(problems({ AIWEBENGINE_SERVER__PORT: "1", aiwebengine_server__port: "2" })).toEqual([
      "aiwebengine_server__port | says the same as AIWEBENGINE_SERVER__PORT | Remove one of them.",
    ]);
  });

  test("a value and a part of it", () => {
    const all = problems({ AIWEBENGINE_SCRIPTS__A__CONFIG__X: "1", AIWEBENGINE_SCRIPTS__A__CONFIG__X__Y: "2" });
    expect(all).toEqual([expect.stringContaining("set to a plain value as well")]);
  });
});
