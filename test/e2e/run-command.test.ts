/** `aiwebengine run` on the binary: what a handler answers, what it leaves behind, and how failures are told. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { prepareFolder, runEngine, startEngine } from "./engine.ts";

setDefaultTimeout(60_000);

const SCRIPT = `import { HttpError, registerMessageHandler, registerWebHandler } from "@aiwebengine/sdk";
registerWebHandler("GET /notes/:id", async ({ params, kv }) => {
  const note = await kv.get(params.id);
  if (note === null) throw new HttpError(404, "There is no such note.");
  return note;
});
registerWebHandler("PUT /notes/:id", { body: { text: "string" } }, async ({ params, body, kv, log }) => {
  log.info("kept", { id: params.id });
  await kv.set(params.id, body.text);
  return "kept";
});
registerWebHandler("PUT /broken", async ({ kv }) => {
  await kv.set("broken", 1);
  throw new Error("after the write");
});
registerMessageHandler("count", async ({ payload, kv }) => kv.increment("count", payload.by));
registerMessageHandler("fails", () => {
  throw new TypeError("not today");
});
export const total = (numbers: readonly number[], factor = 1) => numbers.reduce((sum, one) => sum + one, 0) * factor;
export const fails = () => {
  throw new RangeError("too far");
};
export function loops() {
  for (;;);
}
export const nothing = () => {};
`;

let dir = "";
beforeAll(async () => {
  dir = await prepareFolder({
    scripts: { "notes.ts": SCRIPT, "old.js": 'function hello() { return "classic"; }\nregister("/old", "hello");' },
  });
});
afterAll(() => rm(dirname(dir), { recursive: true, force: true }));

const run = (...args: readonly string[]) => runEngine(["run", ...args], { cwd: dir });

test("an exported function gets the list of arguments, and its value is printed as JSON", async () => {
  const { code, stdout, stderr } = await run("notes", "total", "--args", "[[1, 2, 3], 2]");
  expect([code, stdout]).toEqual([0, "12\n"]);
  expect(stderr).toBe("what it wrote is not kept; --write keeps it\n");
  expect(await run("notes", "nothing")).toMatchObject({ code: 0, stdout: "" });
  expect(await run("old", "hello")).toMatchObject({ code: 0, stdout: '"classic"\n' });
});

test("a route answers as when it serves, on data that is thrown away; --write keeps it", async () => {
  const put = ["notes", "PUT /notes/a", "--args", '{"text":"milk"}'];
  const tried = await run(...put);
  expect([tried.code, tried.stdout]).toEqual([0, "kept\n"]);
  expect(tried.stderr).toContain('INFO kept {"id":"a"}\n');
  expect(existsSync(join(dir, "data"))).toBe(false);
  expect(await run("notes", "GET /notes/a")).toMatchObject({ code: 1, stderr: expect.stringContaining("404 ") });

  const kept = await run(...put, "--write");
  expect([kept.code, kept.stderr]).toEqual([0, expect.stringContaining("what it wrote is kept\n")]);
  expect(await run("notes", "/notes/a")).toMatchObject({ code: 0, stdout: "milk\n" });

  expect((await run("notes", "PUT /broken", "--write")).stderr).toContain("it failed: what it wrote is not kept\n");
  expect((await run("notes", "GET /notes/broken")).code).toBe(1);

  await using engine = await startEngine({ dir });
  expect(await (await engine.fetch("/notes/a")).text()).toBe("milk");
  const refused = await run(...put, "--write");
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(engine.url)]);
  expect(await run("notes", "/notes/a")).toMatchObject({ code: 0, stdout: "milk\n" });
});

test("a message's handler gets the payload", async () => {
  expect(await run("notes", "count", "--args", '{"by":3}')).toMatchObject({ code: 0, stdout: "3\n" });
});

test("what a handler throws is told with its file and line, and so is a limit", async () => {
  for (const [handler, message, line] of [
    ["fails", "TypeError: not today", 18],
    ["PUT /broken", "Error: after the write", 14],
  ] as const) {
    const { code, stdout, stderr } = await run("notes", handler);
    expect([handler, code, stderr]).toEqual([handler, 1, expect.stringContaining(message)]);
    expect(stderr).toContain(`scripts/notes.ts:${line}:`);
    expect(stdout).not.toContain(message);
  }
  const looped = await run("notes", "loops");
  expect([looped.code, looped.stderr]).toEqual([1, expect.stringContaining("limits.uninterruptedMs (1000)")]);
});

test("--json has all of it in one line", async () => {
  const { code, stdout, stderr } = await run("notes", "PUT /notes/b", "--args", '{"text":1}', "--json");
  const report = JSON.parse(stdout) as { readonly body: string };
  expect([code, stderr]).toEqual([1, ""]);
  expect(report).toMatchObject({ ok: false, written: false, status: 422, logs: [], seen: [] });
  expect(JSON.parse(report.body)).toMatchObject({ code: "invalid_input" });
  const value = JSON.parse((await run("notes", "total", "--args", "[[1]]", "--json")).stdout) as object;
  expect(value).toEqual({ ok: true, written: false, logs: [], seen: [], value: 1 });
});

test("a handler or a script that is not there, and arguments that are no JSON, are told", async () => {
  const none = await run("notes", "nope");
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("It has: fails, loops, nothing, total.")]);
  expect(await run("note", "total")).toMatchObject({ code: 2, stderr: expect.stringContaining("Did you mean notes?") });
  expect(await run("notes", "total", "--args", "[1")).toMatchObject({ code: 2, stdout: "" });
});
