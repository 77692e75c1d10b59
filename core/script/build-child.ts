/** One builder process: asked for one build at a time, watched from outside, and killed at its limits. */
import { readFileSync } from "node:fs";
import type { BuildRequest } from "../isolate/build/messages.ts";
import * as M from "../isolate/build/messages.ts";
import { CAPS } from "../isolate/build/scope.ts";
import { FrameReader, FrameWriter, ProtocolError, type Frame } from "../isolate/wire.ts";
import { BadAnswer, printable } from "./build-answer.ts";
import type { Child } from "../process/spawner.ts";
import type { BuildProblem } from "./types.ts";

export interface BuildLimits {
  /** For a script whose own `limits.loadMs` is not given. */
  readonly timeoutMs: number;
  readonly memoryBytes: number;
}

/** As it came, unchecked but for the order of its parts. */
export type RawAnswer =
  | { readonly kind: "built"; readonly text: string; readonly code: Buffer; readonly map: Buffer }
  | { readonly kind: "failed"; readonly text: string }
  | { readonly kind: "ended"; readonly problem: BuildProblem };

export interface BuildChild {
  readonly ended: boolean;
  build(request: BuildRequest, entry: Uint8Array | undefined): Promise<RawAnswer>;
  kill(): void;
}

/** From the start of the process to its first word; a machine under load may need a while. */
const START_MS = 15_000;
const WATCH_MS = 10;
const PAGE_BYTES = 4096;
const MAX_FRAME_BYTES = Math.max(CAPS.codeBytes * 3, CAPS.mapBytes, CAPS.answerBytes) + 1024;

interface Current {
  readonly id: number;
  readonly name: string;
  readonly done: (answer: RawAnswer) => void;
  stage: number;
  code: Buffer | undefined;
  map: Buffer | undefined;
}

export async function connectBuilder(child: Child, limits: BuildLimits): Promise<BuildChild> {
  let current: Current | undefined;
  let ended = false;
  let serial = 0;
  const ready = Promise.withResolvers<void>();
  const reader = new FrameReader(MAX_FRAME_BYTES);

  const finish = (answer: RawAnswer): void => {
    const was = current;
    current = undefined;
    was?.done(answer);
  };
  const end = (problem: (name: string, stage: string) => BuildProblem): void => {
    ended = true;
    child.kill();
    ready.resolve();
    finish({ kind: "ended", problem: problem(current?.name ?? "", M.STAGES[current?.stage ?? 0] ?? "") });
  };

  const take = ({ type, id, a, text, body }: Frame): void => {
    if (type === M.STAGE && id === 0 && a === M.STAGE_READY) return ready.resolve();
    if (current === undefined || id !== current.id) throw new BadAnswer("words that nobody asked for");
    if (type === M.STAGE && a > current.stage && a < M.STAGES.length) current.stage = a;
    else if (type === M.CODE && current.code === undefined) current.code = Buffer.from(body);
    else if (type === M.MAP && current.code !== undefined && current.map === undefined) current.map = Buffer.from(body);
    else if (type === M.FAILED) finish({ kind: "failed", text });
    else if (type === M.BUILT && current.code !== undefined && current.map !== undefined) {
      finish({ kind: "built", text, code: current.code, map: current.map });
    } else throw new BadAnswer("parts out of order");
  };

  const socket = await Bun.connect({
    fd: child.fd,
    socket: {
      data(_socket: unknown, bytes: Buffer) {
        if (ended) return;
        try {
          reader.push(bytes, take);
        } catch (error) {
          if (!(error instanceof BadAnswer || error instanceof ProtocolError)) throw error;
          end(confused);
        }
      },
      drain() {
        writer.drain();
      },
      close() {
        child.kill(); // its exit says more
      },
      error() {
        child.kill();
      },
    },
  } as unknown as Bun.TCPSocketConnectOptions<undefined>);
  const writer = new FrameWriter((bytes) => (ended ? bytes.length : socket.write(bytes)));
  void child.exited.then(() => {
    if (!ended) end((name, stage) => died(name, stage, child.stderr()));
    socket.end();
  });

  return {
    get ended() {
      return ended;
    },
    kill() {
      if (!ended) end(killed);
    },
    async build(request, entry) {
      const answer = Promise.withResolvers<RawAnswer>();
      const { name } = request.scope;
      const asked: Current = { id: ++serial, name, done: answer.resolve, stage: 0, code: undefined, map: undefined };
      current = asked;
      const slow = setTimeout(() => end(neverStarted), START_MS);
      await ready.promise;
      clearTimeout(slow);
      if (ended) {
        if (current === asked) end((who, stage) => died(who, stage, child.stderr()));
        return answer.promise;
      }
      writer.write(M.BUILD, serial, 0, JSON.stringify(request), entry);
      const timeoutMs = request.limits["loadMs"] ?? limits.timeoutMs;
      const deadline = setTimeout(() => end((who, stage) => late(who, stage, timeoutMs)), timeoutMs);
      const watch = setInterval(() => {
        const used = residentBytes(child.pid);
        if (used > limits.memoryBytes) end((who, stage) => tooBig(who, stage, used, limits));
      }, WATCH_MS);
      try {
        return await answer.promise;
      } finally {
        clearTimeout(deadline);
        clearInterval(watch);
      }
    },
  };
}

/** 0 where the system has no such figure. */
export function residentBytes(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return 0; // it has just ended, which `exited` says; or this is not Linux
  }
}

function late(name: string, stage: string, timeoutMs: number): BuildProblem {
  return {
    code: "deadline_exceeded",
    message: `The builder was still ${stage} the script "${name}" after ${timeoutMs} ms (limits.loadMs), and was ended.`,
    hint:
      stage === "loading"
        ? "Look for a loop at the top level or in init(), and for an init() whose promise never settles."
        : "Make the script smaller, or raise limits.loadMs.",
  };
}

function tooBig(name: string, stage: string, used: number, { memoryBytes }: BuildLimits): BuildProblem {
  return {
    code: "memory_exceeded",
    message: `The builder held ${mebibytes(used)} MiB while ${stage} the script "${name}", more than its ${mebibytes(memoryBytes)} MiB, and was ended.`,
    hint: "Look for endless growth at the top level or in init(), or for a very large import.",
  };
}

/** `words`: what it wrote to stderr, which may be anything. */
function died(name: string, stage: string, words: string): BuildProblem {
  const last = printable(words.trim()).slice(-300);
  return {
    code: "script_failed",
    message: `The builder died while ${stage} the script "${name}"${last === "" ? "." : `: ${last}`}`,
    hint: "Look for very deep nesting or very large literals; undo the last change if nothing else helps.",
  };
}

function killed(name: string): BuildProblem {
  return { code: "internal", message: `The build of the script "${name}" was broken off: its builder was ended.` };
}

function confused(name: string, stage: string): BuildProblem {
  return {
    code: "script_failed",
    message: `The builder sent what it may not while ${stage} the script "${name}", and was ended.`,
    hint: "The script tampered with its builder, or the engine has a fault: look at what the script runs at its top level.",
  };
}

function neverStarted(name: string): BuildProblem {
  return {
    code: "internal",
    message: `No builder started for the script "${name}" within ${START_MS} ms.`,
    hint: "The machine is overloaded, or the jail keeps the engine from starting children: run `aiwebengine doctor`.",
  };
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
