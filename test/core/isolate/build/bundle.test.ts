/** The bundler's good forms: what a script may be made of, and what comes out. */
import { expect, test } from "bun:test";
import { evaluate, project, tryBundle } from "./project.ts";

async function build(files: Record<string, string>, entry: string) {
  using folder = project(files);
  const tried = await tryBundle(folder.scope(entry));
  expect(tried.problems).toEqual([]);
  if (tried.bundled === undefined) throw new Error("no bundle");
  return { ...tried.bundled, inputs: tried.inputs };
}

test("a TypeScript module gives its exports", async () => {
  const out = await build(
    { "hello.ts": "export const a: number = 1;\nexport default { fetch: () => 2 };\nexport function init(): void {}" },
    "hello.ts",
  );
  expect(out.form).toBe("module");
  const { exports } = evaluate(out);
  expect(exports.a).toBe(1);
  expect(Object.keys(exports).sort()).toEqual(["a", "default", "init"]);
});

test("a module's exports are live", async () => {
  const out = await build({ "n.ts": "export let n = 0;\nexport const add = () => { n++; };" }, "n.ts");
  const { exports } = evaluate(out);
  (exports.add as () => void)();
  expect(exports.n).toBe(1);
});

test("a module is strict, a classic script is sloppy", async () => {
  const module = await build({ "a.js": "export const self = (function () { return this; })();" }, "a.js");
  expect(evaluate(module).exports.self).toBeUndefined();
  const classic = await build({ "a.js": "function who() { return typeof this; }" }, "a.js");
  expect((evaluate(classic).exposed.who as () => string)()).toBe("object");
});

test("the SDK's names come from the realm", async () => {
  const out = await build(
    {
      "a.ts":
        'import { registerWebHandler, json } from "@aiwebengine/sdk";\nexport const got = [registerWebHandler, json];',
    },
    "a.ts",
  );
  expect(evaluate(out, { registerWebHandler: 1, json: 2 }).exports.got).toEqual([1, 2]);
});

test("a type of the SDK needs no run-time name", async () => {
  const out = await build(
    { "a.ts": 'import { Context, json } from "@aiwebengine/sdk";\nexport const f = (c: Context) => json(c);' },
    "a.ts",
  );
  expect(Object.keys(evaluate(out).exports)).toEqual(["f"]);
});

test("TSX uses the engine's runtime and needs no import", async () => {
  const out = await build({ "page.tsx": "export const page = <p class='a'>{1}<b/></p>;" }, "page.tsx");
  const jsx = (name: unknown, props: unknown) => [name, props];
  const { exports } = evaluate(out, { jsx, jsxs: jsx });
  expect(exports.page).toEqual(["p", { class: "a", children: [1, ["b", {}]] }]);
});

test("a .js file may hold JSX, and stay classic", async () => {
  const out = await build({ "page.js": "function page() { return <p/>; }" }, "page.js");
  expect(out.form).toBe("classic");
  expect((evaluate(out, { jsx: (name: string) => name }).exposed.page as () => unknown)()).toBe("p");
});

test("a classic script exposes its top-level names", async () => {
  const source = `register('/x', 'send', 'POST');
var a = 1, { b, c: [d, ...e] } = { b: 2, c: [3, 4] };
let f = 5; const g = 6; class H {}
if (a) { var i = 7; let hidden = 8; function alsoHidden() {} }
for (var j = 0; j < 1; j++);
try { var k = 9 } catch (ignored) { var l } finally { var m = 1 }
async function send(req) { return a }
function* init() {}
// the last line is a comment`;
  const out = await build({ "c.js": `var register = () => {};\n${source}` }, "c.js");
  expect(out.form).toBe("classic");
  const { exposed } = evaluate(out);
  expect(Object.keys(exposed).sort()).toEqual("H a b d e f g i init j k l m register send".split(" "));
  expect(exposed.e).toEqual([4]);
});

test("classic TypeScript loses its types and keeps enums and interfaces apart", async () => {
  const out = await build(
    { "c.ts": "interface X { a: string }\nenum Colour { Red }\nfunction handle(x: X): number { return Colour.Red }\n" },
    "c.ts",
  );
  expect(out.form).toBe("classic");
  expect(Object.keys(evaluate(out).exposed).sort()).toEqual(["Colour", "handle"]);
});

test("sloppy syntax works in a classic script", async () => {
  const out = await build({ "c.js": "var o = { x: 1 }; var got; with (o) { got = x + 010; }" }, "c.js");
  expect(evaluate(out).exposed.got).toBe(9);
});

test.each(["export {};", 'import "@aiwebengine/sdk";', "export const a = 1;", "const u = import.meta.url;"])(
  "`%s` makes a module",
  async (line) => {
    expect((await build({ "a.ts": `${line}\nfunction f() {}` }, "a.ts")).form).toBe("module");
  },
);

test("a first line for the shell is a comment", async () => {
  expect(evaluate(await build({ "a.ts": "#!/usr/bin/env bun\nexport const a = 1;" }, "a.ts")).exports.a).toBe(1);
});

test("an empty file is a classic script that offers nothing", async () => {
  const out = await build({ "a.ts": "" }, "a.ts");
  expect(out.form).toBe("classic");
  expect(evaluate(out).exposed).toEqual({});
});

