/** Which files are scripts, and when the engine hears that they changed. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { discoverScripts, watchScripts, type Discovered } from "../../../core/script/source.ts";
import { asNobody, canBeNobody } from "../../e2e/nobody.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "awe-source-")));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(...files: string[]): string {
  const dir = join(mkdtempSync(join(root, "p-")), "scripts");
  mkdirSync(dir);
  for (const file of files) write(dir, file);
  return dir;
}
function write(dir: string, file: string, text = ""): void {
  mkdirSync(dirname(join(dir, file)), { recursive: true });
  writeFileSync(join(dir, file), text);
}

describe("discoverScripts", () => {
  test("files and folders are scripts; what the rules leave out is not", async () => {
    const dir = folder(
      "hello.ts",
      "page.tsx",
      "old.js",
      "older.jsx",
      "shop/index.ts",
      "shop/cart.ts",
      "data/index.js",
      "_shared/index.ts",
      "_draft.ts",
      ".hidden.ts",
      "types.d.ts",
      "hello.test.ts",
      "node_modules/x/index.js",
      "readme.md",
      "empty/readme.md",
      "module.mjs",
    );
    const { scripts, problems } = await discoverScripts(dir);
    expect(problems).toEqual([]);
    expect(scripts).toEqual([
      { name: "data", dir, entry: join(dir, "data/index.js"), root: join(dir, "data"), kind: "folder" },
      { name: "hello", dir, entry: join(dir, "hello.ts"), root: dir, kind: "file" },
      { name: "old", dir, entry: join(dir, "old.js"), root: dir, kind: "file" },
      { name: "older", dir, entry: join(dir, "older.jsx"), root: dir, kind: "file" },
      { name: "page", dir, entry: join(dir, "page.tsx"), root: dir, kind: "file" },
      { name: "shop", dir, entry: join(dir, "shop/index.ts"), root: join(dir, "shop"), kind: "folder" },
    ]);
  });

  test("a folder that does not exist has no scripts", async () => {
    expect(await discoverScripts(join(root, "nowhere"))).toEqual({ scripts: [], disputed: new Set(), problems: [] });
  });

  test("two scripts of one name are refused, and both are named", async () => {
    const { scripts, disputed, problems } = await discoverScripts(
      folder("a.ts", "a/index.ts", "b.ts", "b.js", "c/index.ts", "c/index.js", "d.ts"),
    );
    expect(scripts.map((script) => script.name)).toEqual(["d"]);
    expect([...disputed].toSorted()).toEqual(["a", "b", "c"]);
    expect(problems.map((problem) => problem.message).toSorted()).toEqual([
      'a.ts and a/index.ts are both the script "a"',
      'b.js and b.ts are both the script "b"',
      "the folder has index.js and index.ts",
    ]);
  });

  test("a name that cannot be a path is refused with the rule", async () => {
    const { scripts, problems } = await discoverScripts(
      folder("Shop.ts", "a b.ts", "-x.ts", "über/index.ts", "a.b.ts"),
    );
    expect(scripts).toEqual([]);
    expect(problems).toHaveLength(5);
    for (const problem of problems) expect(problem.hint).toContain("lower-case letters");
  });

  test("links that leave the folder are refused; links inside it, and a folder that is itself a link, work", async () => {
    const dir = folder("real.ts", "shop/index.ts");
    symlinkSync("/etc/passwd", join(dir, "evil.js"));
    symlinkSync(join(dir, "shop"), join(dir, "copy"));
    mkdirSync(join(dir, "trap"));
    symlinkSync("/etc/passwd", join(dir, "trap/index.js"));
    symlinkSync("real.ts", join(dir, "alias.ts"));
    symlinkSync("nothing.ts", join(dir, "dangling.ts"));
    symlinkSync("loop.ts", join(dir, "loop.ts"));
    const link = join(dirname(dir), "linked");
    symlinkSync(dir, link);
    const { scripts, problems } = await discoverScripts(link);
    expect(scripts.map(({ name, entry }) => [name, entry])).toEqual([
      ["alias", join(dir, "real.ts")],
      ["real", join(dir, "real.ts")],
      ["shop", join(dir, "shop/index.ts")],
    ]);
    expect(problems.map(({ code, file }) => `${code} ${file}`).toSorted()).toEqual([
      "import_refused copy/index.ts",
      "import_refused evil.js",
      "import_refused trap/index.js",
    ]);
  });

  test.skipIf(!canBeNobody)("a folder that may not be read does not matter to the others", () => {
    const dir = folder("a.ts", "shut/index.ts");
    for (const path of [root, dirname(dir), dir]) chmodSync(path, 0o755);
    chmodSync(join(dir, "shut"), 0);
    const module = JSON.stringify(join(import.meta.dir, "../../../core/script/source.ts"));
    const code = `const found = await (await import(${module})).discoverScripts(${JSON.stringify(dir)});
      console.log(JSON.stringify({ ...found, disputed: [...found.disputed] }));`;
    const { stdout } = Bun.spawnSync([...asNobody(), process.execPath, "-e", code], { cwd: "/" });
    const { scripts, disputed, problems } = JSON.parse(String(stdout)) as Omit<Discovered, "disputed"> & {
      disputed: string[];
    };
    expect([scripts.map(({ name }) => name), disputed]).toEqual([["a"], ["shut"]]);
    expect(problems).toMatchObject([{ file: "shut", message: expect.stringContaining("EACCES") }]);
  });

  test("1,000 scripts are found", async () => {
    const dir = folder(...Array.from({ length: 500 }, (_, index) => [`f${index}.ts`, `d${index}/index.ts`]).flat());
    expect((await discoverScripts(dir)).scripts).toHaveLength(1000);
  });
});

/** A watcher whose batches can be awaited: `until` resolves with all paths since the last call. */
function observe(dir: string) {
  const batches: string[][] = [];
  let wake = (): void => {};
  const watcher = watchScripts(
    dir,
    (paths) => {
      batches.push([...paths].toSorted());
      wake();
    },
    (error) => {
      throw error;
    },
  );
  return {
    batches,
    close: () => watcher.close(),
    async until(wanted: (batches: readonly string[][]) => boolean): Promise<void> {
      while (!wanted(batches)) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    },
  };
}
const has = (path: string) => (batches: readonly string[][]) => batches.some((batch) => batch.includes(path));
const anything = (batches: readonly string[][]) => batches.some((batch) => batch.length === 0);

