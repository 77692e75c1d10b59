/** What a lock-down reports, and what the kernel says about the child from outside. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JailReport } from "../../../../core/isolate/jail/lockdown.ts";
import { JAIL_PARTS } from "../../../../core/isolate/jail/parts.ts";
import { AT_FDCWD } from "../../../../core/isolate/jail/landlock.ts";
import { cString, openLibc } from "../../../../core/isolate/jail/libc.ts";
import { here } from "../../../../core/isolate/jail/syscalls.ts";
import { probeJail } from "../../../../core/isolate/jail/probe.ts";
import { setIdle } from "../../../../core/isolate/jail/schedule.ts";
import { startSpawner, type Spawner } from "../../../../core/process/spawner.ts";
import { COMMAND, talkTo, withChild, type Talk } from "./children.ts";
import { runEngine } from "./engine-process.ts";

const LINUX = process.platform === "linux";
const ROOT = process.getuid?.() === 0;
const jail = await probeJail(COMMAND);
const holds = (part: string): boolean => jail.held.some((held) => held === part);

test("the probe names every part once: held, or lacking with a reason", () => {
  const named = [...jail.held, ...jail.lacking.map(({ part }) => part)];
  expect(named.toSorted()).toEqual([...JAIL_PARTS].toSorted());
  expect(jail.lacking.filter(({ reason }) => reason === "")).toEqual([]);
});

test("a child without jail starts, talks, and reports that it only dies with its engine", async () => {
  await withChild({ jail: false }, async (talk) => {
    const { held, lacking } = await talk.ask<JailReport>("report");
    expect(held).toEqual(LINUX ? ["pdeathsig"] : []);
    expect(lacking.map(({ part }) => part)).toEqual(JAIL_PARTS.filter((part) => !held.includes(part)));
  });
});

describe.skipIf(!LINUX)("seen from the engine (Linux only)", () => {
  let spawner: Spawner;
  let talk: Talk;
  let status: string;
  const folder = mkdtempSync(join(tmpdir(), "jail-"));
  const opened: { close(): void }[] = [];
  beforeAll(async () => {
    // Everything that an engine has open while it starts a child.
    const database = new Database(join(folder, "engine.db"));
    database.run("PRAGMA journal_mode = wal");
    database.run("CREATE TABLE t (a)");
    const server = Bun.serve({ port: 0, fetch: () => new Response("") });
    const file = openSync(join(folder, "file"), "w");
    // A library that forgot O_CLOEXEC.
    const careless = openLibc()?.syscall(here("openat"), AT_FDCWD, cString("/etc/passwd"), 0) ?? -1;
    opened.push(
      { close: () => closeSync(careless) },
      database,
      { close: () => void server.stop(true) },
      { close: () => closeSync(file) },
    );
    spawner = await startSpawner({ command: COMMAND, jail: true });
    await talkTo(await spawner.spawn("isolate"));
    talk = await talkTo(await spawner.spawn("isolate"));
    status = readFileSync(`/proc/${talk.child.pid}/status`, "utf8");
  });
  afterAll(async () => {
    await spawner.dispose();
    for (const entry of opened) entry.close();
    rmSync(folder, { recursive: true });
  });
  const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";

  // The kernel shows the descriptors of a child that cannot be dumped to root only.
  test.skipIf(!ROOT)(
    "a child has its socket, its stderr and its own event loop open, and nothing else (root sees it)",
    () => {
      const folderOfFds = `/proc/${talk.child.pid}/fd`;
      const fds = readdirSync(folderOfFds).map(
        (fd) => `${fd} ${readlinkSync(`${folderOfFds}/${fd}`).replace(/\d+/g, "")}`,
      );
      const loop = fds.filter((entry) => /anon_inode:\[(eventpoll|eventfd|timerfd)\]$/.test(entry));
      const rest = fds.filter((entry) => !loop.includes(entry)).toSorted();
      expect(rest).toEqual(["0 socket:[]", "1 /dev/null", expect.stringMatching(/^2 (socket|pipe):\[\]$/)]);
    },
  );

  test("its environment is empty and its arguments name no secret", () => {
    if (ROOT) expect(readFileSync(`/proc/${talk.child.pid}/environ`, "utf8")).toBe("");
    expect(readFileSync(`/proc/${talk.child.pid}/cmdline`, "utf8").split("\0").filter(Boolean)).toEqual([
      "aiwebengine",
      ...COMMAND.slice(1),
      "--isolate",
    ]);
  });

  test.skipIf(!holds("seccomp"))("every thread is filtered and may gain no privilege", () => {
    const tasks = readdirSync(`/proc/${talk.child.pid}/task`);
    for (const task of tasks) {
      const text = readFileSync(`/proc/${talk.child.pid}/task/${task}/status`, "utf8");
      expect(text).toMatch(/^Seccomp:\s*2$/m);
      expect(text).toMatch(/^NoNewPrivs:\s*1$/m);
      expect(text).toMatch(/^CapEff:\s*0+$/m);
      expect(text).toMatch(/^CapPrm:\s*0+$/m);
    }
  });

  test.skipIf(!ROOT || !holds("uid"))("a root engine's child is a user of its own, in no group (root only)", () => {
    const [uid = "", ...others] = field("Uid").split("\t");
    expect([...others, ...field("Gid").split("\t")]).toEqual(Array(7).fill(uid));
    expect(Number(uid)).toBeOneOf([65534, 2_000_000_000 + talk.child.pid]);
    expect(field("Groups")).toBe("");
    // Of threads, which the kernel counts per user: no child can take those of the others.
    const limits = readFileSync(`/proc/${talk.child.pid}/limits`, "utf8");
    if (uid !== "65534") expect(Number(/^Max processes\s+(\d+)/m.exec(limits)?.[1])).toBeLessThan(1000);
  });

  test("its limits leave no core, no file and 64 descriptors", () => {
    const limits = readFileSync(`/proc/${talk.child.pid}/limits`, "utf8");
    expect(limits).toMatch(/^Max core file size\s+0\s+0/m);
    expect(limits).toMatch(/^Max file size\s+0\s+0/m);
    expect(limits).toMatch(/^Max open files\s+64\s+64/m);
  });

  test("memory and processor time can be read by the engine", () => {
    expect(Number(readFileSync(`/proc/${talk.child.pid}/statm`, "utf8").split(" ")[1])).toBeGreaterThan(0);
    expect(readFileSync(`/proc/${talk.child.pid}/stat`, "utf8")).toStartWith(`${talk.child.pid} `);
  });

  test.skipIf(!ROOT || Bun.which("setpriv") === null)(
    "another process of the same user can neither read nor trace it (root only)",
    () => {
      const user = field("Uid").split("\t")[0];
      const run = (...command: string[]) =>
        Bun.spawnSync(["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups", ...command]).exitCode;
      expect(run("cat", `/proc/${talk.child.pid}/statm`)).toBe(0);
      for (const file of ["environ", "maps", "mem", "fd/0", "root/etc/hostname"]) {
        expect({ file, code: run("cat", `/proc/${talk.child.pid}/${file}`) }).not.toEqual({ file, code: 0 });
      }
    },
  );

  test.skipIf(!holds("sched_idle"))("it goes behind all others and comes back", () => {
    // Field 41 of stat: the scheduling policy.
    const policy = (task: string): string =>
      readFileSync(`/proc/${talk.child.pid}/task/${task}/stat`, "utf8").split(") ")[1]?.split(" ")[38] ?? "";
    const policies = (): string[] => readdirSync(`/proc/${talk.child.pid}/task`).map(policy);
    expect(setIdle(talk.child.pid, true)).toBe(true);
    expect(new Set(policies())).toEqual(new Set(["5"]));
    expect(setIdle(talk.child.pid, false)).toBe(true);
    expect(new Set(policies())).toEqual(new Set(["0"]));
  });

  test("moving a process that has ended is refused", () => expect(setIdle(2 ** 22 + 1, true)).toBe(false));
});

/** Gone, or a zombie that whoever adopted it has not yet buried. */
function hasEnded(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return true;
  }
}

