/** The log: what a line is, what no line can be made to do, and what happens when nobody reads. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createLog, droppedNotice, resolveFormat, type Log, type LogLevel } from "../../core/log.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 67);
const ACCESS = { id: "i-1", method: "GET", path: "/a", status: 200, ms: 1.23456, ip: "::1" };

function collect(format: "json" | "pretty", level: LogLevel = "debug"): { log: Log; text: () => string } {
  let text = "";
  const write = (more: string): void => void (text += more);
  const log = createLog({ level, format, write, now: () => NOW });
  return { log, text: () => (log.flush(), text) };
}
const lines = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("json", () => {
  test("a line is one JSON object with time, level, message and fields", () => {
    const { log, text } = collect("json");
    log.info("hello", { n: 1, list: [true, null], big: 5n, gone: undefined });
    expect(text()).toBe(
      '{"at":"2026-01-02T03:04:05.067Z","level":"info","message":"hello","n":1,"list":[true,null],"big":"5"}\n',
    );
  });

  test("a child's fields are on every line and cannot be forged by a line's own", () => {
    const { log, text } = collect("json");
    log
      .child({ script: "shop" })
      .child({ id: "i-1" })
      .warn("x", { script: "victim", level: "error", at: 0, id: "i-2" });
    expect(lines(text())[0]).toEqual({
      at: "2026-01-02T03:04:05.067Z",
      level: "warn",
      message: "x",
      script: "shop",
      id: "i-1",
      _script: "victim",
      _level: "error",
      _at: 0,
      _id: "i-2",
    });
  });

  test("lines below the level are not written", () => {
    const { log, text } = collect("json", "warn");
    log.debug("a");
    log.info("b");
    log.access(ACCESS);
    log.at("error", "c");
    expect(lines(text()).map((line) => line["message"])).toEqual(["c"]);
  });

  test("an access line is valid JSON whatever the path, method and address hold", () => {
    const { log, text } = collect("json");
    const hostile = '/"},\n{"level":"error"\u2028\x1b[2J\u009b\\';
    log.access({ ...ACCESS, script: "shop" });
    log.access({ ...ACCESS, path: hostile, method: hostile, ip: hostile, id: hostile });
    expect(text().split("\n")).toHaveLength(3);
    const [first, second] = lines(text());
    expect(first).toEqual({
      at: "2026-01-02T03:04:05.067Z",
      level: "info",
      message: "request",
      ...ACCESS,
      ms: 1.23,
      script: "shop",
      kind: "http",
    });
    expect(second).toMatchObject({ path: hostile, method: hostile, ip: hostile, id: hostile });
  });

  test("an error is written with its code, stack and causes", () => {
    const { log, text } = collect("json");
    const cause = Object.assign(new Error("disk full"), { code: "ENOSPC" });
    log.error("cannot save", { error: new Error("outer", { cause }) });
    expect(lines(text())[0]?.["error"]).toMatchObject({
      name: "Error",
      message: "outer",
      stack: expect.stringContaining("outer"),
      cause: { message: "disk full", code: "ENOSPC" },
    });
  });

  test("what cannot be serialised does not lose the line", () => {
    const { log, text } = collect("json");
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const trap = {
      toJSON(): never {
        throw new Error("trap");
      },
    };
    log.info("kept", { cycle, trap, fn: () => 1, nan: Number.NaN });
    expect(lines(text())[0]).toMatchObject({
      message: "kept",
      trap: "[cannot be logged: trap]",
      fn: "[function]",
      nan: "NaN",
    });
    expect(lines(text())[0]?.["cycle"]).toContain("cannot be logged");
  });
});

describe("secrets", () => {
  for (const format of ["json", "pretty"] as const) {
    test(`credentials are redacted at any depth (${format})`, () => {
      const { log, text } = collect(format);
      log.info("in", {
        authorization: "hunter2",
        Cookie: "hunter2",
        headers: { "set-cookie": "hunter2", "proxy-authorization": "hunter2", accept: "kept" },
        user: { password: "hunter2", apiKey: "hunter2", list: [{ access_token: "hunter2", client_secret: "hunter2" }] },
      });
      expect(text()).not.toContain("hunter2");
      expect(text()).toContain("kept");
      expect(text()).toContain("[redacted]");
    });
  }
});

describe("pretty", () => {
  test("a line has time, level, message and fields", () => {
    const { log, text } = collect("pretty");
    log.child({ script: "shop" }).warn("low stock", { item: "red hat", left: 2 });
    expect(text()).toBe('03:04:05.067 WARN  low stock script=shop item="red hat" left=2\n');
  });

  test("no text can start a line, move the cursor, colour, or turn the reading direction", () => {
    const { log, text } = collect("pretty");
    const hostile = "a\n03:04:05.067 ERROR forged\r\x1b[31m\x1b]0;title\x07\u009b2J\u202e\u2028\x7f";
    log.info(hostile, { [hostile]: hostile, frame: hostile, error: new Error(hostile) });
    log.access({ ...ACCESS, path: hostile });
    const written = text();
    expect(written).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]/);
    for (const line of written.trimEnd().split("\n")) expect(line).toMatch(/^(03:04:05\.067 INFO {2}| {4}\| )/);
  });

  test("an error's stack and causes are an indented block", () => {
    const { log, text } = collect("pretty");
    log.error("failed", { error: new Error("outer", { cause: new TypeError("inner") }) });
    expect(text()).toContain("\n    | Error: outer\n");
    expect(text()).toContain("\n    | caused by TypeError: inner\n");
  });

  test("a reason of several lines stands below the line, one of one line in it", () => {
    const { log, text } = collect("pretty");
    log.error("config refused", { reason: "a key\nis unknown" });
    log.error("config refused", { reason: "too late" });
    expect(text()).toContain("config refused\n    | a key\n    | is unknown\n");
    expect(text()).toContain('config refused reason="too late"\n');
  });
  test("auto is pretty on a terminal and with --dev only", () => {
    expect(resolveFormat("auto", true, false)).toBe("pretty");
    expect(resolveFormat("auto", false, true)).toBe("pretty");
    expect(resolveFormat("auto", false, false)).toBe("json");
    expect(resolveFormat("json", true, true)).toBe("json");
  });
});

describe("batches", () => {
  test("lines of one turn are written together, in order", async () => {
    const writes: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const write = (text: string): void => {
      writes.push(text);
      resolve();
    };
    const log = createLog({ level: "info", format: "json", write, now: () => NOW });
    log.info("1");
    log.child({ script: "a" }).info("2");
    expect(writes).toHaveLength(0);
    await promise;
    expect(lines(writes[0] ?? "").map((line) => line["message"])).toEqual(["1", "2"]);
    log.flush();
    expect(writes).toHaveLength(1);
  });
});

/** A program that writes 64 MiB of log at once and says on stderr how it went. */
const FLOOD = `
import { createSink } from ${JSON.stringify(join(import.meta.dir, "../../core/log/sink.ts"))};
const sink = createSink({ fd: 1, notice: (lines) => "LOST " + lines + "\\n", maxBuffered: 1 << 20 });
const line = "x".repeat(1023) + "\\n";
let longest = 0;
for (let i = 0; i < 64; i++) {
  const start = performance.now();
  sink.write(line.repeat(1024));
  await new Promise((done) => setImmediate(done));
  longest = Math.max(longest, performance.now() - start);
}
await Bun.write(Bun.stderr, JSON.stringify({ longest, dropped: sink.dropped }) + "\\n");
if (process.argv.includes("flush")) sink.flushSync();
else await sink.drain(20_000);
process.exit(0);
`;

