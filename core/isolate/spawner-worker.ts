/**
 * The thread that starts children (one for all isolates, one for each builder). It has taken most of the file system from itself, and Landlock hands
 * that on to every thread of every child: a child restricting itself would miss the threads that it started with.
 */
import { restrictPaths, type PathRule } from "./jail/landlock.ts";
import { openLibc } from "./jail/libc.ts";
import { startChild, type ChildEnds, type Exit, type StartedChild } from "./jail/start-child.ts";

export type SpawnerRequest =
  | { readonly type: "restrict"; readonly rules: readonly PathRule[] }
  | {
      readonly type: "start";
      readonly id: number;
      readonly command: readonly string[];
      readonly ends: ChildEnds;
    }
  | { readonly type: "kill"; readonly id: number };

export type SpawnerReply =
  | { readonly type: "restricted" }
  | { readonly type: "started"; readonly id: number; readonly pid: number }
  | { readonly type: "failed"; readonly id: number; readonly reason: string }
  | { readonly type: "exited"; readonly id: number; readonly exit: Exit };

declare const self: Worker;

/** Reached by the engine's `new Worker` only; imported anywhere else this file does nothing. */
if (!Bun.isMainThread) serve();

function serve(): void {
  const children = new Map<number, StartedChild>();
  const reply = (message: SpawnerReply): void => self.postMessage(message);
  self.onmessage = ({ data }: MessageEvent<SpawnerRequest>) => {
    if (data.type === "restrict") {
      const libc = openLibc();
      // Where the kernel lacks it the children notice by themselves, and say so in their reports.
      if (libc !== null) restrictPaths(libc, data.rules, false);
      return reply({ type: "restricted" });
    }
    if (data.type === "kill") return children.get(data.id)?.kill();
    try {
      const child = startChild(data.command, data.ends);
      children.set(data.id, child);
      reply({ type: "started", id: data.id, pid: child.pid });
      void child.exited.then((exit) => {
        children.delete(data.id);
        reply({ type: "exited", id: data.id, exit });
      });
    } catch (error) {
      reply({ type: "failed", id: data.id, reason: error instanceof Error ? error.message : String(error) });
    }
  };
}
