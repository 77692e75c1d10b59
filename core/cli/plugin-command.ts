/** A command that a plugin brought, as one of the command line's own. */
import type { BuiltInPlugin, CommandSpec } from "../../sdk/plugin.ts";
import type { Command, Flag } from "./command.ts";
import { DIR } from "./flags.ts";

type Described = Omit<CommandSpec, "run">;

/** The commands of the binary's plugins, for help and completion; to run one, the plugins of the project are set up. */
export function describedBy(builtIns: readonly BuiltInPlugin[]): readonly Command[] {
  const load = (): never => {
    throw new Error("a command that is only described was run");
  };
  return builtIns.flatMap(({ commands = [] }) => commands.map((spec) => ({ ...describe(spec), load })));
}

export function fromPlugin(spec: CommandSpec): Command {
  const own = Object.entries(spec.flags ?? {});
  return {
    ...describe(spec),
    load: () =>
      Promise.resolve({
        async run({ args, flags, io: { stdout, stderr } }) {
          const given = own.map(([flag, { type }]) => [flag, type === "switch" ? flags.has(flag) : flags.text(flag)]);
          const words = { words: args, flags: Object.fromEntries(given) };
          return spec.run({ ...words, stdin: Bun.stdin.stream(), stdout, stderr });
        },
      }),
  };
}

function describe({
  name,
  summary,
  usage,
  flags = {},
  examples = [`aiwebengine ${name}`],
}: Described): Omit<Command, "load"> {
  const own = Object.entries(flags).map(([flag, { type, summary: meaning }]): Flag => ({
    name: flag,
    kind: type,
    meaning,
    ...(type === "text" ? { value: "VALUE" } : {}),
  }));
  return {
    name,
    summary,
    args: [{ name: "words", meaning: usage ?? "What the command takes", takes: "any" }],
    // Plugins are found in the project folder: every command of theirs can be told which.
    flags: [...own.filter((flag) => flag.name !== DIR.name), DIR],
    examples,
  };
}
