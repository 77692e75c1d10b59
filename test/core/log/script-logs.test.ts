/** The logs of scripts on disk: every line once and in order, whatever is rotated, restarted or torn; under the cap. */
import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLog } from "../../../core/log.ts";
import { followLogs } from "../../../core/log/follow.ts";
import { CursorError, queryLogs, type LogPage } from "../../../core/log/query.ts";
import { createScriptLogs, logFolder, REQUESTS_A_SECOND, type ScriptLogs } from "../../../core/log/script-logs.ts";

const MIB = 1024 * 1024;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function dataDir(): string {
  const folder = mkdtempSync(join(tmpdir(), "aiwebengine-logs-"));
  folders.push(folder);
  return folder;
}

interface Writer {
  readonly logs: ScriptLogs;
  readonly troubles: string[];
  readonly recovered: number[];
  say(script: string, message: string, fields?: Readonly<Record<string, unknown>>): void;
  request(script: string, path: string, id?: string): void;
}

function writer(dir: string, limits = { scriptBytes: MIB, requestBytes: MIB }, now: () => number = Date.now): Writer {
  const troubles: string[] = [];
  const recovered: number[] = [];
  const logs = createScriptLogs({
    dataDir: dir,
    limits: () => limits,
    onTrouble: (folder, error) => troubles.push(`${folder}: ${String(error)}`),
    onRecovered: (lost) => recovered.push(lost),
    now,
  });
  const log = createLog({ level: "debug", format: "json", write: () => {}, now, scripts: logs });
  const written = logs.flush.bind(logs);
  return {
    logs: {
      add: logs.add.bind(logs),
      release: logs.release.bind(logs),
      flush() {
        log.flush();
        return written();
      },
    },
    troubles,
    recovered,
    say: (script, message, fields) => log.info(message, { script, source: "script", ...fields }),
    request: (script, path, id = "i") =>
      log.access({ id, method: "GET", path, status: 200, ms: 1, ip: "::1", script, route: "/:x" }),
  };
}

const texts = ({ lines }: LogPage): string[] => lines.map((line) => line.message);
function bytesOf(folder: string): number {
  return (
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      // One may go between the list and the look.
      .map((name) => statSync(join(folder, name), { throwIfNoEntry: false }))
      .reduce((sum, stat) => sum + (stat?.isFile() ? stat.size : 0), 0)
  );
}

