/** What a script may not import or be, each with the sentence that its author reads. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { project, tryBundle } from "./project.ts";

/** A folder script `s`, its neighbour `n` with a secret, and links that leave `s`. */
async function refuse(entry: string, more: Record<string, string | Uint8Array> = {}, path = "s/index.ts") {
  using folder = project({
    "n/index.ts": "export const secret = 'SECRET';",
    "n/data.txt": "SECRET",
    "m.ts": "export const s = 'SECRET';",
    [path]: entry,
    ...more,
  });
  mkdirSync(join(folder.scriptsDir, "s"), { recursive: true });
  symlinkSync(join(folder.scriptsDir, "n/data.txt"), join(folder.scriptsDir, "s/link.txt"));
  symlinkSync(join(folder.scriptsDir, "n"), join(folder.scriptsDir, "s/linked"));
  symlinkSync("/dev/zero", join(folder.scriptsDir, "s/zero.txt"));
  const tried = await tryBundle(folder.scope(path));
  return { ...tried, first: tried.problems[0] };
}

const table: [name: string, source: string, code: string, message: RegExp, hint: RegExp][] = [
  [
    "a macro",
    'import { f } from "./m.ts" with { type: "macro" };\nexport const a = f();',
    "import_refused",
    /Macros run code/,
    /top level/,
  ],
  [
    "a macro spelt with an escape",
    'import { f } from "./m.ts" with { type: "ma\\u0063ro" };\nexport const a = f();',
    "import_refused",
    /Macros/,
    /./,
  ],
  [
    "a macro: import",
    'import { f } from "macro:./m.ts";\nexport const a = f();',
    "import_refused",
    /Macros|macros/,
    /./,
  ],
  [
    "an absolute text import",
    'import t from "/etc/passwd" with { type: "text" };\nexport const a = t;',
    "import_refused",
    /"\/etc\/passwd" leaves the files/,
    /_shared/,
  ],
  [
    "a text import by climbing",
    'import t from "../../../../../../etc/passwd" with { type: "text" };\nexport const a = t;',
    "import_refused",
    /leaves the files/,
    /./,
  ],
  [
    "a neighbour's file",
    'import t from "../n/data.txt" with { type: "text" };\nexport const a = t;',
    "import_refused",
    /file of the script "n"/,
    /message|_shared/,
  ],
  [
    "a neighbour script",
    'import { secret } from "../n";\nexport const a = secret;',
    "import_refused",
    /file of the script "n"/,
    /./,
  ],
  [
    "a neighbouring single file",
    'import { s } from "../m.ts";\nexport const a = s;',
    "import_refused",
    /file of the script "m"/,
    /./,
  ],
  [
    "a link out of the script",
    'import t from "./link.txt";\nexport const a = t;',
    "import_refused",
    /leaves the files/,
    /./,
  ],
  [
    "a linked folder",
    'import t from "./linked/data.txt";\nexport const a = t;',
    "import_refused",
    /leaves the files/,
    /./,
  ],
  ["a device", 'import t from "./zero.txt";\nexport const a = t;', "import_refused", /leaves the files/, /./],
  [
    "node:fs",
    'import fs from "node:fs";\nexport const a = fs;',
    "import_refused",
    /"node:fs" is a module of the host/,
    /kv/,
  ],
  [
    "fs",
    'import { readFileSync } from "fs";\nexport const a = readFileSync;',
    "import_refused",
    /"fs" is a module of the host/,
    /kv/,
  ],
  ["child_process by require", 'export const a = require("child_process");', "import_refused", /host/, /fetch/],
  [
    "bun",
    'import { spawn } from "bun";\nexport const a = spawn;',
    "import_refused",
    /"bun" is a module of the host/,
    /web-standard/,
  ],
  ["bun:ffi", 'import { dlopen } from "bun:ffi";\nexport const a = dlopen;', "import_refused", /"bun:ffi"/, /./],
  ["a URL", 'import x from "https://esm.sh/left-pad";\nexport const a = x;', "import_refused", /is a URL/, /npm/],
  ["a data URL", 'import x from "data:text/javascript,1";\nexport const a = x;', "import_refused", /is a URL/, /./],
  ["a file URL", 'import x from "file:///etc/passwd";\nexport const a = x;', "import_refused", /is a URL/, /./],
  ["npm: imports", 'import x from "npm:left-pad";\nexport const a = x;', "import_refused", /registry/, /bare name/],
  [
    "an absent package",
    'import x from "left-pad";\nexport const a = x;',
    "import_refused",
    /nothing was found|Nothing was found/,
    /left-pad/,
  ],
  ["an absent file", 'import x from "./gone.ts";\nexport const a = x;', "import_refused", /"\.\/gone\.ts"/, /relative/],
  [
    "an absent SDK module",
    'import x from "@aiwebengine/sdk/plugin";\nexport const a = x;',
    "import_refused",
    /no module/,
    /jsx-runtime/,
  ],
  [
    "an absent SDK name",
    'import { regster } from "@aiwebengine/sdk";\nexport const a = regster;',
    "import_refused",
    /exports no `regster`/,
    /./,
  ],
  [
    "a service without its plugin",
    'import { mail } from "@aiwebengine/sdk";\nexport const a = () => mail.send("x");',
    "point_missing",
    /service of the plugin "email"/,
    /email/,
  ],
  ["a computed import", "export const a = (x: string) => import(x);", "import_refused", /only at run time/, /literal/],
  ["a computed require", 'export const a = (x: string) => require("./" + x);', "import_refused", /run time/, /literal/],
  ["top-level await", "await 1;\nexport const a = 1;", "script_failed", /top-level await is refused/, /init\(\)/],
  [
    "top-level await in a classic script",
    "var a = await 1;",
    "script_failed",
    /top-level await is refused/,
    /init\(\)/,
  ],
  ["await in a plain function", "export function f() { await 1; }", "script_failed", /async/, /./],
  ["broken syntax", "export const a = (;\n", "script_failed", /Unexpected ;/, /arrow/],
  [
    "deep nesting",
    `export const a = ${"(".repeat(100_000)}1${")".repeat(100_000)};`,
    "script_failed",
    /nested too deeply/,
    /Split/,
  ],
  [
    "deep nesting in a classic script",
    `var a = ${"[".repeat(100_000)}1${"]".repeat(100_000)};`,
    "script_failed",
    /nested too deeply/,
    /Split/,
  ],
  ["a file over the cap", `export const a = "${"a".repeat(9 * 1024 * 1024)}";`, "script_failed", /8388608/, /./],
  [
    "a control character in an import",
    'import x from "./a\\u0000b";\nexport const a = x;',
    "import_refused",
    /found/,
    /./,
  ],
  ["an engine name in a classic script", "function expose() {}", "script_failed", /expose/, /Rename/],
];

