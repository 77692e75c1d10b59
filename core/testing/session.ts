/** `aiwebengine test` without its command line: builds scripts with their tests, runs them, and gathers a report. */
import { join } from "node:path";
import type { ProblemError } from "../../sdk/errors.ts";
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import { scriptConfig, type LoadedConfig } from "../config/index.ts";
import { discoverScripts, type ScriptSource } from "../script/source.ts";
import type { BuildProblem, BuildResult } from "../script/types.ts";
import type { ReadSource } from "./failure.ts";
import { strayTests, testFilesOf } from "./files.ts";
import type { FileResult, TestReport } from "./result.ts";
import { Runner } from "./runner.ts";
import { openStage } from "./stage.ts";

export interface SessionOptions {
  readonly loaded: LoadedConfig;
  readonly version: string;
  readonly builtIns: readonly BuiltInPlugin[];
  readonly filter: RegExp | null;
  readonly read: ReadSource;
  /** Told of each file as it is done. */
  readonly onFile: (file: FileResult) => void;
}

export interface Session {
  /** Of these scripts; without names of all, and of tests that belong to none. */
  run(names: readonly string[]): Promise<TestReport>;
  dispose(): Promise<void>;
}

/** @throws StartError when a plugin does not load. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { loaded, filter, read, onFile } = options;
  const scriptsDir = join(loaded.config.dir, "scripts");
  let seen: BuildProblem[] = [];
  let killed: ProblemError | null = null;
  const stage = await openStage({
    ...options,
    offline: true,
    onError: (message) => seen.push({ code: "internal", message }),
    onThrown: ({ invocation, error, place }) =>
      seen.push({ code: "script_failed", message: `${invocation.route} failed: ${error}`, ...place }),
    onKill: (problem) => (killed = problem),
  });

  const problemFile = (script: string, file: string, problems: readonly BuildProblem[]): FileResult => {
    const result: FileResult = { script, file, cases: [], problems, ms: 0 };
    onFile(result);
    return result;
  };

  const runScript = async (
    source: ScriptSource,
    files: readonly string[],
    built: BuildResult,
  ): Promise<FileResult[]> => {
    const fail = (problems: readonly BuildProblem[]): FileResult[] => [
      // All of them are in one bundle: what is wrong is told once.
      problemFile(source.name, files[0] ?? source.name, problems),
    ];
    if (!built.ok) return fail(built.problems);
    const actor = stage.enter(source, built.bundle);
    if (!("steps" in actor)) return fail(actor);
    const runner = new Runner({
      actor,
      filter,
      read,
      seen: () => seen.splice(0),
      killed() {
        const last = killed;
        killed = null;
        return last;
      },
    });
    const results: FileResult[] = [];
    for (const file of files) {
      const since = performance.now();
      seen = [];
      const cases = await runner.run(file);
      if (!runner.has(file)) results.push(problemFile(source.name, file, [emptyFile(file)]));
      else if (cases.length > 0) {
        const result: FileResult = { script: source.name, file, cases, problems: [], ms: performance.now() - since };
        onFile(result);
        results.push(result);
      }
    }
    actor.leave();
    return results;
  };

  return {
    async run(names) {
      const since = performance.now();
      const { scripts, problems } = await discoverScripts(scriptsDir);
      const wanted = scripts
        .filter(({ name }) => (names.length === 0 ? scriptConfig(loaded.config, name).enabled : names.includes(name)))
        .map((source) => ({ source, tests: testFilesOf(source) }))
        .filter(({ tests }) => tests.length > 0);
      // Built two at a time while the first run already.
      const builds = wanted.map(({ source, tests }) => stage.build(source, tests));
      const files: FileResult[] = [];
      if (names.length === 0) {
        for (const problem of problems) files.push(problemFile("", problem.file ?? "scripts", [problem]));
        for (const file of strayTests(scriptsDir, scripts)) files.push(problemFile("", file, [strayFile(file)]));
      }
      for (const [at, { source, tests }] of wanted.entries())
        files.push(...(await runScript(source, tests, (await builds[at]) as BuildResult)));
      return { files, ms: performance.now() - since };
    },
    dispose: () => stage.dispose(),
  };
}

function emptyFile(file: string): BuildProblem {
  return {
    code: "no_case",
    message: `"${file}" has no case.`,
    file,
    hint: 'Write one: test("what holds", async () => { … });',
  };
}

function strayFile(file: string): BuildProblem {
  const script = file.slice(0, file.indexOf("."));
  return {
    code: "no_script",
    message: `"${file}" tests no script: there is no scripts/${script}.ts.`,
    file,
    hint: "Give it the name of the script that it tests, or move it into that script's folder.",
  };
}
