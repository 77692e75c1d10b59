/** Asks the helper process for a dropped plugin's bundle or config schema; what it read decides when to ask again. */
import { readFileSync, statSync } from "node:fs";
import { dirname, relative } from "node:path";
import type { JsonSchema } from "../script/types.ts";
import type { BundlerAnswer, BundlerFault, BundlerRequest } from "./bundler.ts";
import type { DroppedPlugin } from "./discover.ts";
import { PluginFailure, sentence, type PluginProblem } from "./problem.ts";

export interface PluginBundle {
  readonly code: string;
  /** Source map, version 3, as JSON; sources are relative to `folder`. */
  readonly map: string;
  /** Where the entry file lies. */
  readonly folder: string;
  /** Changes whenever a file that went in changes. */
  readonly stamp: string;
}

/** What a bundle leaves to the engine to provide. */
export const PROVIDED = ["@aiwebengine/sdk/plugin"];

/** Bundling waits on no network and no script: what takes longer hangs. */
const TIMEOUT_MS = 30_000;

export class PluginBundles {
  readonly #command: readonly string[];
  readonly #projectDir: string;
  readonly #known = new Map<string, { readonly bundle: PluginBundle; readonly inputs: readonly string[] }>();
  readonly #schemas = new Map<string, JsonSchema>();

  /** @param command starts this program */
  constructor(command: readonly string[], projectDir: string) {
    this.#command = command;
    this.#projectDir = projectDir;
  }

  /** The bundle; the last one where nothing that went into it has changed. @throws PluginFailure */
  async bundle({ name, entry, origin }: DroppedPlugin): Promise<PluginBundle> {
    const known = this.#known.get(entry);
    if (known && stampOf(known.inputs) === known.bundle.stamp) return known.bundle;
    const answer = await this.#ask({ kind: "bundle", entry }, name, origin);
    if (!("code" in answer)) throw new PluginFailure(this.#problems(answer, name, origin));
    const { code, map, inputs } = answer;
    const bundle = { code, map, folder: entry.slice(0, entry.lastIndexOf("/")), stamp: stampOf(inputs) };
    this.#known.set(entry, { bundle, inputs });
    return bundle;
  }

  /** The JSON Schema of a config definition. @throws PluginFailure */
  async schema(definition: unknown, name: string, origin: string): Promise<JsonSchema> {
    const key = JSON.stringify(definition, defaultAsData);
    const known = this.#schemas.get(key);
    if (known) return known;
    const answer = await this.#ask({ kind: "schema", definition: JSON.parse(key) as unknown }, name, origin);
    if (!("schema" in answer))
      throw new PluginFailure(this.#problems(answer, name, origin, "Its config is no schema, "));
    this.#schemas.set(key, answer.schema);
    return answer.schema;
  }

  async #ask(request: BundlerRequest, name: string, origin: string): Promise<BundlerAnswer> {
    const child = Bun.spawn([...this.#command, "--plugin-builder"], {
      stdin: new Blob([JSON.stringify(request)]),
      stdout: "pipe",
      stderr: "pipe",
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    const [text, errors, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    if (code === 0 && text !== "") return JSON.parse(text) as BundlerAnswer;
    const why = errors.trim().slice(-2000) || `it ended with ${child.signalCode ?? `code ${code}`}`;
    throw new PluginFailure([
      { plugin: name, file: origin, message: `The plugin "${name}" could not be bundled: ${sentence(why)}` },
    ]);
  }

  #problems(answer: BundlerAnswer, name: string, origin: string, lead = ""): PluginProblem[] {
    const faults: readonly BundlerFault[] =
      "faults" in answer ? answer.faults : [{ message: "the bundler gave nothing" }];
    return faults.map(({ message, file, ...place }) => ({
      plugin: name,
      file: file === undefined ? origin : relative(this.#projectDir, file),
      ...place,
      ...(missingImport(message, origin) ?? { message: sentence(`${lead}${message}`) }),
    }));
  }
}

/** The bundler proposes a tool that need not be there. */
function missingImport(said: string, origin: string): Pick<PluginProblem, "message" | "hint"> | null {
  const specifier = /^Could not resolve: "([^"]+)"/.exec(said)?.[1];
  if (specifier === undefined) return null;
  const message = `Nothing was found for the import "${specifier}".`;
  if (/^[./]/.test(specifier)) return { message, hint: "Check the path: it is relative to the file that imports it." };
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  return {
    message,
    hint: `Install it beside the plugin: \`npm install ${name}\` in ${dirname(origin)}, or correct the name.`,
  };
}

/** A default that is a list or a table is a function in arktype (`["string[]", "=", () => ["GET"]]`), and none goes as JSON. */
function defaultAsData(this: unknown, key: string, value: unknown): unknown {
  const isDefault = key === "2" && Array.isArray(this) && this[1] === "=" && typeof value === "function";
  return isDefault ? (value as () => unknown)() : value;
}

/** Time and size of each file; one that is gone counts too. */
function stampOf(files: readonly string[]): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const file of files) {
    const stat = statSync(file, { throwIfNoEntry: false });
    hash.update(`${file}\0${stat?.mtimeMs ?? -1}\0${stat?.size ?? -1}\0`);
    if (stat !== undefined && stat.size < 1_000_000) hash.update(readFileSync(file));
  }
  return hash.digest("hex");
}
