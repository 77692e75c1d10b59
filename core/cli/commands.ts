/** The commands of the engine, as data: the parser, the help, the completion and docs/cli.md are made of it. */
import type { Entry } from "./command.ts";
import { CONFIG, DIR, JSON_OUTPUT, SET } from "./flags.ts";

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
  {
    name: "init",
    summary: "Make a project: a script with its test, settings, and what editors and agents need.",
    details: "A file that is there already stays as it is; the command says which.",
    args: [
      {
        name: "dir",
        meaning: "the folder, made if it is not there; default: the current one",
        takes: "maybe",
        completes: "folder",
      },
    ],
    flags: [JSON_OUTPUT],
    examples: ["aiwebengine init", "aiwebengine init ./shop"],
    load: () => import("./init.ts"),
  },
  {
    name: "new",
    summary: "Write a new script, a test of a script, or a plugin.",
    args: [
      { name: "kind", meaning: "what to write", takes: "one", choices: ["script", "test", "plugin"] },
      {
        name: "name",
        meaning: "its name: lower-case letters, digits and hyphens; for a test the script's",
        takes: "one",
        completes: "script",
      },
    ],
    flags: [DIR],
    examples: ["aiwebengine new script shop", "aiwebengine new test shop", "aiwebengine new plugin teapot"],
    load: () => import("./new.ts"),
  },
  {
    name: "check",
    summary: "Build, load and type-check scripts without serving them.",
    details:
      "Each script is built and loaded as for serving, with every effect withheld, and its types are checked. Nothing is\n" +
      "written but the types in scripts/.aiwebengine/; an engine that serves the same folder is not disturbed.\n" +
      "It ends with 1 when there is an error; a warning changes nothing.",
    args: [{ name: "script", meaning: "the script to report on; default: all", takes: "any", completes: "script" }],
    flags: [DIR, CONFIG, SET, JSON_OUTPUT],
    examples: ["aiwebengine check", "aiwebengine check hello shop", "aiwebengine check --dir ./shop --json"],
    load: () => import("./check.ts"),
  },
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
    name: "doctor",
    summary: "Say what this machine's jail for scripts holds and lacks.",
    examples: ["aiwebengine doctor"],
    load: () => import("./doctor-report.ts"),
  },
  {
    name: "version",
    summary: "Print the version.",
    examples: ["aiwebengine version"],
    load: () => import("./version.ts"),
  },
];
