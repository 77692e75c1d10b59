/** What a command of the command line is: data for the parser, help, completion and docs, and what it does, loaded late. */
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import type { Paint } from "./paint.ts";

export interface Flag {
  readonly name: string;
  /** `switch` takes no value; `many` may be given again and again. */
  readonly kind: "text" | "switch" | "many";
  /** One letter: `f` for `-f`. */
  readonly short?: string;
  /** What stands for the value in the help: `PORT`. Names that end in DIR or FILE are completed as such. */
  readonly value?: string;
  readonly meaning: string;
}

export interface Argument {
  /** As the help shows it: `script`. */
  readonly name: string;
  readonly meaning: string;
  /** How many: exactly one, none or one, any number, or at least one. The last two stand last. */
  readonly takes: "one" | "maybe" | "any" | "some";
  /** The only values there are. */
  readonly choices?: readonly string[];
  /** What a shell completes it with, where there are no choices. */
  readonly completes?: "script" | "folder";
}

export interface Command {
  readonly name: string;
  /** One sentence, for the list of commands. */
  readonly summary: string;
  /** More, for the command's own help. */
  readonly details?: string;
  readonly args?: readonly Argument[];
  readonly flags?: readonly Flag[];
  /** Command lines that work as they stand. */
  readonly examples: readonly string[];
  /** Only now is the command's code read: `--help` and `version` start without it. */
  load(): Promise<CommandModule>;
}

/** Commands under one word: `config print`. The word alone does nothing. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

export type Entry = Command | CommandGroup;

export interface CommandModule {
  /** The exit code. 0: done; 1: what was asked about failed; 2: wrong usage or config. */
  run(call: Call): number | Promise<number>;
}

/** One call of a command. */
export interface Call {
  /** In the order of the command's arguments; as many as it takes. */
  readonly args: readonly string[];
  readonly flags: Flags;
  readonly io: Io;
  /** Of the engine. */
  readonly version: string;
  /** The plugins of the binary. */
  readonly builtIns: () => Promise<readonly BuiltInPlugin[]>;
  /** All commands there are. */
  readonly commands: readonly Entry[];
}

/** The flags that were given; asking for one that the command has not answers as if it was not given. */
export interface Flags {
  text(name: string): string | undefined;
  has(name: string): boolean;
  /** In the order in which they came. */
  many(name: string): readonly string[];
}

/** Where a command prints. Answers go to `stdout`, what went wrong and progress to `stderr`. */
export interface Io {
  stdout(text: string): void;
  stderr(text: string): void;
  /** For `stdout`: colours only where a person looks. */
  readonly paint: Paint;
  /** For `stderr`. */
  readonly errorPaint: Paint;
  /** A person sees `stderr`: progress may be shown there. */
  readonly live: boolean;
}

export function isGroup(entry: Entry): entry is CommandGroup {
  return "commands" in entry;
}
