/** The builder processes: one per script, a few kept warm after a save, at most two at work. */
import { statSync } from "node:fs";
import type { BuildRequest } from "../isolate/build/messages.ts";
import { readPaths, type BuildScope } from "../isolate/build/scope.ts";
import { connectBuilder, residentBytes, type BuildChild, type BuildLimits, type RawAnswer } from "./build-child.ts";
import type { Child, Spawner } from "../process/spawner.ts";

export interface Builders {
  /** Builds of one script follow each other. Never rejects. */
  build(request: BuildRequest, entry: Uint8Array | undefined): Promise<RawAnswer>;
  /** The script was built in an earlier life of the engine: its next build is a save. */
  know(name: string): void;
  /** Ends the script's builder: the next build starts a fresh one. */
  drop(name: string): void;
  /** The script is gone. */
  forget(name: string): void;
  dispose(): Promise<void>;
}

const AT_WORK = 2;
const WARM = 4;
const WARM_MS = 30_000;
/** Memory stays flat over hundreds of builds, as measured; a builder is replaced all the same before a leak could show. */
const MAX_BUILDS = 1000;

interface Warm {
  readonly process: Child;
  readonly child: BuildChild;
  /** Which folders its jail has open: a folder that was replaced since is closed to it. */
  readonly folders: string;
  builds: number;
  idle: ReturnType<typeof setTimeout> | undefined;
}

export function createBuilders(spawner: Spawner, limits: BuildLimits): Builders {
  /** Built before: a further build is a save, and the next one may follow soon. The first is the engine's start. */
  const known = new Set<string>();
  /** In the order of their last use. */
  const warm = new Map<string, Warm>();
  const queues = new Map<string, Promise<unknown>>();
  const waiting: (() => void)[] = [];
  let atWork = 0;
  let disposed = false;

  const enter = async (): Promise<void> => {
    if (atWork < AT_WORK) atWork++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting.shift();
    if (next) next();
    else atWork--;
  };

  const drop = (name: string): void => {
    const one = warm.get(name);
    if (!one) return;
    warm.delete(name);
    clearTimeout(one.idle);
    one.child.kill();
  };

  const start = async (scope: BuildScope): Promise<Warm> => {
    const folders = identify(scope);
    const rested = warm.get(scope.name);
    if (rested && !rested.child.ended && rested.folders === folders && rested.builds < MAX_BUILDS) {
      clearTimeout(rested.idle);
      return rested;
    }
    drop(scope.name);
    const process = await spawner.spawn("builder", [], readPaths(scope));
    try {
      return { process, child: await connectBuilder(process, limits), folders, builds: 0, idle: undefined };
    } catch (error) {
      process.kill();
      throw error;
    }
  };

  const rest = (name: string, one: Warm): void => {
    warm.delete(name);
    if (one.child.ended) return;
    const isFirst = !known.has(name);
    known.add(name);
    if (disposed || isFirst || residentBytes(one.process.pid) > limits.memoryBytes / 2) return one.child.kill();
    one.idle = setTimeout(() => drop(name), WARM_MS);
    one.idle.unref();
    warm.set(name, one);
    for (const oldest of warm.keys()) {
      if (warm.size <= WARM) break;
      drop(oldest);
    }
  };

  const run = async (request: BuildRequest, entry: Uint8Array | undefined): Promise<RawAnswer> => {
    const { name } = request.scope;
    await enter();
    try {
      if (disposed) return { kind: "ended", problem: stopping(name) };
      const one = await start(request.scope);
      one.builds++;
      const answer = await one.child.build(request, entry);
      rest(name, one);
      return answer;
    } catch (error) {
      return { kind: "ended", problem: notStarted(name, error) };
    } finally {
      leave();
    }
  };

  return {
    drop,
    forget(name) {
      drop(name);
      known.delete(name);
    },
    know: (name) => void known.add(name),
    build(request, entry) {
      const { name } = request.scope;
      const before = queues.get(name);
      const mine = before ? before.then(() => run(request, entry)) : run(request, entry);
      queues.set(name, mine);
      void mine.then(() => {
        if (queues.get(name) === mine) queues.delete(name);
      });
      return mine;
    },
    async dispose() {
      disposed = true;
      const processes = [...warm.values()].map((one) => one.process);
      for (const name of [...warm.keys()]) drop(name);
      await Promise.all(processes.map((one) => one.exited));
    },
  };
}

function identify(scope: BuildScope): string {
  const folders = readPaths(scope).map((folder) => {
    const stat = statSync(folder, { throwIfNoEntry: false });
    return stat ? `${stat.dev}:${stat.ino}` : "none";
  });
  return [scope.entry, ...folders].join(" ");
}

function stopping(name: string) {
  return { code: "internal", message: `The script "${name}" was not built: the engine is stopping.` };
}

function notStarted(name: string, error: unknown) {
  const reason = error instanceof Error ? error.message : String(error);
  return {
    code: "internal",
    message: `No builder could be started for the script "${name}": ${reason}.`,
    hint: "Run `aiwebengine doctor`, and look at the limits of processes and open files.",
  };
}
