/** A small engine for the tests of the jail, in a process of its own: it can be killed, or run as another user. */
import { readdirSync, readFileSync } from "node:fs";
import { mayRestore, setIdle } from "../../../../core/isolate/jail/schedule.ts";
import { openLibc } from "../../../../core/isolate/jail/libc.ts";
import { startSpawner } from "../../../../core/process/spawner.ts";
import { COMMAND, talkTo } from "./children.ts";

const jail = process.argv[2] !== "plain";
const spawner = await startSpawner({ command: COMMAND, jail });
const isolate = await talkTo(await spawner.spawn("isolate"));
const spinning = await talkTo(await spawner.spawn("isolate"));
const builder = await talkTo(await spawner.spawn("builder", ["read=/usr/share"], ["/usr/share"]));
const libc = openLibc();

/** What an engine must still be able to see of a child that is not dumpable. */
function visible(pid: number): Record<string, boolean> {
  return {
    statm: Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) > 0,
    stat: readFileSync(`/proc/${pid}/stat`, "utf8").startsWith(`${pid} `),
    task: readdirSync(`/proc/${pid}/task`).length > 0,
  };
}

const facts = {
  pids: [isolate, spinning, builder].map(({ child }) => child.pid),
  report: await isolate.ask("report"),
  builderReport: await builder.ask("report"),
  calls: jail ? await isolate.ask("system calls") : {},
  unfiltered: jail ? await (await talkTo(await spawner.spawn("isolate", ["unlocked"]))).ask("high level") : {},
  visible: visible(isolate.child.pid),
  mayRestore: libc !== null && mayRestore(libc),
  idle: setIdle(isolate.child.pid, true) && setIdle(isolate.child.pid, false),
};
// These two see no closed socket: only the kernel can end them with their engine.
for (const child of [spinning, builder]) void child.ask("spin").catch(() => {});
process.stdout.write(`${JSON.stringify(facts)}\n`);
if (process.argv[3] !== "stay") await spawner.dispose();
