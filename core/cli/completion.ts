/** `aiwebengine completion`: what a shell needs to complete command lines, from the table of commands. */
import { isGroup, type Argument, type Call, type Command, type Entry, type Flag } from "./command.ts";
import { HELP } from "./flags.ts";
import { describedBy } from "./plugin-command.ts";

const NAME = "aiwebengine";

/** Commands by the words that lead to them. */
type Leaf = readonly [path: readonly string[], command: Command];

const SHELLS: Readonly<Record<string, (table: readonly Entry[]) => string>> = { bash, zsh, fish };

export async function run({ args: [shell = ""], io, commands, builtIns }: Call): Promise<number> {
  io.stdout(renderCompletion(shell, [...commands, ...describedBy(await builtIns())]));
  return 0;
}

/** `shell`: bash, zsh or fish. */
export function renderCompletion(shell: string, table: readonly Entry[]): string {
  return SHELLS[shell]?.(table) ?? "";
}

function leaves(table: readonly Entry[]): readonly Leaf[] {
  return table.flatMap((entry) =>
    isGroup(entry) ? entry.commands.map((one): Leaf => [[entry.name, one.name], one]) : [[[entry.name], entry] as Leaf],
  );
}

function flagsOf({ flags = [] }: Command): readonly Flag[] {
  return [...flags, HELP];
}

/** What stands for a value: a folder, a file, or something that nobody can guess. */
function kindOf({ kind, value = "" }: Flag): "none" | "folder" | "file" | "text" {
  if (kind === "switch") return "none";
  return value.endsWith("DIR") ? "folder" : value.endsWith("FILE") ? "file" : "text";
}

/**
 * For bash and zsh: names of the scripts of the current folder, one a line. Only what can be a name: bash expands the words
 * it is given, so a file called `$(…)` would be run by whoever completes a line.
 */
const SCRIPTS = `_${NAME}_scripts() {
  local file name='^[a-z0-9][a-z0-9-]*$'
  for file in $(ls scripts 2>/dev/null); do
    case "$file" in *.d.ts|*.test.*|node_modules|*.json|*.lock) continue ;; esac
    if [[ "\${file%.*}" =~ $name ]]; then echo "\${file%.*}"; fi
  done
}
`;

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function bash(table: readonly Entry[]): string {
  const groups = table.filter(isGroup);
  const argumentCase = ({ choices, completes }: Argument): string =>
    choices ? choices.join(" ") : completes === "script" ? `$(_${NAME}_scripts)` : "";
  const cases = leaves(table).map(([path, command]) => {
    const flags = flagsOf(command).map(({ name }) => `--${name}`);
    const words = (command.args ?? []).map(argumentCase);
    const folders = command.args?.some(({ completes }) => completes === "folder") ? " folders=1" : "";
    return `    ${quote(path.join(" "))}) words="${[...flags, ...words].filter((word) => word !== "").join(" ")}"${folders} ;;`;
  });
  const ofKind = (kind: string): string =>
    [
      ...new Set(
        leaves(table).flatMap(([, command]) =>
          flagsOf(command)
            .filter((flag) => kindOf(flag) === kind)
            .map(({ name }) => `--${name}`),
        ),
      ),
    ].join("|");
  return `# In ~/.bashrc: source <(${NAME} completion bash)
${SCRIPTS}
_${NAME}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="\${COMP_WORDS[1]}" words="" folders=""
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...table.map(({ name }) => name), "help"].join(" ")}" -- "$cur"))
    return
  fi
  case "$prev" in
    ${ofKind("folder")}) COMPREPLY=($(compgen -d -- "$cur")); return ;;
    ${ofKind("file")}) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  case "$path" in
${groups.map(({ name, commands }) => `    ${name}) if [ "$COMP_CWORD" -eq 2 ]; then words="${commands.map((one) => one.name).join(" ")}"; else path="${name} \${COMP_WORDS[2]}"; fi ;;`).join("\n")}
    help) words="${table.map(({ name }) => name).join(" ")}" ;;
  esac
  case "$path" in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ -n "$folders" ]; then COMPREPLY+=($(compgen -d -- "$cur")); fi
}
complete -o filenames -F _${NAME} ${NAME}
`;
}

