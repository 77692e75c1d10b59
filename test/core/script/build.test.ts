/** Building through a real, jailed builder: what comes back, and what happens to those who misbehave. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { bench } from "./build-bench.ts";

const HELLO = `import { registerWebHandler } from "@aiwebengine/sdk";
export const hello = registerWebHandler("GET /hello/:name", ({ params }) => "Hello " + params.name);
`;

test("a script's registrations, schemas and code come back as data", async () => {
  const source = `import { registerWebHandler } from "@aiwebengine/sdk";
interface Unused { a: string }
export const save = registerWebHandler("POST /notes/:id", { summary: "Save", body: { text: "string <= 280" }, query: { "page?": "number" } },
  ({ body }) => body);
export default { fetch() { return new Response("x"); } };
`;
  await using at = await bench({ "notes.ts": source });
  const { bundle: built, warnings } = await at.bundle("notes.ts");
  expect(warnings).toEqual([]);
  expect(built).toMatchObject({ name: "notes", form: "module", inputs: [join(at.folder.scriptsDir, "notes.ts")] });
  expect(built.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(built.registrations).toMatchObject([
    {
      id: 0,
      fn: "registerWebHandler",
      method: "POST",
      path: "/notes/:id",
      options: { summary: "Save" },
      schemas: {
        body: { type: "object", properties: { text: { type: "string", maxLength: 280 } }, required: ["text"] },
        query: { type: "object", properties: { page: { type: "number" } } },
      },
    },
    { id: 1, fn: "default.fetch", method: "ANY", path: "/notes/*" },
  ]);
  const { code, map } = await built.readCode();
  expect(code).toContain("/notes/:id");
  expect(JSON.parse(map).sources).toContain("notes.ts");
});

test("the ancestor's file works unchanged", async () => {
  const source =
    "function sendUpdate(req) {\n  return { status: 200, body: 'sent' };\n}\nregister('/send-update', 'sendUpdate', 'POST');\n";
  await using at = await bench({ "updates.js": source });
  const { bundle: built } = await at.bundle("updates.js");
  expect(built.form).toBe("classic");
  expect(built.registrations).toMatchObject([{ method: "POST", path: "/send-update", handler: "sendUpdate" }]);
});

test("a folder script, TSX and init() work in the jail", async () => {
  await using at = await bench({
    "shop/index.tsx": `import { page } from "./page.tsx"; import { tax } from "../_shared/tax.ts"; import data from "./data.json";
import p from "pkg"; import { registerWebHandler } from "@aiwebengine/sdk";
export async function init() { await null; registerWebHandler("GET /shop", () => page(tax(data.price) + p)); }`,
    "shop/page.tsx": "export const page = (n: number) => <p>{n}</p>;",
    "shop/data.json": '{"price":1}',
    "shop/node_modules/pkg/index.js": "module.exports = 1;",
    "_shared/tax.ts": "export const tax = (n: number): number => n * 2;",
  });
  const { bundle: built } = await at.bundle("shop/index.tsx");
  expect(built.registrations).toMatchObject([{ path: "/shop" }]);
  expect([...built.inputs].sort()).toEqual(
    ["_shared/tax.ts", "shop/data.json", "shop/index.tsx", "shop/node_modules/pkg/index.js", "shop/page.tsx"].map(
      (path) => join(at.folder.scriptsDir, path),
    ),
  );
});

// Each build starts a process; a machine under load takes its time.
setDefaultTimeout(30_000);

test("an error at the top level names the author's file, line and column", async () => {
  await using at = await bench({
    "shop/index.ts": 'import { check } from "./check.ts";\ncheck();\nexport {};\n',
    "shop/check.ts":
      "// a comment\ninterface A { b: string }\n\nexport function check(): never {\n  throw new TypeError('no price');\n}\n",
  });
  expect(await at.problem("shop/index.ts")).toMatchObject({
    code: "script_failed",
    message: "TypeError: no price",
    file: "shop/check.ts",
    line: 5,
    frame: expect.stringContaining("> 5 |   throw new TypeError('no price');"),
    hint: expect.any(String),
  });
});

const failures: [name: string, source: string, expected: object][] = [
  [
    "an error in a classic script",
    "var a = 1;\nboom();\n",
    { code: "script_failed", file: "a.ts", line: 2, message: expect.stringContaining("boom") },
  ],
  ["an error in init()", "export function init() {\n  null.x;\n}\n", { code: "script_failed", line: 2 }],
  [
    "a rejected init()",
    "export async function init() {\n  await null;\n  throw new Error('late');\n}\n",
    { code: "script_failed", message: "Late" },
  ],
  ["a thrown string", "throw 'words';\nexport {};", { code: "script_failed", file: "a.ts" }],
  [
    "an unknown option",
    `import { registerWebHandler } from "@aiwebengine/sdk";\nregisterWebHandler("GET /x", { sumary: "x" }, () => 1);\nexport {};`,
    { code: "bad_registration" },
  ],
  [
    "a handler that is no function",
    "register('/x', 'gone', 'GET');",
    { code: "bad_registration", message: expect.stringContaining("gone") },
  ],
  [
    "a bad schema",
    `import { registerWebHandler } from "@aiwebengine/sdk";\nregisterWebHandler("POST /x", { body: { a: { b: "strin" } } }, () => 1);\nexport {};`,
    { code: "bad_registration", message: expect.stringContaining("body.a.b"), file: "a.ts", line: 2 },
  ],
  [
    "a code that the script made up",
    "throw Object.assign(new Error('x'), { code: 'made_up' });\nexport {};",
    { code: "script_failed", message: "X" },
  ],
  [
    "a path of 200,000 characters",
    "register('/' + 'a/'.repeat(100000), () => 1);",
    { code: "bad_registration", message: expect.stringContaining("a path of 200001 characters") },
  ],
  [
    "options that are nested deeply",
    "let deep = 1; for (let i = 0; i < 100; i++) deep = [deep];\nregisterWebHandler('GET /x', { tags: deep }, () => 1);",
    { code: "bad_registration" },
  ],
  ["null thrown", "throw null;", { code: "script_failed", message: expect.stringContaining("no error: null") }],
  [
    "a registration of an absent plugin",
    "registerWebStream('/events');",
    { code: "point_missing", message: expect.stringContaining('"streams"'), line: 1 },
  ],
  [
    "a global of the host",
    "export const a = process.env.HOME;",
    { code: "script_failed", hint: expect.stringContaining("none of the host's") },
  ],
  ["fetch while loading", "export const init = () => fetch('http://127.0.0.1/');", { code: "not_in_invocation" }],
  ["an import of the host", 'import "node:fs";', { code: "import_refused", hint: expect.stringContaining("kv") }],
  ["import.meta in a way that no script has", "export const a = import.meta.glob('./*');", { code: "script_failed" }],
];

test("every failure of a script is told with a code and a sentence", async () => {
  await using at = await bench({});
  for (const [name, source, expected] of failures) {
    at.folder.write({ "a.ts": source });
    const result = await at.builder.build(at.input("a.ts"));
    expect({ name, result }).toMatchObject({ name, result: { ok: false, problems: [expected] } });
  }
});

test("a top level that does not end is ended at the limit, and says so", async () => {
  await using at = await bench({ "spin.ts": "export {};\nfor (;;);", "hello.ts": HELLO }, { timeoutMs: 700 });
  expect(await at.problem("spin.ts")).toMatchObject({
    code: "deadline_exceeded",
    message: expect.stringMatching(/loading the script "spin" after 700 ms \(limits\.loadMs\)/),
  });
  await at.bundle("hello.ts");
});

test("a promise of the top level that never comes to rest is ended at the limit", async () => {
  const source = "export {};\nvoid (async () => { for (;;) await null; })();";
  await using at = await bench({ "restless.ts": source }, { timeoutMs: 700 });
  expect(await at.problem("restless.ts")).toMatchObject({ code: "deadline_exceeded" });
});

test("an init() that never settles is ended at the limit", async () => {
  await using at = await bench({ "wait.ts": "export const init = () => new Promise(() => {});" }, { timeoutMs: 700 });
  expect(await at.problem("wait.ts")).toMatchObject({
    code: "deadline_exceeded",
    hint: expect.stringContaining("init()"),
  });
});

test("a script that eats memory while it loads is ended before its budget is far behind", async () => {
  const source = "export const kept = [];\nfor (;;) kept.push(new Uint8Array(1 << 20).fill(1));";
  await using at = await bench({ "eat.ts": source }, { memoryBytes: 200 * 1024 * 1024 });
  expect(await at.problem("eat.ts")).toMatchObject({
    code: "memory_exceeded",
    message: expect.stringContaining("200 MiB"),
  });
});

test("a schema that takes for ever to compile is ended, and the next script is built", async () => {
  const union = "Array.from({ length: 400 }, (_, i) => '{ \"k' + i + '?\": \"string\" }')";
  const source = `import { registerWebHandler } from "@aiwebengine/sdk";
const branches = ${union}.map((text) => JSON.parse(text));
registerWebHandler("POST /x", { body: branches.reduce((all, one) => [all, "|", one]) }, () => 1);
export {};`;
  await using at = await bench({ "bomb.ts": source, "hello.ts": HELLO }, { timeoutMs: 1500 });
  expect(await at.problem("bomb.ts")).toMatchObject({
    code: "deadline_exceeded",
    message: expect.stringContaining("compiling the schemas of"),
  });
  await at.bundle("hello.ts");
});

test("100,000 parentheses and a 10 MB file are refused with a sentence", async () => {
  await using at = await bench({
    "deep.ts": `export const a = ${"(".repeat(100_000)}1${")".repeat(100_000)};`,
    "big.ts": `export const a = "${"a".repeat(10_000_000)}";`,
    "folder/index.ts": 'import "./big.ts";',
    "folder/big.ts": `export const a = "${"a".repeat(10_000_000)}";`,
  });
  expect(await at.problem("deep.ts")).toMatchObject({
    code: "script_failed",
    message: expect.stringContaining("nested too deeply"),
  });
  expect(await at.problem("big.ts")).toMatchObject({
    code: "script_failed",
    message: expect.stringContaining("8388608"),
  });
  expect(await at.problem("folder/index.ts")).toMatchObject({
    code: "script_failed",
    message: expect.stringContaining("8388608"),
  });
});

test("a script may be several megabytes", async () => {
  await using at = await bench({
    "big.ts": `${HELLO}\nexport const words = [${"'some words here',\n".repeat(300_000)}];`,
  });
  const { bundle: built } = await at.bundle("big.ts");
  expect((await built.readCode()).code.length).toBeGreaterThan(5_000_000);
});

test("a builder is kept for the next save, and sees what was saved", async () => {
  await using at = await bench({
    "hello.ts": HELLO,
    "shop/index.ts": 'import { p } from "./p.ts"; register(p, () => 1);',
    "shop/p.ts": "export const p = '/a';",
  });
  await at.bundle("hello.ts");
  at.folder.write({ "hello.ts": HELLO.replace("/hello/", "/bye/") });
  expect((await at.bundle("hello.ts")).bundle.registrations[0]).toMatchObject({ path: "/bye/:name" });
  await at.bundle("shop/index.ts");
  at.folder.write({ "shop/p.ts.new": "export const p = '/b';" });
  renameSync(join(at.folder.scriptsDir, "shop/p.ts.new"), join(at.folder.scriptsDir, "shop/p.ts"));
  expect((await at.bundle("shop/index.ts")).bundle.registrations[0]).toMatchObject({ path: "/b" });
});

test("a script's folder may be replaced as a whole while its builder is warm", async () => {
  await using at = await bench({
    "shop/index.ts": "register('/a', () => 1); export {};",
    "new/index.ts": "register('/b', () => 1); export {};",
  });
  await at.bundle("shop/index.ts");
  renameSync(join(at.folder.scriptsDir, "shop"), join(at.folder.dir, "old"));
  renameSync(join(at.folder.scriptsDir, "new"), join(at.folder.scriptsDir, "shop"));
  expect((await at.bundle("shop/index.ts")).bundle.registrations[0]).toMatchObject({ path: "/b" });
});

test("many scripts asked for at once are all built", async () => {
  const names = Array.from({ length: 4 }, (_, i) => `s${i}.ts`);
  await using at = await bench(Object.fromEntries(names.map((name, i) => [name, HELLO.replace("/hello/", `/h${i}/`)])));
  const built = await Promise.all([...names, ...names].map((name) => at.bundle(name)));
  expect(built.map((one) => one.bundle.registrations[0])).toMatchObject(
    [...names, ...names].map((_, i) => ({ path: `/h${i % 4}/:name` })),
  );
});

test("a script's own place may not be a link", async () => {
  await using at = await bench({ "real/index.ts": HELLO });
  symlinkSync(join(at.folder.scriptsDir, "real"), join(at.folder.scriptsDir, "linked"));
  symlinkSync("/etc/passwd", join(at.folder.scriptsDir, "file.ts"));
  expect(await at.problem("linked/index.ts")).toMatchObject({ message: expect.stringContaining("is a link") });
  expect(await at.problem("file.ts")).toMatchObject({ message: expect.stringContaining("is a link") });
});

test("an entry that is not there is a problem, not a crash", async () => {
  await using at = await bench({ "shop/readme.md": "x" });
  expect(await at.problem("gone.ts")).toMatchObject({ file: "gone.ts", hint: expect.any(String) });
  expect(await at.problem("shop/index.ts")).toMatchObject({ code: expect.any(String) });
});

test("registrations may depend on config, and nothing is left of a build in the folder", async () => {
  await using at = await bench({
    "a.ts":
      'import { config, registerWebHandler } from "@aiwebengine/sdk";\nregisterWebHandler("GET " + config.at, () => 1);\nexport {};',
  });
  const result = await at.builder.build(at.input("a.ts", { at: "/from-config" }));
  expect(result).toMatchObject({ ok: true, bundle: { registrations: [{ path: "/from-config" }] } });
  expect(readdirSync(at.folder.scriptsDir)).toEqual(["a.ts"]);
});
