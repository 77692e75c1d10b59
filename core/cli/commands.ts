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
