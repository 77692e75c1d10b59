/** What the engine prints for people: banner, doctor, script errors, and who holds the port. */
import { describe, expect, test } from "bun:test";
import { renderBanner, type Banner } from "../../../core/cli/banner.ts";
import { doctorFailed, renderDoctor, type DoctorReport } from "../../../core/cli/doctor.ts";
import { COLOURED } from "../../../core/cli/paint.ts";
import { renderBuildProblem } from "../../../core/cli/script-error.ts";
import { JAIL_PARTS } from "../../../core/isolate/jail/parts.ts";

const BANNER: Banner = {
  version: "1.2.3",
  url: "http://127.0.0.1:8080",
  dir: "/srv/app",
  mode: "process",
  jail: { held: ["seccomp", "landlock"], lacking: [] },
  plugins: [
    { name: "cors", origin: "built-in" },
    { name: "kv", origin: "built-in" },
    { name: "teapot", origin: "plugins/teapot.ts" },
  ],
  scripts: [
    { name: "hello", routes: 1, registrations: 1 },
    { name: "notes", routes: 3, registrations: 4 },
    { name: "tools", routes: 0, registrations: 2 },
  ],
  endpoints: [],
  dev: false,
  startMs: 84.4,
};

describe("banner", () => {
  test("says where, what and how", () => {
    expect(renderBanner(BANNER)).toBe(
      [
        "aiwebengine 1.2.3 serves http://127.0.0.1:8080 in 84 ms",
        "  folder    /srv/app",
        "  isolates  jailed processes",
        "  plugins   cors, kv",
        "            plugins/teapot.ts",
        "  scripts   3, 4 routes",
        "    hello  1 route",
        "    notes  3 routes, 1 other registration",
        "    tools  2 registrations",
        "  dev       off; with --dev answers tell why a script failed, and there are pages to try its routes",
        "",
      ].join("\n"),
    );
  });

  test("names the addresses that plugins serve for people and agents, with the host", () => {
    const endpoints = [{ title: "MCP", path: "/mcp", summary: "Tools.", owner: "mcp" }];
    expect(renderBanner({ ...BANNER, endpoints }).split("\n")[1]).toBe("  MCP       http://127.0.0.1:8080/mcp");
  });

  test("an empty folder is told what to do next; dev mode and a lacking jail are said", () => {
    const lacking = [{ part: "landlock", reason: "no kernel support" }];
    const text = renderBanner({ ...BANNER, scripts: [], dev: true, jail: { held: ["seccomp"], lacking } });
    expect(text).toContain("none yet: save one as scripts/hello.ts");
    expect(text).toContain("not for the public");
    expect(text).toContain("lacking landlock: see `aiwebengine doctor`");
    expect(renderBanner({ ...BANNER, mode: "thread" })).toContain("threads: for trusted scripts only");
    expect(renderBanner({ ...BANNER, jail: { held: [], lacking } })).toContain("processes without a jail");
  });

  test("of 1,000 scripts 20 are listed, what is broken first", () => {
    const scripts = Array.from({ length: 1000 }, (_, index) => ({ name: `s${index}`, routes: 1, registrations: 1 }));
    const problem = { code: "script_failed", message: "Unexpected }", file: "zz.ts", line: 3, column: 5 };
    const text = renderBanner({
      ...BANNER,
      scripts: [...scripts, { name: "zz", routes: 2, registrations: 2, problem }],
    });
    expect(text.split("\n").length).toBeLessThan(30);
    expect(text).toContain("1001, 1002 routes, 1 with a problem");
    expect(text).toMatch(/^ {4}zz +2 routes of the last good version; scripts\/zz\.ts:3:5: Unexpected \}$/m);
    expect(text).toContain("and 981 more");
  });

  test("a script's problem cannot break out of its line", () => {
    const problem = { code: "script_failed", message: "a\n    admin  9 routes\x1b[2J", file: "\u202ex.ts" };
    const text = renderBanner({ ...BANNER, scripts: [{ name: "a", routes: 0, registrations: 0, problem }] });
    expect(text).not.toMatch(/[\x1b\u202e]/);
    expect(text.split("\n")).toHaveLength(9);
  });
});

