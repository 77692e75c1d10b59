/** Flags that several commands take, each said once. */
import type { Flag } from "./command.ts";

export const DIR: Flag = {
  name: "dir",
  kind: "text",
  value: "DIR",
  meaning: "The project folder; default: the current one",
};

export const CONFIG: Flag = {
  name: "config",
  kind: "text",
  value: "FILE",
  meaning: "The config file; default: aiwebengine.toml, .yaml or .json in the folder",
};

export const PROFILE: Flag = {
  name: "profile",
  kind: "text",
  value: "NAME",
  meaning: "The profile of the config file; default: AIWEBENGINE_PROFILE, else none",
};

export const SET: Flag = {
  name: "set",
  kind: "many",
  value: "KEY=VALUE",
  meaning: "Set a config key; may be given many times",
};

export const JSON_OUTPUT: Flag = { name: "json", kind: "switch", meaning: "Print JSON, for programs" };

export const HELP: Flag = { name: "help", kind: "switch", short: "h", meaning: "This help" };
