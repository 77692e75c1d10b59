/** The command line: arguments in, exit code out. The table of commands comes from outside. */
import type { BuiltInPlugin, CommandSpec } from "../../sdk/plugin.ts";
import { StartError } from "../errors.ts";
import type { Call, Entry, Io } from "./command.ts";
import { renderHelp } from "./help.ts";
import { parseArguments } from "./parse.ts";
import { describedBy, fromPlugin } from "./plugin-command.ts";

export interface CliOptions {
  readonly commands: readonly Entry[];
  /** Commands that plugins brought; asked for only when the engine has none of that name, since plugins cost time to load. */
  pluginCommands?(argv: readonly string[]): Promise<readonly CommandSpec[]>;
  readonly version: string;
  /** The plugins of the binary. */
  readonly builtIns: () => Promise<readonly BuiltInPlugin[]>;
  readonly io: Io;
}

/** 0: done; 1: what was asked for failed; 2: wrong usage or config. Never rejects. */
export type ExitCode = number;

export async function runCli(argv: readonly string[], options: CliOptions): Promise<ExitCode> {
  const { version, builtIns, io } = options;
  try {
    const commands = await commandsFor(argv, options);
    const parsed = parseArguments(argv, commands);
    if (parsed.kind === "help") {
      const { entry, path } = parsed;
      const brought = entry === undefined ? describedBy(await builtIns()) : [];
      io.stdout(renderHelp(commands, entry, path, io.paint, brought));
      return 0;
    }
    const { command, args, flags } = parsed;
    const call: Call = { args, flags, io, version, builtIns, commands };
    return await (await command.load()).run(call);
  } catch (error) {
    return report(error, io);
  }
}

async function commandsFor(
  argv: readonly string[],
  { commands, pluginCommands }: CliOptions,
): Promise<readonly Entry[]> {
  const name = argv[0] === "help" ? argv[1] : argv[0];
  const known =
    name === undefined || name.startsWith("-") || name === "help" || commands.some((one) => one.name === name);
  if (known || pluginCommands === undefined) return commands;
  return [...commands, ...(await pluginCommands(argv)).map(fromPlugin)];
}

/** A sentence for what the engine foresaw; the stack for what it did not, since that is a fault of ours. */
function report(error: unknown, { stderr, errorPaint }: Io): ExitCode {
  if (error instanceof StartError) {
    stderr(`${errorPaint.red("aiwebengine:")} ${error.message}\n`);
    return error.exitCode;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stderr(`${errorPaint.red("aiwebengine: unexpected error, please report it")}\n${text}\n`);
  return 1;
}
