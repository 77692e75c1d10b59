/** The three file formats: they mean the same, point at what is wrong, and refuse what would be misread. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, loadConfig, type Config } from "../../../core/config/index.ts";
import { project, refusal } from "./project.ts";

const load = (files: Readonly<Record<string, string>>): Config =>
  loadConfig({ dir: project(files), set: [], flags: {} });
const refused = (name: string, text: string): string => refusal(() => load({ [name]: text })).message;

const TOML = `
[server]
port = 9000
[fetch]
allowHosts = ["a.example"]
[scripts.my-shop]
config = { list = [1, { deep = true }], text = "x" }
`;
const YAML = `
# a comment
server:
  port: 9000
fetch: { allowHosts: [a.example] }
scripts:
  my-shop:
    config:
      list: [1, { deep: true }]
      text: x
`;
const JSONC = `{
  "$schema": "./aiwebengine.schema.json",
  // a comment
  "server": { "port": 9000 }, /* and
  another */ "fetch": { "allowHosts": ["a.example",] },
  "scripts": { "my-shop": { "config": { "list": [1, { "deep": true }], "text": "x" } } },
}`;

test("TOML, YAML and JSON with comments say the same", () => {
  const { dir: _dir, file: _file, ...toml } = load({ "aiwebengine.toml": TOML });
  expect(toml.server.port).toBe(9000);
  for (const [name, text] of [
    ["aiwebengine.yaml", YAML],
    ["aiwebengine.yml", YAML],
    ["aiwebengine.json", JSONC],
  ] as const) {
    const { dir, file, ...config } = load({ [name]: text });
    expect(config).toEqual(toml);
    expect(file).toBe(join(dir, name));
  }
});

test("the format of --config goes by its ending; another ending is TOML", () => {
  const files = { "a.json": '{"server":{"port":1}}', "b.yml": "server: {port: 2}", "c.conf": "server.port = 3" };
  const dir = project(files);
  const ports = Object.keys(files).map(
    (name) => loadConfig({ dir, file: join(dir, name), set: [], flags: {} }).server.port,
  );
  expect(ports).toEqual([1, 2, 3]);
});

test("an empty file of any format is the defaults", () => {
  expect(load({ "aiwebengine.toml": "" }).server.port).toBe(8080);
  expect(load({ "aiwebengine.yaml": "# nothing\n" }).server.port).toBe(8080);
  expect(load({ "aiwebengine.json": "{}" }).server.port).toBe(8080);
});

test("two config files at once are refused, and both are named", () => {
  const message = refusal(() => load({ "aiwebengine.toml": "", "aiwebengine.json": "{}" })).message;
  expect(message).toContain("aiwebengine.toml and aiwebengine.json");
  expect(message).toContain("Keep one of them");
});

test("a link that leads nowhere is no absent file", () => {
  const dir = project();
  symlinkSync(join(dir, "gone.toml"), join(dir, "aiwebengine.toml"));
  expect(refusal(() => loadConfig({ dir, set: [], flags: {} })).message).toContain("cannot be read");
});

describe("problems point at their key", () => {
  test("in YAML", () => {
    expect(refused("aiwebengine.yaml", "server:\n  host: '::'\n  prot: 80\n")).toBe(
      [
        "The config has a problem.",
        "",
        "aiwebengine.yaml:3:3: server.prot: unknown key",
        "  3 |   prot: 80",
        "    |   ^",
        "  Did you mean server.port?",
      ].join("\n"),
    );
  });

  test("in JSON", () => {
    expect(refused("aiwebengine.json", '{\n  "server": {\n    "port": "80"\n  }\n}')).toBe(
      [
        "The config has a problem.",
        "",
        'aiwebengine.json:3:5: server.port: expected a whole number from 0 to 65535, got the string "80"',
        '  3 |     "port": "80"',
        "    |     ^",
      ].join("\n"),
    );
  });
});

const bad: readonly (readonly [what: string, name: string, text: string, said: string])[] = [
  ["YAML that does not parse", "aiwebengine.yaml", "server:\n  port: [1\n", "aiwebengine.yaml:3:"],
  [
    "a key given twice in YAML",
    "aiwebengine.yaml",
    "log: {level: info}\nlog: {level: warn}\n",
    "aiwebengine.yaml:2:1: not valid YAML: Map keys must be unique",
  ],
  ["a key given twice in one line of YAML", "aiwebengine.yaml", "log: {level: info, level: warn}", "must be unique"],
  ["a tag of YAML that nobody knows", "aiwebengine.yaml", "log: !!js/function 'x'", "Unresolved tag"],
  ["several documents in YAML", "aiwebengine.yaml", "log: {}\n---\nlog: {}\n", "not valid YAML"],
  ["a list at the top of YAML", "aiwebengine.yaml", "- a", "expected keys and values"],
  ["a key of YAML that is no text", "aiwebengine.yaml", "[a]: 1", "not valid YAML"],
  ["an alias of YAML that stands for nothing", "aiwebengine.yaml", "log: *nothing", "not valid YAML"],
  ["a merge key of YAML", "aiwebengine.yaml", "log:\n  <<: {level: warn}", "log.<<: unknown key"],
  ["infinity in YAML", "aiwebengine.yaml", "scripts: {a: {config: {x: .inf}}}", "finite"],
  ["null where a number belongs", "aiwebengine.yaml", "server:\n  port:\n", "got null"],
  ["__proto__ in YAML", "aiwebengine.yaml", "scripts: {a: {config: {__proto__: {x: 1}}}}", "__proto__"],
  ["__proto__ in a list of YAML", "aiwebengine.yaml", "scripts: {a: {config: {x: [{__proto__: 1}]}}}", "__proto__"],
  [
    "a key given twice in JSON",
    "aiwebengine.json",
    '{"log": {},\n "log": {}}',
    'aiwebengine.json:2:2: not valid JSON: the key "log" is there twice',
  ],
  ["JSON that ends early", "aiwebengine.json", '{"log": {', "aiwebengine.json:1:10: not valid JSON"],
  ["an empty JSON file", "aiwebengine.json", "", "aiwebengine.json:1:1: not valid JSON: expected a value"],
  ["text after the end of JSON", "aiwebengine.json", "{} {}", "expected the end of the file"],
  ["JSON with single quotes", "aiwebengine.json", "{'a': 1}", "a key in double quotes"],
  ["JSON with a comment that does not end", "aiwebengine.json", "{ /* }", "not valid JSON"],
  ["JSON with a word that is no value", "aiwebengine.json", '{"a": NaN}', "expected a value"],
  ["JSON with a string over two lines", "aiwebengine.json", '{"a": "x\ny"}', "does not end on its line"],
  ["JSON with an octal number", "aiwebengine.json", '{"server": {"port": 010}}', 'expected "," or "}"'],
  ["a list at the top of JSON", "aiwebengine.json", "[]", "expected an object"],
  ["__proto__ in JSON", "aiwebengine.json", '{"__proto__": {"x": 1}}', "__proto__: unknown key"],
  [
    "__proto__ in a script's JSON",
    "aiwebengine.json",
    '{"scripts":{"a":{"config":{"__proto__":{"x":1}}}}}',
    "__proto__",
  ],
  ["JSON nested without end", "aiwebengine.json", '{"a":'.repeat(100_000), "levels deep"],
  [
    "TOML with a key given twice",
    "aiwebengine.toml",
    "log.level = 'info'\nlog.level = 'warn'",
    "aiwebengine.toml:2:1: not valid TOML",
  ],
];
test.each(bad)("%s is refused", (_what, name, text, said) => {
  expect(refused(name, text)).toContain(said);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

test("a small YAML file whose aliases multiply is refused at once", () => {
  const levels = Array.from({ length: 20 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(10)}]`);
  const began = performance.now();
  expect(refused("aiwebengine.yaml", `a0: &a0 [x]\n${levels.join("\n")}\n`)).toContain("aliases");
  expect(performance.now() - began).toBeLessThan(2000);
});

