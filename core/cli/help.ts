/** Help, from the table of commands. */
import { isGroup, type Argument, type Command, type CommandGroup, type Entry, type Flag } from "./command.ts";
import { HELP } from "./flags.ts";
import type { Paint } from "./paint.ts";

type Row = readonly [left: string, right: string];

function columns(rows: readonly Row[], paint: Paint): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${paint.cyan(left.padEnd(width))}  ${right}`).join("\n");
}

function section(title: string, body: string, paint: Paint): string {
  return `${paint.bold(title)}\n${body}`;
}

function examples(lines: readonly string[], paint: Paint): string {
  return section("Examples", lines.map((line) => `  ${line}`).join("\n"), paint);
}

/** `-f, --follow`, `--port PORT`. */
export function spellFlag({ name, short, value }: Flag): string {
  return `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
}

/** `<script>`, `[script]`, `[script…]`, `<package…>`. */
export function spellArgument({ name, takes, choices }: Argument): string {
  const word = choices?.join("|") ?? name;
  const more = takes === "any" || takes === "some" ? `${word}…` : word;
  return takes === "one" || takes === "some" ? `<${more}>` : `[${more}]`;
}

/** `aiwebengine new <script|plugin|test> <name> [FLAGS]`. */
export function usageOf(path: string, { args = [], flags = [] }: Command): string {
  const words = [...args.map(spellArgument), ...(flags.length > 0 ? ["[FLAGS]"] : [])];
  return ["aiwebengine", path, ...words].join(" ");
}

/**
 * Help for one command or group (`path`: as it is typed), or for all. Ends with a line break.
 *
 * @param brought the commands of plugins
 */
export function renderHelp(
  table: readonly Entry[],
  entry: Entry | undefined,
  path: string,
  paint: Paint,
  brought: readonly Command[] = [],
): string {
  const parts =
    entry === undefined
      ? overview(table, brought, paint)
      : isGroup(entry)
        ? groupHelp(entry, paint)
        : commandHelp(entry, path, paint);
  return `${parts.join("\n\n")}\n`;
}

function overview(table: readonly Entry[], brought: readonly Command[], paint: Paint): string[] {
  // One each: of all that there are nobody would read one.
  const lines = table.flatMap((entry) => (isGroup(entry) ? [] : (entry.examples.at(-1) ?? [])));
  return [
    `${paint.bold("aiwebengine")}: serves web applications written as small scripts, each sandboxed and under limits.`,
    section("Usage", "  aiwebengine [COMMAND] [FLAGS]", paint),
    listing("Commands", table, paint),
    ...(brought.length > 0 ? [listing("Commands of plugins", brought, paint)] : []),
    examples(["aiwebengine", ...lines], paint),
    "For the flags of a command: aiwebengine COMMAND --help",
  ];
}

function listing(title: string, entries: readonly Entry[], paint: Paint): string {
  const rows = entries.map(({ name, summary }): Row => [name, summary]);
  return section(title, columns(rows, paint), paint);
}

function groupHelp({ name, summary, commands }: CommandGroup, paint: Paint): string[] {
  return [
    summary,
    section("Usage", commands.map((one) => `  ${usageOf(`${name} ${one.name}`, one)}`).join("\n"), paint),
    listing("Commands", commands, paint),
    examples(
      commands.flatMap((one) => one.examples),
      paint,
    ),
  ];
}

function commandHelp(command: Command, path: string, paint: Paint): string[] {
  const { summary, details, args = [], flags = [] } = command;
  return [
    details === undefined ? summary : `${summary}\n\n${details}`,
    section("Usage", `  ${usageOf(path, command)}`, paint),
    ...(args.length > 0
      ? [
          section(
            "Arguments",
            columns(
              args.map((one): Row => [one.name, one.meaning]),
              paint,
            ),
            paint,
          ),
        ]
      : []),
    section(
      "Flags",
      columns(
        [...flags, HELP].map((flag): Row => [spellFlag(flag), flag.meaning]),
        paint,
      ),
      paint,
    ),
    examples(command.examples, paint),
  ];
}