test.each(table)("%s is refused", async (_name, source, code, message, hint) => {
  const { problems, first, bundled } = await refuse(source);
  expect(bundled).toBeUndefined();
  expect(first).toBeDefined();
  expect(first?.code).toBe(code);
  expect(first?.message).toMatch(message);
  expect(first?.hint).toMatch(hint);
  expect(JSON.stringify(problems)).not.toContain("SECRET");
});

test("a macro does not run", async () => {
  const marker = join(import.meta.dir, "macro-ran");
  const macro = `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(marker)}, ""); export const f = () => 1;`;
  await refuse('import { f } from "./m.ts" with { type: "macro" };\nexport const a = f();', { "s/m.ts": macro });
  expect(existsSync(marker)).toBe(false);
});

test("a refusal shows where the import stands", async () => {
  const { first } = await refuse('export const a = 1;\n\nimport fs from "node:fs";\nexport const b = fs;\n');
  expect(first).toMatchObject({ file: "s/index.ts", line: 3, column: 16 });
  expect(first?.frame).toBe(
    [
      "  1 | export const a = 1;",
      "  2 |",
      '> 3 | import fs from "node:fs";',
      "    |                ^",
      "  4 | export const b = fs;",
      "  5 |",
    ].join("\n"),
  );
});

test("every refused import is reported, not only the first", async () => {
  const { problems } = await refuse('import "node:fs"; import "bun"; import "./gone"; import "bun";');
  expect(problems.map((one) => one.code)).toEqual(["import_refused", "import_refused", "import_refused"]);
});