test("an alias of YAML that stands for a table is that table", () => {
  const text = "scripts:\n  a: &same\n    enabled: false\n  b: *same\n";
  expect(load({ "aiwebengine.yaml": text }).scripts["b"]?.enabled).toBe(false);
});

test("a file that is not understood does not show the line of a password", () => {
  for (const [name, text] of [
    ["aiwebengine.toml", "scripts.a.config.password = hunter2"],
    ["aiwebengine.json", '{"scripts": {"a": {"config": {"password": hunter2}}}}'],
    ["aiwebengine.yaml", "scripts: {a: {config: {password: [hunter2}}}}"],
  ] as const) {
    const message = refused(name, text);
    expect(message).toContain(`${name}:1:`);
    expect(message).not.toContain("hunter2");
  }
});

describe("whatever a file holds", () => {
  const samples = { "aiwebengine.toml": TOML, "aiwebengine.yaml": YAML, "aiwebengine.json": JSONC };

  test.each(Object.entries(samples))("%s is a config or a refusal that points into it", (name, sample) => {
    const garbled = fc
      .tuple(
        fc.nat(sample.length),
        fc.nat(6),
        fc.oneof(fc.string({ maxLength: 4 }), fc.constantFrom("{", "[", '"', "\n", ":", "&a", "*a", "!!", "\0")),
      )
      .map(([at, gone, text]) => sample.slice(0, at) + text + sample.slice(at + gone));
    fc.assert(
      fc.property(garbled, (text) => {
        try {
          load({ [name]: text });
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError);
          for (const { place } of (error as ConfigError).problems) expect(place).toStartWith(name);
        }
      }),
      { numRuns: 80 },
    );
  });

  test("JSON is read as JSON.parse reads it", () => {
    const data = fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false }));
    fc.assert(
      fc.property(data, fc.constantFrom(0, 2), (config, indent) => {
        const text = JSON.stringify({ scripts: { a: { config } } }, null, indent);
        fc.pre(!text.includes("__proto__"));
        const wanted = (JSON.parse(text) as { scripts: { a: { config: unknown } } }).scripts.a.config;
        expect(load({ "aiwebengine.json": text }).scripts["a"]?.config as unknown).toEqual(wanted);
      }),
      { numRuns: 80 },
    );
  });
});
