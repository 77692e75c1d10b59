/** The memory for small files: capped, shared by those who ask at once, and never of an earlier version. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { look, type AssetFile } from "../../../plugins/assets/file.ts";
import { Store } from "../../../plugins/assets/store.ts";

let root: string;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "assets-")));
});
afterAll(() => rmSync(root, { recursive: true }));

function file(name: string, content: string): AssetFile {
  writeFileSync(join(root, name), content);
  const found = look(root, [name]);
  if (found === null || found === "folder") throw new Error(`${name} is not there`);
  return found;
}

test("what is longest unused goes first, and the cap holds in bytes", async () => {
  const store = new Store(10_000);
  const files = Array.from({ length: 20 }, (_, i) => file(`${i}.css`, `${i}`.repeat(1000)));
  for (const one of files) {
    expect((await store.plain(one))?.bytes).toHaveLength(one.size);
    await store.plain(files[0] as AssetFile);
    expect(store.size).toBeLessThanOrEqual(10_000);
  }
  expect(store.size).toBeGreaterThan(5_000);
});

test("those who ask at once get one answer, and a failure is not remembered", async () => {
  const store = new Store(1 << 20);
  const css = file("same.css", "a".repeat(5000));
  const asked = [store.compressed(css, "br"), store.compressed(css, "br")];
  const [first, second] = await Promise.all(asked);
  expect(first?.bytes).toBe(second?.bytes as Uint8Array<ArrayBuffer>);
  rmSync(join(root, "same.css"));
  const gone = { ...css, stamp: "another" };
  expect(await store.plain(gone)).toBeUndefined();
  writeFileSync(join(root, "same.css"), "b");
  const back = look(root, ["same.css"]) as AssetFile;
  expect((await store.plain(back))?.bytes).toEqual(new Uint8Array([98]));
});

test("a file that changed since it was looked at is not read", async () => {
  const store = new Store(1 << 20);
  const before = file("swap.css", "before");
  writeFileSync(join(root, "swap.css"), "after it");
  expect(await store.plain(before)).toBeUndefined();
});

test("what compressing does not make smaller is not compressed, nor what is tiny or large", async () => {
  const store = new Store(4 << 20);
  const noise = Array.from(crypto.getRandomValues(new Uint8Array(3000)), (byte) => String.fromCharCode(byte)).join("");
  writeFileSync(join(root, "noise.css"), noise, "latin1");
  expect(await store.compressed(look(root, ["noise.css"]) as AssetFile, "gzip")).toBeNull();
  expect(await store.compressed(file("tiny.css", "a"), "gzip")).toBeNull();
  expect(await store.compressed(file("large.css", "a".repeat((1 << 20) + 1)), "gzip")).toBeNull();
});
