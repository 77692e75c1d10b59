/** The scripts of a folder, built and loaded once to see what they register; a running engine beside it notices nothing. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { limitsFor, scriptConfig, type Config } from "../../config/index.ts";
import { suggest } from "../../config/suggest.ts";
import { StartError } from "../../errors.ts";
import { ownCommand } from "../../isolate/jail/probe.ts";
import { createBuilder } from "../../script/build.ts";
import { discoverScripts, type ScriptSource } from "../../script/source.ts";
import { startSpawner } from "../../process/spawner.ts";
import type { BuildProblem, BuildResult, Json, Offer } from "../../script/types.ts";
import { UsageError } from "../parse.ts";
import type { ReadSource } from "./problem.ts";

export interface BuiltScript {
  readonly source: ScriptSource;
  readonly result: BuildResult;
}

export interface Project {
  /** Enabled scripts, sorted by name. */
  readonly scripts: readonly ScriptSource[];
  /** What is wrong with the folder itself. */
  readonly problems: readonly BuildProblem[];
  /** Never rejects; told of each script when it is done. */
  build(sources: readonly ScriptSource[], onBuilt?: (done: number) => void): Promise<readonly BuiltScript[]>;
  readonly read: ReadSource;
  dispose(): Promise<void>;
}

export interface ProjectOptions {
  readonly config: Config;
  readonly version: string;
  /** What plugins give to scripts. */
  readonly offer: Offer;
}

/** Larger than any file that a script may have. */
const MOST_READ_BYTES = 8 * 1024 * 1024;

/** A slip in `--dir` must not pass as a project without a fault. @throws StartError */
export function needScripts(scriptsDir: string): void {
  if (existsSync(scriptsDir)) return;
  throw new StartError(
    `There is no folder ${scriptsDir}. Make a project with: aiwebengine init, or name its folder with --dir.`,
  );
}

/** @throws StartError when there is no folder of scripts. */
export async function openProject({ config, version, offer }: ProjectOptions): Promise<Project> {
  const scriptsDir = join(config.dir, "scripts");
  needScripts(scriptsDir);
  const { scripts, problems } = await discoverScripts(scriptsDir);
  const spawner = await startSpawner({ command: ownCommand(), jail: true });
  // Not `data/cache`: that one is written by the engine that serves this folder, and warnings come from a build only.
  const cacheDir = mkdtempSync(join(tmpdir(), "aiwebengine-check-"));
  const builder = createBuilder({
    spawner,
    cacheDir,
    engineVersion: version,
    offer: () => offer,
    timeoutMs: config.limits.loadMs,
  });
  const read = readerOf(scriptsDir);
  return {
    scripts: scripts.filter(({ name }) => scriptConfig(config, name).enabled),
    problems,
    read,
    build(sources, onBuilt) {
      let done = 0;
      return Promise.all(
        sources.map(async (source) => {
          const { name, entry, root, dir } = source;
          const own = { config: scriptConfig(config, name).config as Json, limits: limitsFor(config, name) };
          const result = await builder.build({ name, entry, root, scriptsDir: dir, ...own });
          onBuilt?.(++done);
          return { source, result };
        }),
      );
    },
    async dispose() {
      await builder.dispose();
      await spawner.dispose();
      rmSync(cacheDir, { recursive: true, force: true });
    },
  };
}

/** @throws UsageError for a name that no script has; `command` is the one that was called. */
export function requireScripts(names: readonly string[], scripts: readonly ScriptSource[], command: string): void {
  const known = scripts.map(({ name }) => name);
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = suggest(basename(name).replace(/\.\w+$/, ""), known);
    const meant = near === undefined ? "" : ` Did you mean ${near}?`;
    throw new UsageError(`There is no script ${JSON.stringify(name)}.${meant}`, command);
  }
}

/** A script's first file, relative to the folder of scripts. */
export function fileOf({ entry, dir }: ScriptSource): string {
  return entry.slice(dir.length + 1);
}

/** Every file of a script that is known to have gone into it, its first one first; relative to the folder of scripts. */
export function filesOf(source: ScriptSource, result: BuildResult): readonly string[] {
  const inputs = result.ok ? result.bundle.inputs.map((path) => path.slice(source.dir.length + 1)) : [];
  return [...new Set([fileOf(source), ...inputs])];
}

/** Files are read once, for their frames. */
function readerOf(scriptsDir: string): ReadSource {
  const known = new Map<string, string | undefined>();
  return (file) => {
    if (!known.has(file)) known.set(file, readOptional(join(scriptsDir, file)));
    return known.get(file);
  };
}

function readOptional(path: string): string | undefined {
  try {
    return statSync(path).size > MOST_READ_BYTES ? undefined : readFileSync(path, "utf8");
  } catch {
    return undefined; // gone since: the problem is told without its lines
  }
}
