/** The logs of scripts from outside: what the engine writes, and what `aiwebengine logs` reads of it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { engineCommand, prepareFolder, runEngine, startEngine, type Engine } from "./engine.ts";
import { LogLines } from "./log-lines.ts";

const SCRIPTS = {
  "shop.ts": `
    import { registerWebHandler } from "@aiwebengine/sdk";
    registerWebHandler("GET /buy/:item", ({ params, log }) => {
      log.info("bought", { item: params.item, password: "hunter2", headers: { authorization: "hunter2" } });
      console.warn("low on", params.item);
      return "ok";
    });
    registerWebHandler("GET /boom", () => { throw new Error("out of hats"); });
    registerWebHandler("GET /out", async () => {
      await fetch("http://10.0.0.1/private?key=1").catch(() => {});
      return "ok";
    });
    registerWebHandler("GET /loop", () => { for (;;); });
    registerWebHandler("GET /many", ({ log }) => {
      for (let i = 0; i < 50; i++) log.info("line", { i, text: "x".repeat(1000) });
      return "ok";
    });
  `,
  "other.ts": `
    import { registerWebHandler } from "@aiwebengine/sdk";
    registerWebHandler("GET /other", () => { console.log("other"); return "ok"; });
  `,
};

interface Line {
  readonly seq: number;
  readonly at: string;
  readonly level: string;
  readonly message: string;
  readonly script: string;
  readonly kind?: string;
  readonly route?: string;
  readonly id?: string;
  readonly [name: string]: unknown;
}

interface Answer {
  readonly lines: readonly Line[];
  readonly cursor: string;
  readonly dropped: number;
}

async function logs(dir: string, ...args: string[]): Promise<Answer> {
  const { code, stdout, stderr } = await runEngine(["logs", "--dir", dir, "--json", ...args]);
  if (code !== 0) throw new Error(stderr);
  return {
    lines: stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Line),
    cursor: /^cursor: (\S+)$/m.exec(stderr)?.[1] ?? "",
    dropped: Number(/^(\d+) lines? (?:was|were) dropped/m.exec(stderr)?.[1] ?? 0),
  };
}

const idOf = (response: Response): string => response.headers.get("x-request-id") ?? "";

/** Asks until the lines are there: they are written some 100 ms after they were logged, the first with their folder. */
async function until(
  ask: () => Promise<Answer>,
  enough: (lines: readonly Line[], dropped: number) => boolean,
): Promise<Answer> {
  let last: unknown = null;
  for (let tries = 0; tries < 50; tries++) {
    last = await ask().catch((error: unknown) => error);
    if (last instanceof Error) continue;
    const answer = last as Answer;
    if (enough(answer.lines, answer.dropped)) return answer;
  }
  throw new Error(`the lines did not come: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
}

const PEEK = `
  import { definePlugin } from "@aiwebengine/sdk/plugin";
  export default definePlugin({
    name: "peek",
    version: "1.0.0",
    requires: ["logs"],
    setup({ route, use }) {
      const logs = use("logs");
      route("GET /peek/:id", async ({ params }) => Response.json(await logs.query({ id: params.id })));
    },
  });
`;

describe("beside a running engine", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await startEngine({
      scripts: SCRIPTS,
      files: { "plugins/peek.ts": PEEK },
      config: "[limits]\nuninterruptedMs = 600\n",
    });
  });
  afterAll(() => engine.stop());

  test("a request's id finds exactly its lines: what the script said, and the request", async () => {
    const id = idOf(await engine.fetch("/buy/hat"));
    await engine.fetch("/buy/shoe");
    const { lines } = await until(
      () => logs(engine.dir, "--id", id),
      (all) => all.length >= 3,
    );
    expect(lines.map(({ message, level }) => [message, level])).toEqual([
      ["bought", "info"],
      ["low on hat", "warn"],
      ["request", "info"],
    ]);
    for (const line of lines) {
      expect(line).toMatchObject({ id, script: "shop", kind: "http", route: "GET /buy/:item" });
    }
    expect(lines[2]).toMatchObject({ method: "GET", path: "/buy/hat", status: 200 });
    // The same lines, but for their numbers, are in the engine's own log.
    const { seq: _, ...first } = lines[0] as Line;
    expect(engine.logs).toContain(JSON.stringify(first));
  });

  test("a failure has its place, and a kill its limit, under the request's id", async () => {
    const boom = idOf(await engine.fetch("/boom"));
    const loop = idOf(await engine.fetch("/loop"));
    const failed = await until(
      () => logs(engine.dir, "shop", "--id", boom, "--level", "error"),
      (all) => all.length > 0,
    );
    expect(failed.lines).toEqual([
      expect.objectContaining({ message: "script error", file: "shop.ts", line: 8, route: "GET /boom" }),
    ]);
    const killed = await until(
      () => logs(engine.dir, "shop", "--id", loop, "--level", "warn"),
      (all) => all.length > 0,
    );
    expect(killed.lines).toContainEqual(expect.objectContaining({ code: "uninterrupted_exceeded", kind: "http" }));
  });

  test("a request that a script may not send is told under the id, without its path", async () => {
    const id = idOf(await engine.fetch("/out"));
    const { lines } = await until(
      () => logs(engine.dir, "--id", id, "--level", "warn"),
      (all) => all.length > 0,
    );
    expect(lines).toEqual([
      expect.objectContaining({
        message: "fetch failed",
        code: "fetch_blocked",
        origin: "http://10.0.0.1",
        kind: "http",
      }),
    ]);
    expect(JSON.stringify(lines)).not.toContain("private");
  });

  test("fields that are named like secrets are hidden", async () => {
    await engine.fetch("/buy/hat");
    const { lines } = await until(
      () => logs(engine.dir, "shop"),
      (all) => all.some(({ message }) => message === "bought"),
    );
    expect(JSON.stringify(lines)).not.toContain("hunter2");
    expect(JSON.stringify(lines)).toContain("[redacted]");
  });

  test("a cursor goes on where the last call ended", async () => {
    await engine.fetch("/other");
    const first = await until(
      () => logs(engine.dir, "other"),
      (all) => all.at(-1)?.message === "request",
    );
    const id = idOf(await engine.fetch("/other"));
    const next = await until(
      () => logs(engine.dir, "other", "--cursor", first.cursor),
      (all) => all.length >= 2,
    );
    expect(next.lines.map((line) => line.id)).toEqual([id, id]);
    expect((await logs(engine.dir, "other", "--cursor", next.cursor)).lines).toEqual([]);
  });

  test("-f shows a new line of a script, and ends with Ctrl-C", async () => {
    const follower = Bun.spawn([...engineCommand(), "logs", "-f", "other", "--dir", engine.dir], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const seen = new LogLines();
    const read = seen.read(follower.stdout);
    // The second one comes when it follows already.
    for (const _ of [1, 2]) {
      const id = idOf(await engine.fetch("/other"));
      const line = await seen.wait((text) => text.includes(id) && text.includes('"message":"other"'));
      expect(JSON.parse(line)).toMatchObject({ script: "other", source: "script" });
    }
    follower.kill("SIGINT");
    expect(await follower.exited).toBe(0);
    await read;
  });

  test("a plugin reads the same by the capability logs", async () => {
    const id = idOf(await engine.fetch("/other"));
    const { lines, cursor } = await until(
      () => logs(engine.dir, "--id", id),
      (all) => all.length === 2,
    );
    const page = (await (await engine.fetch(`/peek/${id}`)).json()) as Answer;
    expect(page.lines).toEqual(lines);
    expect(page.cursor.split("~")[0]).toBe(cursor.split("~")[0] as string);
    expect(page.dropped).toBe(0);
  });

  test("wrong words are refused with what would be right", async () => {
    const script = await runEngine(["logs", "shap", "--dir", engine.dir]);
    expect(script.code).toBe(1);
    expect(script.stderr).toContain("Did you mean shop?");
    for (const args of [
      ["--level", "loud"],
      ["--since", "yesterdayish"],
      ["--limit", "many"],
      ["--cursor", "x"],
    ]) {
      const { code, stderr } = await runEngine(["logs", "--dir", engine.dir, ...args]);
      expect(code).toBe(2);
      expect(stderr).toContain("aiwebengine logs --help");
    }
    const empty = await runEngine(["logs", "--dir", dirname(engine.dir)]);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toContain("--dir");
  });
});

test("the numbers of lines go on after a restart, and what was said before is still there", async () => {
  const dir = await prepareFolder({ scripts: SCRIPTS });
  try {
    const first = await startEngine({ dir });
    await first.fetch("/other");
    expect(await first.stop()).toBe(0);
    // A clean end writes all lines.
    const before = await logs(dir, "other");
    expect(before.lines.map(({ message }) => message)).toEqual(["script loaded", "other", "request"]);
    const second = await startEngine({ dir });
    await second.fetch("/other");
    expect(await second.stop()).toBe(0);
    const after = await logs(dir, "other", "--cursor", before.cursor);
    expect(after.lines.map(({ message, seq }) => [message, seq])).toEqual([
      ["other", 3],
      ["request", 2],
    ]);
    expect((await logs(dir, "other")).lines).toEqual([...before.lines, ...after.lines]);
  } finally {
    await rm(dirname(dir), { recursive: true, force: true });
  }
});

test("SIGKILL costs at most the lines that were not written yet, and the next start goes on after them", async () => {
  const dir = await prepareFolder({ scripts: SCRIPTS });
  try {
    const first = await startEngine({ dir });
    const id = idOf(await first.fetch("/buy/hat"));
    await until(
      () => logs(dir, "--id", id),
      (all) => all.length === 3,
    );
    await Promise.all(Array.from({ length: 20 }, () => first.fetch("/many")));
    first.kill("SIGKILL");
    await first.exited;
    const before = await logs(dir, "shop", "--limit", "5000");
    const second = await startEngine({ dir });
    await second.fetch("/buy/shoe");
    expect(await second.stop()).toBe(0);
    const after = await logs(dir, "shop", "--cursor", before.cursor);
    expect(after.dropped).toBe(0);
    expect(after.lines.map(({ message }) => message)).toEqual(["bought", "low on shoe", "request"]);
    // No number twice, none left out.
    const all = [...before.lines, ...after.lines].filter(({ message }) => message !== "request");
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
  } finally {
    await rm(dirname(dir), { recursive: true, force: true });
  }
});

test("what is kept of a script's log stays under log.scriptBytes", async () => {
  await using engine = await startEngine({
    scripts: SCRIPTS,
    config: "[log]\nscriptBytes = 1048576\n[limits]\nlogBytes = 1048576\n",
  });
  const { cursor } = await until(
    () => logs(engine.dir, "shop"),
    (all) => all.length > 0,
  );
  for (let i = 0; i < 40; i++) await engine.fetch("/many");
  const { lines, dropped } = await until(
    () => logs(engine.dir, "shop", "--cursor", cursor),
    // A request has its line, and fifty of the script; they are written side by side.
    (all, missing) => all.length + missing === 40 * 51,
  );
  expect(dropped).toBeGreaterThan(0);
  expect(lines.filter(({ message }) => message === "request")).toHaveLength(40);
  const folder = join(engine.dir, "data/scripts/shop/log");
  let bytes = 0;
  for (const name of await readdir(folder)) {
    const found = await stat(join(folder, name));
    if (found.isFile()) bytes += found.size;
  }
  expect(bytes).toBeGreaterThan(800_000);
  expect(bytes).toBeLessThanOrEqual(1_048_576);
});
