/** Profiles, and the order in which everything that says something of a key is laid over another. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadConfig, type Config } from "../../../core/config/index.ts";
import { project, refusal } from "./project.ts";

const FILE = `
server.port = 1
[scripts.shop]
config = { a = 1, b = 1 }
[profile.base]
server.host = "base"
limits.wallMs = 1000
scripts.shop.config = { b = 2 }
[profile.production]
inherits = "base"
limits.wallMs = 2000
[profile.production.fetch]
allowHosts = ["a.example"]
`;
const dir = project({ "aiwebengine.toml": FILE });
const load = (profile?: string, env = {}): Config => loadConfig({ dir, profile, env, set: [], flags: {} });
const refused = (toml: string, profile?: string): readonly string[] =>
  refusal(() => loadConfig({ dir: project({ "aiwebengine.toml": toml }), profile, set: [], flags: {} })).problems.map(
    ({ place, key, message, hint }) => [place, key, message, hint].filter(Boolean).join(" | "),
  );

describe("a profile", () => {
  test("lies over the file, its ancestors first, table by table", () => {
    const config = load("production");
    expect(config).toMatchObject({
      profile: "production",
      server: { port: 1, host: "base" },
      fetch: { allowHosts: ["a.example"] },
    });
    expect(config.limits.wallMs).toBe(2000);
    expect(config.scripts["shop"]?.config).toEqual({ a: 1, b: 2 });
  });

  test("changes nothing until it is chosen, by flag or by variable; the flag wins", () => {
    expect(load()).toMatchObject({ profile: undefined, server: { host: "127.0.0.1" } });
    expect(load(undefined, { AIWEBENGINE_PROFILE: "base" }).profile).toBe("base");
    expect(load("production", { AIWEBENGINE_PROFILE: "base" }).profile).toBe("production");
    expect(load(undefined, { AIWEBENGINE_PROFILE: "" }).profile).toBeUndefined();
  });

  test("works the same in YAML and JSON", () => {
    const yaml = "profile:\n  one: { inherits: two, server: { port: 5 } }\n  two: { log: { level: warn } }\n";
    const json = '{"profile":{"one":{"inherits":"two","server":{"port":5}},"two":{"log":{"level":"warn"}}}}';
    for (const [name, text] of [
      ["aiwebengine.yaml", yaml],
      ["aiwebengine.json", json],
    ] as const) {
      const config = loadConfig({ dir: project({ [name]: text }), profile: "one", set: [], flags: {} });
      expect([config.server.port, config.log.level]).toEqual([5, "warn"]);
    }
  });

  test("that is not chosen is checked all the same, with its own line", () => {
    expect(refused("[profile.a]\nserver.prot = 1\n[profile.b.limits]\nwallMs = 'x'\nport = 1")).toEqual([
      "aiwebengine.toml:2:1 | profile.a.server.prot | unknown key | Did you mean profile.a.server.port?",
      "aiwebengine.toml:5:1 | profile.b.limits.port | unknown key | Did you mean profile.b.server.port?",
      expect.stringContaining("aiwebengine.toml:4:1 | profile.b.limits.wallMs | expected a whole number"),
    ]);
  });

  test("is told once where it is wrong, also when it is chosen, and hides nothing that is wrong below it", () => {
    expect(refused("server.port = 'x'\n[profile.a]\nserver.port = 'y'", "a")).toEqual([
      expect.stringContaining(
        'aiwebengine.toml:3:1 | profile.a.server.port | expected a whole number from 0 to 65535, got the string "y"',
      ),
      expect.stringContaining(
        'aiwebengine.toml:1:1 | server.port | expected a whole number from 0 to 65535, got the string "x"',
      ),
    ]);
    const over = "server.port = 'x'\n[profile.a]\nserver.port = 1";
    expect(refused(over, "a")).toEqual([expect.stringContaining("aiwebengine.toml:1:1 | server.port")]);
  });

  test("points at itself when it disagrees with the file", () => {
    const message = refused("[limits.max]\nwallMs = 20000\n[profile.a]\nlimits.wallMs = 30000", "a");
    expect(message).toEqual([
      expect.stringContaining("aiwebengine.toml:4:1 | limits.wallMs | limits.wallMs is 30000, above"),
    ]);
  });
});

const bad: readonly (readonly [toml: string, profile: string | undefined, said: string])[] = [
  [
    "[profile.production]",
    "prodution",
    '--profile prodution | there is no profile "prodution" | Did you mean "production"?',
  ],
  ["[profile.a]\n[profile.b]", "zzzzzz", "There are: a, b."],
  ["", "production", "one begins with [profile.production]"],
  [
    '[profile.a]\ninherits = "bse"\n[profile.base]',
    undefined,
    'aiwebengine.toml:2:1 | profile.a.inherits | there is no profile "bse" | Did you mean "base"?',
  ],
  [
    '[profile.b]\ninherits = "a"\n[profile.a]\ninherits = "c"\n[profile.c]\ninherits = "b"',
    undefined,
    "profiles inherit in a circle: a → c → b → a",
  ],
  ['[profile.a]\ninherits = "a"', "a", "profiles inherit in a circle: a → a"],
  ["[profile.a]\ninherits = 1", undefined, "expected the name of a profile"],
  ["[profile.A]", undefined, "expected a profile's name"],
  ["profile.a = 1", undefined, "profile.a | expected a table"],
  ["profile = 1", undefined, "expected a table of profiles"],
  ["[profile.a.profile.b]", undefined, "profile.a.profile | unknown key"],
];
test.each(bad)("%j with --profile %s is refused", (toml, profile, said) => {
  const [problem, ...more] = refused(toml, profile);
  expect(problem).toContain(said);
  expect(more).toEqual([]);
});

test("profiles come from the file only", () => {
  const message = refusal(() => loadConfig({ dir, set: ["profile.a.server.port=1"], flags: {} })).message;
  expect(message).toContain("a profile is written in the config file");
});

/** Who may say the port, from the weakest to the strongest. */
const SPEAKERS = ["file", "base", "profile", "env", "set", "flag"] as const;

test("whoever stands later in the order wins, whoever else speaks", () => {
  fc.assert(
    fc.property(
      fc.subarray([...SPEAKERS]),
      fc.array(fc.constantFrom("wallMs", "cpuMs"), { maxLength: 2 }),
      (speaking, others) => {
        const says = (who: (typeof SPEAKERS)[number], prefix = ""): string =>
          `${speaking.includes(who) ? `${prefix}server.port = ${SPEAKERS.indexOf(who) + 1}\n` : ""}${others
            .map((limit) => `${prefix}limits.${limit} = ${SPEAKERS.indexOf(who) + 1000}\n`)
            .filter((line, index, all) => all.indexOf(line) === index)
            .join("")}`;
        const toml = `${says("file")}[profile.base]\n${says("base")}[profile.top]\ninherits = "base"\n${says("profile")}`;
        const config = loadConfig({
          dir: project({ "aiwebengine.toml": toml }),
          profile: "top",
          env: speaking.includes("env") ? { AIWEBENGINE_SERVER__PORT: "4" } : {},
          set: speaking.includes("set") ? ["server.port=5"] : [],
          flags: speaking.includes("flag") ? { port: 6 } : {},
        });
        const last = speaking.at(-1);
        expect(config.server.port).toBe(last === undefined ? 8080 : SPEAKERS.indexOf(last) + 1);
        // The last that speaks of a key decides it alone.
        for (const limit of new Set(others))
          expect((config.limits as unknown as Record<string, number>)[limit]).toBe(1002);
      },
    ),
    { numRuns: 60 },
  );
});