describe("watchScripts", () => {
  test("says that nothing is watched, instead of failing", () => {
    const errors: Error[] = [];
    const nowhere = join(root, "nowhere/scripts");
    watchScripts(
      nowhere,
      () => {},
      (error) => errors.push(error),
    ).close();
    expect(errors.map((error) => error.message)).toEqual([`cannot watch ${nowhere} for changes`]);
  });

  test("a burst of writes, and a save by rename, are each one change", async () => {
    const dir = folder("a.ts");
    const seen = observe(dir);
    for (let index = 0; index < 5; index++) write(dir, "a.ts", String(index));
    await seen.until(has("a.ts"));
    expect(seen.batches).toEqual([["a.ts"]]);
    write(dir, ".a.ts.tmp");
    renameSync(join(dir, ".a.ts.tmp"), join(dir, "a.ts"));
    await seen.until((batches) => batches.length === 2);
    expect(seen.batches[1]).toEqual(["a.ts"]);
    seen.close();
  });

  test("new folders, files in them, and removals are seen", async () => {
    const dir = folder();
    const seen = observe(dir);
    write(dir, "shop/index.ts");
    await seen.until(has("shop"));
    write(dir, "shop/lib/deep/x.ts");
    await seen.until(has("shop/lib"));
    write(dir, "shop/lib/deep/x.ts", "again");
    await seen.until(has("shop/lib/deep/x.ts"));
    rmSync(join(dir, "shop"), { recursive: true });
    await seen.until((batches) => batches.at(-1)?.includes("shop") === true);
    seen.close();
  });

  test("packages are one change, the engine's own types and scratch files are none", async () => {
    const dir = folder("shop/index.ts", "node_modules/x/index.js", ".aiwebengine/sdk.d.ts");
    mkdirSync(join(dir, "shop/node_modules"));
    const seen = observe(dir);
    write(dir, ".aiwebengine/sdk.d.ts", "x");
    write(dir, "hello.ts~");
    for (let index = 0; index < 20; index++) write(dir, `shop/node_modules/p${index}/index.js`);
    await seen.until(has(join("shop", "node_modules")));
    expect(new Set(seen.batches.flat())).toEqual(new Set([join("shop", "node_modules")]));
    seen.close();
  });

  test("a folder that is missing at first, swapped by a rename, or removed and made again goes on being watched", async () => {
    const dir = folder();
    const parent = dirname(dir);
    rmSync(dir, { recursive: true });
    const seen = observe(dir);
    mkdirSync(dir);
    await seen.until(anything);
    mkdirSync(join(parent, "next"));
    seen.batches.length = 0;
    renameSync(dir, join(parent, "old"));
    renameSync(join(parent, "next"), dir);
    await seen.until(anything);
    write(dir, "after-swap.ts");
    await seen.until(has("after-swap.ts"));
    seen.batches.length = 0;
    rmSync(dir, { recursive: true });
    await seen.until(anything);
    mkdirSync(dir);
    await seen.until((batches) => batches.filter((batch) => batch.length === 0).length >= 2);
    write(dir, "after-return.ts");
    await seen.until(has("after-return.ts"));
    seen.close();
  });
});
