/** The command line of the binary: what it prints, where, and its exit codes. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineCommand, runEngine, startEngine } from "./engine.ts";
import { asNobody, canBeNobody } from "./nobody.ts";
import { inTerminal } from "./terminal.ts";

setDefaultTimeout(30_000);

const dir = await mkdtemp(join(tmpdir(), "aiwebengine-e2e-"));
afterAll(() => rm(dir, { recursive: true, force: true }));

test("version prints the package's version, and nothing else", async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dir, "../../package.json"), "utf8")) as {
    version: string;
  };
  for (const args of [["version"], ["--version"], ["-v"]]) {
    expect(await runEngine(args)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  }
});

describe("help", () => {
  test("names every command and its flags", async () => {
    for (const args of [["--help"], ["-h"], ["help"]]) {
      const { code, stdout, stderr } = await runEngine(args);
      expect([code, stderr]).toEqual([0, ""]);
      for (const command of ["serve", "doctor", "version"]) expect(stdout).toContain(`  ${command} `);
    }
    const { code, stdout } = await runEngine(["serve", "--help"]);
    expect(code).toBe(0);
    for (const flag of ["dir", "port", "host", "config", "set", "dev"]) expect(stdout).toContain(`--${flag}`);
  });
});

describe("a wrong command line ends with 2, says what was meant, and starts nothing", () => {
  const wrong: readonly (readonly [args: readonly string[], says: string])[] = [
    [["srve"], 'There is no command "srve". Did you mean serve?'],
    [["serve", "--prot", "80"], 'serve has no flag "--prot". Did you mean --port?'],
    [["serve", "--port"], "--port needs a value"],
    [["serve", "shop"], "For a folder: --dir shop"],
    [["serve", "--dev=yes"], "--dev takes no value"],
    [["doctor", "--port", "1"], 'doctor has no flag "--port"'],
    [["serve", "--port", "99999"], "expected a whole number from 0 to 65535"],
    [["serve", "--set", "log.level=loud"], 'expected one of "debug", "info", "warn", "error"'],
    [["serve", "--config", "nowhere.toml"], "there is no such file"],
  ];
  for (const [args, says] of wrong) {
    test(args.join(" "), async () => {
      const { code, stdout, stderr } = await runEngine(args, { cwd: dir });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(says);
      expect(stderr).not.toContain("    at ");
    });
  }
});

describe("doctor", () => {
  test("says what the jail holds and lacks here, and that no leak is open", async () => {
    const { code, stdout, stderr } = await runEngine(["doctor"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^aiwebengine \S+, Bun \S+, \w+ \w+, \d+ CPUs/);
    expect(stdout).toContain("Self-test: no known leak is open");
    if (process.platform === "linux") expect(stdout).toMatch(/held {3}(seccomp|no_new_privs)/);
  });

  test("says whether the project can be served: config, plugins, port, data and scripts", async () => {
    await using engine = await startEngine({ scripts: { "ok.js": 'register("/ok", () => "ok");' } });
    const doctor = async (...args: readonly string[]) => {
      const { code, stdout } = await runEngine(["doctor", "--json", "--dir", engine.dir, ...args]);
      const { ok, project } = JSON.parse(stdout) as {
        ok: boolean;
        project: readonly { what: string; state: string; message: string }[];
      };
      return { code, ok, of: (what: string) => project.find((one) => one.what === what) };
    };
    const own = await doctor("--set", `server.port=${engine.port}`);
    expect([own.code, own.ok]).toEqual([0, true]);
    expect(own.of("port")).toMatchObject({ state: "ok", message: expect.stringContaining("own engine") });
    expect(own.of("data")?.message).toContain(`held by the engine at ${engine.url}`);
    expect(own.of("scripts")?.message).toStartWith("1 in ");

    const stranger = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const taken = await doctor("--set", `server.port=${stranger.port}`);
    stranger.stop(true);
    expect([taken.code, taken.of("port")?.state]).toEqual([0, "warning"]);

    await engine.write("plugins/bad.ts", "export default 1;\n");
    expect((await doctor()).of("plugins")?.state).toBe("error");
    const wrong = await doctor("--set", "server.prot=1");
    expect([wrong.code, wrong.ok]).toEqual([1, false]);
    expect(wrong.of("config")?.message).toContain("Did you mean server.port?");
    const plugin = await doctor("--set", "plugins.cors.orgins=[]");
    expect(plugin.of("config")).toMatchObject({ state: "error", message: expect.stringContaining("orgins") });
  });

  test.skipIf(!canBeNobody)("works without any right, and says what that costs", () => {
    const env = { PATH: process.env["PATH"] ?? "" };
    const { exitCode, stdout, stderr } = Bun.spawnSync([...asNobody(), ...engineCommand(), "doctor"], {
      cwd: "/",
      env,
    });
    expect([exitCode, String(stderr)]).toEqual([0, ""]);
    expect(String(stdout)).toContain("lacks  uid");
    expect(String(stdout)).toMatch(/held {3}no_new_privs/);
  });
});

test.skipIf(process.platform === "win32")("colours are for terminals, and NO_COLOR turns them off", async () => {
  const help = [...engineCommand(), "--help"];
  expect(await inTerminal(help, { TERM: "xterm" }, /COMMAND --help/)).toContain("\x1b[");
  expect(await inTerminal(help, { TERM: "xterm", NO_COLOR: "1" }, /COMMAND --help/)).not.toContain("\x1b[");
  expect((await runEngine(["--help"], { env: { NO_COLOR: "" } })).stdout).not.toContain("\x1b[");
});
