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
      "g/g.ts": ok,
      "g/other.ts": ok,
      "h/notes.md": "no code",
      "_shared/i.ts": ok,
    });
    expect(code).toBe(1);
    expect(problems.map((problem) => [problem.code, problem.file, problem.line, problem.severity]).toSorted()).toEqual([
      ["bad_registration", "scripts/d.js", 4, "error"],
      ["import_refused", "scripts/e.ts", 1, "error"],
      ["no_entry", "scripts/g/g.ts", undefined, "warning"],
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

describe("routes", () => {
  test("lists what scripts and plugins answer, with the file and the line of each", async () => {
    const dir = join(root, "routes");
    await runEngine(["init", dir]);
    const { code, stdout, stderr } = await runEngine(["routes"], { cwd: dir });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      [
        "METHOD  PATH           OWNER           FILE",
        "GET     /              hello           scripts/hello.ts:4",
        "ANY     /graphql       plugin graphql",
        "GET     /health/live   plugin health",
        "GET     /health/ready  plugin health",
        "GET     /hello/:name   hello           scripts/hello.ts:7",
        "ANY     /mcp           plugin mcp",
        "ANY     /mcp/:script   plugin mcp",
        "",
      ].join("\n"),
    );
  });

  test("shows a route that is taken, and names the scripts that do not load", async () => {
    const scripts = {
      "a.js": 'registerWebHandler("GET /same", () => "a");\n',
      "b.js": 'registerWebHandler("GET /same", () => "b");\n',
      "c.js": "register(;\n",
    };
    const dir = await prepareFolder({ scripts });
    const { code, stdout, stderr } = await runEngine(["routes", "--json"], { cwd: dir });
    await rm(dirname(dir), { recursive: true });
    expect(code).toBe(1);
    expect(stderr).toContain("c. See: aiwebengine check c");
    expect(JSON.parse(stdout)).toEqual({
      routes: [
        { method: "ANY", path: "/graphql", plugin: "graphql" },
        { method: "GET", path: "/health/live", plugin: "health" },
        { method: "GET", path: "/health/ready", plugin: "health" },
        { method: "ANY", path: "/mcp", plugin: "mcp" },
        { method: "ANY", path: "/mcp/:script", plugin: "mcp" },
        { method: "GET", path: "/same", script: "a", file: "scripts/a.js", line: 1 },
        {
          method: "GET",
          path: "/same",
          script: "b",
          file: "scripts/b.js",
          line: 1,
          clash: 'GET /same is taken: "a" registers GET /same (a.js:1).',
        },
      ],
    });
  });
});

test("types writes what editors need, and nothing where there is no project", async () => {
  const dir = await prepareFolder({});
  expect((await runEngine(["types"], { cwd: dir })).code).toBe(0);
  expect((await readdir(join(dir, "scripts"))).toSorted()).toEqual([".aiwebengine", "tsconfig.json"]);
  const nowhere = await runEngine(["types"], { cwd: dirname(dir) });
  await rm(dirname(dir), { recursive: true });
  expect([nowhere.code, nowhere.stdout]).toEqual([1, ""]);
});

describe("packages", () => {
  const dir = join(root, "packages");
  const hasTar = Bun.which("tar") !== null;

  /** A tarball as npm would pack it. */
  async function pack(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const folder = join(root, "pack", name, "package");
    await mkdir(folder, { recursive: true });
    for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
    const file = join(root, `${name}.tgz`);
    const { exitCode } = Bun.spawnSync(["tar", "czf", file, "-C", dirname(folder), "package"]);
    expect(exitCode).toBe(0);
    return file;
  }

  const manifest = (name: string, more: object = {}): string =>
    JSON.stringify({ name, version: "1.2.3", type: "module", main: "index.js", ...more });
  const home = { HOME: root };
  const run = (...args: readonly string[]) => runEngine(args, { cwd: dir, env: home, timeoutMs: 60_000 });

  beforeAll(async () => void (await runEngine(["init", dir])));

  test.skipIf(!hasTar)(
    "a script of a single file is told to become a folder, and becomes one with --folder",
    async () => {
      const file = await pack("tiny", {
        "package.json": manifest("tiny", { scripts: { postinstall: "touch ran", preinstall: "touch ran" } }),
        "index.js": "export const tiny = () => 'tiny';\n",
      });
      const told = await run("add", "hello", file);
      expect([told.code, told.stdout]).toEqual([1, ""]);
      expect(told.stderr).toContain("scripts/hello.ts is a single file");
      expect(told.stderr).toContain("--folder");

      const added = await run("add", "hello", file, "--folder");
      expect([added.code, added.stderr]).toEqual([0, ""]);
      expect(added.stdout).toContain("moved  scripts: hello.ts → hello/index.ts");
      expect(added.stdout).toContain("added  tiny 1.2.3");
      const folder = (await readdir(join(dir, "scripts/hello"))).toSorted();
      expect(folder).toEqual(["bun.lock", "hello.test.ts", "index.ts", "node_modules", "package.json"]);
      expect(await Bun.file(join(dir, "scripts/hello/node_modules/tiny/ran")).exists()).toBe(false);
    },
  );

  test.skipIf(!hasTar)("what was added is listed, and works in the script that imports it", async () => {
    const packages = [
      { script: "hello", name: "tiny", wanted: expect.stringContaining("tiny.tgz"), installed: "1.2.3" },
    ];
    expect(JSON.parse((await run("list", "--json")).stdout)).toEqual({ packages });
    await writeFile(
      join(dir, "scripts/hello/index.ts"),
      'import { registerWebHandler } from "@aiwebengine/sdk";\nimport { tiny } from "tiny";\nregisterWebHandler("GET /tiny", () => tiny());\n',
    );
    await using engine = await startEngine({ dir });
    expect(await (await engine.fetch("/tiny")).text()).toBe("tiny");
  });

  test.skipIf(!hasTar)("a package that needs the host is named, with what to do", async () => {
    const file = await pack("hosty", {
      "package.json": manifest("hosty"),
      "index.js": 'import { readFileSync } from "node:fs";\nexport const read = readFileSync;\n',
    });
    const { code, stderr } = await run("add", "hello", file);
    expect(code).toBe(1);
    expect(stderr).toContain("does not work in a script: hosty 1.2.3");
    expect(stderr).toContain('"node:fs"');
    expect(stderr).toContain("aiwebengine remove hello hosty");
    const removed = await run("remove", "hello", "hosty");
    expect([removed.code, removed.stdout]).toEqual([0, "removed  hosty\n"]);
    expect((await readdir(join(dir, "scripts/hello"))).filter((name) => name.startsWith(".probe"))).toEqual([]);
  });

  test("wrong names are wrong usage, and nothing passes for a flag of the installer", async () => {
    const wrong: readonly (readonly [args: readonly string[], says: string])[] = [
      [["add", "helo", "x"], "Did you mean hello?"],
      [["add", "hello", "--", "--trust"], '"--trust" is no package'],
      [["remove", "hello", "tyni"], 'The script "hello" has no package "tyni".'],
      [["list", "nope"], 'There is no script "nope"'],
    ];
    for (const [args, says] of wrong) {
      const { code, stderr } = await run(...args);
      expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
    }
  });

  test("a folder that is not there, or cannot be made, is told as such", async () => {
    const missing = await run("list", "--dir", join(root, "nowhere"));
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("There is no folder")]);
    const file = join(root, "a-file");
    await writeFile(file, "");
    const made = await run("init", join(file, "x"));
    expect([made.code, made.stderr]).toEqual([1, expect.stringContaining("a part of its path is a file")]);
  });

  test("what the installer refuses is told", async () => {
    const { code, stderr } = await run("add", "hello", join(root, "gone.tgz"), "--folder");
    expect(code).toBe(1);
    expect(stderr).toContain("could not be installed");
  });
});

