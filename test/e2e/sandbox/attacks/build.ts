/** Attacks on the builder: imports that leave the script's folder, code that runs while it builds, bombs, schemas. */
import type { Attack } from "../attack.ts";

/** Replaced when an attack is written to disk: paths of this run. */
export const PLACEHOLDERS = { canary: "CANARY_PATH", marker: "MARKER_PATH", port: "PORT" } as const;

const PASSWD = "root:x:0:0";

/** A module script whose handler answers what it could import. */
const answering = (name: string, imported: string, value = "value"): string =>
  `import { registerWebHandler } from "@aiwebengine/sdk";\n${imported}\nregisterWebHandler("GET /attack/${name}", () => String(${value}));\n`;

const build = (name: string, tries: string, imported: string, more: Partial<Attack> = {}): Attack => ({
  name: `build-${name}`,
  group: "build",
  tries,
  outcome: "refused",
  secret: PASSWD,
  files: { [`scripts/build-${name}.ts`]: answering(`build-${name}`, imported) },
  ...more,
});

/** The same as a folder: `scripts/build-<name>/index.ts` and what lies beside it. */
const folder = (
  name: string,
  tries: string,
  imported: string,
  beside: Record<string, string>,
  more: Partial<Attack> = {},
): Attack => {
  const files: Record<string, string> = { [`scripts/build-${name}/index.ts`]: answering(`build-${name}`, imported) };
  for (const [path, content] of Object.entries(beside))
    files[path.startsWith("scripts/") ? path : `scripts/build-${name}/${path}`] = content;
  return build(name, tries, imported, { files, ...more });
};

/** A macro that would write a marker and read the canary. */
const MACRO = `import { writeFileSync, readFileSync } from "node:fs"; export function value() { writeFileSync("MARKER_PATH", "macro"); return readFileSync("CANARY_PATH", "utf8"); } export default value;`;

/** A classic script: what it does while it loads is all that matters. */
const loading = (name: string, tries: string, top: string, outcome: Attack["outcome"] = "refused"): Attack => ({
  name: `build-${name}`,
  group: "build",
  tries,
  outcome,
  files: { [`scripts/build-${name}.js`]: `registerWebHandler("GET /attack/build-${name}", () => "x");\n${top}\n` },
});

/** Would load for ever, or nearly. */
const endless = (...given: Parameters<typeof loading>): Attack => ({ ...loading(...given), limits: { loadMs: 500 } });