describe("a script's log", () => {
  test("has every line of the script, and its requests, with a number, by time", async () => {
    const dir = dataDir();
    let time = 1_700_000_000_000;
    const { logs, say, request } = writer(dir, undefined, () => time++);
    say("shop", "one", { id: "r1", data: { n: 1 } });
    request("shop", "/a", "r1");
    say("shop", "two");
    say("other", "three");
    await logs.flush();
    const { lines } = await queryLogs(dir);
    expect(lines.map(({ script, seq, message }) => [script, seq, message])).toEqual([
      ["shop", 1, "one"],
      ["shop", 1, "request"],
      ["shop", 2, "two"],
      ["other", 1, "three"],
    ]);
    expect(lines[0]).toMatchObject({ id: "r1", level: "info", data: { n: 1 } });
    expect(lines[1]).toMatchObject({ id: "r1", kind: "http", route: "GET /:x", path: "/a" });
    expect((await queryLogs(dir, { id: "r1" })).lines).toHaveLength(2);
    expect(texts(await queryLogs(dir, { script: "other" }))).toEqual(["three"]);
    expect(texts(await queryLogs(dir, { since: new Date(1_700_000_000_002) }))).toEqual(["two", "three"]);
    expect(texts(await queryLogs(dir, { limit: 1 }))).toEqual(["three"]);
  });

  test("keeps of a flood of requests the first of each second, and says how many are missing", async () => {
    const dir = dataDir();
    let time = 1_700_000_000_000;
    const { logs, request, troubles } = writer(dir, { scriptBytes: MIB, requestBytes: 8 * MIB }, () => time);
    const flood = async (from: number): Promise<void> => {
      for (let i = from; i < from + 10_000; i++) request("shop", `/${i}`);
      await logs.flush();
    };
    await flood(0);
    time += 1000;
    await flood(10_000);
    const page = await queryLogs(dir, { limit: 100_000 });
    const paths = page.lines.map((line) => Number(String(line["path"]).slice(1)));
    expect(paths[0]).toBe(0);
    expect(paths).toContain(10_000);
    expect(paths.length).toBeGreaterThanOrEqual(2 * REQUESTS_A_SECOND);
    expect(paths.length).toBeLessThan(8_000);
    expect(troubles).toEqual([]);
    const numbers = page.lines.map(({ seq }) => seq);
    expect(numbers).toEqual(paths.map((path) => path + 1));
  });

  test("can be asked for a level and those above it", async () => {
    const dir = dataDir();
    const { logs } = writer(dir);
    const log = createLog({ level: "debug", format: "json", write: () => {}, now: Date.now, scripts: logs });
    for (const level of ["debug", "info", "warn", "error"] as const) log.at(level, level, { script: "shop" });
    log.flush();
    await logs.flush();
    expect(texts(await queryLogs(dir, { level: "warn" }))).toEqual(["warn", "error"]);
  });

  test("goes on counting after a restart, and after a kill in the middle of a line", async () => {
    const dir = dataDir();
    const first = writer(dir);
    for (let i = 1; i <= 3; i++) first.say("shop", `a${i}`);
    await first.logs.flush();
    const [file = ""] = readdirSync(logFolder(dir, "shop"));
    appendFileSync(join(logFolder(dir, "shop"), file), '{"seq":4,"at":"2026-01-02T03:04:05.067Z","level":"info","mess');
    expect(texts(await queryLogs(dir))).toEqual(["a1", "a2", "a3"]);
    const second = writer(dir);
    second.say("shop", "b1");
    await second.logs.flush();
    const { lines } = await queryLogs(dir);
    expect(lines.map(({ seq, message }) => [seq, message])).toEqual([
      [1, "a1"],
      [2, "a2"],
      [3, "a3"],
      [4, "b1"],
    ]);
    expect(readFileSync(join(logFolder(dir, "shop"), file), "utf8")).toEndWith("}\n");
  });

  test("stays under its cap: the oldest lines go, and who comes back with a cursor is told how many", async () => {
    const dir = dataDir();
    const { logs, say, request } = writer(dir);
    say("shop", "first");
    await logs.flush();
    const { cursor } = await queryLogs(dir);
    for (let i = 0; i < 4000; i++) {
      say("shop", `${i}`, { data: "x".repeat(1000) });
      if (i % 500 === 0) await logs.flush();
      if (i % 100 === 0) expect(bytesOf(join(dir, "scripts"))).toBeLessThanOrEqual(MIB);
    }
    // A flood of requests costs the script's own lines nothing.
    for (let i = 0; i < 200; i++) request("shop", "/a");
    await logs.flush();
    const page = await queryLogs(dir, { cursor, limit: 10_000 });
    const own = page.lines.filter(({ message }) => message !== "request");
    expect(own.length).toBeGreaterThan(700);
    expect(own.at(-1)?.message).toBe("3999");
    expect(page.dropped).toBe(4000 - own.length);
    expect((await queryLogs(dir)).dropped).toBe(0);
  });

  test("keeps no requests where config says so", async () => {
    const dir = dataDir();
    const { logs, request, say } = writer(dir, { scriptBytes: MIB, requestBytes: 0 });
    request("shop", "/a");
    say("shop", "a");
    await logs.flush();
    expect(texts(await queryLogs(dir))).toEqual(["a"]);
  });

  test("keeps none any more once config says so, also where there is a log", async () => {
    const dir = dataDir();
    const limits = { scriptBytes: MIB, requestBytes: MIB };
    const { logs, say, request } = writer(dir, limits);
    say("shop", "one");
    request("shop", "/before");
    await logs.flush();
    limits.requestBytes = 0;
    request("shop", "/after");
    say("shop", "two");
    await logs.flush();
    const { lines } = await queryLogs(dir, { script: "shop" });
    expect(lines.map((line) => line["path"] ?? line.message).toSorted()).toEqual(["/before", "one", "two"]);
  });

  test("holds a line that is longer than a piece of a file", async () => {
    const dir = dataDir();
    const { logs, say } = writer(dir);
    say("shop", "a");
    say("shop", "b", { data: "ü".repeat(400_000) });
    say("shop", "c");
    await logs.flush();
    const page = await queryLogs(dir);
    expect(texts(page)).toEqual(["a", "b", "c"]);
    expect(page.lines[1]?.["data"]).toHaveLength(400_000);
  });

  test("is of scripts only: no other name makes a folder", async () => {
    const dir = dataDir();
    const { logs, say } = writer(dir);
    for (const name of ["..", "../../x", "a/b", "", ".trash", "A", "x".repeat(200)]) say(name, "hostile");
    await logs.flush();
    expect(readdirSync(dir)).toEqual([]);
  });

  test("begins anew when the script came back after its data went to the trash", async () => {
    const dir = dataDir();
    let time = 1_700_000_000_000;
    const { logs, say } = writer(dir, undefined, () => time++);
    for (let i = 0; i < 5; i++) say("shop", `old ${i}`);
    await logs.flush();
    const { cursor } = await queryLogs(dir);
    logs.release("shop");
    renameSync(join(dir, "scripts/shop"), join(dir, "gone"));
    for (let i = 0; i < 3; i++) say("shop", `new ${i}`);
    await logs.flush();
    expect(texts(await queryLogs(dir, { cursor }))).toEqual(["new 0", "new 1", "new 2"]);
  });
});

