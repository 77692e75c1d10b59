/** The author's commands on the binary, in folders that were empty before: what is made passes, what is wrong is found. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { prepareFolder, runEngine, startEngine } from "./engine.ts";

setDefaultTimeout(60_000);

const root = await mkdtemp(join(tmpdir(), "aiwebengine-author-"));
afterAll(() => rm(root, { recursive: true, force: true }));

interface Problem {
  readonly code: string;
  readonly severity: string;
  readonly script?: string;
  readonly file?: string;
  readonly line?: number;
  readonly rule?: string;
  readonly frame?: string;
  readonly hint?: string;
  readonly message: string;
}

/** A project with these scripts, and what `check --json` says of it. */
async function checked(scripts: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const dir = await prepareFolder({ scripts });
  const { code, stdout, stderr } = await runEngine(["check", "--json", ...args], { cwd: dir });
  await rm(dirname(dir), { recursive: true });
  expect(stderr).toBe("");
  return {
    code,
    ...(JSON.parse(stdout) as { ok: boolean; problems: readonly Problem[]; scripts: readonly { name: string }[] }),
  };
}

describe("init", () => {
  const dir = join(root, "fresh");

  test("makes a project that passes check, and whose page is served", async () => {
    const made = await runEngine(["init", dir]);
    expect([made.code, made.stderr]).toEqual([0, ""]);
    for (const file of [
      "scripts/hello.ts",
      "scripts/hello.test.ts",
      "aiwebengine.toml",
      "AGENTS.md",
      ".vscode/settings.json",
    ])
      expect(made.stdout).toContain(`made  ${file}\n`);
    const check = await runEngine(["check"], { cwd: dir });
    expect([check.code, check.stderr]).toEqual([0, ""]);
    expect(check.stdout).toContain("1 script, 2 routes: no error");
    await using engine = await startEngine({ dir });
    expect(await (await engine.fetch("/")).text()).toContain("It works");
    expect(await (await engine.fetch("/hello/Ada")).json()).toEqual({ message: "Hello, Ada!" });
    expect((await engine.fetch(`/hello/Ada?greeting=${"x".repeat(41)}`)).status).toBe(422);
    expect((await readdir(join(dir, "scripts"))).toSorted()).toEqual([
      ".aiwebengine",
      "hello.test.ts",
      "hello.ts",
      "tsconfig.json",
    ]);
  });

  test("overwrites nothing, and says what it left", async () => {
    await writeFile(join(dir, "README.md"), "mine");
    const again = JSON.parse((await runEngine(["init", "--json"], { cwd: dir })).stdout) as Record<string, unknown>;
    expect(again["made"]).toEqual([]);
    expect(again["left"]).toEqual(
      expect.arrayContaining(["scripts/", "README.md", "aiwebengine.toml", "scripts/tsconfig.json"]),
    );
    expect(await readFile(join(dir, "README.md"), "utf8")).toBe("mine");
  });

  test("follows no link out of the folder", async () => {
    const linked = join(root, "linked");
    await mkdir(linked);
    await symlink(join(root, "outside.md"), join(linked, "AGENTS.md"));
    expect((await runEngine(["init", linked])).stdout).toContain("left  AGENTS.md");
    expect(await Bun.file(join(root, "outside.md")).exists()).toBe(false);
  });

  test("its settings show defaults that the engine takes when they are uncommented", async () => {
    const text = await readFile(join(dir, "aiwebengine.toml"), "utf8");
    await writeFile(join(root, "all.toml"), text.replace(/^# (?=\[|\w+ = )/gm, ""));
    const { code, stderr } = await runEngine(["check", "--config", join(root, "all.toml"), "--dir", dir]);
    expect([code, stderr]).toEqual([0, ""]);
  });
});

describe("new", () => {
  const dir = join(root, "new");
  beforeAll(async () => void (await runEngine(["init", dir])));

  test("writes a script and its test that pass check", async () => {
    expect((await runEngine(["new", "script", "shop"], { cwd: dir })).code).toBe(0);
    expect((await runEngine(["new", "test", "shop"], { cwd: dir })).stdout).toContain("made  scripts/shop.test.ts");
    expect((await runEngine(["check", "shop"], { cwd: dir })).stdout).toContain("1 script, 1 route: no error");
  });

  test("puts the test of a folder script into the folder", async () => {
    await mkdir(join(dir, "scripts/big"));
    await writeFile(join(dir, "scripts/big/index.ts"), "export {};\n");
    expect((await runEngine(["new", "test", "big"], { cwd: dir })).stdout).toContain("made  scripts/big/big.test.ts");
  });

  const refused: readonly (readonly [args: readonly string[], code: number, says: string])[] = [
    [["script", "hello"], 1, 'scripts/hello.ts is the script "hello" already'],
    [["script", "big"], 1, 'scripts/big is the script "big" already'],
    [["script", "../evil"], 2, '"../evil" cannot be a script\'s name'],
    [["script", "Shop"], 2, "lower-case"],
    [["plugin", "2fa"], 2, "with a letter first"],
    [["test", "helo"], 2, "Did you mean hello?"],
  ];
  test.each(refused)("refuses %s", async (args, code, says) => {
    const answer = await runEngine(["new", ...args], { cwd: dir });
    expect([answer.code, answer.stdout]).toEqual([code, ""]);
    expect(answer.stderr).toContain(says);
  });
});

describe("check", () => {
  const ok = 'import { registerWebHandler } from "@aiwebengine/sdk";\nregisterWebHandler("GET /ok", () => "ok");\n';

  test("a fault of syntax ends with 1, and has code, file, line, frame and hint", async () => {
    const { code, problems } = await checked({ "broken.ts": "export const a = 1;\nexport const b = ;\n" });
    expect(code).toBe(1);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: "script_failed", script: "broken", file: "scripts/broken.ts", line: 2 });
    expect(problems[0]?.frame).toContain("> 2 | export const b = ;");
    expect(problems[0]?.hint).not.toBe("");
  });

  test("a wrong type is found at its line, also through the SDK's types", async () => {
    const typed = [
      'import { registerWebHandler } from "@aiwebengine/sdk";',
      'registerWebHandler("GET /n/:id", ({ params }) => {',
      "  const id: number = params.id;",
      "  return params.nope ?? id;",
      "});",
    ].join("\n");
    const { code, problems } = await checked({ "typed.ts": typed, "ok.ts": ok });
    expect(code).toBe(1);
    expect(problems.map(({ file, line, rule }) => [file, line, rule])).toEqual([
      ["scripts/typed.ts", 3, "TS2322"],
      ["scripts/typed.ts", 4, "TS2339"],
    ]);
    expect(problems.every(({ code: own, script }) => own === "type_error" && script === "typed")).toBe(true);
  });

  test("a route of two scripts, a schema that nothing uses, a handler that is not there: each is named with its line", async () => {
    const { code, problems } = await checked({
      "a.js": 'registerWebHandler("GET /same/:id", () => "a");\n',
      "b.js": '\nregisterWebHandler("GET /same/:name", () => "b");\n',
      "c.js": '\n\nregisterWebHandler("GET /c", { body: { text: "string" } }, () => "c");\n',
      "d.js": '\n\n\nregister("/d", "nowhere");\n',
      "e.ts": 'import { readFileSync } from "node:fs";\nreadFileSync("x");\n',
      "f.ts": "export {};\n",
    });
    expect(code).toBe(1);
    expect(problems.map((problem) => [problem.code, problem.file, problem.line, problem.severity]).toSorted()).toEqual([
      ["bad_registration", "scripts/d.js", 4, "error"],
      ["import_refused", "scripts/e.ts", 1, "error"],
      ["no_registration", "scripts/f.ts", undefined, "warning"],
      ["route_taken", "scripts/b.js", 2, "error"],
      ["unused_schema", "scripts/c.js", 3, "error"],
    ]);
    for (const { hint, message } of problems) expect([hint?.length, message.length]).not.toContain(0);
  });

  test("a route of the engine is taken", async () => {
    const { problems } = await checked({ "a.js": 'registerWebHandler("GET /health/live", () => "a");\n' });
    expect(problems).toMatchObject([{ code: "route_taken", script: "a" }]);
  });

  test("with a name reports that script only; a name that is not there is wrong usage", async () => {
    const scripts = { "ok.ts": ok, "broken.ts": "export const b = ;\n" };
    const { code, ok: fine, scripts: reported } = await checked(scripts, "ok");
    expect([code, fine, reported.map(({ name }) => name)]).toEqual([0, true, ["ok"]]);
    const dir = await prepareFolder({ scripts });
    const wrong = await runEngine(["check", "brokn"], { cwd: dir });
    await rm(dirname(dir), { recursive: true });
    expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
    expect(wrong.stderr).toContain("Did you mean broken?");
  });

  test("an effect of a script is withheld: it loads without services and without the network", async () => {
    const { code, problems } = await checked({
      "eager.ts": 'export async function init() {\n  await fetch("http://127.0.0.1:1/");\n}\n',
    });
    expect(code).toBe(1);
    expect(problems[0]).toMatchObject({ code: "not_in_invocation", line: 2 });
  });

  test("disturbs no engine that serves the same folder, and leaves nothing but types", async () => {
    await using engine = await startEngine({ scripts: { "ok.ts": ok } });
    await engine.waitForLog(/listening/);
    const before = (await readdir(join(engine.dir, "data/cache"))).toSorted();
    const { code, stdout, stderr } = await runEngine(["check"], { cwd: engine.dir, env: { TMPDIR: root } });
    expect([code, stderr, stdout]).toEqual([0, "", expect.stringContaining("no error")]);
    expect((await readdir(join(engine.dir, "data/cache"))).toSorted()).toEqual(before);
    expect((await readdir(root)).filter((name) => name.includes("-check-"))).toEqual([]);
    expect(await (await engine.fetch("/ok")).text()).toBe("ok");
  });

  test("a script of the name check in a package.json is not run", async () => {
    const dir = await prepareFolder({ scripts: { "ok.ts": ok, "package.json": '{"scripts":{"check":"touch ran"}}' } });
    expect((await runEngine(["check"], { cwd: dir })).code).toBe(0);
    expect(await Bun.file(join(dir, "scripts/ran")).exists()).toBe(false);
    await rm(dirname(dir), { recursive: true });
  });

  test("a folder without scripts/ is a failure, not a project without a fault", async () => {
    const { code, stdout, stderr } = await runEngine(["check"], { cwd: root });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("aiwebengine init");
  });
});
