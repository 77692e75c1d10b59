/** Commands that a project's plugins bring; looked for only when the engine has no command of the name. */
import type { BuiltInPlugin, CommandSpec, PluginLog } from "../../sdk/plugin.ts";
import { readConfig } from "../config/index.ts";
import { StartError } from "../errors.ts";
import { problemsOf } from "../plugin/host.ts";
import { pluginCommands } from "../plugin/offline.ts";
import { PluginFailure } from "../plugin/problem.ts";
import { OrderProblem } from "../plugin/order.ts";
import { settingsOf } from "../plugin/settings.ts";
import type { Io } from "./command.ts";
import { renderBuildProblem } from "./script-error.ts";

/** @param argv as typed: which folder it names is read before the commands are known. */
export async function loadPluginCommands(
  argv: readonly string[],
  builtIns: readonly BuiltInPlugin[],
  version: string,
  { stderr, errorPaint }: Pick<Io, "stderr" | "errorPaint">,
): Promise<readonly CommandSpec[]> {
  const told =
    (level: string) =>
    (message: string): void =>
      stderr(`${level}: ${message}\n`);
  // What plugins say of their setting up is for the engine's log.
  const log: PluginLog = { debug() {}, info() {}, warn: told("warning"), error: told("error") };
  try {
    const loaded = readConfig({ dir: folderOf(argv), env: process.env, set: [], flags: {} });
    const settings = settingsOf(loaded, builtIns);
    const project = { dir: loaded.config.dir, builtIns, settings, engineVersion: version };
    return await pluginCommands(
      project,
      log,
      ({ message }) => log.warn(message),
      async (host) => (await import("./plugin-scripts.ts")).buildFor(host, loaded.config, version),
    );
  } catch (error) {
    const expected = error instanceof PluginFailure || error instanceof OrderProblem || error instanceof StartError;
    if (!expected) throw error;
    stderr("The commands of plugins are left out, since the plugins cannot be loaded:\n");
    for (const { message, file, line, frame, hint } of problemsOf(error)) {
      const place = { ...(file && { file }), ...(line && { line }), ...(frame && { frame }), ...(hint && { hint }) };
      stderr(renderBuildProblem({ code: "internal", message, ...place }, errorPaint));
    }
    return [];
  }
}

function folderOf(argv: readonly string[]): string {
  const at = argv.findIndex((word) => word === "--dir" || word.startsWith("--dir="));
  if (at < 0) return ".";
  return argv[at]?.slice("--dir=".length) || (argv[at + 1] ?? ".");
}
