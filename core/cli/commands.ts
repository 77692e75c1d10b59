/** The commands of the engine, as data: the parser, the help, the completion and docs/cli.md are made of it. */
import { AUTHOR_COMMANDS } from "./author-commands.ts";
import type { Entry } from "./command.ts";
import { CONFIG, DIR, JSON_OUTPUT, PROFILE, SET } from "./flags.ts";

export const COMMANDS: readonly Entry[] = [
  {
    name: "serve",
    summary: "Serve the scripts of a folder. This is what happens without a command, too.",
    flags: [
      DIR,
      {
        name: "port",
        kind: "text",
        value: "PORT",
        meaning: "The port to listen on; default: 8080; 0 takes a free one",
      },
      { name: "host", kind: "text", value: "HOST", meaning: "The address to listen on; default: 127.0.0.1" },
      CONFIG,
      PROFILE,
      SET,
      { name: "dev", kind: "switch", meaning: "Error details in answers, checks of answers, readable logs" },
    ],
    examples: [
      "aiwebengine",
      "aiwebengine serve --dir ./shop --port 3000 --dev",
      "aiwebengine serve --set limits.wallMs=2000 --set log.format=json",
    ],
    load: () => import("./serve.ts"),
  },
  ...AUTHOR_COMMANDS,
  {
    name: "logs",
    summary: "Show what scripts logged, how they failed and what they were asked.",
    details:
      "The newest lines, oldest first; of one script, or of all by time. It reads the files in data/scripts/, whether an\n" +
      "engine runs or not. On a terminal for people, else one JSON object a line. With --json or --cursor the last line\n" +
      "on stderr is a cursor: given back with --cursor, it answers exactly the lines that came after.",
    args: [{ name: "script", meaning: "whose lines; default: all", takes: "maybe", completes: "script" }],
    flags: [
      { name: "follow", kind: "switch", short: "f", meaning: "Go on with lines as they are written, until Ctrl-C" },
      { name: "id", kind: "text", value: "ID", meaning: "What one request caused: its x-request-id" },
      { name: "level", kind: "text", value: "LEVEL", meaning: "This level and above: debug, info, warn, error" },
      { name: "since", kind: "text", value: "TIME", meaning: "Not older than 10m, 2h, 3d or a date" },
      { name: "limit", kind: "text", value: "N", meaning: "At most so many lines; default: 200, with -f 10" },
      { name: "cursor", kind: "text", value: "CURSOR", meaning: "Only what came after; the first lines of that" },
      JSON_OUTPUT,
      DIR,
    ],
    examples: [
      "aiwebengine logs",
      "aiwebengine logs -f hello",
      "aiwebengine logs --level warn --since 10m",
      "aiwebengine logs --id 01a2040f-6f94-73b8-b6f4-230fbe947de5 --json",
    ],
    load: () => import("./logs.ts"),
  },
  {
    name: "config",
    summary: "Show the config and where it came from, check it, or print its schema for editors.",
    commands: [
      {
        name: "print",
        summary: "Print every key with its value and where that came from. Secrets are hidden.",
        flags: [DIR, CONFIG, PROFILE, SET, JSON_OUTPUT],
        examples: ["aiwebengine config print", "aiwebengine config print --profile production --json"],
        load: async () => ({ run: (await import("./config.ts")).print }),
      },
      {
        name: "validate",
        summary: "Check the config with all its profiles; exit code 2 when something is wrong.",
        flags: [DIR, CONFIG, PROFILE, SET],
        examples: ["aiwebengine config validate", "aiwebengine config validate --profile production"],
        load: async () => ({ run: (await import("./config.ts")).validate }),
      },
      {
        name: "schema",
        summary: "Print the JSON Schema of a config file, for editors.",
        flags: [DIR, CONFIG],
        examples: ["aiwebengine config schema"],
        load: async () => ({ run: (await import("./config.ts")).schema }),
      },
    ],
  },
  {
    name: "doctor",
    summary: "Say what this machine's jail for scripts holds and lacks, and whether the project can be served.",
    details:
      "It ends with 1 when an engine would refuse to start: an open leak, a wrong config, a plugin that cannot be loaded.",
    flags: [DIR, CONFIG, PROFILE, SET, JSON_OUTPUT],
    examples: ["aiwebengine doctor", "aiwebengine doctor --dir ./shop --json"],
    load: () => import("./doctor-report.ts"),
  },
  {
    name: "completion",
    summary: "Print what a shell needs to complete command lines.",
    args: [{ name: "shell", meaning: "which shell asks", takes: "one", choices: ["bash", "zsh", "fish"] }],
    examples: ["aiwebengine completion bash", "aiwebengine completion zsh", "aiwebengine completion fish"],
    load: () => import("./completion.ts"),
  },
  {
    name: "version",
    summary: "Print the version.",
    examples: ["aiwebengine version"],
    load: () => import("./version.ts"),
  },
];
