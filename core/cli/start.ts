/** The command line of this process: its streams, its version and its commands. */
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import pkg from "../../package.json" with { type: "json" };
import type { Io } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { runCli } from "./index.ts";
import { COLOURED, PLAIN, wantsColours, type Paint } from "./paint.ts";
import { isTerminal } from "./terminal.ts";

export function start(argv: readonly string[], builtIns: () => Promise<readonly BuiltInPlugin[]>): Promise<number> {
  const paintFor = (fd: 1 | 2): Paint => (wantsColours(isTerminal(fd), process.env) ? COLOURED : PLAIN);
  const { version } = pkg;
  const io: Io = {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    paint: paintFor(1),
    errorPaint: paintFor(2),
    live: isTerminal(2) && process.env["TERM"] !== "dumb",
  };
  return runCli(argv, {
    commands: COMMANDS,
    async pluginCommands() {
      const { loadPluginCommands } = await import("./plugin-commands.ts");
      return loadPluginCommands(argv, await builtIns(), version, io);
    },
    version,
    builtIns,
    io,
  });
}