test("JSON, text, and code as text are imported", async () => {
  const out = await build(
    {
      "s/index.ts": `import data from "./d.json"; import { x } from "./d.json"; import t from "./t.sql" with { type: "text" }; import plain from "./p.txt"; import y from "./y.yaml";
import h from "./h.html" with { type: "text" }; import c from "./c.ts" with { type: "text" };
export const got = [data.x, x, t, h, c, plain, y.a];`,
      "s/d.json": '{"x":1}',
      "s/t.sql": "select `1`",
      "s/p.txt": "plain",
      "s/y.yaml": "a: 1",
      "s/h.html": "<p>",
      "s/c.ts": "await 1",
    },
    "s/index.ts",
  );
  expect(evaluate(out).exports.got).toEqual([1, 1, "select `1`", "<p>", "await 1", "plain", 1]);
});

test("a folder script imports its modules, _shared, and its packages", async () => {
  const out = await build(
    {
      "s/index.ts": `import { a } from "./lib/a"; import { b } from "./lib/b.js"; import s from "../_shared/s.ts"; import dir from "./lib";
import p from "pkg"; import q from "@org/q/sub"; import old from "old"; import { inner } from "#inner"; import cj from "cjs";
export const got = [a, b, s, dir, p, q, old, inner, cj.x];`,
      "s/package.json": '{"imports":{"#inner":"./lib/inner.ts"}}',
      "s/lib/a.ts": "export const a = 'a';",
      "s/lib/b.ts": "export const b = 'b';",
      "s/lib/inner.ts": "export const inner = 'inner';",
      "s/lib/index.ts": "export default 'index';",
      "_shared/s.ts": "export default 's';",
      "s/node_modules/pkg/package.json":
        '{"exports":{".":{"node":"./node.js","import":"./esm.js","default":"./no.js"}}}',
      "s/node_modules/pkg/esm.js": "import dep from 'dep'; export default 'pkg' + dep;",
      "s/node_modules/pkg/node_modules/dep/index.js": "export default '+dep';",
      "s/node_modules/@org/q/package.json": '{"exports":{"./*":"./src/*.js"}}',
      "s/node_modules/@org/q/src/sub.js": "export default 'q';",
      "s/node_modules/old/package.json": '{"main":"lib/main"}',
      "s/node_modules/old/lib/main.js": "module.exports = 'old' + require('./other').x;",
      "s/node_modules/old/lib/other.js": "exports.x = 1;",
      "s/node_modules/cjs/index.js": "exports.x = typeof nothing;",
    },
    "s/index.ts",
  );
  expect(evaluate(out).exports.got).toEqual(["a", "b", "s", "index", "pkg+dep", "q", "old1", "inner", "undefined"]);
  expect(out.inputs.filter((one) => one.size >= 0).map((one) => one.path)).toContain("_shared/s.ts");
});

test("a single-file script imports _shared and scripts/node_modules", async () => {
  const out = await build(
    {
      "a.ts": 'import s from "./_shared/s.ts"; import p from "pkg"; export const got = s + p;',
      "_shared/s.ts": 'import p from "pkg"; export default "s" + p;',
      "node_modules/pkg/index.js": "export default 'p';",
    },
    "a.ts",
  );
  expect(evaluate(out).exports.got).toBe("spp");
});

test("import cycles work as the language says", async () => {
  const out = await build(
    {
      "s/index.ts": 'import { b } from "./b.ts"; export const a = () => "a"; export const got = () => b();',
      "s/b.ts": 'import { a } from "./index.ts"; export const b = () => "b" + a();',
    },
    "s/index.ts",
  );
  expect((evaluate(out).exports.got as () => string)()).toBe("ba");
});

test("a literal dynamic import is part of the bundle", async () => {
  const out = await build(
    { "s/index.ts": 'export const lazy = () => import("./b.ts");', "s/b.ts": "export const b = 1;" },
    "s/index.ts",
  );
  expect(await (evaluate(out).exports.lazy as () => Promise<unknown>)()).toMatchObject({ b: 1 });
});

test("a tsconfig beside the script changes nothing", async () => {
  const tsconfig = JSON.stringify({
    extends: "/etc/passwd",
    compilerOptions: { jsx: "react", paths: { "@aiwebengine/sdk": ["/etc/passwd"], "./lib.ts": ["/etc/passwd"] } },
  });
  const out = await build(
    {
      "s/index.tsx":
        'import { json } from "@aiwebengine/sdk"; import l from "./lib.ts"; export const got = [json, l, <p/>];',
      "s/lib.ts": "export default 'lib';",
      "s/tsconfig.json": tsconfig,
      "tsconfig.json": tsconfig,
    },
    "s/index.tsx",
  );
  expect(evaluate(out, { json: "json", jsx: () => "jsx" }).exports.got).toEqual(["json", "lib", "jsx"]);
});

test("nothing of the environment gets into a bundle", async () => {
  const out = await build(
    { "a.ts": "export const home = () => process.env.HOME; export const meta = [import.meta.url, import.meta.dir];" },
    "a.ts",
  );
  expect(out.code).toContain("process.env.HOME");
  expect(out.code).not.toContain("/tmp");
});

test("two builds of the same files give the same bytes", async () => {
  const files = { "s/index.ts": 'import { b } from "./b.ts"; export const a = b;', "s/b.ts": "export const b = 1;" };
  const first = await build(files, "s/index.ts");
  const second = await build(files, "s/index.ts");
  expect([second.code, second.map]).toEqual([first.code, first.map]);
});
