/** The rules of docs/architecture.md about imports, held over the whole tree; and proof that they see what they must. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { violations, type Tree } from "./architecture.ts";
import { linesOfCode, outgrown, sizesOf } from "./rooms.ts";

const ROOT = join(import.meta.dir, "..");

function sources(): Tree {
  const files = ["core", "plugins", "sdk", "scripts"].flatMap((folder) => [
    ...new Bun.Glob(`${folder}/**/*.{ts,tsx}`).scanSync({ cwd: ROOT }),
  ]);
  return new Map(files.map((path) => [path, readFileSync(join(ROOT, path), "utf8")]));
}

test("every import of core, plugins, sdk and scripts is one that may be", () => {
  const tree = sources();
  expect(tree.size).toBeGreaterThan(150);
  expect(violations(tree)).toEqual([]);
});

const planted: readonly (readonly [what: string, files: Record<string, string>, found: RegExp])[] = [
  ["the SDK importing core, even types", { "sdk/x.ts": `import type { A } from "../core/log.ts";` }, /doorway/],
  ["the SDK using a package", { "sdk/x.ts": `import { type } from "arktype";\ntype({});` }, /no package/],
  ["a plugin importing core", { "plugins/x.ts": `import { a } from "../core/log.ts";\na();` }, /neither core/],
  ["a plugin importing another", { "plugins/x/index.ts": `export { a } from "../y.ts";` }, /another plugin/],
  ["a script importing core", { "scripts/x.ts": `import { a } from "../core/log.ts";\na();` }, /a script knows/],
  ["a script importing what tests import", { "scripts/x.ts": `import "@aiwebengine/sdk/testing";` }, /a script knows/],
  [
    "a test importing another script",
    { "scripts/x.test.ts": `import "./y.ts";`, "scripts/y.ts": "" },
    /a script knows/,
  ],
  ["the host of tests importing core", { "core/isolate/testing/x.ts": `import "../wire.ts";` }, /types only/],
  ["a script importing the host", { "scripts/x.ts": `import fs from "node:fs";\nfs.a();` }, /a script knows/],
  ["core importing a plugin", { "core/x.ts": `import "../plugins/y.ts";` }, /only door/],
  ["core importing a test", { "core/x.ts": `import "../test/y.ts";` }, /do not need/],
  ["elysia elsewhere", { "core/http/x.ts": `import { Elysia } from "elysia";\nnew Elysia();` }, /elysia is for/],
  ["tsyringe elsewhere", { "core/x.ts": `import { container } from "tsyringe";\ncontainer.a();` }, /tsyringe is for/],
  ["a second context", { "core/script/x.ts": `import vm from "node:vm";\nvm.a();` }, /node:vm is for/],
  ["a lazy second context", { "core/script/x.ts": `await import("node:vm");` }, /node:vm is for/],
  ["a plugin loading streams at once", { "plugins/x.ts": `import { gzip } from "node:zlib";\ngzip();` }, /megabyte/],
  [
    "the realm importing Node",
    { "core/isolate/realm/x.ts": `import { a } from "node:path";\na();` },
    /nothing of the host/,
  ],
  ["the realm importing Bun", { "core/isolate/realm/x.ts": `import { a } from "bun";\na();` }, /nothing of the host/],
  [
    "the realm importing core",
    { "core/isolate/realm/x.ts": `import { a } from "../wire.ts";\na();` },
    /frames and types only/,
  ],
  [
    "the engine running a part of the realm",
    { "core/config/x.ts": `import { a } from "../isolate/realm/lockdown.ts";\na();` },
    /pure function of data/,
  ],
  [
    "arktype in the engine, two files away",
    {
      "core/cli/start.ts": `import "../x.ts";`,
      "core/x.ts": `await import("./isolate/build/y.ts");`,
      "core/isolate/build/y.ts": `import { type } from "arktype";\ntype({});`,
    },
    /core\/cli\/start\.ts → core\/x\.ts → core\/isolate\/build\/y\.ts → arktype/,
  ],
  [
    "a cycle",
    { "core/a.ts": `import "./b.ts";`, "core/b.ts": `export * from "./c.ts";`, "core/c.ts": `require("./a.ts");` },
    /cycle/,
  ],
];

test.each(planted)("%s is found", (_what, files, found) => {
  const answers = violations(new Map(Object.entries(files)));
  expect(answers).toHaveLength(1);
  expect(answers[0]).toMatch(found);
});

test("what may be is not found", () => {
  const tree = {
    "sdk/script.ts": `export const a = 1;`,
    "sdk/x.ts": `import type { type } from "arktype";\nexport * from "./script.ts";`,
    "plugins/y/index.ts": `import { a } from "@aiwebengine/sdk";\nimport "./part.ts";\nimport x from "some-library";\nx(a);`,
    "plugins/late.ts": `const { gzip } = await import("node:zlib");\ngzip();`,
    "scripts/z/index.ts": `import { a } from "@aiwebengine/sdk";\nimport "./part.ts";\na();`,
    "scripts/x.ts": "",
    "scripts/x.test.ts": `import { test } from "@aiwebengine/sdk/testing";\nimport "./x.ts";\ntest();`,
    "core/isolate/testing/x.ts": `import "../../../sdk/testing.ts";\nimport type { A } from "../../log.ts";\nexport type B = A;`,
    "core/isolate/realm/x.ts": `import { F } from "../frames.ts";\nimport type { Json } from "../../script/types.ts";\nF();`,
    "core/config/x.ts": `import { a } from "../isolate/realm/validate.ts";\na();`,
    "core/a.ts": `import type { B } from "./b.ts";\nexport type A = B;`,
    "core/b.ts": `import type { A } from "./a.ts";\nexport type B = A;`,
  };
  expect(violations(new Map(Object.entries(tree)))).toEqual([]);
});

/**
 * The most lines of code that each room of core may have: docs/decisions/0009-size-of-core.md says what they count and why
 * they only go down. Who raises one says why in the commit.
 */
const CEILINGS = {
  core: 1045,
  "core/build": 130,
  "core/cli": 3760,
  "core/config": 2140,
  "core/fetch": 850,
  "core/http": 1330,
  "core/isolate": 1300,
  "core/isolate/build": 1720,
  "core/isolate/jail": 900,
  "core/isolate/realm": 7750,
  "core/isolate/testing": 490,
  "core/log": 1210,
  "core/plugin": 2050,
  "core/pool": 2820,
  "core/process": 255,
  "core/script": 2290,
  "core/testing": 1090,
};

test("no room of core outgrows its ceiling", () => {
  expect(outgrown(sizesOf(sources()), CEILINGS)).toEqual([]);
});

test("a room that grows, is new, shrinks far or goes is found; comments and blank lines do not count", () => {
  const sizes = sizesOf(
    new Map([
      ["core/a.ts", "/** Says what. */\n\nconst a = 1;\n// why\nconst b = 2;\n"],
      ["core/log/deep/x.ts", "x();\n".repeat(11)],
      ["core/isolate/jail/x.ts", "x();\n"],
      ["plugins/x.ts", "x();\n"],
    ]),
  );
  expect(Object.fromEntries(sizes)).toEqual({ core: 2, "core/log": 11, "core/isolate/jail": 1 });
  expect(outgrown(sizes, { core: 2, "core/log": 10, "core/http": 5, "core/isolate/jail": 3 })).toEqual([
    expect.stringContaining("core/log has 11 lines, and its ceiling is 10"),
    expect.stringContaining("core/isolate/jail has 1 lines: lower"),
    expect.stringContaining("core/http is gone"),
  ]);
  expect(outgrown(new Map([["core/new", 1]]), {})).toEqual([expect.stringContaining("no ceiling")]);
  expect(linesOfCode("/*\n * const a = 1;\n */\ncall(/* inline */);\nconst glob = '/*';\nend();")).toBe(3);
});
