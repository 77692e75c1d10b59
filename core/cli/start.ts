/** The command line of this process: its streams, its version and its commands. */
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import pkg from "../../package.json" with { type: "json" };
import type { Io } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { runCli } from "./index.ts";
import { COLOURED, PLAIN, wantsColours, type Paint } from "./paint.ts";

export function start(argv: readonly string[], builtIns: () => Promise<readonly BuiltInPlugin[]>): Promise<number> {
  const paintFor = (stream: { readonly isTTY?: boolean }): Paint =>
    wantsColours(stream, process.env) ? COLOURED : PLAIN;
  const { version } = pkg;
  const io: Io = {
    stdout: (text) => void process.stdout.write(text),
    stderr: (text) => void process.stderr.write(text),
    paint: paintFor(process.stdout),
    errorPaint: paintFor(process.stderr),
    live: process.stderr.isTTY === true && process.env["TERM"] !== "dumb",
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
