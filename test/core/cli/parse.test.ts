/** What the parser makes of arguments, choices, short flags and commands under a word. */
import { describe, expect, test } from "bun:test";
import type { Argument, Command, Entry, Flag } from "../../../core/cli/command.ts";
import { renderHelp, usageOf } from "../../../core/cli/help.ts";
import { PLAIN } from "../../../core/cli/paint.ts";
import { parseArguments } from "../../../core/cli/parse.ts";

const FOLLOW: Flag = { name: "follow", kind: "switch", short: "f", meaning: "Go on" };
const ONE: Argument = { name: "kind", meaning: "what it is", takes: "one", choices: ["script", "plugin"] };
const REST: Argument = { name: "package", meaning: "its name", takes: "some" };

function command(name: string, args: readonly Argument[], flags: readonly Flag[] = []): Command {
  return {
    name,
    summary: `${name}.`,
    args,
    flags,
    examples: [`aiwebengine ${name}`],
    load: () => Promise.reject(name),
  };
}
const TABLE: readonly Entry[] = [
  command("serve", []),
  command("new", [ONE, { name: "name", meaning: "what to call it", takes: "one" }]),
  command("add", [{ name: "script", meaning: "its name", takes: "one" }, REST]),
  command("logs", [{ name: "script", meaning: "its name", takes: "maybe" }], [FOLLOW]),
  { name: "config", summary: "Config.", commands: [command("print", []), command("schema", [])] },
];

function args(line: string): readonly string[] {
  const parsed = parseArguments(line.split(" "), TABLE);
  if (parsed.kind !== "run") throw new Error("help");
  return parsed.args;
}

test("arguments come in their order, flags anywhere between them", () => {
  expect(args("new script shop")).toEqual(["script", "shop"]);
  expect(args("add shop left-pad zod@3")).toEqual(["shop", "left-pad", "zod@3"]);
  expect(args("logs")).toEqual([]);
  expect(args("logs -f shop")).toEqual(["shop"]);
});

test("after -- everything is an argument", () => {
  expect(args("add -- --shop -x")).toEqual(["--shop", "-x"]);
});

test("a short flag is the long one", () => {
  const parsed = parseArguments(["logs", "-f"], TABLE);
  expect(parsed.kind === "run" && parsed.flags.has("follow")).toBe(true);
});

test("a command under a word is found with its help", () => {
  expect(parseArguments(["config", "print"], TABLE)).toMatchObject({ kind: "run", command: { name: "print" } });
  expect(parseArguments(["config", "print", "--help"], TABLE)).toMatchObject({ kind: "help", path: "config print" });
  expect(parseArguments(["help", "config", "print"], TABLE)).toMatchObject({ kind: "help", path: "config print" });
  expect(parseArguments(["config", "--help"], TABLE)).toMatchObject({ kind: "help", path: "config" });
});

describe("refused", () => {
  const wrong: readonly (readonly [line: string, says: string])[] = [
    ["new", "new needs a kind: what it is."],
    ["new script", "new needs a name: what to call it."],
    ["new scirpt shop", 'new takes no kind "scirpt". Did you mean script?'],
    ["new page shop", 'new takes no kind "page". It is one of: script, plugin.'],
    ["new script shop two", 'new does not take "two"'],
    ["add shop", "add needs a package: its name."],
    ["logs -x", 'logs has no flag "-x"'],
    ["logs -f=1", "--follow takes no value."],
    ["config", "config needs one of: print, schema."],
    ["config --json", "config needs one of: print, schema."],
    ["config pritn", 'There is no command "config pritn". Did you mean config print?'],
    ["config print x", 'config print does not take "x"'],
  ];
  test.each(wrong)("%s", (line, says) => {
    expect(() => parseArguments(line.split(" "), TABLE)).toThrow(says);
  });
});

test("help spells arguments, choices and flags as they are typed", () => {
  expect(TABLE.slice(1, 4).map((entry) => usageOf(entry.name, entry as Command))).toEqual([
    "aiwebengine new <script|plugin> <name>",
    "aiwebengine add <script> <package…>",
    "aiwebengine logs [script] [FLAGS]",
  ]);
  const logs = parseArguments(["logs", "--help"], TABLE);
  if (logs.kind !== "help") throw new Error("no help");
  expect(renderHelp(TABLE, logs.entry, logs.path, PLAIN)).toContain("  -f, --follow  Go on\n");
  const group = renderHelp(TABLE, TABLE.at(-1), "config", PLAIN);
  expect(group).toContain("aiwebengine config print\n  aiwebengine config schema");
});
