/** The command line from its front door: what runs, what is refused, and with which exit code. */
import { describe, expect, test } from "bun:test";
import { isGroup, type Call, type Command } from "../../../core/cli/command.ts";
import { COMMANDS } from "../../../core/cli/commands.ts";
import { runCli } from "../../../core/cli/index.ts";
import { COLOURED, PLAIN, wantsColours } from "../../../core/cli/paint.ts";
import { configInput } from "../../../core/cli/config-input.ts";
import { ConfigError, type ConfigInput } from "../../../core/config/index.ts";
import { StartError } from "../../../core/errors.ts";
import { BUILT_INS } from "../../../plugins/index.ts";
import type { CommandSpec } from "../../../sdk/plugin.ts";

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly served: ConfigInput | undefined;
}

interface Changes {
  /** What `serve` fails with. */
  readonly fail?: unknown;
  readonly colours?: boolean;
  readonly plugins?: readonly CommandSpec[];
}

/** The real table; only what the commands do is replaced. */
async function run(argv: readonly string[], { fail, colours = false, plugins }: Changes = {}): Promise<Outcome> {
  let out = "";
  let err = "";
  let served: ConfigInput | undefined;
  const serve = ({ flags }: Call): number => {
    served = configInput(flags);
    if (fail !== undefined) throw fail;
    return 0;
  };
  const replaced = (command: Command): Command => {
    if (command.name === "version") return command;
    return { ...command, load: () => Promise.resolve({ run: command.name === "serve" ? serve : () => 1 }) };
  };
  const commands = COMMANDS.map((entry) =>
    isGroup(entry) ? { ...entry, commands: entry.commands.map(replaced) } : replaced(entry),
  );
  const paint = colours ? COLOURED : PLAIN;
  const code = await runCli(argv, {
    commands,
    version: "1.2.3",
    builtIns: () => Promise.resolve(BUILT_INS),
    ...(plugins ? { pluginCommands: () => Promise.resolve(plugins) } : {}),
    io: {
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      paint,
      errorPaint: paint,
      live: false,
    },
  });
  return { code, out, err, served };
}
const NONE = { host: undefined, port: undefined, dev: false };
const COMMON = { file: undefined, profile: undefined, env: process.env, set: [] };
const DEFAULTS: ConfigInput = { ...COMMON, dir: ".", flags: NONE };

describe("commands", () => {
  test("no arguments serve the current folder", async () => {
    expect(await run([])).toEqual({ code: 0, out: "", err: "", served: DEFAULTS });
  });

  test("serve takes its flags in both spellings, --set again and again, and may be left out", async () => {
    const all = [
      "--dir",
      "/a",
      "--port=0",
      "--host",
      "::",
      "--config=c.toml",
      "--profile=production",
      "--set",
      "a.b=1",
      "--set=c=d=e",
      "--dev",
    ];
    const wanted: ConfigInput = {
      dir: "/a",
      file: "c.toml",
      profile: "production",
      env: process.env,
      set: ["a.b=1", "c=d=e"],
      flags: { port: "0", host: "::", dev: true },
    };
    expect((await run(["serve", ...all])).served).toEqual(wanted);
    expect((await run(all)).served).toEqual(wanted);
  });

  test("a value may start with one hyphen", async () => {
    expect((await run(["--set", "-x=1"])).served?.set).toEqual(["-x=1"]);
  });

  test("version is printed by the command and by both flags", async () => {
    for (const argv of [["version"], ["--version"], ["-v"]])
      expect(await run(argv)).toMatchObject({ code: 0, out: "1.2.3\n" });
  });

  test("the exit code is what the command answers", async () => {
    expect((await run(["doctor"])).code).toBe(1);
  });
});

/** As a shell would split it. */
function words(line: string): readonly string[] {
  return (line.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, "$2"));
}

