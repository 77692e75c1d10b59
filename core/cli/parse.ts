/**
 * Reads a command line against the table of commands. Written by hand: the parsers at hand keep only the last of a
 * repeated flag (`--set` is repeated) and let unknown flags pass.
 */
import { suggest } from "../config/suggest.ts";
import { StartError } from "../errors.ts";
import { COMMANDS, findCommand, type Command, type CommandName, type Flag } from "./commands.ts";

/** The command line is wrong: the command line ends with 2. */
export class UsageError extends StartError {
  constructor(message: string, command?: string) {
    const help = command === undefined ? "aiwebengine --help" : `aiwebengine ${command} --help`;
    super(`${message}\nSee: ${help}`, { exitCode: 2 });
  }
}

export type Parsed =
  | { readonly kind: "help"; readonly command?: Command }
  | { readonly kind: "run"; readonly command: CommandName; readonly flags: Flags };

/** Given flags by name; `many` flags in the order in which they came. */
export interface Flags {
  readonly text: ReadonlyMap<string, string>;
  readonly many: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlySet<string>;
}

const HELP = new Set(["--help", "-h"]);

function maybe(word: string | undefined): string {
  return word === undefined ? "" : ` Did you mean ${word}?`;
}

export function parseArguments(argv: readonly string[]): Parsed {
  const [first, ...rest] = argv;
  if (first === "--version" || first === "-v") return parseCommand("version", rest);
  if (first === undefined || (first.startsWith("-") && !HELP.has(first))) return parseCommand("serve", argv);
  if (HELP.has(first)) return { kind: "help" };
  if (first === "help") return parseHelp(rest);
  return parseCommand(first, rest);
}

function known(name: string): Command & { readonly name: CommandName } {
  const command = findCommand(name);
  if (command) return command;
  const near = suggest(name, ["help", ...COMMANDS.map((one) => one.name)]);
  throw new UsageError(`There is no command ${JSON.stringify(name)}.${maybe(near)}`);
}

function parseHelp(rest: readonly string[]): Parsed {
  const [name] = rest;
  return name === undefined ? { kind: "help" } : { kind: "help", command: known(name) };
}

function parseCommand(name: string, args: readonly string[]): Parsed {
  const command = known(name);
  const text = new Map<string, string>();
  const many = new Map<string, string[]>();
  const switches = new Set<string>();
  for (let at = 0; at < args.length; at++) {
    const argument = args[at] ?? "";
    if (HELP.has(argument)) return { kind: "help", command };
    const { flag, inline } = parseFlag(command, argument);
    if (flag.kind === "switch") {
      if (inline !== undefined) throw new UsageError(`--${flag.name} takes no value.`, name);
      switches.add(flag.name);
      continue;
    }
    const next = args[at + 1];
    const value = inline ?? (next?.startsWith("--") ? undefined : next);
    if (inline === undefined) at++;
    if (value === undefined || value === "") {
      throw new UsageError(`--${flag.name} needs a value: --${flag.name} ${flag.value ?? "VALUE"}`, name);
    }
    if (flag.kind === "many") many.set(flag.name, [...(many.get(flag.name) ?? []), value]);
    else text.set(flag.name, value);
  }
  return { kind: "run", command: command.name, flags: { text, many, switches } };
}

function parseFlag(command: Command, argument: string): { readonly flag: Flag; readonly inline: string | undefined } {
  if (!argument.startsWith("-")) {
    const dir = command.flags.some((flag) => flag.name === "dir") ? ` For a folder: --dir ${argument}` : "";
    throw new UsageError(`${command.name} does not take ${JSON.stringify(argument)}.${dir}`, command.name);
  }
  const equals = argument.indexOf("=");
  const typed = equals < 0 ? argument : argument.slice(0, equals);
  const flag = command.flags.find((one) => `--${one.name}` === typed);
  if (flag) return { flag, inline: equals < 0 ? undefined : argument.slice(equals + 1) };
  const near = suggest(typed.replace(/^-+/, ""), [...command.flags.map((one) => one.name), "help"]);
  throw new UsageError(
    `${command.name} has no flag ${JSON.stringify(typed)}.${maybe(near && `--${near}`)}`,
    command.name,
  );
}
