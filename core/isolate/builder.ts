/** The builder as a process: locked down on one script's folders, it bundles and loads that script on request. */
import { existsSync } from "node:fs";
import { BadAnswer, checkBuilt } from "../script/build-answer.ts";
import type { BuildProblem, PointTable } from "../script/types.ts";
import { BuildFailure, bundle } from "./build/bundle.ts";
import type { Sources } from "./build/bundle-problems.ts";
import { openFiles, type EntrySource, type Files } from "./build/files.ts";
import * as M from "./build/messages.ts";
import { shown } from "./build/refusal.ts";
import { CAPS, readPaths } from "./build/scope.ts";
import { lockCodeMaking } from "./host-lock.ts";
import { lockDown } from "./jail/lockdown.ts";
import { isEmbedded } from "./jail/startup-paths.ts";
import { ignoreStopSignals } from "./stop-signals.ts";
import { FrameReader, FrameWriter } from "./wire.ts";

/** A request carries at most one file. */
const MAX_REQUEST_BYTES = CAPS.fileBytes + 4 * 1024 * 1024;

/** Never returns control to a script that runs away: the engine kills the process from outside. */
export async function runBuilder(): Promise<void> {
  ignoreStopSignals();
  // A tsconfig or package.json where the engine was started must not matter; and the bundler must be able to read its
  // working directory, which the jail allows in few places.
  process.chdir(existsSync("/proc/self") ? "/proc/self" : "/");
  if (!isEmbedded(Bun.main)) await importEarly();
  let locked = false;
  const reader = new FrameReader(MAX_REQUEST_BYTES);
  const socket = await Bun.connect({
    fd: 0,
    socket: {
      data(_socket: unknown, bytes: Buffer) {
        reader.push(bytes, ({ type, id, text, body }) => {
          if (type === M.BUILD) void answer(id, JSON.parse(text) as M.BuildRequest, new Uint8Array(body));
        });
      },
      drain() {
        writer.drain();
      },
      close() {
        process.exit(0);
      },
      error() {
        process.exit(0);
      },
    },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  const writer = new FrameWriter((bytes) => socket.write(bytes));
  // What a script's own promises reject with is the script's affair; its `init()` is reported through the realm.
  process.on("unhandledRejection", () => {});
  process.on("uncaughtException", () => {});

  /** Goes out at once: the next stage may never give the event loop back. */
  const enter = (id: number, stage: number): void => {
    writer.write(M.STAGE, id, stage, "");
    writer.flush();
  };

  const answer = async (id: number, request: M.BuildRequest, entry: Uint8Array): Promise<void> => {
    if (!locked) {
      lockDown({ kind: "builder", readPaths: readPaths(request.scope) });
      lockCodeMaking();
      locked = true;
    }
    const { scope } = request;
    const source: EntrySource | undefined = scope.single ? { bytes: entry, mtimeMs: request.entryMtimeMs } : undefined;
    const texts = (request.harness?.files ?? []).flatMap(({ path, text }) =>
      text === undefined ? [] : [[`${scope.scriptsDir}/${path}`, text] as const],
    );
    const files = openFiles(scope, source, new Map(texts));
    try {
      await build(id, request, files);
    } catch (error) {
      const problems = error instanceof BuildFailure ? error.problems : [unexpected(error)];
      const failed: M.FailedMessage = { problems, inputs: files.inputs() };
      writer.write(M.FAILED, id, 0, JSON.stringify(failed));
    }
    writer.flush();
  };

  const build = async (id: number, request: M.BuildRequest, files: Files): Promise<void> => {
    const sources: Sources = new Map();
    const file = files.relative(request.scope.entry);
    enter(id, M.STAGE_BUNDLE);
    const bundled = await bundle(request.scope, files, sources, request.offer, request.harness);
    enter(id, M.STAGE_LOAD);
    const { loadOnce } = await import("./build/load-once.ts");
    const loaded = await loadOnce(request, bundled, sources, file);
    enter(id, M.STAGE_SCHEMAS);
    const { compileSchemas } = await import("./build/schemas.ts");
    const { registrations, problems } = await compileSchemas(loaded.registrations, file, sources, request.offer.points);
    if (problems.length > 0) throw new BuildFailure(problems.slice(0, CAPS.problems));
    const warnings: BuildProblem[] = bundled.map === "" ? [withoutMap(file)] : [];
    const built: M.BuiltMessage = {
      form: bundled.form,
      reported: loaded.reported,
      registrations,
      inputs: files.inputs(),
      warnings,
    };
    const text = JSON.stringify(built);
    refuseUnfit(text, file, request.offer.points);
    writer.write(M.CODE, id, 0, "", bundled.code);
    writer.write(M.MAP, id, 0, "", bundled.map);
    writer.write(M.BUILT, id, 0, text);
  };
  writer.write(M.STAGE, 0, M.STAGE_READY, "");
  writer.flush();
}

/**
 * From source, what is imported late is imported now: Bun reads modules on threads that do not have the right of root's
 * that a locked builder keeps, and a checkout may lie where only root looks.
 */
async function importEarly(): Promise<void> {
  await import("./build/load-once.ts");
  await import("./build/schemas.ts").then(({ loadCompiler }) => loadCompiler());
  await import("acorn");
  await import("eta/core");
}

function unexpected(error: unknown): BuildProblem {
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: "internal",
    message: `The builder failed: ${message}.`,
    hint: "Try again; if it stays, simplify the script until it builds, and report what made it fail.",
  };
}

function withoutMap(file: string): BuildProblem {
  return {
    code: "script_failed",
    message: `The source map has more than ${CAPS.mapBytes} bytes and was left out: errors name lines of the bundle.`,
    file,
    hint: "Import less.",
  };
}

/** What the engine would not take from anybody is the script's fault here. */
function refuseUnfit(text: string, file: string, points: PointTable): void {
  try {
    checkBuilt(text, () => true, points);
  } catch (error) {
    if (!(error instanceof BadAnswer)) throw error;
    const message = `The script's registrations cannot be used: there is ${shown(error.message)}.`;
    const hint = "Register less, with shorter paths and smaller options and schemas.";
    throw new BuildFailure([{ code: "bad_registration", message, file, hint }]);
  }
}
