/** Which config file there is, and what stands in it. */
import { lstatSync, readFileSync } from "node:fs";
import { extname, isAbsolute, join, relative, resolve } from "node:path";
import type { ConfigProblem } from "./error.ts";
import { readJson } from "./read-json.ts";
import { readToml } from "./read-toml.ts";
import { emptyBranch, type Branch } from "./tree.ts";

/** The files of the project folder that are config, when `--config` names no other; at most one may be there. */
export const CONFIG_FILES = ["aiwebengine.toml", "aiwebengine.yaml", "aiwebengine.yml", "aiwebengine.json"] as const;

/** Far more than config needs; the parsers take long over much. */
const MOST_BYTES = 1024 * 1024;

type Read = (text: string, shown: string, problems: ConfigProblem[]) => Branch;

/** By the file's ending; every other one is TOML. */
function readerOf(file: string): Read {
  switch (extname(file).toLowerCase()) {
    case ".json":
    case ".jsonc":
      return readJson;
    case ".yaml":
    case ".yml":
      // Synchronous, and still read only now: its library is larger than the rest of the command line.
      return (require("./read-yaml.ts") as typeof import("./read-yaml.ts")).readYaml;
    default:
      return readToml;
  }
}

/** Where config may stand, absolute: what to watch. */
export function configFiles(dir: string, file?: string): readonly string[] {
  return file === undefined ? CONFIG_FILES.map((name) => join(resolve(dir), name)) : [resolve(file)];
}

export interface ConfigFile {
  /** Absolute; undefined when there is none. */
  readonly file: string | undefined;
  /** Its layer; empty when there is no file, or when it cannot be read. */
  readonly layer: Branch;
}

/** `named` comes from `--config`. */
export function readConfigFile(dir: string, named: string | undefined, problems: ConfigProblem[]): ConfigFile {
  const none: ConfigFile = { file: undefined, layer: emptyBranch({ kind: "option", shown: "" }) };
  const candidates = configFiles(dir, named);
  // A link that leads nowhere counts: to start with the defaults instead would not be what its author meant.
  const found = named === undefined ? filesThere(dir, candidates, problems) : candidates;
  const [file, ...more] = found;
  if (file === undefined) return none;
  const shownAs = (path: string): string => {
    const within = relative(dir, path);
    return within.startsWith("..") || isAbsolute(within) ? path : within;
  };
  const shown = shownAs(file);
  if (more.length > 0) {
    const message = `there is more than one config file: ${found.map(shownAs).join(" and ")}`;
    problems.push({ key: "", message, place: dir, hint: "Keep one of them, or name one with --config." });
    return none;
  }
  const text = textOf(file, shown, problems);
  return text === undefined ? none : { file, layer: readerOf(file)(text, shown, problems) };
}

function filesThere(dir: string, candidates: readonly string[], problems: ConfigProblem[]): readonly string[] {
  try {
    return candidates.filter((path) => lstatSync(path, { throwIfNoEntry: false }));
  } catch (error) {
    problems.push({ key: "", message: `cannot be read: ${reasonOf(error)}`, place: dir });
    return [];
  }
}

const REASONS: { readonly [code: string]: string } = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
};

function reasonOf(error: unknown): string {
  if (error instanceof TypeError) return "it is not UTF-8 text";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return REASONS[code] ?? code;
}

function textOf(file: string, shown: string, problems: ConfigProblem[]): string | undefined {
  let reason: string;
  try {
    const bytes = readFileSync(file);
    // A byte order mark is dropped by the decoder; bytes that are no UTF-8 are refused by it.
    if (bytes.length <= MOST_BYTES) return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    reason = `it has ${bytes.length} bytes; a config file may have ${MOST_BYTES} (1 MiB)`;
  } catch (error) {
    reason = reasonOf(error);
  }
  problems.push({ key: "", message: `cannot be read: ${reason}`, place: shown });
  return undefined;
}
