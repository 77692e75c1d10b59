/** A command that a plugin brought, as one of the command line's own. */
import type { CommandSpec } from "../../sdk/plugin.ts";
import type { Command, Flag } from "./command.ts";
import { DIR } from "./flags.ts";

export function fromPlugin(spec: CommandSpec): Command {
  const { name, summary, usage, examples = [`aiwebengine ${name}`] } = spec;
  const own = Object.entries(spec.flags ?? {}).map(([flag, { type, summary: meaning }]): Flag => ({
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
    load: () =>
      Promise.resolve({
        async run({ args, flags, io: { stdout, stderr } }) {
          const given = own.map(({ name: flag, kind }) => [
            flag,
            kind === "switch" ? flags.has(flag) : flags.text(flag),
          ]);
          const words = { words: args, flags: Object.fromEntries(given) };
          return spec.run({ ...words, stdin: Bun.stdin.stream(), stdout, stderr });
        },
      }),
  };
}
