/** `aiwebengine doctor`: looks at this machine and prints what its jail holds and lacks. */
import { availableParallelism, freemem, totalmem } from "node:os";
import { ownCommand } from "../isolate/jail/probe.ts";
import { inspectIsolate } from "../script/check-isolation.ts";
import { startSpawner } from "../script/spawner.ts";
import { threadVessel } from "../script/thread-vessel.ts";
import { processVessel } from "../script/vessel.ts";
import type { Call } from "./command.ts";
import { doctorFailed, renderDoctor } from "./doctor.ts";

/** Exit code 1 when a known leak is open or nothing holds. */
export async function run({ io, version }: Call): Promise<number> {
  const mode = process.platform === "win32" ? "thread" : "process";
  const spawner = mode === "process" ? await startSpawner({ command: ownCommand(), jail: true }) : null;
  try {
    const since = performance.now();
    const open = async () =>
      spawner ? processVessel(await spawner.spawn("isolate", ["--self-test"])) : threadVessel(["--self-test"]);
    const { jail, leaks = [] } = await inspectIsolate(open);
    const report = {
      version,
      bun: Bun.version,
      platform: `${process.platform} ${process.arch}`,
      cpus: availableParallelism(),
      memory: { totalBytes: totalmem(), freeBytes: freemem() },
      mode,
      jail,
      selfTest: { leaks, ms: performance.now() - since },
    } as const;
    io.stdout(renderDoctor(report, io.paint));
    return doctorFailed(report) ? 1 : 0;
  } finally {
    await spawner?.dispose();
  }
}