export const builds: readonly Attack[] = [
  folder(
    "macro",
    "imports a macro, which would run while the engine builds",
    `import { value as run } from "./m.ts" with { type: "macro" }; const value = run();`,
    { "m.ts": MACRO },
  ),
  folder(
    "macro-assert",
    "imports a macro with the old keyword",
    `import { value as run } from "./m.ts" assert { type: "macro" }; const value = run();`,
    { "m.ts": MACRO },
  ),
  folder(
    "macro-prefix",
    "imports a macro with the old prefix",
    `import { value as run } from "macro:./m.ts"; const value = run();`,
    { "m.ts": MACRO },
  ),
  folder("macro-reexport", "imports a macro through a module of its own", `import { value } from "./a.ts";`, {
    "a.ts": `import { value as run } from "./m.ts" with { type: "macro" }; export const value = run();`,
    "m.ts": MACRO,
  }),
  folder(
    "macro-package",
    "imports a macro from its own package",
    `import { value as run } from "evil" with { type: "macro" }; const value = run();`,
    {
      "node_modules/evil/package.json": `{"name":"evil","version":"1.0.0","macro":"./index.ts","main":"./index.ts"}`,
      "node_modules/evil/index.ts": MACRO,
    },
  ),
  build("absolute", "imports an absolute path", `import value from "/etc/passwd" with { type: "text" };`),
  build(
    "absolute-canary",
    "imports the canary by its absolute path",
    `import value from "CANARY_PATH" with { type: "text" };`,
  ),
  build("file-url", "imports a file URL", `import value from "file:///etc/passwd" with { type: "text" };`),
  build(
    "parent",
    "imports from above the folder of scripts",
    `import value from "../../canary.txt" with { type: "text" };`,
  ),
  build(
    "parent-deep",
    "climbs to the root of the file system",
    `import value from "${"../".repeat(20)}etc/passwd" with { type: "text" };`,
  ),
  build(
    "parent-encoded",
    "climbs with encoded dots and slashes",
    `import value from "./%2e%2e/%2e%2e/canary.txt" with { type: "text" };`,
  ),
  build(
    "parent-backslash",
    "climbs with backslashes",
    `import value from "..\\\\..\\\\canary.txt" with { type: "text" };`,
  ),
  build("config", "imports the engine's config", `import value from "../aiwebengine.toml" with { type: "text" };`),
  build("data", "imports a file of the engine's data", `import value from "../data/lock" with { type: "text" };`),
  folder(
    "neighbour",
    "imports a file of another script",
    `import value from "../neighbour/secret.txt" with { type: "text" };`,
    {
      "scripts/neighbour/secret.txt": "neighbour-secret",
      "scripts/neighbour/index.js": `registerWebHandler("GET /neighbour", () => "x");`,
    },
    { secret: "neighbour-secret" },
  ),
  folder(
    "neighbour-module",
    "imports another script as a module",
    `import * as all from "../victim.js"; const value = JSON.stringify(all);`,
    {},
  ),
  folder(
    "symlink-file",
    "imports a symbolic link to the canary",
    `import value from "./link.txt" with { type: "text" };`,
    {},
    { links: { "scripts/build-symlink-file/link.txt": "CANARY_PATH" } },
  ),
  folder(
    "symlink-folder",
    "imports through a symbolic link to a folder outside",
    `import value from "./outside/passwd" with { type: "text" };`,
    {},
    { links: { "scripts/build-symlink-folder/outside": "/etc" } },
  ),
  folder(
    "symlink-chain",
    "imports through a chain of links",
    `import value from "./a/b/canary.txt" with { type: "text" };`,
    { "x/keep.txt": "" },
    { links: { "scripts/build-symlink-chain/a": "./x", "scripts/build-symlink-chain/x/b": "../../../.." } },
  ),
  folder(
    "symlink-module",
    "imports a module through a link that leaves its folder",
    `import { value } from "./lib/m.ts";`,
    {},
    { links: { "scripts/build-symlink-module/lib": "../../../outside-lib" }, secret: "outside-lib-secret" },
  ),
  build("symlink-script", "is itself a link to a file outside", "", {
    files: {},
    links: { "scripts/build-symlink-script.js": "CANARY_PATH" },
  }),
  folder(
    "package-symlink",
    "has a package that is a link to a folder outside",
    `import value from "linked/passwd" with { type: "text" };`,
    { "node_modules/keep/package.json": "{}" },
    { links: { "scripts/build-package-symlink/node_modules/linked": "/etc" } },
  ),
  folder(
    "package-main",
    "has a package whose main leaves its folder",
    `import value from "evil" with { type: "text" };`,
    { "node_modules/evil/package.json": `{"name":"evil","main":"${"../".repeat(20)}etc/passwd"}` },
  ),
  folder(
    "package-exports",
    "has a package whose exports leave its folder",
    `import value from "evil/x" with { type: "text" };`,
    { "node_modules/evil/package.json": `{"name":"evil","exports":{"./x":"./${"../".repeat(20)}etc/passwd"}}` },
  ),
  folder("package-imports", "maps # imports to a path outside", `import value from "#x" with { type: "text" };`, {
    "package.json": `{"imports":{"#x":"${"../".repeat(20)}etc/passwd"}}`,
  }),
  folder(
    "tsconfig-paths",
    "maps paths outside in its own tsconfig",
    `import value from "secret" with { type: "text" };`,
    { "tsconfig.json": `{"compilerOptions":{"baseUrl":".","paths":{"secret":["/etc/passwd"]}}}` },
  ),
  folder("tsconfig-extends", "extends a tsconfig outside", `import value from "secret" with { type: "text" };`, {
    "tsconfig.json": `{"extends":"/tmp/../../../../../etc/tsconfig.json","compilerOptions":{"baseUrl":"/etc","paths":{"secret":["./passwd"]}}}`,
  }),
  folder(
    "bunfig",
    "sets a preload and macros in its own bunfig and .env",
    `const value = process.env.SECRET_OF_SCRIPT ?? "none";`,
    {
      "bunfig.toml": `preload = ["./m.ts"]\n[macros]\nx = "./m.ts"\n`,
      ".env": `SECRET_OF_SCRIPT=read-from-dotenv\n`,
      "m.ts": MACRO + `\nvalue();`,
    },
    { outcome: "survived", secret: "read-from-dotenv" },
  ),
  build("jsx-pragma", "imports its JSX runtime from outside", "", {
    files: {
      "scripts/build-jsx-pragma.tsx": `/** @jsxImportSource /etc */\nimport { registerWebHandler } from "@aiwebengine/sdk";\nregisterWebHandler("GET /attack/build-jsx-pragma", () => <b>x</b>);`,
    },
    outcome: "survived",
  }),
  folder(
    "type-file",
    "imports with the types file, sqlite, html, css and napi",
    `import value from "./x.bin" with { type: "file" }; import db from "../../data/engine.db" with { type: "sqlite" };`,
    { "x.bin": "x" },
  ),
  folder(
    "native-addon",
    "imports a native addon and a WebAssembly module",
    `import value from "./x.node"; import w from "./x.wasm";`,
    { "x.node": "\x7fELF", "x.wasm": "\0asm" },
  ),
  folder("html", "imports an HTML page whose assets lie outside", `import value from "./x.html";`, {
    "x.html": `<script src="/etc/passwd"></script><link rel=stylesheet href="../../../../etc/passwd">`,
  }),
  folder(
    "css",
    "imports a style sheet with URLs outside",
    `import value from "./x.css" with { type: "text" }; import "./x.css";`,
    { "x.css": `@import "/etc/passwd"; a { background: url(/etc/passwd) }` },
    { outcome: "survived" },
  ),
  folder(
    "new-url",
    "names a file by new URL(import.meta.url)",
    `const value = new URL("../../canary.txt", import.meta.url) + " " + import.meta.dir + " " + import.meta.path;`,
    {},
    { outcome: "survived" },
  ),
  folder(
    "require",
    "requires modules of the host",
    `const fs = require("node:fs"); const value = fs.readFileSync("/etc/passwd", "utf8");`,
    {},
  ),
  folder(
    "require-computed",
    "requires a computed name and require.resolve",
    `const name = "node:" + "fs"; let value = ""; try { value += require(name).readFileSync("/etc/passwd", "utf8"); } catch (e) { value += e.name; } try { value += require.resolve("node:fs"); } catch (e) { value += e.name; }`,
    {},
    { outcome: "survived" },
  ),
  ...[
    "node:fs",
    "fs",
    "bun",
    "bun:sqlite",
    "bun:ffi",
    "node:child_process",
    "node:vm",
    "node:worker_threads",
    "undici",
    "bun:jsc",
    "node:process",
    "module",
  ].map((module) =>
    build(
      `import-${module.replace(/[:_]/g, "-")}`,
      `imports ${module}`,
      `import * as all from "${module}"; const value = Object.keys(all);`,
    ),
  ),
  folder(
    "dynamic-literal",
    "imports node:fs and an absolute path dynamically, by literal",
    `let value = "x"; export const later = async () => [await import("node:fs"), await import("/etc/passwd")];`,
    {},
  ),
  folder(
    "glob",
    "imports by glob and template",
    `const value = Object.keys(import.meta.glob?.("/etc/*") ?? {}); export const later = (x: string) => import(\`../../\${x}.txt\`);`,
    {},
    { outcome: "survived" },
  ),
  folder(
    "source-map",
    "names a source map outside",
    `const value = "x";\n//# sourceMappingURL=../../../../../../etc/passwd`,
    {},
    { outcome: "survived" },
  ),
  folder(
    "cycle",
    "imports itself in a cycle",
    `import { a } from "./a.ts"; const value = a;`,
    {
      "a.ts": `import { b } from "./b.ts"; export const a = 1 + (typeof b === "undefined" ? 0 : 1);`,
      "b.ts": `import { a } from "./a.ts"; import * as self from "./index.ts"; export const b = () => [a, self];`,
    },
    { outcome: "survived" },
  ),
  folder("http-import", "imports over HTTP", `import value from "http://127.0.0.1:PORT/x.js";`, {}),
  folder(
    "data-import",
    "imports a data URL",
    `import value from "data:text/javascript,export default process.pid";`,
    {},
    { outcome: "survived" },
  ),
  folder(
    "sdk-shadow",
    "shadows the SDK with a package of its own",
    `import { evil } from "@aiwebengine/sdk/evil"; const value = evil;`,
    {
      "node_modules/@aiwebengine/sdk/package.json": `{"name":"@aiwebengine/sdk","exports":{".":"./index.ts","./evil":"./index.ts"}}`,
      "node_modules/@aiwebengine/sdk/index.ts": `export const evil = "shadowed"; export const registerWebHandler = () => {};`,
    },
    { outcome: "survived" },
  ),
  loading(
    "ten-megabytes",
    "is ten megabytes long",
    `const text = "${"x".repeat(1000)}";\n${`// ${"y".repeat(997)}\n`.repeat(10_000)}`,
    "survived",
  ),
  loading(
    "parentheses",
    "nests a hundred thousand parentheses",
    `const deep = ${"(".repeat(100_000)}1${")".repeat(100_000)};`,
  ),
  loading(
    "braces",
    "nests a hundred thousand arrays and braces",
    `const deep = ${"[".repeat(100_000)}${"]".repeat(100_000)}; ${"{".repeat(50_000)}${"}".repeat(50_000)}`,
  ),
  loading("templates", "nests ten thousand templates", `const deep = ${"`${".repeat(10_000)}1${"}`".repeat(10_000)};`),
  loading(
    "operators",
    "chains a hundred thousand operators",
    `const deep = ${"1+".repeat(100_000)}1; const not = ${"!".repeat(100_000)}1;`,
    "survived",
  ),
  endless(
    "identifiers",
    "declares a hundred thousand names",
    Array.from({ length: 100_000 }, (_, i) => `const n${i} = ${i};`).join(""),
    "survived",
  ),
  loading(
    "regex-literal",
    "holds a regular expression that is itself a bomb",
    `const r = /${"(a{0,1000}){0,1000}".repeat(50)}/; r.test("a".repeat(10));`,
    "survived",
  ),
  endless("endless-load", "loops while it loads", `for (;;);`),
  endless("endless-microtasks", "loops in microtasks while it loads", `(async () => { for (;;) await null; })();`),
  endless("endless-init", "has an init that never ends", `function init() { for (;;); }`),
  endless(
    "endless-init-async",
    "has an async init that never settles",
    `function init() { return new Promise(() => {}); }`,
  ),
  loading(
    "memory-load",
    "allocates without end while it loads",
    `const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1));`,
  ),
  endless("regex-load", "matches a polynomial pattern while it loads", `/\\s+$/.test(" ".repeat(1000000) + "x");`),
  endless(
    "throws",
    "throws hostile values while it loads",
    `throw new Proxy(new Error("x"), { get() { for (;;); } });`,
  ),
  loading("throws-null", "throws null while it loads", `throw null;`),
  loading("throws-huge", "throws an error with a message of 100 MB", `throw new Error("x".repeat(1e8));`),
  loading("invalid-utf8", "holds invalid text, NUL and a byte order mark", `"\\ufeff \u0000 \ufffd";`, "survived"),
  loading("top-level-await", "awaits at top level", `await new Promise(() => {}); export {};`),
  loading(
    "not-deterministic",
    "registers something else at each load",
    `registerWebHandler("GET /attack/random-" + Math.random(), () => "x"); registerWebHandler("GET /attack/time-" + Date.now(), () => "x");`,
    "survived",
  ),
  loading(
    "hostile-registrations",
    "registers with proxies, getters, and patterns that are bombs",
    `
    for (const odd of [[new Proxy({}, {}), () => 1], ["GET /" + "a/".repeat(100000), () => 1], ["GET /:" + "x".repeat(100000), () => 1], ["GET /a", { get summary() { for (let i = 0; i < 1e6; i++); return "x"; } }, () => 1], ["GET /b", JSON.parse('{"__proto__":{"method":"POST"}}'), () => 1], ["GET /../../x", () => 1], ["GET /%2e%2e/x", () => 1], ["GET /\\r\\nx: y", () => 1]]) { try { registerWebHandler(...odd); } catch {} }`,
    "survived",
  ),
];

