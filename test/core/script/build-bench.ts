/** One spawner and builder over a throw-away folder of scripts, as the engine has them. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createBuilder, type Builder, type BuilderOptions, type BuildInput } from "../../../core/script/build.ts";
import { startSpawner } from "../../../core/process/spawner.ts";
import type { BuildProblem, ScriptBundle } from "../../../core/script/types.ts";
import { childCommand } from "../children.ts";
import { project, type Project } from "../isolate/build/project.ts";

export interface Bench extends AsyncDisposable {
  readonly folder: Project;
  readonly builder: Builder;
  readonly cacheDir: string;
  /** `entry` as in `hello.ts` or `shop/index.ts`. */
  input(entry: string, config?: BuildInput["config"]): BuildInput;
  /** Builds what must work. */
  bundle(entry: string): Promise<{ bundle: ScriptBundle; warnings: readonly BuildProblem[] }>;
  /** Builds what must fail. */
  problem(entry: string): Promise<BuildProblem>;
  /** Another engine process on the same folders. */
  again(options?: Partial<BuilderOptions>): Builder;
}

export async function bench(
  files: { readonly [path: string]: string | Uint8Array },
  options: Partial<BuilderOptions> & { main?: string } = {},
): Promise<Bench> {
  const folder = project(files);
  const { main } = options;
  const command =
    main === undefined ? childCommand(join(import.meta.dir, "builder-main.ts")) : [process.execPath, main];
  const spawner = await startSpawner({ command, jail: existsSync("/proc/self") });
  const cacheDir = join(folder.dir, "data/cache");
  const again = (more: Partial<BuilderOptions> = {}): Builder =>
    createBuilder({ spawner, cacheDir, engineVersion: "test", ...options, ...more });
  const builder = again();
  const input = (entry: string, config: BuildInput["config"] = {}): BuildInput => {
    const { name, root, scriptsDir, entry: path } = folder.scope(entry);
    return { name, entry: path, root, scriptsDir, config };
  };
  return {
    folder,
    builder,
    cacheDir,
    input,
    again,
    async bundle(entry) {
      const result = await builder.build(input(entry));
      if (!result.ok) throw new Error(`${entry} was refused: ${JSON.stringify(result.problems, null, 1)}`);
      return result;
    },
    async problem(entry) {
      const result = await builder.build(input(entry));
      if (result.ok) throw new Error(`${entry} was built`);
      const [first] = result.problems;
      if (!first) throw new Error("a failure without a problem");
      return first;
    },
    async [Symbol.asyncDispose]() {
      await builder.dispose();
      await spawner.dispose();
      folder[Symbol.dispose]();
    },
  };
}