function zsh(table: readonly Entry[]): string {
  // A colon ends the word, brackets end the description.
  const word = (name: string, summary: string): string => quote(`${name}:${summary.replaceAll(":", "\\:")}`);
  const meant = (text: string): string => text.replace(/[[\]:]/g, "\\$&");
  const action = { none: "", folder: ":folder:_files -/", file: ":file:_files", text: ":value: " } as const;
  const flagSpec = (flag: Flag): string => {
    const many = flag.kind === "many" ? "*" : "";
    return quote(`${many}--${flag.name}[${meant(flag.meaning)}]${action[kindOf(flag)]}`);
  };
  const argumentSpec = ({ name, takes, choices, completes }: Argument, at: number): string => {
    const place = takes === "any" || takes === "some" ? "*" : String(at + 1);
    const how = choices
      ? `(${choices.join(" ")})`
      : completes === "script"
        ? `_${NAME}_script`
        : completes === "folder"
          ? "_files -/"
          : " ";
    return quote(`${place}:${name}:${how}`);
  };
  const specs = (command: Command): string =>
    [...flagsOf(command).map(flagSpec), ...(command.args ?? []).map(argumentSpec)].join(" ");
  const describe = (entries: readonly { readonly name: string; readonly summary: string }[]): string =>
    `local -a commands=(${entries.map(({ name, summary }) => word(name, summary)).join(" ")}); _describe command commands`;
  const cases = table.map((entry) => {
    if (!isGroup(entry)) return `    ${entry.name}) _arguments -s ${specs(entry)} ;;`;
    const inner = entry.commands.map(
      (one) => `        ${one.name}) shift words; (( CURRENT-- )); _arguments -s ${specs(one)} ;;`,
    );
    return `    ${entry.name})\n      if (( CURRENT == 2 )); then ${describe(entry.commands)}; return; fi\n      case "$words[2]" in\n${inner.join("\n")}\n      esac ;;`;
  });
  return `#compdef ${NAME}
# In ~/.zshrc, after compinit: source <(${NAME} completion zsh)
${SCRIPTS}
_${NAME}_script() { compadd -- \${(f)"$(_${NAME}_scripts)"} }

_${NAME}() {
  if (( CURRENT == 2 )); then ${describe(table)}; return; fi
  shift words; (( CURRENT-- ))
  case "$words[1]" in
${cases.join("\n")}
  esac
}
compdef _${NAME} ${NAME}
`;
}

function fish(table: readonly Entry[]): string {
  const line = (condition: string, rest: string): string =>
    `complete -c ${NAME}${rest.includes(" -F ") ? "" : " -f"} -n ${quote(condition)} ${rest}`;
  const lines = table.map(({ name, summary }) => line("__fish_use_subcommand", `-a ${name} -d ${quote(summary)}`));
  for (const entry of table.filter(isGroup)) {
    const inner = entry.commands.map((one) => one.name).join(" ");
    const condition = `__fish_seen_subcommand_from ${entry.name}; and not __fish_seen_subcommand_from ${inner}`;
    for (const { name, summary } of entry.commands) lines.push(line(condition, `-a ${name} -d ${quote(summary)}`));
  }
  for (const [path, command] of leaves(table)) {
    const condition = path.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    for (const flag of flagsOf(command)) {
      const values = { none: "", folder: " -r -a '(__fish_complete_directories)'", file: " -r -F", text: " -r" }[
        kindOf(flag)
      ];
      const short = flag.short === undefined ? "" : ` -s ${flag.short}`;
      lines.push(line(condition, `-l ${flag.name}${short}${values} -d ${quote(flag.meaning)}`));
    }
    for (const { choices, completes } of command.args ?? []) {
      if (choices) lines.push(line(condition, `-a ${quote(choices.join(" "))}`));
      if (completes === "script") lines.push(line(condition, `-a '(__${NAME}_scripts)'`));
      if (completes === "folder") lines.push(line(condition, "-a '(__fish_complete_directories)'"));
    }
  }
  return `# In ~/.config/fish/completions/${NAME}.fish: ${NAME} completion fish | source
function __${NAME}_scripts
  for file in (ls scripts 2>/dev/null)
    string match -qr '\\.d\\.ts$|\\.test\\.|\\.json$|\\.lock$|^node_modules$' -- $file; or string match -r '^[a-z0-9][a-z0-9-]*(?=\\.|$)' -- $file
  end
end
${lines.join("\n")}
`;
}