describe("build problem", () => {
  const problem = {
    code: "script_failed",
    message: "Expected ) but found }",
    file: "shop/index.ts",
    line: 3,
    column: 5,
    frame: "  2 | foo(\n> 3 |     }\n    |     ^\n",
    hint: "Close the call.",
  };

  test("has the place, the frame and the hint", () => {
    expect(renderBuildProblem(problem)).toBe(
      [
        "shop/index.ts:3:5: Expected ) but found }",
        "    2 | foo(",
        "  > 3 |     }",
        "      |     ^",
        "  hint: Close the call.",
        "",
      ].join("\n"),
    );
    expect(renderBuildProblem({ code: "internal", message: "no more" })).toBe("no more\n");
  });

  test("no escape of a script reaches the terminal", () => {
    const hostile = "\x1b[31mred\x07\u009b\r\u202e";
    const text = renderBuildProblem({
      code: "x",
      message: hostile,
      file: hostile,
      line: 1,
      frame: hostile,
      hint: hostile,
    });
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    const banner = renderBanner({
      ...BANNER,
      scripts: [{ name: hostile, routes: 0, registrations: 0, problem: { code: "x", message: hostile } }],
    });
    expect(banner).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect(Bun.stripANSI(renderBuildProblem(problem, COLOURED))).toBe(renderBuildProblem(problem));
  });
});

describe("doctor", () => {
  const report: DoctorReport = {
    version: "1.2.3",
    bun: "1.4.4",
    platform: "linux x64",
    cpus: 2,
    memory: { totalBytes: 2 ** 31, freeBytes: 2 ** 30 },
    mode: "process",
    jail: {
      held: JAIL_PARTS.filter((part) => part !== "landlock"),
      lacking: [{ part: "landlock", reason: "the kernel does not have it (ENOSYS)" }],
    },
    selfTest: { leaks: [], ms: 2.34 },
    project: [
      { what: "config", state: "ok", message: "aiwebengine.toml" },
      { what: "port", state: "warning", message: "127.0.0.1:80 cannot be had", hint: "Choose another." },
    ],
  };

  test("says of every part whether it is held, and of a lacking one why and what to do", () => {
    const text = renderDoctor(report);
    for (const part of JAIL_PARTS) expect(text).toMatch(new RegExp(`^ {2}(held|lacks) +${part} `, "m"));
    expect(text).toContain("lacks  landlock");
    expect(text).toContain("ENOSYS");
    expect(text).toContain("lsm=");
    expect(text).toContain("1024 MiB of 2048 MiB memory free");
    expect(text).toContain("no known leak is open (2.3 ms)");
    expect(doctorFailed(report)).toBe(false);
  });

  test("says what the project is like, and what to do where something is wrong with it", () => {
    const text = renderDoctor(report);
    expect(text).toContain("Project\n  ok     config  aiwebengine.toml\n  look   port    127.0.0.1:80 cannot be had\n");
    expect(text).toMatch(/^ +Choose another\.$/m);
    const wrong = { ...report, project: [{ what: "config", state: "error", message: "wrong\nkey\x1b[31m" }] as const };
    expect(doctorFailed(wrong)).toBe(true);
    expect(renderDoctor(wrong)).toMatch(/wrong +config +wrong\n +key\\u001b\[31m\n/);
  });

  test("an open leak is a failure", () => {
    const open = { ...report, selfTest: { leaks: ["import"], ms: 1 } };
    expect(doctorFailed(open)).toBe(true);
    expect(renderDoctor(open)).toContain("Open leaks: import. The engine refuses to serve");
  });
});
