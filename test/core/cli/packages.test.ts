/** A script's folder as the home of its packages. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureManifest, packagesOf, toFolder } from "../../../core/cli/packages/home.ts";
import { checkSpec } from "../../../core/cli/packages/install.ts";
import type { ScriptSource } from "../../../core/script/source.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "awe-packages-")));
afterAll(() => rmSync(root, { recursive: true }));

function folder(name: string): ScriptSource {
  mkdirSync(join(root, name));
  return { name, dir: root, root: join(root, name), entry: join(root, name, "index.ts"), kind: "folder" };
}

test("a single file becomes a folder with its test, and its imports from _shared/ follow", () => {
  writeFileSync(join(root, "one.tsx"), "import { a } from \"./_shared/a.ts\";\nimport b from './_shared/b.json';\n");
  writeFileSync(join(root, "one.test.tsx"), 'import { a } from "./_shared/a.ts";\n');
  const { source, moved } = toFolder({ name: "one", dir: root, root, entry: join(root, "one.tsx"), kind: "file" });
  expect(source).toEqual({
    name: "one",
    dir: root,
    root: join(root, "one"),
    entry: join(root, "one/index.tsx"),
    kind: "folder",
  });
  expect(moved).toEqual(["one.test.tsx → one/one.test.tsx", "one.tsx → one/index.tsx"]);
  expect(readFileSync(source.entry, "utf8")).toBe(
    "import { a } from \"../_shared/a.ts\";\nimport b from '../_shared/b.json';\n",
  );
  expect(readFileSync(join(root, "one/one.test.tsx"), "utf8")).toContain('"../_shared/a.ts"');
  expect(existsSync(join(root, "one.tsx"))).toBe(false);
});

describe("package.json", () => {
  test("is made when the script has none, and stays when it has", () => {
    const source = folder("two");
    ensureManifest(source);
    const made = readFileSync(join(source.root, "package.json"), "utf8");
    expect(JSON.parse(made)).toEqual({ name: "two", private: true, type: "module", dependencies: {} });
    ensureManifest(source);
    expect(readFileSync(join(source.root, "package.json"), "utf8")).toBe(made);
  });

  test("names the packages; what is not installed has no version", () => {
    const source = folder("three");
    expect(packagesOf(source)).toEqual([]);
    writeFileSync(join(source.root, "package.json"), '{"dependencies":{"b":"^1","@a/c":"2"}}');
    mkdirSync(join(source.root, "node_modules/b"), { recursive: true });
    writeFileSync(join(source.root, "node_modules/b/package.json"), '{"version":"1.4.0"}');
    expect(packagesOf(source)).toEqual([
      { name: "@a/c", wanted: "2", installed: undefined },
      { name: "b", wanted: "^1", installed: "1.4.0" },
    ]);
  });

  test("that is no JSON is named", () => {
    const source = folder("four");
    writeFileSync(join(source.root, "package.json"), "{");
    expect(() => packagesOf(source)).toThrow(/package\.json is not JSON/);
  });
});

test("a path is made absolute, a name stays, and a flag is refused", () => {
  expect(checkSpec("zod@3", root, "add")).toBe("zod@3");
  expect(checkSpec("@a/b", root, "add")).toBe("@a/b");
  expect(checkSpec("./x", root, "add")).toBe(join(root, "x"));
  expect(checkSpec("file:../x.tgz", root, "add")).toBe(join(root, "../x.tgz"));
  expect(checkSpec("gone.tgz", root, "add")).toBe("gone.tgz");
  for (const bad of ["--trust", "-g", ""]) expect(() => checkSpec(bad, root, "add")).toThrow("is no package");
});
