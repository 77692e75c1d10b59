/** What the command line takes, as data: the parser, the help and the suggestions are made of it. */

export interface Flag {
  readonly name: string;
  /** `switch` takes no value; `many` may be given again and again. */
  readonly kind: "text" | "switch" | "many";
  /** What stands for the value in the help: `PORT`. */
  readonly value?: string;
  readonly meaning: string;
}

export interface Command {
  readonly name: string;
  readonly meaning: string;
  readonly flags: readonly Flag[];
  /** Command lines that work as they stand. */
  readonly examples: readonly string[];
}

export const COMMANDS = [
  {
    name: "serve",
    meaning: "Serve the scripts of a folder. This is what happens without a command, too.",
    flags: [
      { name: "dir", kind: "text", value: "DIR", meaning: "The project folder; default: the current one" },
      {
        name: "port",
        kind: "text",
        value: "PORT",
        meaning: "The port to listen on; default: 8080; 0 takes a free one",
      },
      { name: "host", kind: "text", value: "HOST", meaning: "The address to listen on; default: 127.0.0.1" },
      {
        name: "config",
        kind: "text",
        value: "FILE",
        meaning: "The config file; default: aiwebengine.toml in the folder",
      },
      { name: "set", kind: "many", value: "KEY=VALUE", meaning: "Set a config key; may be given many times" },
      { name: "dev", kind: "switch", meaning: "Error details in answers, checks of answers, readable logs" },
    ],
    examples: [
      "aiwebengine",
      "aiwebengine serve --dir ./shop --port 3000 --dev",
      "aiwebengine serve --set limits.wallMs=2000 --set log.format=json",
    ],
  },
  {
    name: "doctor",
    meaning: "Say what this machine's jail for scripts holds and lacks.",
    flags: [],
    examples: ["aiwebengine doctor"],
  },
  {
    name: "version",
    meaning: "Print the version.",
    flags: [],
    examples: ["aiwebengine version"],
  },
] as const satisfies readonly Command[];

export type CommandName = (typeof COMMANDS)[number]["name"];

export function findCommand(name: string): (Command & { readonly name: CommandName }) | undefined {
  return COMMANDS.find((command) => command.name === name);
}