describe.skipIf(!LINUX)("an engine in a process of its own (Linux only)", () => {
  test.each(["jailed", "plain"])("killed with SIGKILL leaves no child behind (%s)", async (mode) => {
    const { process: engine, facts } = await runEngine([mode, "stay"]);
    expect(facts.pids.filter(hasEnded)).toEqual([]);
    engine.kill("SIGKILL");
    await engine.exited;
    const until = Date.now() + 5000;
    while (!facts.pids.every(hasEnded) && Date.now() < until) await Bun.sleep(5);
    expect(facts.pids.filter((pid) => !hasEnded(pid))).toEqual([]);
  });

  const ordinary = ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups"];
  // As root the checkout may lie where other users cannot look; then there is nothing to run as one.
  const canRun = (wrapper: readonly string[]): boolean =>
    ROOT && Bun.which("setpriv") !== null && Bun.spawnSync([...wrapper, "test", "-r", import.meta.path]).exitCode === 0;
  const users = [
    ["an ordinary user", ordinary, "12345"],
    ["root without capabilities", ["setpriv", "--bounding-set=-all"], "CAP_KILL"],
  ] as const;
  for (const [user, wrapper, reason] of users) {
    const name = `of ${user} holds its children all the same (root only, with setpriv, to become it)`;
    test.skipIf(!canRun(wrapper))(name, async () => {
      const { process: engine, facts } = await runEngine(["jailed"], wrapper);
      await engine.exited;
      const lacking = facts.report?.lacking.map(({ part }) => part) ?? [];
      for (const part of jail.held) if (part !== "uid" && part !== "sched_idle") expect(lacking).not.toContain(part);
      expect(facts.report?.lacking.find(({ part }) => part === "uid")?.reason).toContain(reason);
      expect(facts.visible).toEqual({ statm: true, stat: true, task: true });
      expect(facts.idle).toBe(facts.mayRestore);
      const done = Object.entries(facts.calls).filter(([, result]) => result !== "errno 1" && result !== "errno 38");
      if (holds("seccomp")) expect(done).toEqual([]);
      const open = Object.entries(facts.unfiltered).filter(
        ([name, result]) => result === "done" && name !== "fs.statSync",
      );
      if (holds("landlock")) expect(open).toEqual([]);
      expect(facts.builderReport?.lacking.map(({ part }) => part)).toEqual(lacking);
    });
  }
});
