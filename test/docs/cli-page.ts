/** The generated part of docs/cli.md: every command with its arguments and flags, and the codes of `check`. */
import { join } from "node:path";
import { CHECK_CODES } from "../../core/cli/check/codes.ts";
import { isGroup, type Command } from "../../core/cli/command.ts";
import { COMMANDS } from "../../core/cli/commands.ts";
import { spellArgument, spellFlag, usageOf } from "../../core/cli/help.ts";
import { describedBy } from "../../core/cli/plugin-command.ts";
import { BUILT_INS } from "../../plugins/index.ts";
import { table } from "./table.ts";

export const CLI_PAGE = join(import.meta.dir, "../../docs/cli.md");
const MARKS = {
  commands: ["<!-- commands: generated from core/cli/commands.ts -->", "<!-- end of commands -->"],
  codes: ["<!-- codes: generated from core/cli/check/codes.ts -->", "<!-- end of codes -->"],
} as const;

function section(path: string, command: Command): string {
  const { summary, details, args = [], flags = [], examples } = command;
  const rows = [
    ...args.map((one) => [`\`${spellArgument(one)}\``, one.meaning]),
    ...flags.map((one) => [`\`${spellFlag(one)}\``, one.meaning]),
  ];
  const parts = [
    `### ${path}`,
    `\`${usageOf(path, command)}\``,
    `${summary}${details === undefined ? "" : ` ${details.replaceAll("\n", " ")}`}`,
    ...(rows.length > 0 ? [table(["takes", "what it is"], rows)] : []),
    `\`\`\`sh\n${examples.join("\n")}\n\`\`\``,
  ];
  return parts.join("\n\n");
}

function commands(): string {
  const own = COMMANDS.flatMap((entry) =>
    isGroup(entry)
      ? entry.commands.map((one) => section(`${entry.name} ${one.name}`, one))
      : [section(entry.name, entry)],
  );
  const brought = BUILT_INS.flatMap((plugin) =>
    describedBy([plugin]).map((one) => {
      const page = `[${plugin.name}](plugins/${plugin.name}.md)`;
      return section(one.name, { ...one, summary: `${one.summary} Brought by ${page}.` });
    }),
  );
  return [...own, ...brought].join("\n\n");
}

function codes(): string {
  const rows = Object.entries(CHECK_CODES).map(([code, { meaning, fix }]) => [`\`${code}\``, meaning, fix]);
  return table(["code", "what was found", "what to do"], rows);
}

/** The page with its generated parts replaced by the present ones. */
export function withCommands(page: string): string {
  return [[MARKS.commands, commands()] as const, [MARKS.codes, codes()] as const].reduce(
    (text, [[begin, end], part]) => {
      const from = text.indexOf(begin);
      const to = text.indexOf(end);
      if (from < 0 || to < from) throw new Error(`docs/cli.md lacks the marks ${begin} and ${end}`);
      return `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
    },
    page,
  );
}
