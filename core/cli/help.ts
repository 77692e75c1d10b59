/** Help, from the table of commands. */
import { COMMANDS, type Command, type Flag } from "./commands.ts";
import type { Paint } from "./paint.ts";

function columns(rows: readonly (readonly [string, string])[], paint: Paint): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${paint.cyan(left.padEnd(width))}  ${right}`).join("\n");
}

function flagRow(flag: Flag): readonly [string, string] {
  return [`--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`, flag.meaning];
}

function section(title: string, body: string, paint: Paint): string {
  return `${paint.bold(title)}\n${body}`;
}

/** Help for one command, or for all. Ends with a line break. */
export function renderHelp(command: Command | undefined, paint: Paint): string {
  const parts = command ? commandHelp(command, paint) : overview(paint);
  return `${parts.join("\n\n")}\n`;
}

function overview(paint: Paint): string[] {
  return [
    `${paint.bold("aiwebengine")}: serves web applications written as small scripts, each sandboxed and under limits.`,
    section("Usage", "  aiwebengine [COMMAND] [FLAGS]", paint),
    section(
      "Commands",
      columns(
        COMMANDS.map(({ name, meaning }) => [name, meaning]),
        paint,
      ),
      paint,
    ),
    section("Examples", COMMANDS.flatMap(({ examples }) => examples.map((line) => `  ${line}`)).join("\n"), paint),
    "For the flags of a command: aiwebengine COMMAND --help",
  ];
}

function commandHelp(command: Command, paint: Paint): string[] {
  const flags: readonly Flag[] = [...command.flags, { name: "help", kind: "switch", meaning: "This help" }];
  return [
    command.meaning,
    section("Usage", `  aiwebengine ${command.name}${command.flags.length > 0 ? " [FLAGS]" : ""}`, paint),
    section("Flags", columns(flags.map(flagRow), paint), paint),
    section("Examples", command.examples.map((line) => `  ${line}`).join("\n"), paint),
  ];
}
