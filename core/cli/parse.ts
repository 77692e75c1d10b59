/**
 * Reads a command line against the table of commands. Written by hand: the parsers at hand keep only the last of a
 * repeated flag (`--set` is repeated) and let unknown flags pass. docs/decisions/0004-command-line.md
 */
import { suggest } from "../config/suggest.ts";
import { StartError } from "../errors.ts";
import {
  isGroup,
  type Argument,
  type Command,
  type CommandGroup,
  type Entry,
  type Flag,
  type Flags,
} from "./command.ts";
import { HELP } from "./flags.ts";

/** The command line is wrong: the command line ends with 2. */
export class UsageError extends StartError {
  /** `command` as typed: `config print`. */
  constructor(message: string, command?: string) {
    const help = command === undefined ? "aiwebengine --help" : `aiwebengine ${command} --help`;
    super(`${message}\nSee: ${help}`, { exitCode: 2 });
  }
}

export type Parsed =
  /** `path` as typed: `config print`; empty for the help of all. */
  | { readonly kind: "help"; readonly entry?: Entry; readonly path: string }
  | { readonly kind: "run"; readonly command: Command; readonly args: readonly string[]; readonly flags: Flags };

/** A command with the words that lead to it. */
interface Found {
  readonly path: string;
  readonly command: Command;
}

const isHelp = (word: string): boolean => word === `--${HELP.name}` || word === `-${HELP.short}`;

function maybe(word: string | undefined): string {
  return word === undefined ? "" : ` Did you mean ${word}?`;
}

export function parseArguments(argv: readonly string[], table: readonly Entry[]): Parsed {
  const [first, ...rest] = argv;
  if (first === "--version" || first === "-v") return parseEntry("version", rest, table);
  if (first === undefined || (first.startsWith("-") && !isHelp(first))) return parseEntry("serve", argv, table);
  if (isHelp(first)) return { kind: "help", path: "" };
  if (first === "help") return parseHelp(rest, table);
  return parseEntry(first, rest, table);
}

/** The entry of a name, or a refusal that says which was perhaps meant. */
function find<T extends Entry>(name: string, entries: readonly T[], group?: string): T {
  const entry = entries.find((one) => one.name === name);
  if (entry) return entry;
  const near = suggest(name, [...(group === undefined ? ["help"] : []), ...entries.map((one) => one.name)]);
  throw new UsageError(
    `There is no command ${JSON.stringify(within(group, name))}.${maybe(near && within(group, near))}`,
    group,
  );
}

function within(group: string | undefined, name: string): string {
  return group === undefined ? name : `${group} ${name}`;
}

function parseHelp([name, inner]: readonly string[], table: readonly Entry[]): Parsed {
  if (name === undefined) return { kind: "help", path: "" };
  const entry = find(name, table);
  if (inner === undefined || !isGroup(entry)) return { kind: "help", entry, path: name };
  return { kind: "help", entry: find(inner, entry.commands, name), path: `${name} ${inner}` };
}

function parseEntry(name: string, rest: readonly string[], table: readonly Entry[]): Parsed {
  const entry = find(name, table);
  if (!isGroup(entry)) return parseCommand({ path: name, command: entry }, rest);
  const [inner, ...more] = rest;
  if (inner !== undefined && isHelp(inner)) return { kind: "help", entry, path: name };
  if (inner === undefined || inner.startsWith("-"))
    throw new UsageError(`${name} needs one of: ${names(entry)}.`, name);
  return parseCommand({ path: `${name} ${inner}`, command: find(inner, entry.commands, name) }, more);
}

function names({ commands }: CommandGroup): string {
  return commands.map((one) => one.name).join(", ");
}

function parseCommand(found: Found, words: readonly string[]): Parsed {
  const { command, path } = found;
  const text = new Map<string, string>();
  const many = new Map<string, string[]>();
  const switches = new Set<string>();
  const args: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      args.push(...words.slice(at + 1));
      break;
    }
    if (isHelp(word)) return { kind: "help", entry: command, path };
    if (!word.startsWith("-") || word === "-") {
      args.push(word);
      continue;
    }
    const { flag, inline } = readFlag(found, word);
    if (flag.kind === "switch") {
      if (inline !== undefined) throw new UsageError(`--${flag.name} takes no value.`, path);
      switches.add(flag.name);
      continue;
    }
    const next = words[at + 1];
    const value = inline ?? (next?.startsWith("--") ? undefined : next);
    if (inline === undefined) at++;
    if (value === undefined || value === "") {
      throw new UsageError(`--${flag.name} needs a value: --${flag.name} ${flag.value ?? "VALUE"}`, path);
    }
    if (flag.kind === "many") many.set(flag.name, [...(many.get(flag.name) ?? []), value]);
    else text.set(flag.name, value);
  }
  checkArguments(found, args);
  const flags: Flags = {
    text: (name) => text.get(name),
    has: (name) => switches.has(name),
    many: (name) => many.get(name) ?? [],
  };
  return { kind: "run", command, args, flags };
}

function readFlag(
  { command, path }: Found,
  word: string,
): { readonly flag: Flag; readonly inline: string | undefined } {
  const flags = command.flags ?? [];
  const equals = word.indexOf("=");
  const typed = equals < 0 ? word : word.slice(0, equals);
  const flag = flags.find(({ name, short }) => typed === `--${name}` || (short !== undefined && typed === `-${short}`));
  if (flag) return { flag, inline: equals < 0 ? undefined : word.slice(equals + 1) };
  const near = suggest(
    typed.replace(/^-+/, ""),
    [...flags, HELP].map((one) => one.name),
  );
  throw new UsageError(`${path} has no flag ${JSON.stringify(typed)}.${maybe(near && `--${near}`)}`, path);
}

function checkArguments({ command, path }: Found, given: readonly string[]): void {
  const wanted = command.args ?? [];
  for (const [at, argument] of wanted.entries()) {
    const rest = argument.takes === "any" || argument.takes === "some";
    const values = rest ? given.slice(at) : given.slice(at, at + 1);
    if (values.length === 0 && (argument.takes === "one" || argument.takes === "some")) {
      throw new UsageError(`${path} needs a ${argument.name}: ${argument.meaning}.`, path);
    }
    for (const value of values) checkChoice(argument, value, path);
    if (rest) return;
  }
  const excess = given[wanted.length];
  if (excess === undefined) return;
  const dir = command.flags?.some((flag) => flag.name === "dir") ? ` For a folder: --dir ${excess}` : "";
  throw new UsageError(`${path} does not take ${JSON.stringify(excess)}.${dir}`, path);
}

function checkChoice({ name, choices }: Argument, value: string, path: string): void {
  if (choices === undefined || choices.includes(value)) return;
  const near = maybe(suggest(value, choices)) || ` It is one of: ${choices.join(", ")}.`;
  throw new UsageError(`${path} takes no ${name} ${JSON.stringify(value)}.${near}`, path);
}