test("a fault in an imported file names that file", async () => {
  const { first } = await refuse('import "./lib/b.ts";', { "s/lib/b.ts": "\nexport const = 1;" });
  expect(first).toMatchObject({ file: "s/lib/b.ts", line: 2 });
});

test("a single-file script may not import another file beside it", async () => {
  const { first } = await refuse('import { s } from "./m.ts"; export const a = s;', {}, "one.ts");
  expect(first).toMatchObject({ code: "import_refused", file: "one.ts" });
  expect(first?.message).toContain('the script "m"');
});

test("a text file beside a single-file script is not taken for a script", async () => {
  const { first } = await refuse('import x from "./x.html"; export { x };', { "x.html": "SECRET" }, "one.ts");
  expect(first?.message).toContain("leaves the files");
});

test("a binary file is refused as a text import", async () => {
  const { first } = await refuse('import t from "./a.png"; export const a = t;', {
    "s/a.png": new Uint8Array([0x89, 0x50, 0xff, 0xfe]),
  });
  expect(first?.message).toContain("not UTF-8");
});

test.each(["file", "sqlite", "html", "css", "napi", "wasm"])("an import of the type %s is refused", async (type) => {
  const source = `import value from "./a.txt" with { type: "${type}" }; export const a = value;`;
  const { first } = await refuse(source, { "s/a.txt": "x" });
  expect(first).toMatchObject({ code: "import_refused", hint: expect.stringContaining("text") });
});

test.each(["a.node", "a.wasm", "a.html", "a.css", "a.svg", "a"])(
  "importing %s without a type is refused",
  async (file) => {
    const { first } = await refuse(`import value from "./${file}"; export const a = value;`, { [`s/${file}`]: "x" });
    expect(first).toMatchObject({ code: "import_refused", hint: expect.stringContaining("text") });
  },
);

test("a JSX runtime of a script's choice is held to the same rules", async () => {
  const { first } = await refuse("/** @jsxImportSource /etc */\nexport const a = <b/>;", {}, "s/index.tsx");
  expect(first).toMatchObject({ code: "import_refused", message: expect.stringContaining("/etc/jsx-runtime") });
});

test("a package cannot point out of itself", async () => {
  const { first } = await refuse('import p from "evil"; export const a = p;', {
    "s/node_modules/evil/package.json": '{"exports":"./../../../n/data.txt"}',
  });
  expect(first).toMatchObject({ code: "import_refused" });
  expect(first?.message).toContain("no path inside its package");
});

test("a package linked from outside is refused", async () => {
  using folder = project({ "s/index.ts": 'import p from "evil"; export const a = p;' });
  mkdirSync(join(folder.dir, "outside"));
  writeFileSync(join(folder.dir, "outside/index.js"), "export default 'SECRET'");
  mkdirSync(join(folder.scriptsDir, "s/node_modules"));
  symlinkSync(join(folder.dir, "outside"), join(folder.scriptsDir, "s/node_modules/evil"));
  const { problems, bundled } = await tryBundle(folder.scope("s/index.ts"));
  expect(bundled).toBeUndefined();
  expect(problems[0]?.code).toBe("import_refused");
});

test("an sqlite import does not reach the bundle unseen", async () => {
  const { first, bundled } = await refuse(
    'import db from "../n/data.txt" with { type: "sqlite" };\nexport const a = () => db;',
  );
  expect(bundled).toBeUndefined();
  expect(first?.code).toBe("import_refused");
});
