/** The commands of who writes scripts, as data; the others are in `commands.ts`. */
import type { Entry } from "./command.ts";
import { CONFIG, DIR, JSON_OUTPUT, PROFILE, SET } from "./flags.ts";

export const AUTHOR_COMMANDS: readonly Entry[] = [
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
    flags: [DIR, CONFIG, PROFILE, SET, JSON_OUTPUT],
    examples: ["aiwebengine check", "aiwebengine check hello shop", "aiwebengine check --dir ./shop --json"],
    load: () => import("./check.ts"),
  },
  {
    name: "test",
    summary: "Run the tests of scripts (*.test.ts), in the sandbox that serves them.",
    details:
      "A test lies beside its script: hello.test.ts for hello.ts, any *.test.ts in the folder of a folder script. Data begins\n" +
      "empty, in a temporary folder, and what a case writes is undone after it; nothing is fetched. An engine that serves the\n" +
      "same folder is not disturbed. It ends with 1 when a case fails, or none was run.",
    args: [{ name: "script", meaning: "whose tests; default: all", takes: "any", completes: "script" }],
    flags: [
      {
        name: "name",
        kind: "text",
        short: "t",
        value: "PATTERN",
        meaning: 'Only cases whose name, with its groups ("group > case"), matches this regular expression',
      },
      { name: "watch", kind: "switch", short: "w", meaning: "Run again what a save concerns, until Ctrl-C" },
      { name: "junit", kind: "text", value: "FILE", meaning: "Write a JUnit report, for continuous integration" },
      DIR,
      CONFIG,
      PROFILE,
      SET,
      JSON_OUTPUT,
    ],
    examples: [
      "aiwebengine test",
      "aiwebengine test hello --watch",
      "aiwebengine test -t greeting",
      "aiwebengine test --junit report.xml",
    ],
    load: () => import("./test.ts"),
  },
  {
    name: "run",
    summary: "Call one handler of a script once, in the sandbox that serves it.",
    details:
      "A route by method and path, an exported function by its name, or the handler of a message by the message's name. It\n" +
      "works on a copy of the script's data, which is thrown away; requests that it makes to the outside are real. The\n" +
      "answer goes to stdout, log lines to stderr. It ends with 1 when the handler throws, or answers 400 or above.",
    args: [
      { name: "script", meaning: "whose handler", takes: "one", completes: "script" },
      { name: "handler", meaning: '"GET /notes/1", a function, or a message', takes: "one" },
    ],
    flags: [
      {
        name: "args",
        kind: "text",
        value: "JSON",
        meaning: "The function's arguments, as a list; a request's body, or a message's payload",
      },
      { name: "write", kind: "switch", meaning: "Keep what it writes, if it goes well; no engine may serve meanwhile" },
      DIR,
      CONFIG,
      PROFILE,
      SET,
      JSON_OUTPUT,
    ],
    examples: [
      'aiwebengine run notes "GET /notes"',
      `aiwebengine run notes "POST /notes" --args '{"text":"milk"}' --write`,
      "aiwebengine run shop total --args '[[1, 2, 3]]'",
    ],
    load: () => import("./run.ts"),
  },
  {
    name: "routes",
    summary: "List which script or plugin answers which route.",
    details:
      "From a build of each script; nothing has to serve. It ends with 1 when a script does not load or a route is taken.",
    flags: [DIR, CONFIG, PROFILE, SET, JSON_OUTPUT],
    examples: ["aiwebengine routes", "aiwebengine routes --json"],
    load: () => import("./routes.ts"),
  },
  {
    name: "types",
    summary: "Write the types that editors complete scripts with.",
    details: "`serve` and `check` do the same; this is for a fresh checkout.",
    flags: [DIR, CONFIG, PROFILE, SET],
    examples: ["aiwebengine types"],
    load: () => import("./types.ts"),
  },
  {
    name: "plugins",
    summary: "List the plugins of a project: where each is from, and what it requires and provides.",
    details: "None is set up. It ends with 1 when one cannot be loaded, and says why.",
    flags: [DIR, CONFIG, PROFILE, SET, JSON_OUTPUT],
    examples: ["aiwebengine plugins", "aiwebengine plugins --json"],
    load: () => import("./plugins.ts"),
  },
  {
    name: "add",
    summary: "Install npm packages for a script.",
    details:
      "They go into the script's own folder, in exact versions, and code of theirs does not run while they are installed.\n" +
      "Then each is loaded as a script would load it: it ends with 1 when one needs what a script does not have.",
    args: [
      { name: "script", meaning: "whose packages", takes: "one", completes: "script" },
      { name: "package", meaning: "a name, name@version, or the path of a folder or .tgz", takes: "some" },
    ],
    flags: [
      { name: "folder", kind: "switch", meaning: "Make a folder of a script that is a single file" },
      DIR,
      CONFIG,
      PROFILE,
      SET,
    ],
    examples: ["aiwebengine add shop zod", "aiwebengine add hello nanoid@5 --folder"],
    load: () => import("./add.ts"),
  },
  {
    name: "remove",
    summary: "Take npm packages out of a script.",
    args: [
      { name: "script", meaning: "whose packages", takes: "one", completes: "script" },
      { name: "package", meaning: "its name", takes: "some" },
    ],
    flags: [DIR],
    examples: ["aiwebengine remove shop zod"],
    load: () => import("./remove.ts"),
  },
  {
    name: "list",
    summary: "List the npm packages of scripts.",
    args: [{ name: "script", meaning: "whose packages; default: all", takes: "any", completes: "script" }],
    flags: [DIR, JSON_OUTPUT],
    examples: ["aiwebengine list", "aiwebengine list shop --json"],
    load: () => import("./list.ts"),
  },
];
