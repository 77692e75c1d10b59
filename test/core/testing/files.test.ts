/** Which test files belong to which script. */
import { afterAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { discoverScripts } from "../../../core/script/source.ts";
import { ScriptData } from "../../../core/testing/data.ts";
import { strayTests, testFilesOf } from "../../../core/testing/files.ts";

const root = await realpath(await mkdtemp(join(tmpdir(), "aiwebengine-tests-")));
afterAll(() => rm(root, { recursive: true, force: true }));

async function put(path: string, text = ""): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

test("a file belongs to the script whose name it begins with, and below a folder to the folder's", async () => {
  for (const path of [
    "hello.ts",
    "hello.test.ts",
    "hello.errors.test.tsx",
    "hello-world.ts",
    "ghost.test.ts",
    "shop/index.ts",
    "shop/cart.test.ts",
    "shop/deep/er.test.js",
    "shop/node_modules/x/x.test.js",
    "shop/.hidden/x.test.ts",
    "shop/.x.test.ts",
  ])
    await put(path);
  await symlink(join(root, "shop"), join(root, "shop/loop"));
  const { scripts } = await discoverScripts(root);
  const files = Object.fromEntries(scripts.map((source) => [source.name, testFilesOf(source)]));
  expect(files).toEqual({
    hello: ["hello.errors.test.tsx", "hello.test.ts"],
    "hello-world": [],
    shop: ["shop/cart.test.ts", "shop/deep/er.test.js"],
  });
  expect(strayTests(root, scripts)).toEqual(["ghost.test.ts"]);
});

test("data is as it was when it was saved: what came is gone, what went is back", async () => {
  let released = 0;
  const data = new ScriptData(root, "hello", () => released++);
  const file = join(root, "scripts/hello/kv/data");
  const empty = data.save();
  expect(empty).toBeNull();
  await put("scripts/hello/kv/data", "one");
  const one = data.save();
  await put("scripts/hello/kv/data", "two");
  await put("scripts/hello/more", "more");
  data.restore(one);
  expect(await Bun.file(file).text()).toBe("one");
  expect(await Bun.file(join(root, "scripts/hello/more")).exists()).toBe(false);
  data.restore(empty);
  expect(await Bun.file(file).exists()).toBe(false);
  data.restore(one);
  expect(await Bun.file(file).text()).toBe("one");
  data.forget(one);
  expect(released).toBe(4);
});