describe("a disk that cannot be written", () => {
  test("costs lines, which are counted, and nothing else; it is told once, and when it works again", async () => {
    const dir = dataDir();
    let time = 1_700_000_000_000;
    const { logs, say, troubles, recovered } = writer(dir, undefined, () => time);
    say("shop", "a");
    await logs.flush();
    const { cursor } = await queryLogs(dir);
    const folder = logFolder(dir, "shop");
    renameSync(folder, `${folder}.away`);
    writeFileSync(folder, "a file in the way");
    for (let i = 0; i < 3; i++) {
      say("shop", `lost ${i}`);
      await logs.flush();
      time += 5_000;
    }
    expect(troubles).toEqual([expect.stringContaining(folder)]);
    rmSync(folder);
    renameSync(`${folder}.away`, folder);
    say("shop", "b");
    await logs.flush();
    expect(recovered).toEqual([3]);
    const page = await queryLogs(dir, { cursor });
    expect(texts(page)).toEqual(["b"]);
    expect(page.dropped).toBe(3);
  });

  test("is not waited for: what waits is bounded, and what finds no room is counted", async () => {
    const dir = dataDir();
    const { logs, say, troubles } = writer(dir, { scriptBytes: 64 * MIB, requestBytes: MIB });
    say("shop", "first");
    await logs.flush();
    const { cursor } = await queryLogs(dir);
    // In one turn of the event loop: no write can end meanwhile.
    for (let i = 0; i < 5000; i++) say("shop", `${i}`, { data: "x".repeat(1000) });
    expect(troubles).toHaveLength(1);
    await logs.flush();
    say("shop", "last");
    await logs.flush();
    const page = await queryLogs(dir, { cursor, limit: 10_000 });
    const seen = texts(page);
    expect(seen.length).toBeGreaterThan(900);
    expect(seen.length).toBeLessThan(1500);
    expect(seen).toEqual([...seen.slice(0, -1).map((_, index) => `${index}`), "last"]);
    expect(page.dropped).toBe(5001 - seen.length);
  });

  test.skipIf(process.getuid?.() === 0)("because its folder may not be written", async () => {
    const dir = dataDir();
    mkdirSync(join(dir, "scripts"));
    chmodSync(join(dir, "scripts"), 0o500);
    const { logs, say, troubles } = writer(dir);
    say("shop", "a");
    await logs.flush();
    expect(troubles).toHaveLength(1);
  });
});

