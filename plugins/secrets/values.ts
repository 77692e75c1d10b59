/** The values of secrets: from the environment, from a folder with a file for each, and from one private file. */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";

export interface Places {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What stands before a name in the environment: `SECRET_`. */
  readonly prefix: string;
  /** Absolute. */
  readonly folder: string | undefined;
  /** Absolute; TOML, or JSON where it ends in `.json`. */
  readonly file: string;
}

/** Shorter ones could not be kept out of logs: they are found in half of all text. */
const LEAST_CHARACTERS = 4;
const MOST_BYTES = 16_384;
const FILE_BYTES = 1_048_576;

export class Values {
  readonly #places: Places;
  #file: { readonly stamp: string; readonly values: ReadonlyMap<string, unknown> } = { stamp: "", values: new Map() };

  constructor(places: Places) {
    this.#places = places;
  }

  /**
   * The value as it is now: files are read anew when they have changed. Undefined where no place has one.
   *
   * @throws Error that names the place and what is wrong there, and never shows a value.
   */
  read(name: string): string | undefined {
    const { environment, prefix, folder, file } = this.#places;
    const variable = prefix + name;
    const given = environment[variable];
    if (given !== undefined) return checked(given, `the environment variable ${variable}`);
    const own = folder === undefined ? undefined : readText(join(folder, name));
    // Whoever writes a file with an editor or with echo ends its line.
    if (own !== undefined) return checked(own.replace(/\r?\n$/, ""), `the file ${join(folder ?? "", name)}`);
    const listed = this.#ofFile().get(name);
    return listed === undefined ? undefined : checked(listed, `"${name}" in ${file}`);
  }

  #ofFile(): ReadonlyMap<string, unknown> {
    const { file } = this.#places;
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return new Map();
    const stamp = [stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(" ");
    if (stamp === this.#file.stamp) return this.#file.values;
    if (process.platform !== "win32" && (stat.mode & 0o077) !== 0) {
      throw new Error(`${file} can be read by others than its owner; run: chmod 600 ${file}`);
    }
    const values = parseFile(file, readText(file) ?? "");
    this.#file = { stamp, values };
    return values;
  }
}

/** Undefined when there is no such file. */
function readText(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  // A pipe or a device would hold up the engine.
  if (!stat.isFile()) throw new Error(`${path} is no file`);
  if (stat.size > FILE_BYTES) throw new Error(`${path} is larger than ${FILE_BYTES} bytes; it cannot hold secrets`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`${path} is not UTF-8 text`, { cause: error });
    throw error;
  }
}

/** What a parser says may show the line that it stumbled over: only the line's number is passed on. */
function parseFile(file: string, text: string): ReadonlyMap<string, unknown> {
  const json = file.endsWith(".json");
  try {
    const data: unknown = json ? JSON.parse(text) : parse(text);
    if (typeof data === "object" && data !== null && !Array.isArray(data)) return new Map(Object.entries(data));
  } catch (error) {
    const line = (error as { readonly line?: unknown }).line;
    throw new Error(
      `${file} is not valid ${json ? "JSON" : "TOML"}${typeof line === "number" ? ` (line ${line})` : ""}`,
    );
  }
  throw new Error(`${file} must be a table of names and values`);
}

function checked(value: unknown, place: string): string {
  const fault = faultOf(value);
  if (fault !== undefined) throw new Error(`${place} cannot be a secret: it ${fault}`);
  return value as string;
}

function faultOf(value: unknown): string | undefined {
  if (typeof value !== "string") return "is no string";
  if (value.length < LEAST_CHARACTERS) return `is shorter than ${LEAST_CHARACTERS} characters`;
  if (Buffer.byteLength(value) > MOST_BYTES) return `is longer than ${MOST_BYTES} bytes`;
  if (!value.isWellFormed()) return "is no well-formed text";
  // A line break would end a header, and begin another one.
  if (/[\x00-\x1f\x7f-\x9f]/.test(value)) return "has a line break or another control character";
  if (value.trim() !== value) return "begins or ends with white space";
  return undefined;
}
