/** `aiwebengine test`: runs the tests of scripts, in the sandbox that serves them. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { readConfig } from "../config/index.ts";
import { StartError } from "../errors.ts";
import { discoverScripts, watchScripts } from "../script/source.ts";
import { testFilesOf } from "../testing/files.ts";
import { testJson } from "../testing/json.ts";
import { junitXml } from "../testing/junit.ts";
import { renderFile, renderSummary } from "./test-report.ts";
import { countsOf, type FileResult, type TestReport } from "../testing/result.ts";
import { openSession } from "../testing/session.ts";
import { requireScripts } from "./check/project.ts";
import type { Call, Io } from "./command.ts";
import { configInput } from "./config-input.ts";
import { INTERRUPTED, onInterrupt } from "./interrupt.ts";
import { UsageError } from "./parse.ts";
import { sourceReader } from "./source-reader.ts";

export async function run(call: Call): Promise<number> {
  const { args, flags, io, version } = call;
  const loaded = readConfig(configInput(flags));
  const scriptsDir = join(loaded.config.dir, "scripts");
  await requireTests(scriptsDir, args);
  const filter = readFilter(flags.text("name"));
  const json = flags.has("json");
  const shown = (file: string): string => relative(process.cwd(), join(scriptsDir, file));
  const onFile = (file: FileResult): void => {
    if (!json) io.stdout(renderFile(file, shown, io.paint));
  };
  const sources = sourceReader(scriptsDir);
  const session = await openSession({
    loaded,
    version,
    builtIns: await call.builtIns(),
    filter,
    read: sources.read,
    onFile,
  });
  const once = async (names: readonly string[]): Promise<number> => {
    sources.forget();
    const report = await session.run(names);
    tell(report, io, json);
    if (report.files.length === 0 && filter !== null) io.stderr(`aiwebengine: no case matches -t ${filter.source}\n`);
    writeJunit(flags.text("junit"), report);
    return failed(report, filter) ? 1 : 0;
  };
  // Null when the process is asked to end.
  const { promise: stopped, resolve: stop } = Promise.withResolvers<null>();
  const heard = onInterrupt(() => stop(null));
  try {
    if (flags.has("watch")) return await watch({ scriptsDir, args, io, once, stopped });
    return (await Promise.race([once(args), stopped])) ?? INTERRUPTED;
  } finally {
    heard();
    await session.dispose();
  }
}

function tell(report: TestReport, io: Io, json: boolean): void {
  if (json) io.stdout(testJson(report));
  else io.stdout(`${report.files.length === 0 ? "" : "\n"}${renderSummary(report, io.paint)}`);
}

/** A filter that no case fits tested nothing, which must not look like success. */
function failed(report: TestReport, filter: RegExp | null): boolean {
  const { passed, failed: bad } = countsOf(report);
  return bad > 0 || (filter !== null && passed === 0);
}

/** @throws StartError when there is nothing to run. */
async function requireTests(scriptsDir: string, names: readonly string[]): Promise<void> {
  if (!existsSync(scriptsDir)) {
    throw new StartError(
      `There is no folder ${scriptsDir}. Make a project with: aiwebengine init, or name its folder with --dir.`,
    );
  }
  const { scripts } = await discoverScripts(scriptsDir);
  requireScripts(names, scripts, "test");
  for (const { name } of names.map((one) => scripts.find((script) => script.name === one) ?? { name: one })) {
    const source = scripts.find((script) => script.name === name);
    if (source && testFilesOf(source).length === 0)
      throw new StartError(`The script "${name}" has no test. Write one with: aiwebengine new test ${name}`);
  }
  if (names.length > 0 || scripts.some((source) => testFilesOf(source).length > 0)) return;
  const example = scripts[0]?.name ?? "hello";
  throw new StartError(
    `There is no test in ${scriptsDir}: no file whose name ends in .test.ts. Write one with: aiwebengine new test ${example}`,
  );
}

function readFilter(pattern: string | undefined): RegExp | null {
  if (pattern === undefined) return null;
  try {
    return new RegExp(pattern);
  } catch (error) {
    throw new UsageError(`--name: ${error instanceof Error ? error.message : String(error)}`, "test");
  }
}

function writeJunit(file: string | undefined, report: TestReport): void {
  if (file === undefined) return;
  const path = resolve(file);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, junitXml(report));
  } catch (error) {
    throw new StartError(
      `--junit: ${path} cannot be written: ${error instanceof Error ? error.message : String(error)}.`,
    );
  }
}

interface Watching {
  readonly scriptsDir: string;
  readonly args: readonly string[];
  readonly io: Io;
  readonly once: (names: readonly string[]) => Promise<number>;
  readonly stopped: Promise<null>;
}

/** All of them, then what a save concerns, one run after the other, until Ctrl-C. */
async function watch({ scriptsDir, args, io, once, stopped }: Watching): Promise<number> {
  let changed: ReadonlySet<string> | "all" | null = null;
  let wake: () => void = () => {};
  const watcher = watchScripts(
    scriptsDir,
    (paths) => {
      const names = concerned(paths);
      changed = names === "all" || changed === "all" ? "all" : new Set([...(changed ?? []), ...names]);
      wake();
    },
    (error) => io.stderr(`aiwebengine: ${error.message}\n`),
  );
  try {
    // Watched before: a save while it runs is seen.
    if ((await Promise.race([once(args), stopped])) === null) return 0;
    for (;;) {
      io.stderr(`${io.errorPaint.dim("waiting for a save; Ctrl-C ends")}\n`);
      const saved = changed === null ? new Promise<true>((resolve) => (wake = () => resolve(true))) : true;
      if ((await Promise.race([saved, stopped])) === null) return 0;
      const now: ReadonlySet<string> | "all" = changed ?? "all";
      changed = null;
      const names = now === "all" ? args : [...now].filter((name) => args.length === 0 || args.includes(name));
      if (now !== "all" && names.length === 0) continue;
      if ((await Promise.race([once(names), stopped])) === null) return 0;
    }
  } finally {
    watcher.close();
  }
}

/** The scripts that these paths, relative to the folder of scripts, belong to; what they share concerns all. */
function concerned(paths: ReadonlySet<string>): ReadonlySet<string> | "all" {
  const names = new Set<string>();
  for (const path of paths) {
    const [first = ""] = path.split("/");
    if (/^[._]|^node_modules$/.test(first)) return "all";
    names.add(first.split(".")[0] as string);
  }
  return names.size === 0 ? "all" : names;
}