describe("help", () => {
  test("names every command, with an example of each", async () => {
    const { out, code } = await run(["--help"]);
    expect(code).toBe(0);
    for (const { name } of COMMANDS) expect(out).toContain(`\n  ${name} `);
    const examples = out.match(/^ {2}aiwebengine(?! \[).*$/gm) ?? [];
    expect(examples.length).toBeGreaterThan(3);
  });

  const all = COMMANDS.flatMap((entry) => (isGroup(entry) ? entry.commands : [entry]));
  test.each(all.flatMap(({ examples }) => examples))("the parser takes the example: %s", async (line) => {
    expect((await run(words(line).slice(1))).code).not.toBe(2);
  });

  test("every command has an example", () => {
    for (const { examples } of all) expect(examples.length).toBeGreaterThan(0);
  });

  test("of a command names every flag, wherever it stands", async () => {
    for (const argv of [
      ["serve", "--help"],
      ["help", "serve"],
      ["serve", "--dev", "-h"],
      ["--port", "1", "--help"],
    ]) {
      const { out, code, served } = await run(argv);
      expect(code).toBe(0);
      expect(served).toBeUndefined();
      for (const flag of ["--dir DIR", "--port PORT", "--host HOST", "--config FILE", "--set KEY=VALUE", "--dev"]) {
        expect(out).toContain(flag);
      }
    }
  });
});

describe("refusals", () => {
  const wrong: readonly (readonly [readonly string[], string])[] = [
    [["sevre"], 'There is no command "sevre". Did you mean serve?'],
    [["constructor"], 'There is no command "constructor".'],
    [["help", "docter"], "Did you mean doctor?"],
    [["serve", "--prot", "1"], 'serve has no flag "--prot". Did you mean --port?'],
    [["serve", "--prot=1"], "Did you mean --port?"],
    [["--dve"], "Did you mean --dev?"],
    [["serve", "-p", "1"], 'serve has no flag "-p"'],
    [["serve", "--port"], "--port needs a value: --port PORT"],
    [["serve", "--port", "--dev"], "--port needs a value"],
    [["serve", "--host="], "--host needs a value"],
    [["serve", "--dev=false"], "--dev takes no value"],
    [["serve", "./shop"], "For a folder: --dir ./shop"],
    [["doctor", "--dev"], 'doctor has no flag "--dev"'],
    [["doctor", "me"], 'doctor does not take "me"'],
    [["serve\x1b[31m"], '"serve\\u001b[31m"'],
  ];
  for (const [argv, said] of wrong) {
    test(`${JSON.stringify(argv.join(" "))} ends with 2 and says what to do`, async () => {
      const { code, out, err, served } = await run(argv);
      expect({ code, out, served }).toEqual({ code: 2, out: "", served: undefined });
      expect(err).toContain(said);
      expect(err).toMatch(/See: aiwebengine( \w+)? --help\n$/);
    });
  }
});

describe("failures", () => {
  test("wrong config ends with 2, any other foreseen failure with 1, both without a stack", async () => {
    const config = new ConfigError([{ key: "server.port", message: "expected a whole number", place: "a.toml:1:1" }]);
    expect(await run([], { fail: config })).toMatchObject({
      code: 2,
      err: "aiwebengine: The config has a problem.\n\na.toml:1:1: server.port: expected a whole number\n",
    });
    expect(await run([], { fail: new StartError("The port is taken.") })).toMatchObject({
      code: 1,
      err: "aiwebengine: The port is taken.\n",
    });
  });

  test("an unforeseen failure ends with 1 and shows its stack", async () => {
    const { code, err } = await run([], { fail: new TypeError("oops") });
    expect(code).toBe(1);
    expect(err).toContain("please report it\nTypeError: oops\n    at ");
  });
});

describe("colours", () => {
  test("are for terminals only, and NO_COLOR turns them off", () => {
    expect(wantsColours(true, {})).toBe(true);
    expect(wantsColours(false, {})).toBe(false);
    expect(wantsColours(true, { NO_COLOR: "1" })).toBe(false);
    expect(wantsColours(true, { NO_COLOR: "" })).toBe(true);
    expect(wantsColours(true, { TERM: "dumb" })).toBe(false);
  });

  test("do not change the text", async () => {
    const coloured = (await run(["--help"], { colours: true })).out;
    expect(coloured).toContain("\x1b[");
    expect(Bun.stripANSI(coloured)).toBe((await run(["--help"])).out);
  });
});

describe("commands of plugins", () => {
  const calls: unknown[] = [];
  const greet: CommandSpec = {
    name: "greet",
    summary: "Greets somebody.",
    usage: "<name>",
    flags: { loud: { type: "switch", summary: "Shout" }, word: { type: "text", summary: "What to say" } },
    run({ words, flags, stdout }) {
      calls.push({ words, flags });
      stdout("hello\n");
      return 0;
    },
  };

  test("run with their arguments and the flags that were given", async () => {
    const argv = ["greet", "ada", "--loud", "--word=hi", "--dir", "/a"];
    expect(await run(argv, { plugins: [greet] })).toMatchObject({ code: 0, out: "hello\n", err: "" });
    expect(calls).toEqual([{ words: ["ada"], flags: { loud: true, word: "hi" } }]);
  });

  test("those of the binary's plugins are listed, and none is set up for that", async () => {
    const listed = /Commands of plugins\n([^]*?)\n\n/.exec((await run(["--help"])).out)?.[1] ?? "";
    expect(listed.match(/^ {2}\w+/gm)).toEqual(["  openapi", "  graphql", "  mcp"]);
  });

  test("have help and refusals like those of the engine", async () => {
    expect((await run(["greet", "--help"], { plugins: [greet] })).out).toContain("--loud");
    expect((await run(["help", "greet"], { plugins: [greet] })).out).toContain("Greets somebody.");
    expect((await run(["greet", "--lound"], { plugins: [greet] })).err).toContain("Did you mean --loud?");
    expect((await run(["gret"], { plugins: [greet] })).err).toContain("Did you mean greet?");
  });

  test("are not loaded for a command of the engine", async () => {
    const { code } = await runCli(["version"], {
      commands: COMMANDS,
      version: "1.2.3",
      builtIns: () => Promise.resolve([]),
      pluginCommands: () => Promise.reject(new Error("loaded")),
      io: { stdout: () => {}, stderr: () => {}, paint: PLAIN, errorPaint: PLAIN, live: false },
    }).then((code) => ({ code }));
    expect(code).toBe(0);
  });
});
