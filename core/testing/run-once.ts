/** `aiwebengine run` without its command line: one handler of a script, once, on a copy of its data. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HandlerProblem } from "../pool/data-call.ts";
import { ProblemError } from "../../sdk/errors.ts";
import type { BuiltInPlugin } from "../../sdk/plugin.ts";
import type { LoadedConfig } from "../config/index.ts";
import type { StepData } from "../isolate/testing/seam.ts";
import { lockDataDir } from "../lock.ts";
import type { ScriptSource } from "../script/source.ts";
import type { BuildProblem, Json } from "../script/types.ts";
import { failureOf, type ReadSource } from "./failure.ts";
import type { CaseFailure } from "./result.ts";
import { openStage, type Actor, type Stage } from "./stage.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly data?: unknown;
}

export interface RunOptions {
  readonly loaded: LoadedConfig;
  readonly version: string;
  readonly builtIns: readonly BuiltInPlugin[];
  readonly source: ScriptSource;
  /** `GET /notes/1`, an exported function, or the name of what a point's handler handles. */
  readonly handler: string;
  readonly args: Json | undefined;
  /** The script's data is kept as the handler leaves it; needs the project's lock. */
  readonly write: boolean;
  readonly read: ReadSource;
  readonly onLog: (line: LogLine) => void;
}

export type Outcome =
  | { readonly kind: "value"; readonly value: Json | undefined }
  | { readonly kind: "answer"; readonly answer: Response }
  | { readonly kind: "failed"; readonly failures: readonly CaseFailure[] };

export interface RunReport {
  readonly outcome: Outcome;
  /** What handlers threw, and the engine's own errors. */
  readonly seen: readonly BuildProblem[];
  /** What it wrote is kept: it was asked for, and it went well. */
  readonly written: boolean;
}

const TARGET = /^(?:([A-Za-z]+) )?(\/.*)$/;

/** @throws StartError when a plugin does not load, or an engine holds the data that is to be written. */
export async function runOnce(options: RunOptions): Promise<RunReport> {
  const { loaded, source, write } = options;
  const data = join(loaded.config.dir, "data");
  const lock = write ? lockDataDir(data) : null;
  try {
    const seen: BuildProblem[] = [];
    const stage = await openStage({
      ...options,
      offline: false,
      onError: (message) => seen.push({ code: "internal", message }),
      onThrown: ({ invocation, error, place }) =>
        seen.push({ code: "script_failed", message: `${invocation.route} failed: ${error}`, ...place }),
      onKill() {},
    });
    try {
      const own = join(data, "scripts", source.name);
      const copy = join(stage.dataDir, "scripts", source.name);
      if (existsSync(own)) cpSync(own, copy, { recursive: true });
      const outcome = await play(stage, options);
      const written = write && !isFailure(outcome);
      if (written) replace(own, copy);
      return { outcome, seen, written };
    } finally {
      await stage.dispose();
    }
  } finally {
    lock?.release();
  }
}

export function isFailure(outcome: Outcome): boolean {
  return outcome.kind === "failed" || (outcome.kind === "answer" && outcome.answer.status >= 400);
}

async function play(stage: Stage, options: RunOptions): Promise<Outcome> {
  const { source, handler, args } = options;
  const built = await stage.build(source, []);
  if (!built.ok) return { kind: "failed", failures: built.problems };
  const actor = stage.enter(source, built.bundle);
  if (!("steps" in actor)) return { kind: "failed", failures: actor };
  try {
    const [, method = args === undefined ? "GET" : "POST", target] = TARGET.exec(handler) ?? [];
    if (target !== undefined) return await ask(stage, method.toUpperCase(), target, args);
    const named = actor.handlers.find(({ name }) => name === handler);
    if (named) return { kind: "value", value: await actor.invoke(named, args) };
    return await call(actor, options);
  } catch (error) {
    return { kind: "failed", failures: [interrupted(error, options.read)] };
  } finally {
    // The services let go of its data, which may be taken over now.
    actor.leave();
  }
}

/** The body is read here: the isolate ends soon. */
async function ask(stage: Stage, method: string, target: string, args: Json | undefined): Promise<Outcome> {
  const body = args === undefined ? null : JSON.stringify(args);
  const headers = new Headers({ host: "localhost" });
  if (body !== null) {
    headers.set("content-type", "application/json");
    headers.set("content-length", String(Buffer.byteLength(body)));
  }
  const given = await stage.request(new Request(`http://localhost${target}`, { method, headers, body }));
  const bytes = await given.arrayBuffer();
  const { status, statusText } = given;
  const answer = new Response(given.body === null ? null : bytes, { status, statusText, headers: given.headers });
  return { kind: "answer", answer };
}

async function call(actor: Actor, { handler, args, read }: RunOptions): Promise<Outcome> {
  const step = actor.steps.find(({ data }) => (data as { readonly kind?: Json } | undefined)?.kind === "call");
  if (!step) throw new ProblemError("internal", "The script was built without a door for the runner.");
  const list = args === undefined ? [] : Array.isArray(args) ? args : [args];
  const result = await actor.call(step, { name: handler, args: list }, actor.limits.wallMs);
  if (result.ok === true) return { kind: "value", value: result.value as Json | undefined };
  return { kind: "failed", failures: [failureOf(result.failure, step.data as unknown as StepData, read)] };
}

/** Of a point's handler the failure itself, with its place; else the limit, or what the engine says. */
function interrupted(error: unknown, read: ReadSource): CaseFailure {
  if (!(error instanceof ProblemError)) throw error;
  const { cause } = error;
  const thrown = cause as { readonly name?: string; readonly message?: string; readonly stack?: string } | undefined;
  if (error instanceof HandlerProblem || typeof thrown?.stack !== "string" || thrown.stack === "")
    return { message: error.detail, code: error.code };
  const { name = "Error", message = "", stack } = thrown;
  return failureOf({ name, message, stack }, { kind: "call", file: "", groups: [] }, read);
}

/** The folder is there whole at every moment but one, and the one before is kept until then. */
function replace(own: string, copy: string): void {
  if (!existsSync(copy)) return rmSync(own, { recursive: true, force: true });
  mkdirSync(join(own, ".."), { recursive: true });
  const next = mkdtempSync(`${own}.new-`);
  cpSync(copy, next, { recursive: true });
  const old = `${next}-old`;
  if (existsSync(own)) renameSync(own, old);
  renameSync(next, own);
  rmSync(old, { recursive: true, force: true });
}