describe("a cursor", () => {
  test("that is none is refused", () => {
    for (const cursor of ["", "x", "1~", "1~../x.1.1", "2~shop.1.1", "1~shop.1"]) {
      expect(() => queryLogs("/nowhere", { cursor })).toThrow(CursorError);
    }
  });

  test("neither repeats nor skips, whatever is written, rotated, restarted or torn between the reads", async () => {
    const step = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          kind: fc.constant("write" as const),
          lines: fc.integer({ min: 1, max: 40 }),
          script: fc.constantFrom("a", "b"),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant("read" as const), limit: fc.integer({ min: 1, max: 60 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const), torn: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("flush" as const), wait: fc.boolean() }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, tight) => {
        const dir = dataDir();
        let time = 1_700_000_000_000;
        // The clock goes back now and then.
        const now = (): number => (time += time % 7 === 0 ? -3 : 1);
        // Tight: some of the lines are dropped before they are read.
        const limits = tight ? { scriptBytes: 8192, requestBytes: 8192 } : { scriptBytes: MIB, requestBytes: MIB };
        let current = writer(dir, limits, now);
        const written: Record<string, string[]> = { a: [], b: [] };
        const read: Record<string, string[]> = { a: [], b: [] };
        let cursor = (await queryLogs(dir)).cursor;
        let dropped = 0;
        const take = async (limit: number): Promise<number> => {
          const page = await queryLogs(dir, { cursor, limit });
          for (const line of page.lines) read[line.script]?.push(line.message);
          cursor = page.cursor;
          dropped += page.dropped;
          return page.lines.length;
        };
        for (const one of steps) {
          if (one.kind === "write") {
            for (let i = 0; i < one.lines; i++) {
              const message = `${one.script}${written[one.script]?.length}`;
              written[one.script]?.push(message);
              current.say(one.script, message, { data: "x".repeat(60) });
            }
          } else if (one.kind === "read") await take(one.limit);
          else if (one.kind === "flush") {
            // Reads that find a write under way are the hard ones.
            const flushed = current.logs.flush();
            if (one.wait) await flushed;
          } else {
            await current.logs.flush();
            if (one.torn) tear(dir);
            current = writer(dir, limits, now);
          }
        }
        await current.logs.flush();
        while ((await take(25)) > 0) continue;
        const all = [...(written["a"] ?? []), ...(written["b"] ?? [])].length;
        const seen = [...(read["a"] ?? []), ...(read["b"] ?? [])].length;
        for (const script of ["a", "b"]) {
          const kept = new Set(read[script]);
          expect(read[script]).toEqual((written[script] ?? []).filter((message) => kept.has(message)));
        }
        expect(seen + dropped).toBe(all);
        if (!tight) expect(dropped).toBe(0);
      }),
      { numRuns: 60 },
    );
  }, 30_000);
});

/** As a kill in the middle of a write leaves it. */
function tear(dir: string): void {
  for (const script of ["a", "b"]) {
    const folder = logFolder(dir, script);
    const files = readDir(folder);
    const last = files.at(-1);
    if (last) appendFileSync(join(folder, last), '{"seq":1,"at":"2026-');
  }
}

function readDir(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".jsonl"))
      .toSorted();
  } catch {
    return []; // nothing was written yet
  }
}

describe("to follow", () => {
  test("shows what is there, then each line as it is written, over rotations and a new writer, each once", async () => {
    const dir = dataDir();
    const limits = { scriptBytes: 64 * 1024, requestBytes: 64 * 1024 };
    let current = writer(dir, limits);
    current.say("shop", "0");
    await current.logs.flush();
    const controller = new AbortController();
    const seen: number[] = [];
    let dropped = 0;
    for await (const page of followLogs(dir, { script: "shop" }, controller.signal)) {
      for (const { message } of page.lines) seen.push(Number(message));
      dropped += page.dropped;
      const next = seen.length;
      if (next === 600) controller.abort();
      else if (next % 20 === 1 || next === 1) {
        if (next % 100 === 1) current = writer(dir, limits);
        for (let i = next; i < Math.min(600, next + 20); i++) current.say("shop", `${i}`, { data: "x".repeat(300) });
        await current.logs.flush();
      }
    }
    expect(dropped).toBe(0);
    expect(seen).toEqual(Array.from({ length: 600 }, (_, i) => i));
  });

  test("waits for a script that has no log yet", async () => {
    const dir = dataDir();
    const { logs, say } = writer(dir);
    const controller = new AbortController();
    let pages = 0;
    for await (const page of followLogs(dir, {}, controller.signal)) {
      if (++pages === 1) {
        expect(page.lines).toEqual([]);
        say("shop", "born");
        await logs.flush();
      } else {
        expect(texts(page)).toEqual(["born"]);
        controller.abort();
      }
    }
    expect(pages).toBe(2);
  });
});
