/** How the engine starts: in an empty folder, beside broken scripts, and where it must refuse. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { engineCommand, prepareFolder, runEngine, startEngine, type Engine } from "./engine.ts";
import { asNobody, canBeNobody } from "./nobody.ts";
import { inTerminal } from "./terminal.ts";

setDefaultTimeout(30_000);

const HELLO = `import { registerWebHandler } from "@aiwebengine/sdk";
export const hello = registerWebHandler("GET /hello", () => "Hello");
`;
const isRoot = process.getuid?.() === 0;

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function emptyFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), "aiwebengine-e2e-"));
  folders.push(dir);
  return dir;
}

/** A folder that outlives its engines. */
async function project(scripts: Readonly<Record<string, string>>): Promise<string> {
  const dir = await prepareFolder({ scripts });
  folders.push(dirname(dir));
  return dir;
}

async function text(engine: Engine, path: string): Promise<string> {
  const response = await engine.fetch(path);
  return `${response.status} ${await response.text()}`;
}

/** The log line of a script that failed, as data. */
async function failureOf(engine: Engine, script: string): Promise<Record<string, unknown>> {
  const line = await engine.waitForLog(
    (one) => one.includes('"script failed"') && one.includes(`"script":"${script}"`),
  );
  return JSON.parse(line) as Record<string, unknown>;
}

describe("in an empty folder", () => {
  test("the engine makes what it needs, says where it serves, and takes the first script that is dropped in", async () => {
    const dir = await emptyFolder();
    await using engine = await startEngine({ dir, args: ["--set", "log.format=pretty"] });
    expect(engine.logs).toMatch(/^aiwebengine \d+\.\d+\.\d+ serves http:\/\/127\.0\.0\.1:\d+ in \d+ ms$/m);
    expect(engine.logs).toContain(`folder    ${dir}`);
    await engine.waitForLog(/scripts {3}none yet: save one as scripts\/hello\.ts/);
    expect(readFileSync(join(dir, "data/.gitignore"), "utf8")).toBe("*\n");
    expect(existsSync(join(dir, "scripts"))).toBe(true);
    await engine.write("scripts/hello.ts", HELLO);
    await engine.waitForLog(/script loaded script=hello routes=1/);
    expect(await text(engine, "/hello")).toBe("200 Hello");
    while (!existsSync(join(dir, "scripts/tsconfig.json"))) await Bun.sleep(10);
    expect(existsSync(join(dir, "scripts/.aiwebengine/sdk.d.ts"))).toBe(true);
  });

  test.skipIf(process.platform !== "linux")(
    "a terminal gets the readable banner, in colour unless NO_COLOR is set",
    async () => {
      const dir = await emptyFolder();
      const command = [...engineCommand(), "serve", "--port", "0", "--dir", dir];
      const coloured = await inTerminal(command, { TERM: "xterm" }, /isolates/);
      expect(coloured).toContain("\x1b[1maiwebengine\x1b[22m");
      const plain = await inTerminal(command, { TERM: "xterm", NO_COLOR: "1" }, /isolates/);
      expect(plain).toContain("aiwebengine ");
      expect(plain).not.toContain("\x1b[");
    },
  );

  test("a slip in --dir is refused instead of becoming a new project", async () => {
    const dir = await emptyFolder();
    const { code, stderr } = await runEngine(["serve", "--port", "0", "--dir", join(dir, "shpo")]);
    expect(code).toBe(2);
    expect(stderr).toContain("there is no such folder");
    expect(existsSync(join(dir, "shpo"))).toBe(false);
    await Bun.write(join(dir, "file"), "");
    const file = await runEngine(["serve", "--port", "0", "--dir", join(dir, "file")]);
    expect([file.code, file.stderr]).toEqual([2, expect.stringContaining("there is no such folder")]);
  });
});

describe("scripts that do not load", () => {
  test("are named in the banner with place and reason, and do not matter to the others", async () => {
    const scripts = {
      "hello.ts": HELLO,
      "broken.ts": "export const x = ;\n",
      "twice.ts": HELLO,
      "both.js": "",
      "both.ts": "",
    };
    await using engine = await startEngine({ scripts, args: ["--set", "log.format=pretty"] });
    await engine.waitForLog(/scripts {3}4, 1 route, 3 with a problem/);
    await engine.waitForLog(/^ {4}broken +scripts\/broken\.ts:1:18: /);
    await engine.waitForLog(/^ {4}twice +scripts\/twice\.ts: "twice" cannot have GET \/hello: "hello" holds it/);
    await engine.waitForLog(/^ {4}both\.js +scripts\/both\.js: both\.js and both\.ts are both the script "both"/);
    expect(await text(engine, "/hello")).toBe("200 Hello");
  });

  test("an endless top level, an endless init and 10 MB are each refused with a sentence; a cycle of imports works", async () => {
    const scripts = {
      "hello.ts": HELLO,
      "loop.ts": "for (;;) {}\n",
      "init.ts": "export function init() { return new Promise(() => {}); }\n",
      "cycle/index.ts": `import { b } from "./b.ts";\nexport const a = () => "around";\nregister("/cycle", () => b());\n`,
      "cycle/b.ts": `import { a } from "./index.ts";\nexport const b = () => a();\n`,
      "big.js": `export const big = "${"x".repeat(10 * 1024 * 1024)}";\n`,
    };
    await using engine = await startEngine({ scripts, config: "[limits]\nloadMs = 1500\n" });
    expect(await text(engine, "/hello")).toBe("200 Hello");
    expect(await failureOf(engine, "loop")).toMatchObject({ code: "deadline_exceeded", serving: "nothing" });
    expect(await failureOf(engine, "init")).toMatchObject({ code: "deadline_exceeded" });
    expect(await text(engine, "/cycle")).toBe("200 around");
    expect(String((await failureOf(engine, "big"))["problem"])).toContain("bytes");
    expect(await text(engine, "/hello")).toBe("200 Hello");
  });
});