describe("with plugins", () => {
  const shout = (body: string): string =>
    [
      'import { definePlugin } from "@aiwebengine/sdk/plugin";',
      `export default definePlugin({ name: "shout", version: "1.2.0", setup({ service, route }) {`,
      body,
      '  service("shout", { types: "export interface Shout { loud(text: string): Promise<string> }", methods: { loud: async (_call, text) => String(text).toUpperCase() } });',
      '  route("GET /shout", () => new Response("SHOUT"));',
      "} });",
    ].join("\n");
  const uses = [
    'import { registerWebHandler } from "@aiwebengine/sdk";',
    'registerWebHandler("GET /loud", ({ shout }) => shout.loud("x"));',
    'registerWebHandler("GET /wrong", ({ shout }) => shout.silent("x"));',
  ].join("\n");

  test("a service of theirs is typed, and their routes are taken", async () => {
    const taken = 'registerWebHandler("GET /shout", () => "mine");\n';
    const dir = await prepareFolder({
      scripts: { "uses.ts": uses, "taken.js": taken },
      files: { "plugins/shout.ts": shout("") },
    });
    const { code, stdout } = await runEngine(["check", "--json"], { cwd: dir });
    const { problems } = JSON.parse(stdout) as { problems: readonly Problem[] };
    expect(code).toBe(1);
    expect(problems.map((problem) => [problem.code, problem.file, problem.line]).toSorted()).toEqual([
      ["route_taken", "scripts/taken.js", 1],
      ["type_error", "scripts/uses.ts", 3],
    ]);
    expect(problems.find(({ code: own }) => own === "route_taken")?.message).toContain('"shout"');
    await rm(dirname(dir), { recursive: true });
  });

  test("what the owner of a point refuses is found, with what it says", async () => {
    const bell = [
      'import { definePlugin, ProblemError } from "@aiwebengine/sdk/plugin";',
      'export default definePlugin({ name: "bell", version: "1.0.0", setup({ point }) {',
      '  point("bell", {',
      '    functions: { registerBell: { args: ["name", "handler"] } },',
      '    types: "export declare function registerBell(name: string, handler: () => unknown): void;",',
      "    validate(one, all) {",
      '      if (all.filter(({ name }) => name === one.name).length > 1) throw new ProblemError("bad_registration", `two bells ${one.name}`);',
      "    },",
      "    change() {},",
      "  });",
      "} });",
    ].join("\n");
    const ring = 'import { registerBell } from "@aiwebengine/sdk";\nregisterBell("ding", () => 1);\n';
    const dir = await prepareFolder({ scripts: { "a.ts": ring, "b.ts": ring }, files: { "plugins/bell.ts": bell } });
    const { code, stdout } = await runEngine(["check", "--json"], { cwd: dir });
    const { problems, scripts } = JSON.parse(stdout) as { problems: readonly Problem[]; scripts: readonly object[] };
    expect(code).toBe(1);
    expect(problems.map((problem) => [problem.code, problem.file, problem.line, problem.message])).toEqual([
      ["bad_registration", "scripts/a.ts", 2, 'registerBell("ding"): two bells ding'],
      ["bad_registration", "scripts/b.ts", 2, 'registerBell("ding"): two bells ding'],
    ]);
    expect(scripts[0]).toMatchObject({ registrations: [{ function: "registerBell", name: "ding" }] });
    await rm(dirname(dir), { recursive: true });
  });

  test("one that fails is a problem with its place, and the scripts are checked all the same", async () => {
    const scripts = { "ok.js": 'register("/ok", () => "ok");\n', "bad.js": "register(;\n" };
    const dir = await prepareFolder({
      scripts,
      files: { "plugins/shout.ts": shout('  throw new Error("no voice");') },
    });
    const { code, stdout } = await runEngine(["check", "--json"], { cwd: dir });
    const { problems } = JSON.parse(stdout) as { problems: readonly Problem[] };
    expect(code).toBe(1);
    expect(problems.map((problem) => [problem.code, problem.file, problem.line]).toSorted()).toEqual([
      ["plugin_failed", "plugins/shout.ts", 3],
      ["script_failed", "scripts/bad.js", 1],
    ]);
    expect(problems.find(({ code: own }) => own === "plugin_failed")?.frame).toContain('throw new Error("no voice")');
    await rm(dirname(dir), { recursive: true });
  });

  test("plugins lists them with where they are from, and what is wrong", async () => {
    const dir = await prepareFolder({ files: { "plugins/shout.ts": shout("") } });
    const all = await runEngine(["plugins", "--json"], { cwd: dir });
    const { plugins } = JSON.parse(all.stdout) as { plugins: readonly { origin: string; [key: string]: unknown }[] };
    expect([all.code, all.stderr]).toEqual([0, ""]);
    expect(plugins).toContainEqual({
      name: "shout",
      version: "1.2.0",
      origin: "plugins/shout.ts",
      enabled: true,
      requires: [],
      provides: ["shout"],
      problems: [],
    });
    expect(plugins.filter(({ origin }) => origin === "built-in").length).toBeGreaterThan(0);
    await writeFile(join(dir, "plugins/shout.ts"), "export default 1;\n");
    const broken = await runEngine(["plugins"], { cwd: dir });
    expect(broken.code).toBe(1);
    expect(broken.stdout).toMatch(/shout +broken +plugins\/shout\.ts/);
    expect(broken.stderr).toContain("plugins/shout.ts");
    const needy = shout("").replace('version: "1.2.0",', 'version: "1.2.0", requires: ["megaphone"],');
    await writeFile(join(dir, "plugins/shout.ts"), needy);
    const unmet = await runEngine(["plugins"], { cwd: dir });
    expect([unmet.code, unmet.stderr]).toEqual([1, expect.stringContaining('requires "megaphone"')]);
    expect((await runEngine(["doctor"], { cwd: dir })).stdout).toContain('requires "megaphone"');
    await rm(dirname(dir), { recursive: true });
  });

  test("new plugin writes one that is live when it is served, and whose types are right", async () => {
    const dir = await prepareFolder({ scripts: { "ok.js": 'register("/ok", () => "ok");\n' } });
    expect((await runEngine(["new", "plugin", "teapot"], { cwd: dir })).code).toBe(0);
    expect((await runEngine(["check"], { cwd: dir })).code).toBe(0);
    {
      await using engine = await startEngine({ dir });
      expect(await (await engine.fetch("/teapot")).json()).toEqual({ message: "Hello from teapot" });
    }
    await rm(dirname(dir), { recursive: true });
  });
});
