/** A command that a plugin brought, as one of the command line's own. */
import type { Command, Flag } from "./command.ts";
import { DIR } from "./flags.ts";

/** What a plugin gives to `command(spec)`. */
export interface PluginCommand {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** What it takes besides flags, for the help: `<address>`. */
  readonly usage?: string;
  readonly flags?: readonly Flag[];
  /** Command lines that work as they stand; default: the bare command. */
  readonly examples?: readonly string[];
  /** The exit code; none is 0. */
  run(args: PluginCommandCall): number | void | Promise<number | void>;
}

export interface PluginCommandCall {
  readonly args: readonly string[];
  /** Given flags by name: a text, all texts of one that may be given many times, or true for a switch. */
  readonly flags: Readonly<Record<string, string | readonly string[] | true>>;
  /** The project folder, as given. */
  readonly dir: string;
  stdout(text: string): void;
  stderr(text: string): void;
}

export function fromPlugin(plugin: PluginCommand): Command {
  const { name, summary, usage, examples = [`aiwebengine ${name}`] } = plugin;
  const own = plugin.flags ?? [];
  return {
    name,
    summary,
    ...(usage === undefined ? {} : { details: `It takes: ${usage}` }),
    args: [{ name: "arguments", meaning: usage ?? "What the command takes", takes: "any" }],
    // Plugins are found in the project folder: every command of theirs can be told which.
    flags: [...own.filter((flag) => flag.name !== DIR.name), DIR],
    examples,
    load: () =>
      Promise.resolve({
        async run({ args, flags, io }) {
          const given: Record<string, string | readonly string[] | true> = {};
          for (const flag of own) {
            const value =
              flag.kind === "switch"
                ? flags.has(flag.name)
                : flag.kind === "many"
                  ? flags.many(flag.name)
                  : flags.text(flag.name);
            if (value !== undefined && value !== false) given[flag.name] = value;
          }
          const { stdout, stderr } = io;
          return (await plugin.run({ args, flags: given, dir: flags.text(DIR.name) ?? ".", stdout, stderr })) ?? 0;
        },
      }),
  };
}
