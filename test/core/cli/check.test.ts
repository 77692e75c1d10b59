/** What `check` makes of registrations and of the type checker's words, and how it tells it. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { CHECK_CODES } from "../../../core/cli/check/codes.ts";
import {
  findClashes as clashesOf,
  findSilent,
  findUnusedSchemas,
  type Route,
} from "../../../core/cli/check/findings.ts";
import { framed, located, placeOfRoute, scriptOfFile, type CheckProblem } from "../../../core/cli/check/problem.ts";
import { findPointProblems } from "../../../core/cli/check/points.ts";
import { checkJson, failed, renderCheck, type CheckReport } from "../../../core/cli/check/report.ts";
import { readAnswer } from "../../../core/cli/check/typecheck.ts";
import { ProblemError } from "../../../sdk/errors.ts";
import { compileRoutes } from "../../../core/http/router.ts";
import type { ScriptSource } from "../../../core/script/source.ts";
import type { BuiltRegistration, Schemas, ScriptBundle } from "../../../core/script/types.ts";

const findClashes = (routes: readonly Route[]) => [...clashesOf(routes).values()];

function route(address: string, owner: string, schemas: Schemas = {}): Route {
  const [method = "", path = ""] = address.split(" ");
  const fn = "registerWebHandler" as const;
  const registration = { id: 0, fn, method, path, options: {}, definitions: {}, schemas };
  return { method, path, owner, file: `${owner}.ts`, line: 3, column: 1, registration };
}

describe("clashes", () => {
  const pairs: readonly (readonly [first: string, second: string])[] = [
    ["GET /a", "GET /a"],
    ["GET /a/:id", "GET /a/:name"],
    ["GET /a/*", "GET /a/*"],
    ["GET /a/:b?", "GET /a"],
    ["GET /a", "POST /a"],
    ["GET /a", "ANY /a"],
    ["GET /a/b", "GET /a/:id"],
    ["GET /a", "GET /a/"],
    ["GET /%61", "GET /a"],
    ["GET /a/:x?/:y?", "GET /a/:z"],
  ];
  test.each(pairs)("%s and %s clash exactly where the router says so", (first, second) => {
    const routes = [route(first, "one"), route(second, "two")];
    const entries = routes.map(({ method, path, owner }) => ({ method, path, owner, value: null }));
    let refused = false;
    try {
      compileRoutes(entries);
    } catch {
      refused = true;
    }
    expect(findClashes(routes).length > 0).toBe(refused);
  });

  test("with a plugin name it as one, also where the script has its name", () => {
    const held = { method: "GET", path: "/health/live", owner: "health", ofPlugin: true };
    expect(findClashes([held, route("GET /health/live", "health")])).toMatchObject([
      { message: 'GET /health/live is taken: the plugin "health" registers GET /health/live.' },
    ]);
  });

  test("name both sides, their files and what to do, and blame the later one", () => {
    expect(findClashes([route("GET /a/:id", "one"), route("GET /a/:name", "two")])).toEqual([
      {
        severity: "error",
        script: "two",
        code: "route_taken",
        message: 'GET /a/:name is taken: "one" registers GET /a/:id (one.ts:3).',
        file: "two.ts",
        line: 3,
        column: 1,
        hint: "Change the path of one of the two.",
      },
    ]);
  });

  test("inside one script say so", () => {
    const [problem] = findClashes([route("GET /a", "one"), route("GET /a", "one")]);
    expect(problem?.message).toContain("the script registers GET /a");
    expect(problem?.hint).toBe("Remove one of the two.");
  });

  test("with a route of the engine name its owner", () => {
    const [problem] = findClashes([
      { method: "GET", path: "/health/live", owner: "engine" },
      route("GET /health/live", "one"),
    ]);
    expect(problem?.message).toBe('GET /health/live is taken: "engine" registers GET /health/live.');
  });

  test("a path that the router does not take is its own problem", () => {
    expect(findClashes([route("GET /a//b", "one")])).toMatchObject([{ code: "bad_registration", script: "one" }]);
  });
});

describe("unused schemas", () => {
  const object = (required: readonly string[], ...names: readonly string[]) => ({
    type: "object",
    required,
    properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  });

  test("a body of GET or HEAD is an error, of any other method none", () => {
    const of = (method: string) => findUnusedSchemas([route(`${method} /a`, "one", { body: object([], "b") })]);
    expect(["GET", "HEAD", "POST", "DELETE", "ANY"].map((method) => of(method).length)).toEqual([1, 1, 0, 0, 0]);
    expect(of("GET")).toMatchObject([{ severity: "error", code: "unused_schema" }]);
  });

  test("a parameter that the path lacks is an error when it must be there, else a warning", () => {
    const params = object(["id", "gone"], "id", "gone", "maybe");
    expect(findUnusedSchemas([route("GET /a/:id", "one", { params })]).map(({ severity }) => severity)).toEqual([
      "error",
      "warning",
    ]);
    expect(findUnusedSchemas([route("GET /a/:id?/*", "one", { params: object([], "id", "*") })])).toEqual([]);
  });
});

test("a script that registers nothing gets a warning with a fix, unless it has assets to serve", () => {
  const root = mkdtempSync(join(tmpdir(), "awe-silent-"));
  const bundle = { name: "one", registrations: [] as BuiltRegistration[] } as unknown as ScriptBundle;
  const source = { name: "one", dir: dirname(root), root, entry: join(root, "index.ts"), kind: "folder" } as const;
  const found = findSilent(bundle, source);
  expect(found).toMatchObject([{ severity: "warning", code: "no_registration", file: `${basename(root)}/index.ts` }]);
  mkdirSync(join(root, "assets"));
  expect(findSilent(bundle, source)).toEqual([]);
  rmSync(root, { recursive: true });
});

describe("points", () => {
  const source: ScriptSource = { name: "one", dir: "/s", root: "/s", entry: "/s/one.ts", kind: "file" };
  const registration = {
    id: 0,
    fn: "registerX",
    point: "x",
    name: "dup",
    options: {},
    definitions: {},
    schemas: {},
    callable: true,
  };
  const bundle = { name: "one", inputs: ["/s/one.ts"], registrations: [registration] } as unknown as ScriptBundle;
  const built = [{ source, result: { ok: true, bundle, warnings: [] } }] as const;
  const read = (): string => '\nregisterX("dup", () => 1);\n';

  test("what a plugin refuses is a problem at the registration, with the plugin's code", () => {
    const validate = (one: { readonly name?: string }): void => {
      throw new ProblemError("bad_registration", `there is a ${one.name} already`);
    };
    const points = [{ name: "x", spec: { functions: {}, types: "", validate, change() {} } }];
    expect(findPointProblems(built, points, read)).toMatchObject([
      {
        code: "bad_registration",
        script: "one",
        file: "one.ts",
        line: 2,
        message: 'registerX("dup"): there is a dup already',
      },
    ]);
  });

  test("a plugin that fails is named as the one at fault; one that says nothing is content", () => {
    const failing = { functions: {}, types: "", change() {}, validate: () => void JSON.parse("{") };
    expect(findPointProblems(built, [{ name: "x", spec: failing }], read)[0]?.message).toContain("its plugin failed");
    expect(findPointProblems(built, [{ name: "x", spec: { functions: {}, types: "", change() {} } }], read)).toEqual(
      [],
    );
    expect(findPointProblems(built, [{ name: "y", spec: failing }], read)).toEqual([]);
  });
});

describe("places", () => {
  const sources: Readonly<Record<string, string>> = {
    "one.ts": 'import "x";\n\nregister("/a", "go");\n',
    "two.ts": "x\nregisterWebHandler(\n  'GET /b', go)",
  };
  const read = (file: string): string | undefined => sources[file];

  test("a route stands where its path is written", () => {
    expect(placeOfRoute({ method: "GET", path: "/b" }, ["one.ts", "two.ts"], read)).toEqual({
      file: "two.ts",
      line: 3,
      column: 3,
    });
    expect(placeOfRoute({ method: "GET", path: "/a" }, ["one.ts"], read)).toEqual({
      file: "one.ts",
      line: 3,
      column: 10,
    });
    expect(placeOfRoute({ method: "GET", path: "/c" }, ["one.ts", "gone.ts"], read)).toBeUndefined();
    const twice = (): string => 'on("GET /x");\n  on("GET /x");\n';
    const at = (nth: number) => placeOfRoute({ method: "GET", path: "/x" }, ["x.ts"], twice, nth);
    expect([at(0), at(1), at(2)].map((place) => [place?.line, place?.column])).toEqual([
      [1, 4],
      [2, 6],
      [2, 6],
    ]);
  });

  test("a problem that names a route gets its line, and each line its frame", () => {
    const problem = { code: "bad_registration", message: '"GET /a" names the handler "go", but …', file: "one.ts" };
    const found = framed(located(problem, read), read);
    expect(found).toMatchObject({ line: 3, column: 10 });
    expect(found.frame).toContain('> 3 | register("/a", "go");');
    expect(located({ ...problem, message: "else" }, read)).toEqual({ ...problem, message: "else" });
  });

  test("a file belongs to the script whose name begins its path", () => {
    expect(["a.ts", "a/lib/b.ts", "a.test.ts", "_shared/c.ts", ".aiwebengine/x.d.ts"].map(scriptOfFile)).toEqual([
      "a",
      "a",
      "a",
      undefined,
      undefined,
    ]);
  });
});

describe("the type checker's words", () => {
  const dir = "/app/scripts";

  test("become problems with a place, a number and what to do", () => {
    const out = [
      "hello.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.",
      "shop/index.ts(4,20): error TS2769: No overload matches this call.",
      "  The last overload gave the following error.",
      "    Argument of type 'a' is not assignable.",
      "/app/scripts/x.ts(1,1): error TS9999: Odd.",
      "",
      "Found 3 errors in 3 files, checked 3 files [1.00ms]",
    ].join("\n");
    const problems = readAnswer(out, "", 1, dir);
    expect(problems).toMatchObject([
      { code: "type_error", rule: "TS2322", file: "hello.ts", line: 3, column: 7, severity: "error" },
      { rule: "TS2769", file: "shop/index.ts", line: 4 },
      { rule: "TS9999", file: "x.ts", hint: "Correct the line as the message says." },
    ]);
    expect(problems[1]?.message.split("\n")).toHaveLength(3);
  });

  test("about other people's files are left out, with their second lines", () => {
    const out = [
      "../lib.ts(1,1): error TS1005: ';' expected.",
      "  and more",
      "shop/node_modules/x/index.d.ts(1,1): error TS1005: ';' expected.",
      ".aiwebengine/sdk.d.ts(1,1): error TS1005: ';' expected.",
    ].join("\n");
    expect(readAnswer(out, "Found 3 errors in 3 files, checked 3 files [1.00ms]", 1, dir)).toEqual([]);
  });

  test("about what Node has do not propose its types", () => {
    const out =
      "a.ts(1,1): error TS2591: Cannot find name 'node:fs'. Do you need to install type definitions for node? Try x.";
    expect(readAnswer(out, "", 1, dir)).toMatchObject([
      { message: "Cannot find name 'node:fs'.", hint: expect.stringMatching(/^Leave it out/) },
    ]);
  });

  test("of its config have no place, and words that cannot be read are told as they are", () => {
    expect(readAnswer("error TS5023: Unknown compiler option 'x'.", "", 1, dir)).toMatchObject([
      { code: "type_error", rule: "TS5023", message: "Unknown compiler option 'x'." },
    ]);
    expect(readAnswer("", "panic: out of luck", 134, dir)).toMatchObject([
      { code: "checker_failed", message: "The type checker ended with code 134: panic: out of luck" },
    ]);
    expect(readAnswer("", "", 0, dir)).toEqual([]);
  });
});

describe("the report", () => {
  const problem: CheckProblem = {
    severity: "error",
    script: "shop",
    code: "type_error",
    rule: "TS2322",
    message: "Wrong.",
    file: "shop/index.ts",
    line: 2,
    column: 3,
    frame: "> 2 | wrong\n    |   ^",
    hint: "Mend it.",
  };
  const report: CheckReport = {
    dir: "/app",
    scriptsDir: "/app/scripts",
    scripts: [
      {
        name: "hello",
        file: "hello.ts",
        routes: [route("GET /hello", "hello", { query: { type: "object" } })],
        others: [],
      },
      { name: "shop", file: "shop/index.ts", routes: undefined, others: [] },
    ],
    problems: [problem, { severity: "warning", code: "no_registration", message: "Nothing.\x1b[31m" }],
    ms: 12.4,
  };

  test("shows each script, each problem with its place, and a sum", () => {
    expect(renderCheck(report, "/app")).toBe(
      [
        "ok     hello  scripts/hello.ts",
        "         GET     /hello  checks query",
        "failed shop   scripts/shop/index.ts",
        "",
        "scripts/shop/index.ts:2:3: error type_error TS2322: Wrong.",
        "  > 2 | wrong",
        "      |   ^",
        "  hint: Mend it.",
        "",
        "warning no_registration: Nothing.\\u001b[31m",
        "",
        "2 scripts, 1 route: 1 error, 1 warning (12 ms)",
        "",
      ].join("\n"),
    );
  });

  test("as JSON has the same, with paths from the project folder", () => {
    const json = JSON.parse(checkJson(report)) as Record<string, unknown>;
    expect(json).toMatchObject({
      ok: false,
      ms: 12,
      scripts: [
        {
          name: "hello",
          file: "scripts/hello.ts",
          loads: true,
          registrations: [
            { function: "registerWebHandler", method: "GET", path: "/hello", schemas: ["query"], line: 3 },
          ],
        },
        { name: "shop", loads: false, registrations: [] },
      ],
      problems: [{ code: "type_error", file: "scripts/shop/index.ts", line: 2, hint: "Mend it." }, {}],
    });
  });

  test("fails for errors, not for warnings", () => {
    expect(failed(report)).toBe(true);
    expect(failed({ ...report, problems: report.problems.slice(1) })).toBe(false);
  });

  test("every code of its own has a meaning and a fix", () => {
    for (const { meaning, fix } of Object.values(CHECK_CODES)) {
      expect(meaning).toEndWith(".");
      expect(fix).toEndWith(".");
    }
  });
});