/** A route with this body schema, asked with this body. */
const schema = (name: string, tries: string, definition: string, body: string, more: Partial<Attack> = {}): Attack => ({
  name: `schema-${name}`,
  group: "schemas",
  tries,
  slow: true,
  limits: { loadMs: 1500 },
  outcome: "survived",
  files: {
    [`scripts/schema-${name}.js`]: `registerWebHandler("POST /attack/schema-${name}", { body: ${definition} }, () => "valid");\n`,
  },
  request: { method: "POST", headers: { "content-type": "application/json" }, body },
  ...more,
});

export const schemas: readonly Attack[] = [
  schema(
    "regex-polynomial",
    "validates 100,000 spaces against /\\s+$/",
    `{ a: "/\\\\s+$/" }`,
    JSON.stringify({ a: `${" ".repeat(100_000)}x` }),
  ),
  schema(
    "regex-exponential",
    "validates against /^(a+)+$/",
    `{ a: "/^(a+)+$/" }`,
    JSON.stringify({ a: `${"a".repeat(50)}b` }),
  ),
  schema(
    "union-bomb",
    "compiles a union of 200 branches",
    `{ a: Array.from({ length: 200 }, (_, i) => "'" + i + "'[]|string.numeric|" + i).join("|") }`,
    `{"a":"x"}`,
  ),
  schema(
    "union-objects",
    "compiles nested unions of overlapping objects",
    `(() => { let d = { k: "string", v: "'0'" }; for (let i = 1; i < 60; i++) d = [d, "|", { ["k" + i]: "string", v: "'" + i + "'" }]; return d; })()`,
    `{"v":"1"}`,
  ),
  schema(
    "deep",
    "nests definitions ten thousand deep",
    `(() => { let d = { a: "string" }; for (let i = 0; i < 10000; i++) d = { a: d }; return d; })()`,
    `{"a":1}`,
  ),
  schema(
    "wide",
    "defines a hundred thousand keys",
    `Object.fromEntries(Array.from({ length: 100000 }, (_, i) => ["k" + i, "string"]))`,
    `{"k1":1}`,
  ),
  schema("cyclic", "defines itself", `(() => { const d = {}; d.a = d; return d; })()`, `{"a":{}}`),
  schema(
    "code-in-key",
    "puts code into keys, which a compiling validator would run",
    `{ "x\`]; globalThis.process.exit(1); //": "string", "'];throw 1;//": "number", "__proto__": "string", "constructor?": "string" }`,
    `{"__proto__":{"a":1}}`,
  ),
  schema(
    "code-in-definition",
    "puts code into a definition",
    `{ a: "string; process.exit(1)", b: "number % Infinity", c: "\${process.exit(1)}" }`,
    `{"a":"x"}`,
  ),
  schema(
    "keywords",
    "uses definitions that parse, evaluate or open",
    `{ a: "string.json.parse", b: "string.regex", c: "string.url.parse", d: "instanceof Function", e: "object.json" }`,
    `{"a":"[[[[","b":"(","c":"::"}`,
  ),
  schema(
    "proxy",
    "gives a proxy and getters as schema",
    `new Proxy({ get a() { return "string"; } }, { ownKeys() { for (let i = 0; i < 1e6; i++); return ["a"]; } })`,
    `{"a":"x"}`,
  ),
  schema("endless-getter", "loops in a getter of its schema", `{ get a() { for (;;); } }`, `{"a":"x"}`),
  schema(
    "deep-body",
    "is sent a body nested a hundred thousand deep",
    `{ "a?": "unknown[]" }`,
    `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
  ),
  schema(
    "wide-body",
    "is sent a body of a million keys",
    `{ "[string]": "number" }`,
    `{${Array.from({ length: 200_000 }, (_, i) => `"k${i}":"x"`).join(",")}}`,
  ),
  schema(
    "proto-body",
    "is sent __proto__, constructor and duplicate keys",
    `{ "a?": "string" }`,
    `{"a":"x","__proto__":{"a":1},"constructor":{"prototype":{"polluted":1}},"a":2}`,
  ),
  schema(
    "unique-items",
    "validates large arrays for what is expensive",
    `{ a: "(string|number|boolean|{b:string})[] <= 1000000" }`.replace("{b:string}", "null"),
    JSON.stringify({ a: Array.from({ length: 100_000 }, (_, i) => (i % 2 ? `${i}` : i)) }),
  ),
];
