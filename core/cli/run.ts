/** `aiwebengine run`: calls one handler of a script once, in the sandbox that serves it. */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { readConfig } from "../config/index.ts";
import { StartError } from "../errors.ts";
import { printable } from "../log/escape.ts";
import { discoverScripts } from "../script/source.ts";
import type { Json } from "../script/types.ts";
import { isFailure, runOnce, type LogLine, type RunReport } from "../testing/run-once.ts";
import { requireScripts } from "./check/project.ts";
import type { Call, Io } from "./command.ts";
import { configInput } from "./config-input.ts";
import { INTERRUPTED, onInterrupt } from "./interrupt.ts";
import { UsageError } from "./parse.ts";
import { sourceReader } from "./source-reader.ts";
import { renderFailure, renderSeen } from "./test-report.ts";

export async function run(call: Call): Promise<number> {
  const { flags, io, version } = call;
  const [name = "", handler = ""] = call.args;
  const args = readArgs(flags.text("args"));
  const loaded = readConfig(configInput(flags));
  const scriptsDir = join(loaded.config.dir, "scripts");
  if (!existsSync(scriptsDir))
    throw new StartError(`There is no folder ${scriptsDir}. Name the project's folder with --dir.`);
  const { scripts } = await discoverScripts(scriptsDir);
  requireScripts([name], scripts, "run");
  const source = scripts.find((one) => one.name === name)!;
  const logs: LogLine[] = [];
  const json = flags.has("json");
  const ended = onInterrupt(() => process.exit(INTERRUPTED));
  const report = await runOnce({
    loaded,
    version,
    builtIns: await call.builtIns(),
    source,
    handler,
    args,
    write: flags.has("write"),
    read: sourceReader(scriptsDir).read,
    onLog(line) {
      logs.push(line);
      if (!json) io.stderr(`${line.level.toUpperCase()} ${printable(line.message)}${dataOf(line)}\n`);
    },
  }).finally(ended);
  if (json) io.stdout(`${JSON.stringify(await toJson(report, logs))}\n`);
  else await tell(report, io, (file) => relative(process.cwd(), join(scriptsDir, file)), flags.has("write"));
  return isFailure(report.outcome) ? 1 : 0;
}

function dataOf({ data }: LogLine): string {
  return data === undefined ? "" : ` ${printable(JSON.stringify(data))}`;
}

function readArgs(text: string | undefined): Json | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--args takes JSON, such as '[1, "two"]': ${why}.`, "run");
  }
}

async function toJson({ outcome, seen, written }: RunReport, logs: readonly LogLine[]) {
  const about = { ok: !isFailure(outcome), written, logs, seen };
  if (outcome.kind === "failed") return { ...about, failures: outcome.failures };
  if (outcome.kind === "value") return { ...about, value: outcome.value };
  const { answer } = outcome;
  return { ...about, status: answer.status, headers: [...answer.headers], body: await answer.text() };
}

/** What was asked for on stdout; all that is said about it on stderr. */
async function tell(
  { outcome, seen, written }: RunReport,
  { stdout, stderr, errorPaint }: Io,
  shown: (file: string) => string,
  write: boolean,
): Promise<void> {
  if (outcome.kind === "value") {
    if (outcome.value !== undefined) stdout(`${JSON.stringify(outcome.value, null, 2)}\n`);
  } else if (outcome.kind === "answer") {
    const { answer } = outcome;
    stderr(`${errorPaint.bold(String(answer.status))} ${answer.headers.get("content-type") ?? ""}\n`);
    const text = await answer.text();
    if (text !== "") stdout(text.endsWith("\n") ? text : `${text}\n`);
  } else for (const failure of outcome.failures) stderr(renderFailure(failure, shown, errorPaint));
  for (const problem of seen) stderr(renderSeen(problem, shown, errorPaint));
  if (written) stderr(`${errorPaint.dim("what it wrote is kept")}\n`);
  else
    stderr(
      `${errorPaint.dim(write ? "it failed: what it wrote is not kept" : "what it wrote is not kept; --write keeps it")}\n`,
    );
}