describe("the engine refuses to start", () => {
  test("on a port that is in use, and names who holds it", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => holder.once("listening", resolve));
    const { port } = holder.address() as { port: number };
    const { code, stderr } = await runEngine(["serve", "--port", String(port), "--dir", await emptyFolder()]);
    holder.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`port ${port} on 127.0.0.1 is taken`);
    if (process.platform === "linux") expect(stderr).toContain(`pid ${process.pid}`);
    expect(stderr).not.toContain("    at ");
  });

  test("on data/ of another engine, and names it; as soon as that has ended it starts", async () => {
    const dir = await project({ "hello.ts": HELLO });
    await using first = await startEngine({ dir });
    const { code, stderr } = await runEngine(["serve", "--port", "0", "--dir", dir]);
    expect(code).toBe(1);
    expect(stderr).toContain(`process ${first.pid}`);
    expect(stderr).toContain(first.url);
    expect(await text(first, "/hello")).toBe("200 Hello");
    expect(await first.stop()).toBe(0);
    await using second = await startEngine({ dir });
    expect(await text(second, "/hello")).toBe("200 Hello");
  });

  test("where data/ is a file", async () => {
    const dir = await emptyFolder();
    await writeFile(join(dir, "data"), "");
    const { code, stderr } = await runEngine(["serve", "--port", "0", "--dir", dir]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("is a file, not a folder")]);
  });

  test.skipIf(!canBeNobody)("in a folder that it may not write (Linux; for root with setpriv)", async () => {
    const dir = await emptyFolder();
    await chmod(dir, 0o555);
    const { exitCode, stderr } = Bun.spawnSync([
      ...asNobody(),
      ...engineCommand(),
      "serve",
      "--port",
      "0",
      "--dir",
      dir,
    ]);
    expect([exitCode, String(stderr)]).toEqual([1, expect.stringContaining("this user may not write there")]);
  });

  test("with a config key that is unknown: exit 2, the line, and what was meant", async () => {
    const dir = await project({});
    await writeFile(join(dir, "aiwebengine.toml"), "[server]\nprot = 80\n");
    const { code, stderr } = await runEngine(["serve", "--dir", dir]);
    expect(code).toBe(2);
    expect(stderr).toContain("aiwebengine.toml:2:1: server.prot: unknown key");
    expect(stderr).toContain("Did you mean server.port?");
  });

  test("where isolates.require asks for what the mode does not have", async () => {
    const dir = await emptyFolder();
    const set = ["--set", "isolates.mode=thread", "--set", 'isolates.require=["seccomp"]'];
    const { code, stderr } = await runEngine(["serve", "--port", "0", "--dir", dir, ...set]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("isolates.require")]);
  });
});

describe("a second start", () => {
  test("serves from data/cache; a cache with garbage, cut short or with foreign files is built again", async () => {
    const dir = await project({
      "a.ts": HELLO.replaceAll("hello", "a"),
      "b.ts": HELLO.replaceAll("hello", "b"),
      "c.ts": HELLO,
    });
    await (await startEngine({ dir })).stop();
    await using warm = await startEngine({ dir, args: ["--set", "log.level=debug"] });
    expect(warm.logs.match(/"script loaded".*"ms":0}/g)).toHaveLength(3);
    await warm.stop();

    const cache = join(dir, "data/cache");
    const bundles = readdirSync(cache).filter((name) => !name.includes("."));
    await writeFile(join(cache, bundles[0] as string, "bundle.json"), "{ not json");
    await truncate(join(cache, bundles[1] as string, "code.js"), 3);
    await writeFile(join(cache, "foreign.txt"), "not ours");
    await mkdir(join(cache, "c.ref.d"));
    await rm(join(cache, "c.ref"));
    await symlink("/etc/passwd", join(cache, "c.ref"));
    await using mended = await startEngine({ dir });
    for (const path of ["/a", "/b", "/hello"]) expect(await text(mended, path)).toBe("200 Hello");
    expect(existsSync(join(cache, "foreign.txt"))).toBe(true);
  });

  test.skipIf(!isRoot || process.platform !== "linux" || Bun.which("mount") === null)(
    "on a full disk the scripts are served, and the engine says what it could not keep",
    async () => {
      const dir = await project({ "hello.ts": HELLO });
      const data = join(dir, "data");
      await mkdir(data);
      const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", data]);
      if (mounted.exitCode !== 0) return void console.warn("SKIPPED: this machine mounts no tmpfs");
      try {
        await using engine = await startEngine({ dir });
        // Now nothing fits any more.
        await writeFile(join(data, "filler"), new Uint8Array(64 * 1024)).catch(() => {});
        await engine.write("scripts/hello.ts", HELLO.replace("Hello", "Full"));
        while ((await text(engine, "/hello")) !== "200 Full") await Bun.sleep(20);
        await engine.waitForLog(/could not be kept/);
        expect(await engine.stop()).toBe(0);
        const again = await startEngine({ dir }).then((one) => one.stop(), String);
        if (again !== 0) expect(again).toContain("the disk is full");
      } finally {
        Bun.spawnSync(["umount", data]);
      }
    },
  );
});
