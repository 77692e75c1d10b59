/** What a child can still do that has left the realm and runs any code it likes: nothing but compute and talk. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeJail } from "../../../../core/isolate/jail/probe.ts";
import type { JailPart } from "../../../../core/isolate/jail/parts.ts";
import { startSpawner, type Spawner } from "../../../../core/process/spawner.ts";
import { COMMAND, talkTo, withChild, type Talk } from "./children.ts";

const jail = await probeJail(COMMAND);
/** A part that this machine lacks skips its tests, visibly, with the reason in their name. */
const needs = (...parts: readonly JailPart[]): readonly [run: typeof describe, note: string] => {
  const lacking = jail.lacking.find(({ part }) => parts.includes(part));
  return lacking === undefined
    ? [describe, ""]
    : [describe.skip as typeof describe, ` (${lacking.part}: ${lacking.reason})`];
};

let listener: ReturnType<typeof Bun.serve>;
let spawner: Spawner;
beforeAll(async () => {
  listener = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("reached") });
  spawner = await startSpawner({ command: COMMAND, jail: true });
});
afterAll(async () => {
  await listener.stop(true);
  await spawner.dispose();
});

const [filtered, filteredNote] = needs("seccomp");
filtered(`an escaped isolate${filteredNote}`, () => {
  let talk: Talk;
  beforeAll(async () => {
    talk = await talkTo(await spawner.spawn("isolate", [`port=${listener.port}`]));
  });

  test("has every one of its system calls for something new refused", async () => {
    const calls = await talk.ask<Record<string, string>>("system calls");
    expect(Object.keys(calls).length).toBeGreaterThanOrEqual(30);
    const done = Object.entries(calls).filter(([, result]) => result !== "errno 1" && result !== "errno 38");
    expect(done).toEqual([]);
  });

  test("has everything that Bun offers for files, processes and network refused", async () => {
    const attempts = await talk.ask<Record<string, string>>("high level");
    expect(Object.entries(attempts).filter(([, result]) => !result.startsWith("refused"))).toEqual([]);
    expect(existsSync("/tmp/jailed-child-was-here")).toBe(false);
  });

  test("is still there afterwards, and talks through its socket", async () => {
    expect(await talk.ask<string>("threads")).toBe("done");
  });

  test("still has its code compiled: new functions are as fast as in a child without a jail", async () => {
    const jailed: Record<string, number> = {};
    const plain: Record<string, number> = {};
    const measure = async (who: Talk, into: Record<string, number>): Promise<void> => {
      for (const [name, milliseconds] of Object.entries(await who.ask<Record<string, number>>("compute")))
        into[name] = Math.min(into[name] ?? Infinity, milliseconds);
    };
    let rounds = 0;
    const slow = (): string[] => Object.keys(jailed).filter((name) => (jailed[name] ?? 0) > 5 * (plain[name] ?? 0));
    await withChild({ jail: false }, async (other) => {
      // Interpreted, these take ten times as long and more, each time; a machine that is busy otherwise is so now and then.
      do await Promise.all([measure(talk, jailed), measure(other, plain)]);
      while (slow().length > 0 && ++rounds < 5);
    });
    expect(slow()).toEqual([]);
    expect(Object.keys(jailed).length).toBeGreaterThan(0);
  });
});

const [confined, confinedNote] = needs("landlock");
confined(`a child that nobody filtered is still held by the thread that started it${confinedNote}`, () => {
  let attempts: Record<string, string>;
  let calls: Record<string, string>;
  beforeAll(async () => {
    const talk = await talkTo(await spawner.spawn("isolate", ["unlocked", `port=${listener.port}`]));
    attempts = await talk.ask("high level");
    const other = await talkTo(await spawner.spawn("isolate", ["unlocked", "keep-page"]));
    calls = await other.ask("open calls");
  });

  test.each(["fs.readFileSync", "fs.readdirSync", "fs.writeFileSync", "Bun.file", "child_process", "Bun.spawn"])(
    "%s reaches no file and no program",
    (name) => expect(attempts[name]).toStartWith("refused"),
  );
  test("no live listener is reached", () => {
    expect(attempts["net.connect"]).toStartWith("refused");
    expect(attempts.fetch).toStartWith("refused");
  });
  test("the engine's environment and memory stay closed", () => {
    expect(attempts["the engine's environment"]).toStartWith("refused");
    expect(calls["trace the engine"]).toBe("errno 1");
  });
  test("no signal reaches the engine", () => expect(calls["probe the engine"]).toBe("errno 1"));
});

const [building, buildingNote] = needs("landlock", "seccomp");
building(`an escaped builder${buildingNote}`, () => {
  let folder: string;
  let talk: Talk;
  const own = (name: string): string => join(folder, "own", name);
  beforeAll(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "jail-")));
    mkdirSync(join(folder, "own"), { mode: 0o755 });
    mkdirSync(join(folder, "other"), { mode: 0o755 });
    writeFileSync(own("index.ts"), 'import { a } from "./a.ts"; export default a;');
    writeFileSync(own("a.ts"), "export const a: number = 12345;");
    writeFileSync(join(folder, "other", "secret.ts"), "export default 1;");
    const args = [`read=${join(folder, "own")}`, `file=${own("a.ts")}`, `port=${listener.port}`];
    talk = await talkTo(await spawner.spawn("builder", args, [join(folder, "own")]));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("reads its own folder, also where only the engine's user may", async () => {
    expect(await talk.ask<string>("read file")).toBe("done");
  });

  test.each(["/etc/passwd", "other/secret.ts", "."])("does not read %s", async (path) => {
    const args = [`read=${join(folder, "own")}`, `file=${path.startsWith("/") ? path : join(folder, path)}`];
    const other = await talkTo(await spawner.spawn("builder", args, [join(folder, "own")]));
    expect(await other.ask<string>("read file")).toBe("refused: EACCES");
  });

  test.skipIf(process.getuid?.() !== 0)(
    "has no descriptor but its socket, its stderr and its event loop (root sees it)",
    () => {
      const fds = readdirSync(`/proc/${talk.child.pid}/fd`).map((fd) =>
        readlinkSync(`/proc/${talk.child.pid}/fd/${fd}`),
      );
      expect(
        fds.filter((target) => !/^(socket|pipe):|^\/dev\/null$|^anon_inode:\[event(poll|fd)\]$/.test(target)),
      ).toEqual([]);
      expect(fds.length).toBeLessThanOrEqual(5);
    },
  );

  test("writes nothing, starts nothing, connects to nothing, signals nobody", async () => {
    const attempts = await talk.ask<Record<string, string>>("high level");
    // Landlock does not hide that a file exists.
    const done = Object.entries(attempts).filter(([name, result]) => result === "done" && name !== "fs.statSync");
    expect(done).toEqual([]);
  });

  test("has the system calls refused that an isolate has refused, but for reading", async () => {
    const calls = await talk.ask<Record<string, string>>("system calls");
    const reading = ["open its own maps", "stat a file", "read a link"];
    const done = Object.entries(calls).filter(([name, result]) => result === "done" && !reading.includes(name));
    expect(done).toEqual([]);
    expect(calls["open a file"]).toBe("errno 13");
  });
});
