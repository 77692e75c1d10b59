/** `aiwebengine test` on the binary: what passes, what fails and how that is told, and that nothing is left behind. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { engineCommand, prepareFolder, runEngine, startEngine } from "./engine.ts";

setDefaultTimeout(60_000);

interface Case {
  readonly groups: readonly string[];
  readonly name: string;
  readonly outcome: string;
  readonly failures: readonly {
    readonly message: string;
    readonly file?: string;
    readonly line?: number;
    readonly code?: string;
    readonly expected?: string;
    readonly actual?: string;
  }[];
  readonly seen: readonly { readonly message: string; readonly file?: string; readonly line?: number }[];
}
interface Report {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly files: readonly {
    readonly file: string;
    readonly script: string;
    readonly cases: readonly Case[];
    readonly problems: readonly { readonly code: string; readonly file?: string; readonly line?: number }[];
  }[];
}

const HEAD = `import { advanceTime, afterAll, afterEach, beforeAll, beforeEach, describe, expect, logs, messages, request, setRandom, setTime, stubFetch, stubService, test } from "@aiwebengine/sdk/testing";
import { kv, mcp } from "@aiwebengine/sdk";`;

const NOTES = `import { HttpError, registerMessageHandler, registerMiddleware, registerWebHandler, sendMessage } from "@aiwebengine/sdk";
registerMiddleware(async ({ method }, next) => {
  if (method === "DELETE") throw new HttpError(403, "Not here.");
  return next();
});
registerWebHandler("GET /notes/:id", async ({ params, kv }) => (await kv.get(params.id)) ?? new Response("none", { status: 404 }));
registerWebHandler("PUT /notes/:id", { body: { text: "string" } }, async ({ params, body, kv, log }) => {
  await kv.set(params.id, body.text);
  log.info("kept", { id: params.id });
  await sendMessage("audit/kept", { id: params.id });
  return sendMessage("kept", { id: params.id });
});
registerWebHandler("DELETE /notes/:id", () => {});
registerMessageHandler("kept", ({ kv }) => kv.increment("count"));
registerWebHandler("GET /rate", async () => (await fetch("https://rates.example/eur")).json());
registerWebHandler("GET /now", () => ({ now: new Date().toISOString(), random: Math.random(), id: crypto.randomUUID() }));
registerWebHandler("GET /later", async () => {
  await new Promise((done) => setTimeout(done, 60_000));
  return "done";
});
registerWebHandler("GET /loop", () => {
  for (;;);
});
registerWebHandler("GET /boom", () => {
  throw new Error("boom");
});
registerWebHandler("POST /bytes", async ({ request }) =>
  new Response(await request.arrayBuffer(), { headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] }),
);
export const total = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);
`;

async function run(scripts: Readonly<Record<string, string>>, ...args: readonly string[]) {
  const dir = await prepareFolder({ scripts });
  const result = await runEngine(["test", "--json", ...args], { cwd: dir });
  const left = await readdir(dir);
  await rm(dirname(dir), { recursive: true });
  const report = (result.stdout === "" ? null : JSON.parse(result.stdout)) as Report;
  const cases = new Map(report?.files.flatMap(({ cases: all }) => all.map((one) => [one.name, one] as const)));
  return { ...result, report, cases, left };
}

const told = ({ report, stderr }: { readonly report: Report; readonly stderr: string }): string =>
  JSON.stringify([stderr, report], null, 1);

describe("what a project has", () => {
  test("a fresh one passes at once, and nothing is written into it", async () => {
    const dir = join(await mkdtemp(join(tmpdir(), "aiwebengine-fresh-")), "app");
    await runEngine(["init", dir]);
    const before = (await readdir(dir, { recursive: true })).toSorted();
    const { code, stdout, stderr } = await runEngine(["test"], { cwd: dir });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("scripts/hello.test.ts\n  ✓ the page links to the greeting ");
    expect(stdout).toMatch(/\n3 passed, 0 failed, 0 skipped \(\d+ ms\)\n$/);
    expect((await readdir(dir, { recursive: true })).toSorted()).toEqual(before);
    await rm(dirname(dir), { recursive: true });
  });

  test("the examples of the documentation pass", async () => {
    const dir = await prepareFolder({});
    await cp(join(import.meta.dir, "../../scripts"), join(dir, "scripts"), { recursive: true });
    const { code, stdout, stderr } = await runEngine(["test"], { cwd: dir });
    await rm(dirname(dir), { recursive: true });
    expect([code, stderr, stdout]).toEqual([0, "", expect.stringContaining("16 passed, 0 failed, 0 skipped")]);
  });

  test("without a test, or with a name that is none, it says what to do", async () => {
    const none = await run({ "hello.ts": "" });
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining("Write one with: aiwebengine new test hello"),
    ]);
    const wrong = await run({ "hello.ts": "" }, "helo");
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("Did you mean hello?")]);
    const untested = await run({ "hello.ts": "", "a.ts": "", "a.test.ts": "" }, "hello");
    expect([untested.code, untested.stderr]).toEqual([1, expect.stringContaining('The script "hello" has no test.')]);
  });

  test("a file without a case, one of no script, and a script that does not build are failures", async () => {
    const result = await run({
      "a.ts": "",
      "a.test.ts": "export {};",
      "ghost.test.ts": "",
      "broken.ts": "export const x = ;",
      "broken.test.ts": `${HEAD}\ntest("x", () => {});`,
      "throws.ts": 'throw new Error("at the top");',
      "throws.test.ts": `${HEAD}\ntest("x", () => {});`,
    });
    expect(result.code).toBe(1);
    expect(result.report.files.map(({ file, problems }) => [file, problems[0]?.code, problems[0]?.file])).toEqual([
      ["scripts/ghost.test.ts", "no_script", "scripts/ghost.test.ts"],
      ["scripts/a.test.ts", "no_case", "scripts/a.test.ts"],
      ["scripts/broken.test.ts", "script_failed", "scripts/broken.ts"],
      ["scripts/throws.test.ts", "script_failed", "scripts/throws.ts"],
    ]);
    expect(result.report).toMatchObject({ ok: false, passed: 0, failed: 4 });
  });

  test("a pattern chooses by group and name; one that fits nothing is no success", async () => {
    const scripts = {
      "a.ts": "",
      "a.test.ts": `${HEAD}\ndescribe("g", () => { test("x", () => {}); test("y", () => {}); });`,
    };
    const some = await run(scripts, "-t", "^g > x$");
    expect([some.code, some.report.passed, some.report.files[0]?.cases.length]).toEqual([0, 1, 1]);
    const none = await run(scripts, "-t", "z");
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining("no case matches -t z")]);
    expect((await run(scripts, "-t", "(")).code).toBe(2);
  });

  test("the testing module is closed to scripts", async () => {
    const dir = await prepareFolder({ scripts: { "a.ts": `${HEAD}\ntest("x", () => kv.get("x"));` } });
    const { code, stdout } = await runEngine(["check"], { cwd: dir });
    await rm(dirname(dir), { recursive: true });
    expect([code, stdout]).toEqual([1, expect.stringContaining("is there only in *.test.ts")]);
  });

  test("a realm that serves has nothing of what tests have", async () => {
    const host = '["testing", "testing.realm"].map((name) => typeof globalThis[Symbol.for(`aiwebengine.${name}`)])';
    const steps = "[typeof globalThis.registerTestStep, typeof globalThis.tests]";
    const script = `import { registerWebHandler } from "@aiwebengine/sdk";\nregisterWebHandler("/", () => [...${host}, ...${steps}]);`;
    await using engine = await startEngine({ scripts: { "a.js": script } });
    expect(await (await engine.fetch("/")).json()).toEqual(["undefined", "undefined", "undefined", "undefined"]);
  });

  test("a test may name its script without an extension, and wait as scripts do", async () => {
    const scripts = {
      "a.ts": "export const one = 1;",
      "a.test.ts": `${HEAD}\nimport { one } from "./a";\ntest("x", async () => {\n  await new Promise((done) => setTimeout(done, 1));\n  expect(one).toBe(1);\n});`,
    };
    const result = await run(scripts);
    expect([result.code, told(result)]).toEqual([0, expect.stringContaining('"passed": 1')]);
  });

  test("a classic script, the fetch form and a folder are tested as they serve", async () => {
    const scripts = {
      "old.js": 'function hello() { return "classic"; }\nregister("/old", "hello");',
      "old.test.ts": `${HEAD}\ntest("classic", async () => expect(await (await request("/old")).text()).toBe("classic"));`,
      "shop/index.ts":
        'import { name } from "./name.ts";\nexport default { fetch: (r: Request) => new Response(name + new URL(r.url).pathname) };',
      "shop/name.ts": 'export const name = "shop";',
      "shop/tests/a.test.ts": `${HEAD}\nimport { name } from "../name.ts";\ntest("form", async () => expect(await (await request("/shop/x")).text()).toBe(name + "/shop/x"));`,
    };
    const result = await run(scripts);
    expect([result.code, told(result)]).toEqual([0, expect.stringContaining('"passed": 2')]);
  });
});

describe("what cases may rely on", () => {
  let result: Awaited<ReturnType<typeof run>>;
  beforeAll(async () => {
    result = await run({
      "notes.ts": NOTES,
      "notes.test.ts": `${HEAD}
import { total } from "./notes.ts";
const order: string[] = [];
beforeAll(async () => { order.push("all"); await kv.set("seed", "kept"); });
beforeEach(() => { order.push("each"); });
test("functions", () => expect(total([1, 2, 3])).toBe(6));
test("requests", async () => {
  const put = await request("/notes/a", { method: "PUT", json: { text: "milk" } });
  expect(await put.json()).toEqual({ delivered: 1, failed: 0 });
  expect(await (await request("/notes/a")).text()).toBe("milk");
  const id = put.headers.get("x-request-id");
  expect(logs()).toEqual([{ level: "info", message: "kept", data: { id: "a" }, id }]);
  expect(messages()).toEqual([
    { script: "audit", name: "kept", payload: { id: "a" } },
    { name: "kept", payload: { id: "a" } },
  ]);
  expect(await kv.get("count")).toBe(1);
});
test("rolled back", async () => {
  expect((await request("/notes/a")).status).toBe(404);
  expect([await kv.get("count"), await kv.get("seed"), logs(), messages()]).toEqual([null, "kept", [], []]);
});
describe("group", () => {
  beforeAll(() => kv.set("group", 1));
  test("keeps", async () => expect(await kv.get("group")).toBe(1));
  test("keeps on", async () => expect(await kv.get("group")).toBe(1));
});
test("group is left", async () => expect(await kv.get("group")).toBeNull());
test("the whole engine", async () => {
  const answers = [
    await request("/nowhere"),
    await request("/notes/a", { method: "POST" }),
    await request("/notes/a", { method: "PUT", json: { text: 1 } }),
    await request("/notes/a", { method: "DELETE" }),
    await request("/health/live"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([404, 405, 422, 403, 200]);
});
test("bytes", async () => {
  const bytes = new Uint8Array(200_000).map((_, at) => at);
  const answer = await request("/bytes", { method: "POST", body: bytes });
  expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes);
  expect(answer.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
});
test("time", async () => {
  setTime("2027-01-01T00:00:00Z");
  expect((await (await request("/now")).json()).now).toBe("2027-01-01T00:00:00.000Z");
  expect([new Date() instanceof Date, new Date().constructor === Date, typeof Date()]).toEqual([true, true, "string"]);
  await kv.set("short", 1, { ttlMs: 1000 });
  const before = performance.now();
  await advanceTime(1001);
  expect([await kv.get("short"), performance.now() - before]).toEqual([null, 1001]);
  const later = request("/later");
  await request("/now");
  await advanceTime(60_000);
  expect(await (await later).text()).toBe("done");
  let strikes = 0;
  const timer = setInterval(() => strikes++, 100);
  await advanceTime(350);
  clearInterval(timer);
  await advanceTime(1000);
  expect(strikes).toBe(3);
});
test("time is real again", () => expect(Math.abs(Date.now() - Date.parse("2027-01-01T00:01:03Z"))).toBeGreaterThan(10_000));
test("randomness", async () => {
  setRandom(7);
  const first = await (await request("/now")).json();
  setRandom(7);
  const second = await (await request("/now")).json();
  expect([second.random, second.id]).toEqual([first.random, first.id]);
  expect(first.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
test("stubbed", async () => {
  const stub = stubFetch("https://rates.example/*", { eur: 1.1 });
  expect(await (await request("/rate")).json()).toEqual({ eur: 1.1 });
  expect(stub.requests.map(({ url }) => url)).toEqual(["https://rates.example/eur"]);
});
test("unstubbed", async () => {
  const answer = await request("/rate");
  expect([answer.status, (await answer.json()).code]).toEqual([502, "fetch_blocked"]);
  await expect(fetch("https://rates.example/eur")).rejects.toThrow("stubFetch(");
});
test("a service stubbed", async () => {
  const stub = stubService("mcp", "connect", (url) => ({ listTools: async () => [url] }));
  const inn = await mcp.connect("https://inn.example/mcp", { headers: {} });
  expect(await inn.listTools()).toEqual(["https://inn.example/mcp"]);
  expect(stub.calls).toEqual([["https://inn.example/mcp", { headers: {} }]]);
  stubService("kv", "get", 7);
  expect(await kv.get("anything")).toBe(7);
});
test("a service unstubbed", async () => {
  expect(await kv.get("anything")).toBeNull();
  await expect(mcp.connect("https://93.184.216.34/mcp")).rejects.toThrow("In tests nothing is fetched");
});
test("hooks", () => expect([order[0], order.filter((one) => one === "all").length]).toEqual(["all", 1]));
`,
    });
  });

  for (const name of [
    ...["functions", "requests", "rolled back", "keeps", "keeps on", "group is left", "the whole engine", "bytes"],
    ...["time", "time is real again", "randomness", "stubbed", "unstubbed", "a service stubbed", "a service unstubbed"],
    "hooks",
  ]) {
    test(name, () => {
      expect(result.cases.get(name) ?? told(result)).toMatchObject({ outcome: "passed", failures: [] });
    });
  }

  test("all of them ran, and no data was left in the project", () => {
    expect([result.code, result.report.passed, result.report.failed]).toEqual([0, result.cases.size, 0]);
    expect(result.left).toEqual(["scripts"]);
  });
});

describe("how failures are told", () => {
  const scripts = {
    "bad.ts": NOTES,
    "bad.test.ts": `${HEAD}
let prepared = 0;
beforeAll(async () => { prepared++; await kv.set("seed", 1); });
test("differs", () => {
  const actual = { a: 1, list: [1, 2] };
  expect(actual).toEqual({ a: 1, list: [1, 3] });
  return actual;
});
test("throws", () => { throw new RangeError("too far"); });
test("throws no error", () => { throw "text"; });
test("handler", async () => {
  const answer = await request("/boom");
  expect(answer.status).toBe(200);
});
test("loops", () => { for (;;); });
test("goes on", async () => expect([prepared, await kv.get("seed")]).toEqual([1, 1]));
test("loops in a handler", async () => { await request("/loop"); });
test("goes on again", async () => expect(await kv.get("seed")).toBe(1));
test("waits", () => new Promise(() => {}), { timeoutMs: 200 });
test("goes on at last", () => {});
test("rejects beside", async () => { void Promise.reject(new Error("nobody saw")); });
test("goes on after it", () => {});
test("inside", () => { test("another", () => {}); });
test.skip("left out", () => {});
`,
  };
  let result: Awaited<ReturnType<typeof run>>;
  let junit = "";
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "aiwebengine-junit-"));
    result = await run(scripts, "--junit", join(folder, "deep/report.xml"));
    junit = await readFile(join(folder, "deep/report.xml"), "utf8");
    await rm(folder, { recursive: true });
  });

  const first = (name: string) => result.cases.get(name)?.failures[0];

  test("the exit code is 1, and each case is counted", () => {
    expect([result.code, result.report.ok, result.report.passed, result.report.failed, result.report.skipped]).toEqual([
      1,
      false,
      4,
      9,
      1,
    ]);
  });

  test("a failed expect names file, line and both sides", () => {
    expect(first("differs")).toMatchObject({ file: "scripts/bad.test.ts", line: 7 });
    expect(first("differs")?.expected).toContain("3");
    expect(first("differs")?.actual).toContain("2");
  });

  test("a throw is told with its name, and any value may be thrown", () => {
    expect(first("throws")).toMatchObject({ message: "RangeError: too far", line: 10 });
    expect(first("throws no error")?.message).toContain("text");
  });

  test("what a handler threw meanwhile is told with the case", () => {
    expect(first("handler")).toMatchObject({ expected: "200", actual: "500" });
    expect(result.cases.get("handler")?.seen[0]).toMatchObject({
      file: "scripts/bad.ts",
      message: expect.stringContaining("boom"),
    });
  });

  test("an endless loop fails its case with the limit's name, and the rest goes on in a fresh isolate", () => {
    for (const name of ["loops", "loops in a handler"])
      expect(first(name)).toMatchObject({
        code: "uninterrupted_exceeded",
        message: expect.stringContaining("limits.uninterruptedMs"),
      });
    for (const name of ["goes on", "goes on again", "goes on at last"])
      expect(result.cases.get(name)).toMatchObject({ outcome: "passed" });
  });

  test("a case that never ends is ended at its timeout", () => {
    expect(first("waits")).toMatchObject({
      code: "deadline_exceeded",
      message: "It took longer than its timeoutMs (200).",
    });
  });

  test("a rejection that nobody handles fails its case, at its line", () => {
    expect(first("rejects beside")).toMatchObject({ message: "Nobody caught this: Error: nobody saw", line: 22 });
    expect(result.cases.get("goes on after it")).toMatchObject({ outcome: "passed" });
  });

  test("a case inside a case is refused", () => {
    expect(first("inside")?.message).toContain("not inside a case");
  });

  test("the JUnit report is well-formed", () => {
    expect(junit).toContain('<testsuites tests="14" failures="9" skipped="1"');
    const open: string[] = [];
    for (const [, end, name = "", self] of junit.matchAll(/<(\/?)([a-z]+)(?: [a-z]+="[^"<]*")*(\/?)>/g)) {
      if (end === "/") expect(open.pop()).toBe(name);
      else if (self === "") open.push(name);
    }
    expect(open).toEqual([]);
    expect(junit.match(/<(?![a-z/?])/g)).toBeNull();
    expect(junit.replace(/&(?:amp|lt|gt|quot|apos|#\d+);/g, "")).not.toContain("&");
  });

  test("a person sees marks, the diff and the lines around", async () => {
    const dir = await prepareFolder({ scripts });
    const { stdout } = await runEngine(["test", "-t", "differs|goes on$"], { cwd: dir });
    await rm(dirname(dir), { recursive: true });
    expect(stdout).toContain("  ✗ differs ");
    expect(stdout).toContain("  ✓ goes on ");
    expect(stdout).toContain("- expected  + actual");
    expect(stdout).toMatch(/^ +- +3,$/m);
    expect(stdout).toMatch(/^ +> 7 \|/m);
    expect(stdout).toMatch(/\n1 passed, 1 failed, 0 skipped \(\d+ ms\)\n$/);
  });
});

describe("--watch", () => {
  const stop: (() => void)[] = [];
  afterAll(() => stop.forEach((one) => one()));

  test("runs again what a save concerns, and ends with Ctrl-C", async () => {
    const dir = await prepareFolder({
      scripts: {
        "a.ts": "",
        "a.test.ts": `${HEAD}\ntest("of a", () => expect(1).toBe(1));`,
        "b.ts": "",
        "b.test.ts": `${HEAD}\ntest("of b", () => {});`,
      },
    });
    const child = Bun.spawn([...engineCommand(), "test", "--watch", "--json"], {
      cwd: dir,
      env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    stop.push(() => child.kill("SIGKILL"));
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    const next = async (): Promise<Report> => {
      while (!rest.includes("\n")) {
        const { value, done } = await lines.read();
        if (done) throw new Error(`it ended: ${rest}`);
        rest += value;
      }
      const at = rest.indexOf("\n");
      const line = rest.slice(0, at);
      rest = rest.slice(at + 1);
      return JSON.parse(line) as Report;
    };
    expect((await next()).passed).toBe(2);
    await writeFile(join(dir, "scripts/a.test.ts"), `${HEAD}\ntest("of a", () => expect(1).toBe(2));`);
    const again = await next();
    expect([again.failed, again.files.map(({ script }) => script)]).toEqual([1, ["a"]]);
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    await rm(dirname(dir), { recursive: true });
  });
});
