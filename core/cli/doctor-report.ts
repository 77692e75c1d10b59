/** `aiwebengine doctor`: looks at this machine and at the project, and prints what holds, what lacks and what to do. */
import { availableParallelism, freemem, totalmem } from "node:os";
import { ownCommand } from "../isolate/jail/probe.ts";
import { inspectIsolate } from "../pool/check-isolation.ts";
import { startSpawner } from "../process/spawner.ts";
import { threadVessel } from "../pool/thread-vessel.ts";
import { processVessel } from "../pool/vessel.ts";
import type { Call } from "./command.ts";
import { inspectProject } from "./doctor-project.ts";
import { doctorFailed, renderDoctor, type DoctorReport } from "./doctor.ts";

/** Exit code 1 when an engine would refuse to serve here. */
export async function run(call: Call): Promise<number> {
  const { flags, io } = call;
  const report: DoctorReport = { ...(await inspectMachine(call.version)), project: await inspectProject(call) };
  const ok = !doctorFailed(report);
  if (flags.has("json")) io.stdout(`${JSON.stringify({ ok, ...report }, null, 2)}\n`);
  else io.stdout(renderDoctor(report, io.paint));
  return ok ? 0 : 1;
}

async function inspectMachine(version: string): Promise<Omit<DoctorReport, "project">> {
  const mode = process.platform === "win32" ? "thread" : "process";
  const spawner = mode === "process" ? await startSpawner({ command: ownCommand(), jail: true }) : null;
  try {
    const since = performance.now();
    const open = async () =>
      spawner ? processVessel(await spawner.spawn("isolate", ["--self-test"])) : threadVessel(["--self-test"]);
    const { jail, leaks = [] } = await inspectIsolate(open);
    return {
      version,
      bun: Bun.version,
      platform: `${process.platform} ${process.arch}`,
      cpus: availableParallelism(),
      memory: { totalBytes: totalmem(), freeBytes: freemem() },
      mode,
      jail,
      selfTest: { leaks, ms: performance.now() - since },
    };
  } finally {
    await spawner?.dispose();
  }
}