describe("a reader that does not read", () => {
  const start = (...args: string[]) =>
    Bun.spawn([process.execPath, "-e", FLOOD, "--", ...args], { stdout: "pipe", stderr: "pipe", stdin: "ignore" });

  test("never blocks the engine; lost lines are counted and told once it reads again", async () => {
    const child = start();
    // The pipe is not read until the child has written everything.
    const { value } = await child.stderr.getReader().read();
    const report = JSON.parse(new TextDecoder().decode(value)) as { longest: number; dropped: number };
    expect(report.longest).toBeLessThan(2000);
    expect(report.dropped).toBeGreaterThan(1000);
    const out = await new Response(child.stdout).text();
    expect(await child.exited).toBe(0);
    const told = [...out.matchAll(/^LOST (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    expect(told).toBe(report.dropped);
    expect(out.split("\n").filter((line) => line.startsWith("x"))).toHaveLength(65536 - report.dropped);
  });

  test("cannot hold the exit", async () => {
    const child = start("flush");
    expect(await child.exited).toBe(0);
  });
});

/** A program that logs ten lines to its standard output and ends by itself. */
const TEN = `
import { createSink } from ${JSON.stringify(join(import.meta.dir, "../../core/log/sink.ts"))};
const sink = createSink({ fd: 1, notice: () => "" });
await Bun.stdin.text();
for (let i = 0; i < 10; i++) {
  sink.write("line\\n");
  await new Promise((done) => setTimeout(done, 1));
}
await sink.drain(1000);
sink.flushSync();
await Bun.write(Bun.stderr, "dropped " + sink.dropped);
process.exit(0);
`;

describe("a log that cannot be written", () => {
  test("because its reader is gone or the disk is full does not end the engine; lost lines are counted", async () => {
    const full = Bun.spawn(["sh", "-c", 'exec "$0" -e "$1" >/dev/full', process.execPath, TEN], {
      stdin: "ignore",
      stderr: "pipe",
    });
    const gone = Bun.spawn([process.execPath, "-e", TEN], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    await gone.stdout.cancel();
    await gone.stdin.end();
    for (const child of [full, gone]) {
      expect(await new Response(child.stderr).text()).toBe("dropped 10");
      expect(await child.exited).toBe(0);
    }
  });
});

test("the notice of lost lines is itself a line of the log", () => {
  const notice = droppedNotice({ format: "json", now: () => NOW });
  expect(lines(notice(12))[0]).toMatchObject({ level: "warn", lines: 12 });
});
