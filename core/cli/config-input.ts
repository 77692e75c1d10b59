/** Which config a command line asks for: the flags that every command with a config takes. */
import type { ConfigInput } from "../config/index.ts";
import type { Flags } from "./command.ts";

/** Values are as typed: config checks them. */
export function configInput(flags: Flags): ConfigInput {
  return {
    dir: flags.text("dir") ?? ".",
    file: flags.text("config"),
    profile: flags.text("profile"),
    env: process.env,
    set: flags.many("set"),
    flags: { host: flags.text("host"), port: flags.text("port"), dev: flags.has("dev") },
  };
}
