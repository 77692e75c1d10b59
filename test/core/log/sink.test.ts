/** The sink on a real pipe: in order, never waiting for the reader, and honest about what was lost. */
import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSink, type Sink } from "../../../core/log/sink.ts";

const dir = mkdtempSync(join(tmpdir(), "awe-sink-"));
afterAll(() => rmSync(dir, { recursive: true }));

const LINE = `${"x".repeat(1023)}\n`;
const notice = (lines: number): string => `${lines} lines lost\n`;
let pipes = 0;

/** Both ends of a pipe; neither blocks, as an engine's standard output does not. */
class Pipe implements Disposable {
  readonly #path = join(dir, `pipe-${pipes++}`);
  #reader: number;
  readonly writer: number;

  constructor() {
    Bun.spawnSync(["mkfifo", this.#path]);
    this.#reader = openSync(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.writer = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
  }

  /** What is in it now. */
  read(): string {
    const bytes = Buffer.alloc(1024 * 1024);
    let text = "";
    try {
      for (let read = readSync(this.#reader, bytes); read > 0; read = readSync(this.#reader, bytes))
        text += bytes.toString("utf8", 0, read);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    return text;
  }

  async readUntil(end: string): Promise<string> {
    let text = this.read();
    for (let i = 0; !text.endsWith(end); i++) {
      if (i > 1000) throw new Error(`no ${end.trim()} after ${text.length} characters`);
      await Bun.sleep(2);
      text += this.read();
    }
    return text;
  }

  hangUp(): void {
    closeSync(this.#reader);
    this.#reader = -1;
  }

  [Symbol.dispose](): void {
    if (this.#reader >= 0) closeSync(this.#reader);
    closeSync(this.writer);
  }
}

/** Writes lines that nobody reads, until some are lost. */
async function fill(sink: Sink): Promise<number> {
  let written = 0;
  for (; sink.dropped === 0 && written < 10_000; written++) {
    sink.write(LINE);
    if (written % 100 === 0) await Bun.sleep(0);
  }
  return written;
}

describe.skipIf(process.platform !== "linux")("a sink", () => {
  test("writes whole texts in their order", async () => {
    using pipe = new Pipe();
    const sink = createSink({ fd: pipe.writer, notice });
    for (let i = 0; i < 50; i++) sink.write(`line ${i}\n`);
    const text = await pipe.readUntil("line 49\n");
    expect(text).toBe(Array.from({ length: 50 }, (_, i) => `line ${i}\n`).join(""));
    expect(sink.dropped).toBe(0);
  });

  test("keeps what a slow reader has not taken, and drops only what does not fit, by whole lines", async () => {
    using pipe = new Pipe();
    const sink = createSink({ fd: pipe.writer, notice, maxBuffered: 200 * 1024 });
    const written = await fill(sink);
    sink.write(LINE + LINE);
    expect(sink.dropped).toBe(3);
    const text = await pipe.readUntil("lines lost\n");
    const lines = text.split("\n").slice(0, -1);
    expect(lines.at(-1)).toBe("3 lines lost");
    expect(lines.slice(0, -1)).toEqual(Array.from({ length: written - 1 }, () => LINE.trimEnd()));
    sink.write("after\n");
    expect(await pipe.readUntil("after\n")).toBe("after\n");
    expect(sink.dropped).toBe(3);
  });

  test("drain ends when all is read, or when its time is up", async () => {
    using pipe = new Pipe();
    const sink = createSink({ fd: pipe.writer, notice, maxBuffered: 200 * 1024 });
    await sink.drain(10_000);
    await fill(sink);
    const since = performance.now();
    await sink.drain(20);
    expect(performance.now() - since).toBeWithin(15, 5000);
    const drained = sink.drain(10_000);
    await pipe.readUntil("lines lost\n");
    await drained;
    expect(pipe.read()).toBe("");
  });

  test("the last moment writes what the pipe takes and waits for nobody", async () => {
    using pipe = new Pipe();
    const sink = createSink({ fd: pipe.writer, notice, maxBuffered: 200 * 1024 });
    await fill(sink);
    const since = performance.now();
    sink.flushSync();
    expect(performance.now() - since).toBeLessThan(1000);
    // Room again: nothing of it comes twice, and nothing is left that would come later.
    const text = pipe.read();
    expect(text.length).toBeGreaterThan(32 * 1024);
    expect(text.replaceAll(LINE, "").length).toBeLessThan(LINE.length);
    sink.flushSync();
    expect(pipe.read().includes("lost")).toBe(false);
    const left = sink.drain(10_000).then(() => "nothing");
    while ((await Promise.race([left, Bun.sleep(1)])) !== "nothing") pipe.read();
  });

  test("a reader that is gone costs the lines, not the engine", async () => {
    using pipe = new Pipe();
    const sink = createSink({ fd: pipe.writer, notice });
    sink.write("before\n");
    await pipe.readUntil("before\n");
    pipe.hangUp();
    sink.write("nobody\n");
    while (sink.dropped === 0) await Bun.sleep(1);
    sink.write("hears\nthis\n");
    expect(sink.dropped).toBe(3);
    sink.flushSync();
    await sink.drain(1000);
  });

  test("a disk that is full loses lines and takes the next ones when it has room", async () => {
    const full = openSync("/dev/full", constants.O_WRONLY);
    const sink = createSink({ fd: full, notice });
    sink.write("lost\n");
    while (sink.dropped === 0) await Bun.sleep(1);
    sink.write("lost, too\n");
    while (sink.dropped < 2) await Bun.sleep(1);
    sink.flushSync();
    closeSync(full);
    const file = join(dir, "file");
    const room = openSync(file, "w");
    const other = createSink({ fd: room, notice });
    other.write("kept\n");
    await other.drain(1000);
    other.flushSync();
    expect(readFileSync(file, "utf8")).toBe("kept\n");
    closeSync(room);
  });
});
